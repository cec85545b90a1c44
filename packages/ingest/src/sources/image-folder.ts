import { closeSync, constants, fstatSync, open, read } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { fileError, ImageError, SourceError } from "@millrace/formats";
import { IgnoredCollector } from "./ignored.js";
import { layoutOf } from "./image-folder-layout.js";
import type { Listing, Source, SourceItem } from "./source.js";
import { walkFolder } from "./walk-folder.js";

const openFile = promisify(open);
const readFile = promisify(read);

/** Extensions of files that are taken for images, in lower case. What is inside decides later. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  ".jpg",
  ".jpeg",
  ".jpe",
  ".jfif",
  ".png",
  ".webp",
  ".gif",
  ".tif",
  ".tiff",
  ".avif",
  ".bmp",
];

/** Larger files are rejected, not read: no image of sane size is that long. */
export const MAX_IMAGE_BYTES: number = 2 ** 29;

/** Codes of the system that tell of this process or machine, not of one file. */
const NOT_THE_FILE: ReadonlySet<string | undefined> = new Set(["EMFILE", "ENFILE", "ENOMEM"]);

/**
 * A folder of images, one folder a class: `cat/1.jpg`, `dog/deep/down/2.png`; or `train/cat/1.jpg`, `val/cat/2.jpg`,
 * where the top-level folders are exactly splits (train, val, test). Hidden files and links that lead out are left out.
 * @throws SourceError if `root` is missing or not a folder.
 */
export async function openImageFolder(root: string): Promise<Source> {
  let real: string;
  try {
    real = await realpath(root);
    if (!(await stat(real)).isDirectory()) {
      throw new SourceError({
        file: root,
        problem: "is a file, not a folder",
        expected: "a folder with one folder a class",
        fix: "name the folder that holds the class folders",
      });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw error instanceof SourceError ? error : system(root, error);
    throw new SourceError({ file: root, problem: "there is no such folder", fix: "check the path", cause: error });
  }
  return new ImageFolder(real);
}

function system(root: string, error: unknown): Error {
  return fileError(root, "open the folder", error);
}

class ImageFolder implements Source {
  readonly kind = "image-folder";

  constructor(readonly root: string) {}

  async list(signal?: AbortSignal): Promise<Listing> {
    const ignored = new IgnoredCollector();
    const { files, folders } = await walkFolder(this.root, ignored, signal);
    const images: string[] = [];
    for (const file of files) {
      if (IMAGE_EXTENSIONS.includes(extname(file).toLowerCase())) images.push(file);
      else ignored.add("not-an-image", file);
    }
    const layout = layoutOf(this.root, images, folders, ignored);
    return { kind: this.kind, ...layout, ignored: ignored.toData() };
  }

  async open(item: Pick<SourceItem, "path" | "key">): Promise<Uint8Array> {
    return await this.#read(item, Number.POSITIVE_INFINITY);
  }

  async openHead(item: Pick<SourceItem, "path" | "key">, length: number): Promise<Uint8Array> {
    return await this.#read(item, length);
  }

  async stamp(item: Pick<SourceItem, "path" | "key">): Promise<string> {
    try {
      const { size, mtimeNs } = await stat(join(this.root, item.path), { bigint: true });
      return `${size} ${mtimeNs}`;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? "unknown";
    }
  }

  async #read(item: Pick<SourceItem, "path" | "key">, limit: number): Promise<Uint8Array> {
    let file: number | undefined;
    try {
      // A pipe that has taken the file's place since the listing would block an opening without O_NONBLOCK for ever.
      file = await openFile(join(this.root, item.path), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      // Neither this nor closing waits for the disk, and a turn through the thread pool costs more than a small image.
      const found = fstatSync(file);
      if (!found.isFile()) throw new ImageError({ ...reject(item, "unreadable"), problem: "is not a file" });
      if (found.size > MAX_IMAGE_BYTES) {
        throw new ImageError({
          ...reject(item, "too-large"),
          problem: "the file is too large",
          expected: `at most ${MAX_IMAGE_BYTES} bytes`,
          found: String(found.size),
        });
      }
      return await readUpTo(file, Math.min(found.size, limit));
    } catch (error) {
      if (error instanceof ImageError) throw error;
      if (NOT_THE_FILE.has((error as NodeJS.ErrnoException).code)) throw fileError(item.path, "read the file", error);
      const { problem } = fileError(item.path, "read the file", withoutPath(error)).detail;
      throw new ImageError({ ...reject(item, "unreadable"), problem, cause: error });
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
}

function reject(item: Pick<SourceItem, "key">, reason: string): { key: string; reason: string } {
  return { key: item.key, reason };
}

/** Node's message of a system error names an absolute path, which would make the reject log depend on the machine. */
function withoutPath(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error : Object.assign(new Error(code), { code });
}

async function readUpTo(file: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await readFile(file, bytes, filled, length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
