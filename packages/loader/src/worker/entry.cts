import type { WorkerResult, WorkerTask } from "./protocol.js" with { "resolution-mode": "import" };

/*
 * The pool takes the module of its task by `require`, and Node 20 aborts the process where a thread is ended while it
 * requires an ES module ("IsGraphAsync must be used on an instantiated module"). A dynamic import is no such trap, so
 * this CommonJS module stands between.
 */
const main = import("./main.js");
// Whoever runs a task learns of a failure; until then, it has to be nobody's.
main.catch(() => undefined);

/** The task of a worker thread. */
async function work(task: WorkerTask): Promise<WorkerResult> {
  return (await main).work(task);
}

const entry: { readonly work: typeof work } = { work };

export = entry;
