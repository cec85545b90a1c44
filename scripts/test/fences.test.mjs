import { describe, expect, it } from "vitest";
import { fences } from "../snippets/fences.mjs";
import { snippetModules } from "../snippets/modules.mjs";

const PAGE = [
  "# Title", // 1
  "```ts run", // 2
  "const one = 1;", // 3
  "```", // 4
  "Text.", // 5
  "<!-- given: declare const two: number;", // 6
  "declare const three: number; -->", // 7
  "", // 8
  "```ts continued", // 9
  "export const six = one + two + three;", // 10
  "```", // 11
  "- item", // 12
  "", // 13
  "  ````sh", // 14
  "  npx millrace --help", // 15
  "  ```", // 16
  "  ````", // 17
  "~~~json", // 18
  "{}", // 19
].join("\n");

describe("fences", () => {
  const found = fences(PAGE);

  it("finds each block with its language, its words and the line of its fence", () => {
    expect(found.map(({ language, words, line }) => [language, [...words], line])).toEqual([
      ["ts", ["run"], 2],
      ["ts", ["continued"], 9],
      ["sh", [], 14],
      ["json", [], 18],
    ]);
  });

  it("takes the indent of a fence off its lines and ends a block only at a fence as long", () => {
    expect(found[2]?.lines).toEqual([
      { text: "npx millrace --help", number: 15 },
      { text: "```", number: 16 },
    ]);
  });

  it("gives a block that never closes what is left of the file", () => {
    expect(found[3]?.lines).toEqual([{ text: "{}", number: 19 }]);
  });

  it("gives the comment before a block, and only the one just before", () => {
    expect(found.map(({ given }) => given.map(({ text, number }) => [text.trim(), number]))).toEqual([
      [],
      [
        ["declare const two: number;", 6],
        ["declare const three: number;", 7],
      ],
      [],
      [],
    ]);
    expect(fences("<!-- given: let a; -->\ntext\n```ts\n```")[0]?.given).toEqual([]);
  });

  it("reads lines that end in a carriage return", () => {
    expect(fences("```js\r\n1;\r\n```\r\n")[0]?.lines).toEqual([{ text: "1;", number: 2 }]);
  });
});

describe("snippetModules", () => {
  it("joins a continued block to the one before, with what was given, and runs the whole if a part is to run", () => {
    const modules = snippetModules("docs/page.md", fences(PAGE));
    expect(modules.map(({ name, line, run }) => [name, line, run])).toEqual([["docs-page-md-2.ts", 9, true]]);
    expect(modules[0]?.lines.map(({ number }) => number)).toEqual([3, 6, 7, 10]);
  });
});
