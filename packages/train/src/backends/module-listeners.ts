import type { EventEmitter } from "node:events";

const EVENTS = ["uncaughtException", "unhandledRejection"] as const;

/**
 * What every module that Emscripten makes for Node listens with, without blanks and semicolons. Both only throw on, but
 * Node then ends with exit code 7 instead of 1, and eleven modules are a warning about a leak.
 */
const LISTENERS: ReadonlySet<string> = new Set([
  "function(ex){if(!(exinstanceofExitStatus)){throwex}}",
  "function(reason){throwreason}",
]);

/**
 * Runs `start`, which starts a module of Emscripten, and takes the listeners off that the module has left on `emitter`.
 * Listeners of others stay. (The module's own way to remove them, `_dispose`, removes everybody's.)
 */
export async function withoutModuleListeners<T>(emitter: EventEmitter, start: () => Promise<T>): Promise<T> {
  const before = EVENTS.map((event) => new Set(emitter.listeners(event)));
  try {
    return await start();
  } finally {
    for (const [index, event] of EVENTS.entries()) {
      for (const listener of emitter.listeners(event)) {
        const isModules = LISTENERS.has(String(listener).replaceAll(/[\s;]/gu, ""));
        if (isModules && before[index]?.has(listener) === false)
          emitter.off(event, listener as Parameters<EventEmitter["off"]>[1]);
      }
    }
  }
}
