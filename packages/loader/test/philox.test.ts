import { describe, expect, it } from "vitest";
import { Philox } from "../dist/philox.js";

/** The known answers of Random123, the authors' own library: counter, key, block. */
const KNOWN: readonly [counter: number[], key: [low: number, high: number], block: number[]][] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

describe("philox", () => {
  it.each(KNOWN)("gives the known answer for the counter %j and the key %j", (counter, [low, high], block) => {
    const philox = new Philox();
    const [c0, c1, c2, c3] = counter as [number, number, number, number];
    philox.block(low, high, c0, c1, c2, c3);
    expect([...philox.words]).toEqual(block);
  });
});
