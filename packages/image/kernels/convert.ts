// Boxes of the output's size: rows are copied or become float32, and may be mirrored. No byte outside of them is read.

/** One row of bytes, as it is. */
export function copyBytes(source: usize, output: usize, length: usize): void {
  memory.copy(output, source, length);
}

/** One row of bytes, mirrored by pixel. */
export function mirrorBytes(source: usize, output: usize, width: i32, channels: i32): void {
  let from = source + <usize>(width * channels);
  const end = output + <usize>(width * channels);
  if (channels == 3) {
    // Five pixels of a read of 16 bytes, whose first byte belongs to the pixel before.
    for (; from - source >= 16; output += 15) {
      const v = v128.load(from - 16);
      const m = i8x16.shuffle(v, v, 13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0);
      v128.store64_lane(output, m, 0);
      v128.store32_lane(output, m, 2, 8);
      v128.store16_lane(output, m, 6, 12);
      v128.store8_lane(output, m, 14, 14);
      from -= 15;
    }
    for (; output < end; output += 3) {
      from -= 3;
      store<u8>(output, load<u8>(from));
      store<u8>(output, load<u8>(from, 1), 1);
      store<u8>(output, load<u8>(from, 2), 2);
    }
    return;
  }
  for (; from - source >= 16; output += 16) {
    from -= 16;
    const v = v128.load(from);
    v128.store(output, i8x16.shuffle(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  }
  for (; output < end; output++) {
    from--;
    store<u8>(output, load<u8>(from));
  }
}

// @ts-ignore: decorator
@inline
function put(output: usize, bytes: v128, s0: v128, s1: v128, s2: v128, t0: v128, t1: v128, t2: v128): void {
  const lo = i16x8.extend_low_i8x16_u(bytes);
  const hi = i16x8.extend_high_i8x16_u(bytes);
  const a = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(lo));
  const b = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(lo));
  const c = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(hi));
  const d = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(hi));
  v128.store(output, f32x4.add(f32x4.mul(a, s0), t0));
  v128.store(output, f32x4.add(f32x4.mul(b, s1), t1), 16);
  v128.store(output, f32x4.add(f32x4.mul(c, s2), t2), 32);
  v128.store(output, f32x4.add(f32x4.mul(d, s0), t0), 48);
}

/**
 * One row of float32. `factors`: four scales, then four shifts. Twelve consecutive float32 have the channels
 * r g b r, g b r g, b r g b; for grey all scales and shifts are equal, so the same holds.
 */
export function convertRow(source: usize, output: usize, width: i32, channels: i32, factors: usize): void {
  const s = v128.load(factors);
  const t = v128.load(factors, 16);
  const s0 = i32x4.shuffle(s, s, 0, 1, 2, 0);
  const s1 = i32x4.shuffle(s, s, 1, 2, 0, 1);
  const s2 = i32x4.shuffle(s, s, 2, 0, 1, 2);
  const t0 = i32x4.shuffle(t, t, 0, 1, 2, 0);
  const t1 = i32x4.shuffle(t, t, 1, 2, 0, 1);
  const t2 = i32x4.shuffle(t, t, 2, 0, 1, 2);
  const length = width * channels;
  let i = 0;
  for (; i + 48 <= length; i += 48) {
    put(output, v128.load(source), s0, s1, s2, t0, t1, t2);
    put(output + 64, v128.load(source, 16), s1, s2, s0, t1, t2, t0);
    put(output + 128, v128.load(source, 32), s2, s0, s1, t2, t0, t1);
    source += 48;
    output += 192;
  }
  for (let c = 0; i < length; i++) {
    const at = factors + (<usize>c << 2);
    store<f32>(output, <f32>load<u8>(source) * load<f32>(at) + load<f32>(at, 16));
    source++;
    output += 4;
    c = c == channels - 1 ? 0 : c + 1;
  }
}

/** One row of float32, mirrored by pixel; `factors` as in `convertRow`. */
export function mirrorRow(source: usize, output: usize, width: i32, channels: i32, factors: usize): void {
  let from = source + <usize>(width * channels);
  let left = width;
  if (channels == 3) {
    const s = v128.load(factors);
    const t = v128.load(factors, 16);
    const s0 = i32x4.shuffle(s, s, 0, 1, 2, 0);
    const s1 = i32x4.shuffle(s, s, 1, 2, 0, 1);
    const s2 = i32x4.shuffle(s, s, 2, 0, 1, 2);
    const t0 = i32x4.shuffle(t, t, 0, 1, 2, 0);
    const t1 = i32x4.shuffle(t, t, 1, 2, 0, 1);
    const t2 = i32x4.shuffle(t, t, 2, 0, 1, 2);
    // Four pixels, the last twelve of sixteen bytes.
    for (; from - source >= 16; left -= 4) {
      const v = v128.load(from - 16);
      const m = i8x16.shuffle(v, v, 13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 0, 1, 2, 3);
      const lo = i16x8.extend_low_i8x16_u(m);
      const hi = i16x8.extend_high_i8x16_u(m);
      const a = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(lo));
      const b = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(lo));
      const c = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(hi));
      v128.store(output, f32x4.add(f32x4.mul(a, s0), t0));
      v128.store(output, f32x4.add(f32x4.mul(b, s1), t1), 16);
      v128.store(output, f32x4.add(f32x4.mul(c, s2), t2), 32);
      from -= 12;
      output += 48;
    }
  }
  for (; left > 0; left--) {
    from -= channels;
    for (let c = 0; c < channels; c++) {
      const at = factors + (<usize>c << 2);
      store<f32>(output, <f32>load<u8>(from + c) * load<f32>(at) + load<f32>(at, 16));
      output += 4;
    }
  }
}
