import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { publicNames, tempDir } from "@millrace/testkit";
import { expect, it } from "vitest";

/** The names of a package whose compiled declarations are these files. */
function namesOf(files: Record<string, string>): readonly string[] {
  const dir = tempDir();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return publicNames(pathToFileURL(join(dir, "index.d.ts")));
}

it("follows re-exports through folders and sorts by name", () => {
  const names = namesOf({
    "index.d.ts": 'export * from "./b/index.js";\nexport * from "./a.js";\n',
    "a.d.ts": "export declare class Zebra {\n  method(): void;\n}\nexport declare function apple(): void;\n",
    "b/index.d.ts": 'export * from "./c.js";\n',
    "b/c.d.ts": "export interface Mango {\n}\nexport type Fig = 1;\nexport declare const kiwi: 1;\n",
  });
  expect(names).toEqual(["type Fig", "interface Mango", "class Zebra", "function apple", "const kiwi"]);
});

it("gives a name as it is exported, and not what stays inside a file", () => {
  const names = namesOf({
    "index.d.ts":
      'export { one as first, type Two } from "./a.js";\nexport type { Schema } from "@millrace/formats";\n',
    "a.d.ts": "declare class one {\n}\ninterface Two {\n}\ninterface Hidden {\n}\nexport { one, Two };\n",
  });
  expect(names).toEqual(["external Schema", "interface Two", "class first"]);
});

it("lists an overloaded function once and a name with two meanings with both", () => {
  const names = namesOf({
    "index.d.ts": [
      "export declare function f(a: 1): void;",
      "export declare function f(a: 2): void;",
      "export declare const Kind: 1;",
      "export type Kind = 1;",
      "export {};",
    ].join("\n"),
  });
  expect(names).toEqual(["const+type Kind", "function f"]);
});
