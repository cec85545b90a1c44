/** `node memory-child.mjs FOLDER FORMAT GIB`: writes shards of 1 GiB and prints the most MiB that were resident. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createShard } from "../../packages/formats/dist/index.js";
import { fill, ROW_BYTES, ROW_SHAPE } from "./data.mjs";

const [root = "", format = "", gib = ""] = process.argv.slice(2);
const schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint8", shape: ROW_SHAPE },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
    { name: "key", kind: "string" },
  ],
};
const rows = Math.floor(2 ** 30 / ROW_BYTES);
const image = fill(new Uint8Array(ROW_BYTES), 1);
for (let number = 0; number < Number(gib); number++) {
  const builder = await createShard(root, { split: "train", number, format, schema, expectedSamples: rows });
  for (let n = 0; n < rows; n++)
    await builder.write(
      new Map([
        ["image", image],
        ["label", Int32Array.of(n)],
        ["key", `class/${n}.jpg`],
      ]),
    );
  const { path } = await builder.finish();
  rmSync(join(root, path));
}
process.stdout.write(`${Math.round(process.resourceUsage().maxRSS / 1024)}\n`);
