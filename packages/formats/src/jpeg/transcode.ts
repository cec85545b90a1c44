import { isMillraceError } from "../errors.js";
import {
  TABLES,
  tablesOf,
  type EntropyCoder,
  type EntropyData,
  type EntropyJob,
  type TableSet,
} from "./entropy-coder.js";
import { encodeJpegSegments } from "./encode-segments.js";
import { restartInterval } from "./frame.js";
import { headerOf } from "./header.js";
import { completeDcTable } from "./huffman-table.js";
import { optimalTable } from "./optimal-table.js";
import { plainCoder } from "./plain/plain.js";
import { refuse, type JpegRefusal } from "./refusal.js";
import { scanBlocks } from "./scan.js";
import { checkScript } from "./scan-script.js";

import { parseSource, type JpegSource } from "./source.js";
import { wasmCoder } from "./wasm/wasm.js";

/** How {@link transcodeSeekable} works. */
export interface TranscodeOptions {
  /**
   * `optimised` (default): the shortest Huffman codes for this image, about 3 % smaller than most sources; `source`: the
   * tables of the source, about 1 % larger than it, at half the time. A progressive source, or one of several scans, has
   * no tables for the purpose and gets optimised ones in either case.
   */
  readonly tables?: "optimised" | "source" | undefined;
  /** Most pixels of an image. Default 2^27. */
  readonly maxPixels?: number | undefined;
  /** Most blocks of 8 x 8 in all scans together. Default 2^25: 20 scans of an image of 107 million pixels. */
  readonly maxBlocks?: number | undefined;
  /** `wasm` where the machine has WebAssembly SIMD, else `plain`; both give the same bytes. */
  readonly coder?: "wasm" | "plain" | undefined;
}

/** What {@link transcodeSeekable} makes of a JPEG. */
export type SeekableJpeg =
  | {
      readonly kind: "seekable";
      /** The JPEG with restart markers; the caller's. */
      readonly bytes: Uint8Array;
      /** Its index, as the sidecar of a shard keeps it: see `JpegSegments`. */
      readonly index: Uint8Array;
    }
  | {
      readonly kind: "refused";
      readonly reason: JpegRefusal;
      /** What is wrong, in words. */
      readonly problem: string;
    };

const MAX_PIXELS = 2 ** 27;
const MAX_BLOCKS = 2 ** 25;
/** Bit positions are numbers of 32 bits. */
const MAX_BYTES = 2 ** 28;

/**
 * Rewrites a JPEG, baseline, extended sequential or progressive, as a baseline one with restart markers, from each of
 * which a decoder can begin: the same coefficients, so exactly the same pixels. Metadata stays, bytes behind the end are
 * dropped. The result is a function of the bytes and `tables` only. Not reentrant, but synchronous; a thread has its own
 * working memory, which it keeps between calls up to 64 MiB.
 * @returns a refusal for what cannot be rewritten so; it never throws for what the bytes hold.
 */
export function transcodeSeekable(bytes: Uint8Array, options: TranscodeOptions = {}): SeekableJpeg {
  try {
    return transcode(bytes, options);
  } catch (error) {
    if (!isMillraceError(error, "UNSUPPORTED") || error.detail.reason === undefined) throw error;
    return { kind: "refused", reason: error.detail.reason as JpegRefusal, problem: error.detail.problem };
  }
}

function transcode(bytes: Uint8Array, options: TranscodeOptions): SeekableJpeg {
  if (bytes.length > MAX_BYTES) refuse("too-large", `has ${bytes.length} bytes, more than ${MAX_BYTES}`);
  const source = parseSource(bytes, options.maxPixels ?? MAX_PIXELS);
  checkSource(source, options.maxBlocks ?? MAX_BLOCKS);
  const { frame, scans } = source;
  const interval = restartInterval(frame);
  const direct = !frame.progressive && scans.length === 1;
  const job: EntropyJob = { source, interval, segments: (frame.mcusPerRow / interval) * frame.mcuRows, direct };
  const coder = (options.coder === "plain" ? undefined : wasmCoder()) ?? (plain ??= plainCoder());
  const kept = direct && options.tables === "source" ? sourceTables(job) : undefined;
  const { data, tables } = kept === undefined ? optimised(coder, job) : byTables(coder, job, kept);
  const header = headerOf(job, tables);
  const result = new Uint8Array(header.bytes.length + data.data.length);
  result.set(header.bytes);
  result.set(data.data, header.bytes.length);
  return { kind: "seekable", bytes: result, index: encodeJpegSegments(frame, interval, header, data.lengths) };
}

let plain: EntropyCoder | undefined;

function checkSource(source: JpegSource, maxBlocks: number): void {
  const { frame, scans, orientation, bytes } = source;
  checkScript(frame, scans);
  if (orientation === undefined) refuse("orientation", "has an EXIF block that does not tell its orientation");
  if (orientation !== 1) refuse("orientation", `is turned or mirrored by EXIF orientation ${orientation}`);
  const blocks = frame.mcusPerRow * frame.mcuRows * frame.mcuBlocks;
  if (blocks > 8 * bytes.length) refuse("corrupt", "has more blocks than bits");
  const visited = scans.reduce((sum, scan) => sum + scanBlocks(frame, scan), 0);
  if (visited > maxBlocks) refuse("too-large", `has ${visited} blocks in its scans, more than ${maxBlocks}`);
}

interface Encoded {
  readonly data: EntropyData;
  readonly tables: TableSet;
}

function optimised(coder: EntropyCoder, job: EntropyJob): Encoded {
  const histogram = coder.decode(job) ?? refuse("corrupt", "has corrupt data");
  const used = usedTables(job);
  const tables = Array.from({ length: TABLES }, (_, i) =>
    used.has(i) ? optimalTable(histogram.subarray(256 * i, 256 * i + 256)) : undefined,
  );
  return { data: coder.encode(job, tables), tables };
}

function byTables(coder: EntropyCoder, job: EntropyJob, tables: TableSet): Encoded {
  const data = coder.rewrite(job, tables) ?? refuse("corrupt", "has corrupt data");
  return { data, tables };
}

function usedTables(job: EntropyJob): Set<number> {
  return new Set(
    job.source.frame.components.flatMap((_, i) => {
      const { dc, ac } = tablesOf(job, i);
      return [dc, ac];
    }),
  );
}

/** The tables of the source, its DC tables completed; `undefined` if one has no room for that. */
function sourceTables(job: EntropyJob): TableSet | undefined {
  const tables = Array.from({ length: TABLES }, (): TableSet[number] => undefined);
  for (const { dc, ac, dcTable, acTable } of job.source.scans[0]?.components ?? []) {
    const complete = dcTable === undefined ? undefined : completeDcTable(dcTable);
    if (complete === undefined) return undefined;
    tables[dc] = complete;
    tables[4 + ac] = acTable;
  }
  return tables;
}
