import { createDecoder, DECODERS, type DecoderCandidate } from "@millrace/image";
import { tempDir } from "@millrace/testkit";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM = `
import { createDecoder } from "./dist/index.js";
const { name, candidates } = createDecoder();
let forced = "none";
try { createDecoder({ decoder: "turbo" }); } catch (error) { forced = error.code + " " + error.message; }
console.log(JSON.stringify({ name, candidates, forced }));`;

interface Choice {
  readonly name: string;
  readonly candidates: readonly DecoderCandidate[];
  readonly forced: string;
}

/** What a copy of the package chooses beside which only the named packages are installed, and what `write` puts there. */
function choiceWith(packages: readonly string[], write: (modules: string) => void = () => undefined): Choice {
  const folder = tempDir();
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const modules = join(folder, "node_modules");
  for (const name of packages) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(realpathSync(join(root, "node_modules", name)), join(modules, name), "junction");
  }
  // Packages of folders above must not be found instead.
  for (const name of ["@julusian/jpeg-turbo", "@cwasm/jpeg-turbo"].filter((turbo) => !packages.includes(turbo))) {
    mkdirSync(join(modules, name), { recursive: true });
    writeFileSync(join(modules, name, "package.json"), JSON.stringify({ name, main: "missing.js" }));
  }
  write(modules);
  writeFileSync(join(folder, "program.mjs"), PROGRAM);
  return JSON.parse(execFileSync(process.execPath, ["program.mjs"], { cwd: folder, encoding: "utf8" })) as Choice;
}

/** Installs a turbo that writes to the standard output, and so spoils it, as soon as it is loaded. */
function installTurbo(version: string): (modules: string) => void {
  return (modules) => {
    const folder = join(modules, "@julusian/jpeg-turbo");
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name: "@julusian/jpeg-turbo", version, main: "index.js" }),
    );
    writeFileSync(
      join(folder, "index.js"),
      version === "2.3.0" ? 'throw new Error("no prebuild\\nfor this")' : "console.log(1)",
    );
  };
}

const problem = (choice: Choice, name: string): string | undefined =>
  choice.candidates.find((candidate) => candidate.name === name)?.problem;

describe("the choice of a decoder", () => {
  it("is the fastest that is there, and says what is known of each", () => {
    const { name, candidates } = createDecoder();
    expect(candidates.map((candidate) => candidate.name)).toEqual(DECODERS);
    expect(name).toBe(candidates.find((candidate) => candidate.problem === undefined)?.name);
    expect(candidates.map(({ library }) => library.replace(/ [\d.]+$/u, ""))).toEqual([
      "@julusian/jpeg-turbo",
      "@cwasm/jpeg-turbo",
      "sharp",
    ]);
  });

  it("is wasm where the native package is not installed; to ask for it is refused with the reason", () => {
    const choice = choiceWith(["@millrace/formats", "@cwasm/jpeg-turbo", "sharp"]);
    expect([choice.name, problem(choice, "turbo"), problem(choice, "wasm")]).toEqual([
      "wasm",
      "is not installed",
      undefined,
    ]);
    expect(choice.forced).toMatch(
      /^UNSUPPORTED option decoder: the decoder turbo .*jpeg-turbo is not installed; install/u,
    );
  });

  it("does not load another version of the native package, which might end the process", () => {
    const choice = choiceWith(["@millrace/formats", "@cwasm/jpeg-turbo", "sharp"], installTurbo("3.0.1"));
    expect([choice.name, problem(choice, "turbo")]).toEqual(["wasm", "is not version 2.3.0"]);
  });

  it("is wasm where the native package does not run on this machine", () => {
    const choice = choiceWith(["@millrace/formats", "@cwasm/jpeg-turbo", "sharp"], installTurbo("2.3.0"));
    expect([choice.name, problem(choice, "turbo")]).toEqual(["wasm", "does not load: no prebuild"]);
  });

  it("is sharp where nothing else is there", () => {
    const choice = choiceWith(["@millrace/formats", "sharp"]);
    expect([choice.name, problem(choice, "wasm")]).toEqual(["sharp", "is not installed"]);
  });
});
