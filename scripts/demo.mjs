/**
 * `npm run demo`: sets the repository up, then runs the demo of `examples/mnist`; arguments are passed on
 * (`npm run demo -- --format arrow`).
 */
import { run } from "./run-tool.mjs";
import { build, install } from "./set-up.mjs";

process.stdout.write("Installing dependencies\n");
let code = await install();
if (code === 0) {
  process.stdout.write("Compiling\n");
  code = await build(["packages/cli"]);
}
process.exitCode = code || (await run(process.execPath, ["examples/mnist/demo.mjs", ...process.argv.slice(2)]));
