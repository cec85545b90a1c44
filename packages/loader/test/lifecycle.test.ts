import { isMillraceError } from "@millrace/formats";
import { openLoader, resize, sequential, userTransform, type Batch, type Loader } from "@millrace/loader";
import { tempDir } from "@millrace/testkit";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { linesOf, samplesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";
import { transformOf } from "./make-transform.js";
import { runChild } from "./run-child.js";

const codeOf = (error: unknown): unknown => (isMillraceError(error) ? error.code : error);
const failureOf = async (batches: AsyncIterable<Batch>): Promise<unknown> =>
  await linesOf(batches).then(
    () => "no failure",
    (error: unknown) => error,
  );

describe("the process", () => {
  it("exits by itself and has no thread left over, whether loops end, break or throw, and nobody calls close", async () => {
    const { path } = await makeDataset({ samples: 40 });
    const program = `
      import { openLoader } from "@millrace/loader";
      import { readdirSync } from "node:fs";
      import { readFile } from "node:fs/promises";
      const path = process.argv[1];
      const threads = () => process.platform === "linux" ? readdirSync("/proc/self/task").length : 0;
      await Promise.all(Array.from({ length: 16 }, () => readFile(path + "/dataset.json")));
      const open = () => openLoader(path, { batchSize: 4, numWorkers: 1 });
      const before = threads();
      const counts = [];
      const broken = await open();
      for await (const batch of broken) break;
      counts.push(threads() - before);
      const thrown = await open();
      try { for await (const batch of thrown) throw new Error("mine"); } catch (error) { counts.push(error.message); }
      counts.push(threads() - before);
      const aborted = new AbortController();
      const signalled = await openLoader(path, { batchSize: 4, numWorkers: 1, signal: aborted.signal });
      try { for await (const batch of signalled) aborted.abort(new Error("enough")); } catch (error) { counts.push(error.message); }
      counts.push(threads() - before);
      let batches = 0;
      for await (const batch of broken) batches++;
      counts.push(batches);
      await open();
      console.log(JSON.stringify(counts));`;
    const end = await runChild(program, path);
    expect(end).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(end.stdout)).toEqual([0, "mine", 0, "enough", 0, 9]);
  });

  it("exits with the error where a transform ends its thread, nobody hangs", async () => {
    const { path } = await makeDataset({ samples: 40 });
    const { module } = transformOf("if (context.sample === 11) process.exit(7);");
    const program = `
      import { openLoader, userTransform } from "@millrace/loader";
      const [path, module] = process.argv.slice(1);
      const loader = await openLoader(path, { batchSize: 4, numWorkers: 2, transforms: [userTransform({ module })] });
      try {
        for await (const batch of loader) continue;
      } catch (error) {
        console.log(error.name, error.message);
        process.exitCode = error.exitCode;
      }`;
    const end = await runChild(program, path, module);
    expect(end.code).toBe(4);
    expect(end.stdout).toMatch(
      /^WorkerError \S+shard-00000.arrow, sample 11, key k\/11: worker [01] exited with code 7 at sample number 11; look for/u,
    );
  });
});

describe("close", () => {
  it("ends a loop that waits, and the loader is closed for good", async () => {
    const { path } = await makeDataset({ samples: 40 });
    const loader = await openLoader(path, { batchSize: 4, numWorkers: 1, inject: { fetchMs: 200 } });
    const iterator = loader[Symbol.asyncIterator]();
    const pending = iterator.next();
    pending.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await loader.close();
    await loader.close();
    await expect(pending).rejects.toThrow(/the loader is closed/u);
    expect(codeOf(await failureOf(loader))).toBe("CLOSED");
    expect(loader.state()).toMatchObject({ epoch: 0, position: 0 });
  });

  it("comes at the end of await using", async () => {
    const { path } = await makeDataset({ samples: 4 });
    let kept;
    {
      await using loader = await openLoader(path, { numWorkers: 0 });
      await samplesOf(loader);
      kept = loader;
    }
    expect(codeOf(await failureOf(kept))).toBe("CLOSED");
  });
});

