import { findPackage } from "./package.js";
import type { JpegDecode } from "./jpeg-decode.js";
import type { LoadedDecoder } from "./loaded-decoder.js";

/** What is used of `@julusian/jpeg-turbo` 2.3.0. */
interface TurboLibrary {
  readonly FORMAT_RGB: number;
  readonly FORMAT_GRAY: number;
  decompressSync(
    bytes: Uint8Array,
    target: Buffer,
    options: { readonly format: number },
  ): { readonly width: number; readonly height: number };
}

const PACKAGE = "@julusian/jpeg-turbo";
/** The one version that is known to work: 3.x ends the process when Node before 22.18 loads it. */
const VERSION = "2.3.0";

/**
 * Decodes by libjpeg-turbo's native code, straight into the target. Its DCT is the fast one: 44.7 dB (mean), 22 levels
 * (at most) from the slow one of sharp. What it merely warns about, it refuses too.
 */
function createDecode(library: TurboLibrary): JpegDecode {
  const rgb = { format: library.FORMAT_RGB };
  const grey = { format: library.FORMAT_GRAY };
  return (bytes, target, width, height, channels) => {
    // Of a Buffer the library returns a view, of any other array a copy.
    const buffer = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
    try {
      const result = library.decompressSync(bytes, buffer, channels === 3 ? rgb : grey);
      return result.width === width && result.height === height;
    } catch {
      // The message is "No error", whatever happened.
      return false;
    }
  };
}

/** Loads the native library, if the version that is known to work is there and runs on this machine. */
export function loadTurbo(): LoadedDecoder {
  const found = findPackage(PACKAGE);
  if (found === undefined) return { library: PACKAGE, problem: "is not installed", decode: undefined };
  const library = `${PACKAGE} ${found.version}`;
  if (found.version !== VERSION) return { library, problem: `is not version ${VERSION}`, decode: undefined };
  try {
    return { library, problem: undefined, decode: createDecode(found.require(PACKAGE) as TurboLibrary) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { library, problem: `does not load: ${reason.split("\n", 1)[0]}`, decode: undefined };
  }
}
