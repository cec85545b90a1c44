import { OptionError, UnsupportedError } from "@millrace/formats/shard";
import type { DecodeOptions } from "./decode-options.js";
import { decodePlainJpeg } from "./decoders/jpeg-decode.js";
import type { LoadedDecoder } from "./decoders/loaded-decoder.js";
import { findPackage } from "./decoders/package.js";
import { decodeBySharp } from "./decoders/sharp.js";
import { loadTurbo } from "./decoders/turbo.js";
import { loadWasm } from "./decoders/wasm.js";
import type { Pixels } from "./pixels.js";

/** The decoders there are, the fastest first. */
export const DECODERS = ["turbo", "wasm", "sharp"] as const;
/** Name of a decoder. */
export type DecoderName = (typeof DECODERS)[number];

/** A decoder that could be had on this machine, or could not. */
export interface DecoderCandidate {
  /** Which decoder it is. */
  readonly name: DecoderName;
  /** Package and, where it is known, version. */
  readonly library: string;
  /** Why it cannot be used, as the end of a sentence that begins with the library; `undefined` if it can. */
  readonly problem: string | undefined;
}

/**
 * Bytes of an encoded image to pixels. Every image comes out as uint8 sRGB of the asked number of channels, upright
 * (EXIF orientation applied): grey, CMYK, palette, 1-bit and 16-bit are converted, an embedded colour profile too,
 * alpha is flattened on black, an animation gives its first frame.
 *
 * `turbo` and `wasm` decode plain JPEGs, by far the most of all: baseline or progressive, 8 bits, grey or three
 * components, upright, without a profile or with one whose numbers are sRGB's. They leave all else to `sharp`: other
 * encodings, other JPEGs, colour to become grey, and whatever makes them fail or warn, so that sharp says what is
 * wrong with it. Who decodes depends on the bytes alone: the same bytes give the same pixels on every run, in every
 * thread.
 *
 * The pixels of `turbo` and `wasm` are the same on x64. They use libjpeg's fast DCT and sharp its slow one: on
 * photographs they differ by 45 dB (mean), 38 dB (worst), 22 levels at most.
 */
export interface Decoder {
  /** Which decoder it is. */
  readonly name: DecoderName;
  /** All decoders, the fastest first, and why those that are not there are not. */
  readonly candidates: readonly DecoderCandidate[];
  /**
   * Decodes one image. `bytes` must stay unchanged until the result is there; they may lie in shared memory. `turbo`
   * and `wasm` answer at once, and allocate no pixels if there is an `into`; sharp answers with a promise: `await`
   * takes both.
   * @throws ImageError, with a reason out of `REJECT_REASONS`, for whatever is wrong with the bytes; never a partly
   * grey image. Damage that leaves a valid stream cannot be seen, nor can a JPEG that was cut in its last rows of
   * blocks and then closed by an end marker: keep checksums of the bytes.
   * @throws OptionError for impossible options, such as an `into` that is too small; WorkerError where there is not
   * enough memory.
   */
  decode(bytes: Uint8Array, options?: DecodeOptions): Pixels | Promise<Pixels>;
}

/** Which decoder to take. */
export interface DecoderOptions {
  /** `auto` (default): the fastest that is installed. */
  readonly decoder?: DecoderName | "auto" | undefined;
}

/** Not loaded before it is needed: until then, only its version is known. */
function findSharp(): LoadedDecoder {
  const found = findPackage("sharp");
  if (found === undefined) return { library: "sharp", problem: "is not installed", decode: undefined };
  return { library: `sharp ${found.version}`, problem: undefined, decode: undefined };
}

const LOADERS: Readonly<Record<DecoderName, () => LoadedDecoder>> = {
  turbo: loadTurbo,
  wasm: loadWasm,
  sharp: findSharp,
};

/**
 * A decoder for one thread. It holds nothing open.
 *
 * `turbo` and `wasm` do their work in the calling thread. `sharp` does it on libuv's threads, which a whole process
 * shares: threads of JavaScript add no speed. Call it from one thread with about four images in flight for each CPU,
 * and set `UV_THREADPOOL_SIZE` to the CPUs and two more before the process starts. It is set to one thread an image
 * and to no cache for the whole process.
 * @throws OptionError for an unknown name; UnsupportedError if the decoder that was asked for cannot be had here.
 */
export function createDecoder(options: DecoderOptions = {}): Decoder {
  const { decoder = "auto" } = options;
  if (decoder !== "auto" && !DECODERS.includes(decoder)) {
    throw new OptionError({
      option: "decoder",
      problem: "is not a decoder",
      expected: ["auto", ...DECODERS].join(" | "),
      found: decoder,
    });
  }
  const loaded = new Map<DecoderName, LoadedDecoder>();
  // No decoder is loaded before its turn: a thread that knows which one it wants does not pay for the others.
  const load = (name: DecoderName): LoadedDecoder => {
    const found = loaded.get(name) ?? LOADERS[name]();
    loaded.set(name, found);
    return found;
  };
  const candidates = (): DecoderCandidate[] =>
    DECODERS.map((name) => ({ name, library: load(name).library, problem: load(name).problem }));
  const name = (decoder === "auto" ? DECODERS : [decoder]).find((one) => load(one).problem === undefined);
  if (name === undefined) {
    throw new UnsupportedError({
      option: "decoder",
      problem: `${decoder === "auto" ? "no decoder" : `the decoder ${decoder}`} can be had on this machine`,
      found: candidates()
        .flatMap(({ library, problem }) => (problem === undefined ? [] : `${library} ${problem}`))
        .join(", "),
      fix: "install it, or take the decoder auto",
    });
  }
  return createLoaded(name, load(name).decode, candidates);
}

function createLoaded(
  name: DecoderName,
  decode: LoadedDecoder["decode"],
  candidates: () => readonly DecoderCandidate[],
): Decoder {
  return {
    name,
    get candidates() {
      return candidates();
    },
    decode: (bytes, given = {}) =>
      (decode === undefined ? undefined : decodePlainJpeg(decode, bytes, given)) ?? decodeBySharp(bytes, given),
  };
}
