import { publicNames } from "@millrace/testkit";
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import * as train from "@millrace/train";
import * as compress from "@millrace/train/compress";

it("the public names of @millrace/train are those in public-names.txt", async () => {
  const names = publicNames(new URL("../dist/index.d.ts", import.meta.url));
  await expect(`${names.join("\n")}\n`).toMatchFileSnapshot("public-names.txt");
  expect(names.map((name) => name.split(" ")[1])).toEqual(expect.arrayContaining(Object.keys(train)));
});

it("the public names of @millrace/train/compress are those in public-names-compress.txt", async () => {
  const names = publicNames(new URL("../dist/compress/index.d.ts", import.meta.url));
  await expect(`${names.join("\n")}\n`).toMatchFileSnapshot("public-names-compress.txt");
  expect(names.map((name) => name.split(" ")[1])).toEqual(expect.arrayContaining(Object.keys(compress)));
});

/** Prints whether modules of TensorFlow.js are loaded, first with the one entry, then with the other as well. */
const PROGRAM = `
import { createRequire } from "node:module";
const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes("tensorflow"));
await import("@millrace/train/profile");
console.log(isLoaded());
await import("@millrace/train");
console.log(isLoaded());`;

it("the entry @millrace/train/profile loads no TensorFlow.js", () => {
  const cwd = new URL(".", import.meta.url);
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", PROGRAM], { cwd, encoding: "utf8" });
  expect(output).toBe("false\ntrue\n");
});
