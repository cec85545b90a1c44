import type { Instance } from "./scene.js";
import { World } from "./world.js";

/** All that can become of an {@link Instance}. */
export interface Exploration {
  /** Different worlds. */
  readonly states: number;
  readonly moves: number;
  /** How it can end. */
  readonly endings: ReadonlySet<string>;
  /** What must not happen, and did. */
  readonly wrong: ReadonlySet<string>;
  /** Worlds from which no end can be reached, among them those in which nothing can happen. */
  readonly stuck: number;
  /** Worlds in which nothing but a deadline goes on. */
  readonly deadlines: number;
}

/** Visits every state that an instance can come to, once, by every move from each of them. */
export function explore(instance: Instance): Exploration {
  const world = new World(instance);
  try {
    return visitAll(world);
  } finally {
    world.remove();
  }
}

function visitAll(world: World): Exploration {
  const first = world.save();
  const numbers = new Map([[first, 0]]);
  const stack = [first];
  const endings = new Set<string>();
  const ends: number[] = [];
  // Of each move: where it comes from, where it leads, and the move before that leads there.
  const sources: number[] = [];
  const before: number[] = [];
  const latest: number[] = [-1];
  let deadlines = 0;
  for (let text = stack.pop(); text !== undefined; text = stack.pop()) {
    const from = numbers.get(text) as number;
    world.load(text);
    const { list, areDeadlines } = world.moves();
    if (areDeadlines) deadlines++;
    if (list.length === 0 && world.isOver) {
      ends.push(from);
      endings.add(world.ending);
    }
    for (const move of list) {
      world.load(text);
      move();
      const next = world.save();
      let to = numbers.get(next);
      if (to === undefined) {
        to = numbers.size;
        numbers.set(next, to);
        latest.push(-1);
        stack.push(next);
      }
      before.push(latest[to] as number);
      latest[to] = sources.push(from) - 1;
    }
  }
  const ending = new Uint8Array(numbers.size);
  const open = [...ends];
  for (const end of ends) ending[end] = 1;
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (let move = latest[state] as number; move !== -1; move = before[move] as number) {
      const source = sources[move] as number;
      if (ending[source] === 1) continue;
      ending[source] = 1;
      open.push(source);
    }
  }
  const stuck = ending.reduce((sum, reaches) => sum + 1 - reaches, 0);
  return { states: numbers.size, moves: sources.length, endings, wrong: world.wrong, stuck, deadlines };
}
