import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The numbers of a module's sections, in order: an id, a length in LEB128, then so many bytes. */
function sections(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < bytes.length;) {
    ids.push(bytes[at++] as number);
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++] as number;
      length += (byte & 0x7f) * 2 ** shift;
      more = byte > 0x7f;
    }
    at += length;
  }
  return ids;
}

describe.each(["kernels.wasm", "kernels-shared.wasm"])("%s", (name) => {
  const bytes = readFileSync(`${root}src/kernels/${name}`);

  it("has no static data and no start function, so many instances can share one memory", () => {
    const [start, data] = [8, 11];
    expect(sections(bytes)).not.toContain(start);
    expect(sections(bytes)).not.toContain(data);
  });

  it("imports its memory and nothing else", () => {
    const names = bytes.toString("latin1").match(/env|memory|abort|seed|trace/gu);
    expect(new Set(names)).toEqual(new Set(["env", "memory"]));
  });
});
