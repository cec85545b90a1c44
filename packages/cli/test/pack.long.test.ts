import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PACKAGES = ["@millrace/formats", "@millrace/image", "@millrace/ingest", "@millrace/loader", "@millrace/train"];
const PUBLISHED = [...PACKAGES, "millrace"];

/** This process's environment without what an outer `npm run` put there. */
const ENV = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));

/** The part of sharp that makes a photograph; it is installed with the packages. */
type Sharp = (input: unknown) => { jpeg(): { toFile(path: string): Promise<unknown> } };

/** What a user's project has: no workspace above it, plain npm, the compiler's own settings. */
const TSCONFIG = {
  compilerOptions: { module: "nodenext", target: "es2022", strict: true, types: ["node"], skipLibCheck: true },
  include: ["*.mts"],
};

const folder = mkdtempSync(join(tmpdir(), "millrace-pack-"));
const project = join(folder, "project");

/** Runs a program that must succeed, and returns what it prints. */
function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env: ENV, encoding: "utf8" });
  expect(status, `${program} ${args.join(" ")}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

async function makePhotos(): Promise<void> {
  const sharp = createRequire(join(project, "package.json"))("sharp") as Sharp;
  for (const [label, name] of ["cat", "dog"].entries()) {
    mkdirSync(join(project, "photos", name), { recursive: true });
    for (let index = 0; index < 80; index++) {
      const background = { r: 3 * index, g: 120 * label, b: 255 - 3 * index };
      const image = sharp({ create: { width: 320, height: 240, channels: 3, background } });
      await image.jpeg().toFile(join(project, "photos", name, `${index}.jpg`));
    }
  }
}

describe("pnpm -r pack, the tarballs installed by npm in an empty folder", () => {
  beforeAll(async () => {
    const { packageManager } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<string, string>;
    const filters = PUBLISHED.flatMap((name) => ["--filter", name]);
    const pack = ["-r", ...filters, "pack", "--pack-destination", folder];
    run("npm", ["exec", "--yes", "--", packageManager ?? "pnpm", ...pack], ROOT);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(TSCONFIG));
    const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
    const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
    run("npm", ["install", ...quiet, "@types/node@20", ...tarballs.map((name) => join(folder, name))], project);
    cpSync(fileURLToPath(new URL("quick-start", import.meta.url)), project, { recursive: true });
    await makePhotos();
  }, 600_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(PUBLISHED)(
    "%s carries its licence and compiled code, no tests, and versions that npm understands",
    (name) => {
      const installed = join(project, "node_modules", name);
      expect(readdirSync(installed)).toEqual(
        expect.arrayContaining(["LICENSE", "README.md", "dist", "package.json", "src"]),
      );
      expect(existsSync(join(installed, "test"))).toBe(false);
      expect(readFileSync(join(installed, "package.json"), "utf8")).not.toContain("workspace:");
    },
  );

  it("the snippets of the quick start type-check", () => {
    run(process.execPath, [join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", project], project);
    expect(existsSync(join(project, "profile.mjs"))).toBe(true);
  });

  it("the snippets run: convert photos, load batches, profile a step", () => {
    const batches = run(process.execPath, ["convert-and-load.mjs"], project);
    expect(batches).toContain("64 float32 64x224x224x3");
    const report = run(process.execPath, ["profile.mjs"], project);
    expect(report).toMatch(/stall/);
  });

  it("npx millrace --help works and lists the commands", () => {
    const help = run("npm", ["exec", "--offline", "--", "millrace", "--help"], project);
    for (const command of ["convert", "inspect", "verify", "train", "profile"])
      expect(help).toContain(`millrace ${command}`);
  });
});
