/** sRGB's primaries as a profile has them, XYZ relative to D50 (ICC's sRGB profiles; IEC 61966-2-1 adapted by Bradford). */
const PRIMARIES: readonly (readonly [number, readonly number[]])[] = [
  [signature("rXYZ"), [0.436, 0.2225, 0.0139]],
  [signature("gXYZ"), [0.3851, 0.7169, 0.0971]],
  [signature("bXYZ"), [0.1431, 0.0606, 0.7141]],
];
/** How far a primary may be off: profiles round them to 4 or 5 digits. */
const TOLERANCE = 0.002;
const CURVES = ["rTRC", "gTRC", "bTRC"].map(signature);
/** Tags of a table, which goes before primaries and curves. */
const TABLES = ["A2B0", "A2B1", "D2B0"].map(signature);
const [RGB, XYZ, SAMPLED, PARAMETRIC] = [signature("RGB "), signature("XYZ "), signature("curv"), signature("para")];
/** Where a curve is looked at, in sixteenths. */
const PROBES = 16;
const LEVEL = 1 / 255;

/** Light of a level in 0..1 (IEC 61966-2-1). */
function srgbLight(level: number): number {
  return level <= 0.040_45 ? Math.max(0, level) / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
}

/** At each probe, the least and the most light of a curve that is within one level of 255 of sRGB's. */
const LIMITS = Array.from({ length: PROBES + 1 }, (_, i) => ({
  level: i / PROBES,
  least: srgbLight(i / PROBES - LEVEL) - 1e-4,
  most: srgbLight(i / PROBES + LEVEL) + 1e-4,
}));

/** Numbers of a profile. Callers stay inside of it. */
class Profile {
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset + at, end - at);
  }

  get length(): number {
    return this.#view.byteLength;
  }

  u32(at: number): number {
    return this.#view.getUint32(at);
  }

  u16(at: number): number {
    return this.#view.getUint16(at);
  }

  /** A number with 16 bits before and after the point (`s15Fixed16Number`). */
  fixed(at: number): number {
    return this.#view.getInt32(at) / 65_536;
  }

  /** Where the data of a tag begins, with `bytes` or more from there on; 0 without the tag, -1 if they are not there. */
  find(tag: number, bytes: number): number {
    const entries = this.u32(128);
    for (let i = 0, entry = 132; i < entries && entry + 12 <= this.length; i++, entry += 12) {
      if (this.u32(entry) !== tag) continue;
      const at = this.u32(entry + 4);
      return at > 0 && at + bytes <= this.length ? at : -1;
    }
    return 0;
  }
}

function signature(tag: string): number {
  return ((tag.charCodeAt(0) << 24) | (tag.charCodeAt(1) << 16) | (tag.charCodeAt(2) << 8) | tag.charCodeAt(3)) >>> 0;
}

/** Numbers of a parametric curve of each type (ICC.1:2022, table 68). */
const PARAMETERS = [1, 3, 4, 5, 7];

/** Light of a level by a curve at `at`, or NaN (ICC.1:2022, 10.6 `curv` and 10.18 `para`). */
function light(profile: Profile, at: number, level: number): number {
  const kind = profile.u32(at);
  if (kind === SAMPLED) {
    const count = profile.u32(at + 8);
    if (count < 2 || at + 12 + count * 2 > profile.length) return Number.NaN;
    const place = level * (count - 1);
    const low = Math.min(count - 2, Math.floor(place));
    const [a, b] = [profile.u16(at + 12 + low * 2), profile.u16(at + 14 + low * 2)];
    return (a + (b - a) * (place - low)) / 65_535;
  }
  const type = profile.u16(at + 8);
  const count = PARAMETERS[type] ?? 0;
  if (kind !== PARAMETRIC || count < 5 || at + 12 + count * 4 > profile.length) return Number.NaN;
  const p = (number: number): number => profile.fixed(at + 12 + number * 4);
  const isPower = level >= p(4);
  if (isPower) return (p(1) * level + p(2)) ** p(0) + (type === 4 ? p(5) : 0);
  return p(3) * level + (type === 4 ? p(6) : 0);
}

/** Whether a curve is sRGB's, to within one level of 255. */
function isSrgbCurve(profile: Profile, at: number): boolean {
  for (const { level, least, most } of LIMITS) {
    const found = light(profile, at, level);
    if (!(found >= least && found <= most)) return false;
  }
  return true;
}

/**
 * Whether an ICC profile in `[at, end)` of `bytes` means sRGB, by its numbers and not by its name: a matrix of sRGB's
 * primaries, and sRGB's curve in each channel. False for everything that is not surely so.
 */
export function isSrgbProfile(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 132 + 6 * 12) return false;
  const profile = new Profile(bytes, at, end);
  if (profile.u32(16) !== RGB || profile.u32(20) !== XYZ) return false;
  if (TABLES.some((tag) => profile.find(tag, 0) !== 0)) return false;
  for (const [tag, xyz] of PRIMARIES) {
    const found = profile.find(tag, 20);
    if (found <= 0 || profile.u32(found) !== XYZ) return false;
    for (let i = 0; i < 3; i++)
      if (Math.abs(profile.fixed(found + 8 + i * 4) - (xyz[i] as number)) > TOLERANCE) return false;
  }
  // The three curves are mostly one.
  let last = 0;
  for (const tag of CURVES) {
    const found = profile.find(tag, 12);
    if (found <= 0 || (found !== last && !isSrgbCurve(profile, found))) return false;
    last = found;
  }
  return true;
}
