import { describe, expect, it } from "vitest";
import { shellCommands } from "../snippets/shell-lines.mjs";

/** @param {string} text */
function words(text) {
  const lines = text.split("\n").map((line, index) => ({ text: line, number: index + 1 }));
  return shellCommands(lines).map((command) => [command.number, ...command.words]);
}

describe("shellCommands", () => {
  it("splits a line into its words and leaves out comments and the prompt", () => {
    expect(words("$ npx millrace convert photos/ shards/ --size 224   # a comment\n# only a comment")).toEqual([
      [1, "npx", "millrace", "convert", "photos/", "shards/", "--size", "224"],
    ]);
  });

  it("keeps quoted spaces and operators inside a word", () => {
    expect(words(`say "a  b"c 'd | e' #f`)).toEqual([[1, "say", "a  bc", "d | e"]]);
  });

  it("goes on after a backslash, under the number of the first line", () => {
    expect(words("one\ntwo \\\n  --flag \\\n  value\nthree")).toEqual([
      [1, "one"],
      [2, "two", "--flag", "value"],
      [5, "three"],
    ]);
  });

  it("separates commands at operators", () => {
    expect(words("a && b --c | d; e")).toEqual([
      [1, "a"],
      [1, "b", "--c"],
      [1, "d"],
      [1, "e"],
    ]);
  });

  it("leaves out assignments before a command", () => {
    expect(words("NO_COLOR=1 MILLRACE_TIER=long npm test")).toEqual([[1, "npm", "test"]]);
  });

  it("does not take # inside a word for a comment", () => {
    expect(words("echo a#b")).toEqual([[1, "echo", "a#b"]]);
  });
});
