import { transcodeSeekable } from "@millrace/formats";
import { describe, expect, it } from "vitest";
import { expectEveryCrop, transcodeBoth } from "./checks.js";
import { decode, random } from "./photos.js";
import { oddJpeg, type OddJpeg } from "./odd-jpeg.js";

const YCC = (h: number, v: number): OddJpeg["factors"] => [
  [h, v],
  [1, 1],
  [1, 1],
];

const LAYOUTS: readonly (readonly [name: string, jpeg: Partial<OddJpeg>])[] = [
  ["4:2:2", { factors: YCC(2, 1) }],
  ["4:4:0", { factors: YCC(1, 2) }],
  ["4:1:1", { factors: YCC(4, 1) }],
  ["4:1:0", { factors: YCC(4, 2) }],
  [
    "chroma of two kinds",
    {
      factors: [
        [2, 2],
        [2, 1],
        [1, 2],
      ],
    },
  ],
  [
    "all 2 x 1",
    {
      factors: [
        [2, 1],
        [2, 1],
        [2, 1],
      ],
    },
  ],
  ["grey with factors of 2", { factors: [[2, 2]] }],
  [
    "four components",
    {
      factors: [
        [2, 2],
        [1, 1],
        [1, 1],
        [2, 2],
      ],
    },
  ],
  ["restarts at each MCU", { factors: YCC(2, 2), interval: 1 }],
  ["restarts across rows", { factors: YCC(2, 1), interval: 7 }],
  ["a scan a component", { factors: YCC(2, 2), scans: [[0], [1], [2]] }],
  ["a scan a component with restarts", { factors: YCC(2, 1), scans: [[0], [1], [2]], interval: 3 }],
  ["luma apart", { factors: YCC(2, 2), scans: [[0], [1, 2]] }],
  ["tables of each component", { factors: YCC(2, 2), ownTables: true }],
  ["quantisation of 16 bits", { factors: YCC(1, 1), wideQuant: true }],
  ["fill bytes and trailing garbage", { factors: YCC(2, 2), padding: true, interval: 2 }],
];

describe.each(LAYOUTS)("a JPEG with %s", (_, layout) => {
  it("keeps every pixel, whole and in crops, by either coder and either tables", async () => {
    for (const [width, height] of [
      [100, 75],
      [33, 129],
      [7, 5],
    ] as const) {
      const source = oddJpeg({ factors: YCC(1, 1), ...layout, width, height, seed: width });
      const whole = await decode(source);
      for (const tables of ["optimised", "source"] as const) {
        const made = transcodeBoth(source, { tables });
        if (made.kind === "refused") throw new Error(`${made.reason}: ${made.problem}`);
        expect((await decode(made.bytes)).data.equals(whole.data)).toBe(true);
        await expectEveryCrop(made, whole, 3, random(width));
      }
    }
  });
});

describe("transcodeSeekable refuses", () => {
  it.each([
    [
      "sampling",
      {
        factors: [
          [2, 2],
          [2, 2],
          [2, 2],
        ],
        scans: [[0], [1], [2]],
      },
    ],
    ["components", { factors: YCC(1, 1), scans: [[0], [1]] }],
    ["components", { factors: YCC(1, 1), scans: [[0], [1, 2], [2]] }],
  ] as const)("with the reason %s what no baseline scan can hold", (reason, layout) => {
    const source = oddJpeg({ ...layout, width: 40, height: 40 });
    expect(transcodeBoth(source)).toMatchObject({ kind: "refused", reason });
  });

  it("a quantisation table that changes between scans", () => {
    const source = Buffer.from(oddJpeg({ factors: YCC(1, 1), scans: [[0], [1, 2]], width: 40, height: 40 }));
    const second = source.lastIndexOf(Buffer.of(0xff, 0xda));
    const table = [0xff, 0xdb, 0, 67, 0, ...Array.from({ length: 64 }, () => 9)];
    const changed = Buffer.concat([source.subarray(0, second), Buffer.from(table), source.subarray(second)]);
    expect(transcodeSeekable(changed)).toMatchObject({ kind: "refused", reason: "tables-redefined" });
  });

  it("restart markers out of order, and restarts that are missing", () => {
    const source = Buffer.from(oddJpeg({ factors: YCC(1, 1), interval: 5, width: 80, height: 80 }));
    const first = source.indexOf(Buffer.of(0xff, 0xd0));
    source[first + 1] = 0xd3;
    expect(transcodeBoth(source)).toMatchObject({ kind: "refused", reason: "corrupt" });
    const cut = Buffer.concat([source.subarray(0, first), source.subarray(first + 2)]);
    expect(transcodeBoth(cut)).toMatchObject({ kind: "refused", reason: "corrupt" });
  });

  it("a bomb of scans and one of blocks at once", () => {
    const one = oddJpeg({ factors: [[1, 1]], width: 8, height: 8 });
    const frame = Buffer.from(one).indexOf(Buffer.of(0xff, 0xc0));
    const bomb = Buffer.from(one);
    bomb.writeUInt16BE(8192, frame + 5);
    bomb.writeUInt16BE(8192, frame + 7);
    expect(transcodeBoth(bomb)).toMatchObject({
      kind: "refused",
      reason: "corrupt",
      problem: expect.stringContaining("more blocks than bits") as string,
    });
    bomb.writeUInt16BE(65_535, frame + 5);
    bomb.writeUInt16BE(65_535, frame + 7);
    expect(transcodeBoth(bomb)).toMatchObject({ kind: "refused", reason: "too-large" });
  });
});
