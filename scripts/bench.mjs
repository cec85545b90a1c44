/**
 * `npm run bench` lists the programs of `bench/`; `npm run bench -- formats --only gather` runs one with its flags. Each
 * prints ratios to named baselines of the same run.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./run-tool.mjs";

const FOLDER = join(ROOT, "bench");

/** The first sentence of a program's comment, without its own name. @param {string} file */
function summaryOf(file) {
  const text = readFileSync(join(FOLDER, file), "utf8");
  const comment = /^\/\*\*([\s\S]*?)\*\//u.exec(text)?.[1] ?? "";
  const words = comment
    .replaceAll(/\n \*\s?/gu, " ")
    .replaceAll(/\s+/gu, " ")
    .trim();
  return (words.split(/\.(?: |$)/u)[0] ?? "").replace(/^`[^`]*`(?:: )?/u, "").trim();
}

const [name, ...flags] = process.argv.slice(2);
if (name === undefined) {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".mjs"));
  for (const file of files) console.log(`${file.slice(0, -4).padEnd(12)} ${summaryOf(file)}`);
} else {
  const program = join(FOLDER, `${name}.mjs`);
  if (!existsSync(program)) {
    console.error(`there is no ${program}; npm run bench lists what there is`);
    process.exit(2);
  }
  process.exit(spawnSync(process.execPath, [program, ...flags], { stdio: "inherit" }).status ?? 1);
}