describe("a signal", () => {
  it("that was aborted opens nothing", async () => {
    const { path } = await makeDataset({ samples: 4 });
    const reason = new Error("too late");
    await expect(openLoader(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("that aborts while the dataset is being opened is obeyed", async () => {
    const { path } = await makeDataset({ samples: 4 });
    const controller = new AbortController();
    const reason = new Error("too late");
    const opening = openLoader(path, { signal: controller.signal });
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });

  it.each([0, 1])(
    "ends a loop that waits with its reason, with %i workers, and every later one",
    async (numWorkers) => {
      const { path } = await makeDataset({ samples: 400 });
      const controller = new AbortController();
      const reason = new Error("enough");
      const loader = await openLoader(path, { numWorkers, signal: controller.signal, inject: { fetchMs: 10 } });
      setTimeout(() => controller.abort(reason), 30);
      expect(await failureOf(loader)).toBe(reason);
      expect(await failureOf(loader)).toBe(reason);
    },
  );

  it("reaches a consumer that never waits", async () => {
    const { path } = await makeDataset({ samples: 16 });
    const controller = new AbortController();
    await using loader = await openLoader(path, { numWorkers: 0, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 50);
    const forever = async (): Promise<void> => {
      for (;;) await samplesOf(loader);
    };
    await expect(forever()).rejects.toThrow("enough");
  });
});

describe("a second loop", () => {
  it("ends the first, which says so", async () => {
    const { path } = await makeDataset({ samples: 40 });
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 1 });
    const first = loader[Symbol.asyncIterator]();
    await first.next();
    expect(await samplesOf(loader)).toHaveLength(36);
    await expect(first.next()).rejects.toThrow(/another loop over the loader has begun/u);
  });
});

describe("back-pressure", () => {
  it("is the ring being full: workers make prefetchDepth batches ahead of the consumer, of the next epoch too, and no more", async () => {
    const { path } = await makeDataset({ samples: 64, samplesPerShard: 64 });
    const made = new SharedArrayBuffer(4);
    const transform = transformOf("Atomics.add(new Int32Array(context.options), 0, 1);", made);
    await using loader = await openLoader(path, {
      batchSize: 4,
      numWorkers: 2,
      prefetchDepth: 3,
      transforms: [transform],
    });
    const count = new Int32Array(made);
    let taken = 0;
    for await (const batch of loader) {
      taken += batch.size;
      const most = taken + 3 * 4;
      for (let wait = 0; wait < 200 && Atomics.load(count, 0) < most; wait++)
        await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(Atomics.load(count, 0)).toBe(most);
    }
    expect(taken).toBe(64);
  });
});

describe("the next epoch", () => {
  it.each([
    ["longer than the ring", 40, 3],
    ["shorter than the ring", 8, 6],
  ])("is begun early, which no batch shows: epochs %s", async (_, samples, prefetchDepth) => {
    const { path } = await makeDataset({ samples });
    const open = (numWorkers: number): Promise<Loader> =>
      openLoader(path, { batchSize: 4, numWorkers, prefetchDepth, transforms: [transformOf("")] });
    await using ahead = await open(2);
    await using inline = await open(0);
    for (let epoch = 0; epoch < 4; epoch++) {
      expect(await linesOf(ahead)).toEqual(await linesOf(inline));
      expect(ahead.state()).toEqual(inline.state());
    }
    expect(await linesOf(ahead.epoch(9))).toEqual(await linesOf(inline.epoch(9)));
    expect(await linesOf(ahead)).toEqual(await linesOf(inline));
  });

  it("is begun anew where a bad sample moves the last batches of this one", async () => {
    const { path } = await makeDataset({ samples: 40 });
    const transforms = [transformOf("if (context.sample % 13 === 7) throw new Error('bad');")];
    const open = (numWorkers: number): Promise<Loader> =>
      openLoader(path, { batchSize: 4, numWorkers, transforms, onBadSample: "skip" });
    await using ahead = await open(2);
    await using inline = await open(0);
    for (let epoch = 0; epoch < 3; epoch++) expect(await linesOf(ahead)).toEqual(await linesOf(inline));
    expect(ahead.skipped.map(({ sample, epoch }) => [epoch, sample])).toEqual(
      inline.skipped.map(({ sample, epoch }) => [epoch, sample]),
    );
    expect(ahead.skipped).toHaveLength(9);
  });
});

describe("a worker", () => {
  it.each([
    ["exits", "process.exit(3)"],
    ["hangs", "for (;;);"],
  ])("that %s once is replaced, and its work is done again: every batch is as it should be", async (_, harm) => {
    const { path } = await makeDataset({ samples: 60 });
    const done = new SharedArrayBuffer(4);
    const once = `if (context.sample % 16 === 5 && Atomics.add(new Int32Array(context.options), 0, 1) === 0) ${harm}`;
    const open = (numWorkers: number, source: string): Promise<Loader> =>
      openLoader(path, { batchSize: 8, numWorkers, transforms: [transformOf(source, done)], workerTimeoutMs: 2000 });
    await using wounded = await open(2, once);
    await using whole = await open(0, "");
    expect(await linesOf(wounded)).toEqual(await linesOf(whole));
    expect(new Int32Array(done)[0]).toBeGreaterThan(1);
    expect(await linesOf(wounded)).toEqual(await linesOf(whole));
  });

  it("that dies of a sample twice makes it a bad sample, which is left out or ends the loop, as the policy says", async () => {
    const { path } = await makeDataset({ samples: 40 });
    const transforms = [transformOf("if (context.sample === 11 || context.sample === 12) process.exit(7);")];
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 2, transforms, onBadSample: "skip" });
    const samples = await samplesOf(loader);
    expect(samples.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, sample) => sample).filter((sample) => sample !== 11 && sample !== 12),
    );
    expect(loader.skipped.map(({ sample }) => sample).toSorted((a, b) => a - b)).toEqual([11, 12]);
    expect(String(loader.skipped[0]?.error)).toMatch(/worker [01] exited with code 7 at sample number 1[12]/u);
  });

  it("that dies of samples between others that it has claimed costs these only, and a damaged one is told once", async () => {
    const { path } = await makeDataset({ samples: 50, samplesPerShard: 50 });
    const harm =
      "if ([5, 9].includes(context.sample)) process.exit(7); if (context.sample === 7) throw new Error('no');";
    const options = { batchSize: 50, numWorkers: 1, order: sequential(), transforms: [transformOf(harm)] };
    await using loader = await openLoader(path, { ...options, onBadSample: "skip" });
    const expected = Array.from({ length: 50 }, (_, sample) => sample).filter((sample) => ![5, 7, 9].includes(sample));
    expect(await samplesOf(loader)).toEqual(expected);
    expect(loader.skipped.map(({ sample }) => sample)).toEqual([5, 7, 9]);
    expect(loader.stats().deadWorkers).toBe(4);
  });

  it("that dies after several images were decoded at a time is blamed for the one that it was at, and no other", async () => {
    const { path } = await makeDataset({ samples: 12, mode: "png" });
    const transforms = [resize(4), transformOf("if (context.sample === 1) process.exit(7);")];
    const options = { batchSize: 12, numWorkers: 1, order: sequential(), transforms };
    await using loader = await openLoader(path, { ...options, onBadSample: "skip" });
    expect(await samplesOf(loader)).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(loader.skipped.map(({ sample }) => sample)).toEqual([1]);
    expect(loader.stats().deadWorkers).toBe(2);
  });

  it("that hangs is named, and its thread is ended", async () => {
    const { path } = await makeDataset({ samples: 12 });
    const transforms = [
      transformOf("while (context.sample === 5) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"),
    ];
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 1, transforms, workerTimeoutMs: 2000 });
    const error = await failureOf(loader);
    expect(codeOf(error)).toBe("WORKER");
    expect(String(error)).toMatch(
      /shard-00000.arrow, sample 5, key k\/5: worker 0 hangs at sample number 5; expected an end after 2000 ms/u,
    );
  });

  it("that is slow with many samples, and with none of them too slow, does not count as hung", async () => {
    const { path } = await makeDataset({ samples: 64 });
    const slow = { inject: { fetchMs: 40 }, workerTimeoutMs: 300 };
    await using loader = await openLoader(path, { batchSize: 64, numWorkers: 1, order: sequential(), ...slow });
    expect(await samplesOf(loader)).toHaveLength(64);
    expect(loader.stats().deadWorkers).toBe(0);
  });

  it.skipIf(process.platform === "win32")(
    "that is stuck in the system keeps nobody from leaving the loop, and its memory is not used again",
    async () => {
      const { path } = await makeDataset({ samples: 40 });
      const pipe = join(tempDir(), "pipe");
      execFileSync("mkfifo", [pipe]);
      const isStuck = new Int32Array(new SharedArrayBuffer(4));
      const harm = `if (context.sample === 9) {
        Atomics.store(context.options.isStuck, 0, 1);
        process.getBuiltinModule("fs").readFileSync(context.options.pipe);
      }`;
      const transforms = [transformOf(harm, { pipe, isStuck })];
      await using loader = await openLoader(path, { batchSize: 4, numWorkers: 1, order: sequential(), transforms });
      const loop = loader[Symbol.asyncIterator]();
      await loop.next();
      while (Atomics.load(isStuck, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await loop.return?.();
      const error = await failureOf(loader);
      expect(codeOf(error)).toBe("WORKER");
      expect(String(error)).toMatch(
        /a worker cannot be ended, and may still write to the memory of the loader; expected/u,
      );
      // Who writes to the pipe lets the thread go on to its end.
      writeFileSync(pipe, "");
    },
  );

  it.each([0, 1])("that cannot import a transform fails the loop, with %i workers", async (numWorkers) => {
    const { path } = await makeDataset({ samples: 12 });
    const transforms = [userTransform({ module: pathToFileURL(join(tempDir(), "none.mjs")) })];
    await using loader = await openLoader(path, { numWorkers, transforms });
    const error = await failureOf(loader);
    expect(codeOf(error)).toBe("OPTION");
    expect(String(error)).toMatch(/option transforms: userTransform: the module cannot be imported/u);
  });
});
