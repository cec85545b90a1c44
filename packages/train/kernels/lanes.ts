// Loads and stores of 1 to 4 adjacent floats, for the ends of rows that do not divide by 4.

// `count` floats from `at`, the other lanes 0.
@inline
export function loadPart(at: usize, count: i32): v128 {
  if (count >= 4) return v128.load(at);
  if (count == 1) return v128.load32_zero(at);
  const two = v128.load64_zero(at);
  return count == 2 ? two : v128.load_lane<f32>(at, two, 2, 8);
}

// The first `count` lanes to `at`.
@inline
export function storePart(at: usize, count: i32, value: v128): void {
  if (count >= 4) {
    v128.store(at, value);
  } else if (count == 1) {
    v128.store_lane<f32>(at, value, 0);
  } else {
    v128.store_lane<f64>(at, value, 0);
    if (count == 3) v128.store_lane<f32>(at, value, 2, 8);
  }
}
