import { BackendError } from "@millrace/formats";

/** What decides whether the pinned libraries can run. */
export interface HostSystem {
  readonly platform: string;
  readonly arch: string;
  /** Version of glibc; `undefined` on systems with another C library, as musl. */
  readonly glibc: string | undefined;
}

/** The machine that this process runs on. */
export function hostSystem(): HostSystem {
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return { platform: process.platform, arch: process.arch, glibc: report.header?.glibcVersionRuntime };
}

/**
 * Refuses systems for which no wheel is pinned.
 * @throws {@link BackendError}, which says what works there instead.
 */
export function checkSystem({ platform, arch, glibc }: HostSystem): void {
  if (platform === "linux" && arch === "x64" && glibc !== undefined) return;
  const isMusl = platform === "linux" && arch === "x64";
  const found = `${platform} on ${arch}${isMusl ? " with another C library (musl, as in Alpine)" : ""}`;
  throw new BackendError({
    problem: "there are no TensorFlow libraries for this system",
    reason: "system",
    expected: "linux on x64 with glibc",
    found,
    fix: isMusl ? `use an image with glibc, as node:20-slim; ${WASM}` : (OTHER_WAYS.get(platform) ?? WASM),
  });
}

const WASM = "the backend wasm works here and needs nothing";

const OWN_SCRIPT = "npm install @tensorflow/tfjs-node@4.22.0 tries to download a library of its own";

const OTHER_WAYS = new Map([
  ["darwin", `${WASM}; ${OWN_SCRIPT}`],
  ["win32", `${WASM}; use WSL 2 for TensorFlow, or ${OWN_SCRIPT}`],
]);
