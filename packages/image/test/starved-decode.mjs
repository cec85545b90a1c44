/* Decodes an image in a process that may take no more memory than it has, and says how that ends. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { decodeImage } from "@millrace/image";
import sharp from "sharp";

const solid = (extent) =>
  sharp({ create: { width: extent, height: extent, channels: 3, background: "#c04020" } })
    .png({ compressionLevel: 1 })
    .toBuffer();
const [small, large] = [await solid(64), await solid(5000)];
await decodeImage(small);
const pages = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[0]);
execFileSync("prlimit", ["--pid", String(process.pid), `--as=${pages * 4096 + 2 ** 25}`]);
try {
  await decodeImage(large, { key: "large.png" });
  console.log("no error");
} catch (error) {
  console.log(`${error.code} ${error.message}`);
}
