// Sums of the columns of a matrix [rows][columns], times `scale`: the sum or mean of all axes but the last, which is
// the gradient of a bias and the statistics of batch norm. Rows are summed in blocks and then the blocks, so that the
// rounding error grows with the length of a block and not with that of the matrix.

const BLOCK: i32 = 128;

@inline
function part(wide: bool, x: usize, rows: i32, rowBytes: usize): v128 {
  let total = f32x4.splat(0);
  for (let from = 0; from < rows; from += BLOCK) {
    const end = min(rows, from + BLOCK);
    let sum0 = f32x4.splat(0), sum1 = sum0;
    let at = x + <usize>from * rowBytes;
    let row = from;
    for (; row + 2 <= end; row += 2) {
      sum0 = f32x4.add(sum0, wide ? v128.load(at) : v128.load32_zero(at));
      sum1 = f32x4.add(sum1, wide ? v128.load(at + rowBytes) : v128.load32_zero(at + rowBytes));
      at += rowBytes * 2;
    }
    if (row < end) sum0 = f32x4.add(sum0, wide ? v128.load(at) : v128.load32_zero(at));
    total = f32x4.add(total, f32x4.add(sum0, sum1));
  }
  return total;
}

export function columnSums(x: usize, sums: usize, rows: i32, columns: i32, scale: f32): void {
  const rowBytes = <usize>columns << 2;
  let c = 0;
  for (; c + 4 <= columns; c += 4) {
    const lane = <usize>c << 2;
    v128.store(sums + lane, f32x4.mul(part(true, x + lane, rows, rowBytes), f32x4.splat(scale)));
  }
  for (; c < columns; c++) {
    const lane = <usize>c << 2;
    store<f32>(sums + lane, f32x4.extract_lane(part(false, x + lane, rows, rowBytes), 0) * scale);
  }
}
