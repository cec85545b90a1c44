import { mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

/** Two classes of grey squares, six of each. */
export async function makePhotos(dir: string): Promise<string> {
  for (const [label, name] of ["dark", "light"].entries()) {
    mkdirSync(join(dir, name), { recursive: true });
    for (let n = 0; n < 6; n++) {
      const level = 40 + 150 * label + 5 * n;
      const background = { r: level, g: level, b: level };
      await sharp({ create: { width: 20, height: 20, channels: 3, background } })
        .png()
        .toFile(join(dir, name, `${n}.png`));
    }
  }
  return dir;
}
