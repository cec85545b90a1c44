// The symbols of one scan of all components, from their coefficients.

import { AC, AT, DC, H, HIGH, maskOf, STRIDE, V, WIDE } from "./coefficients";
import { CORRUPT, DONE, MAX_DC, NO_MEMORY } from "./direct";
import { PLANES, STATES } from "./layout";
import { addToken, addValue, hasRoom, openTokens, Tokens } from "./tokens";

/** Makes the tokens; `lengths` takes the end of those of each segment. */
export function tokensOf(
  components: u32,
  mcusPerRow: u32,
  mcuRows: u32,
  interval: u32,
  lengths: usize,
  tokens: usize,
): i32 {
  openTokens(tokens);
  memory.fill(STATES, 0, 64);
  let untilMark = interval;
  for (let row: u32 = 0; row < mcuRows; row++) {
    for (let column: u32 = 0; column < mcusPerRow; column++) {
      if (!hasRoom()) return NO_MEMORY;
      for (let i: u32 = 0; i < components; i++)
        if (!mcuTokens(PLANES + (i << 5), STATES + (i << 4), row, column)) return CORRUPT;
      if (--untilMark > 0) continue;
      untilMark = interval;
      store<u32>(lengths, <u32>Tokens.at);
      lengths += 4;
      memory.fill(STATES, 0, 64);
    }
  }
  return DONE;
}

function mcuTokens(plane: usize, state: usize, row: u32, column: u32): bool {
  const high = load<u32>(plane, V);
  const wide = load<u32>(plane, H);
  const dc = load<u32>(plane, DC);
  const ac = load<u32>(plane, AC);
  for (let y = row * high; y < (row + 1) * high; y++) {
    for (let x = column * wide; x < (column + 1) * wide; x++) {
      // Blocks that only fill up an MCU repeat the DC value before.
      if (x >= load<u32>(plane, WIDE) || y >= load<u32>(plane, HIGH)) {
        addToken(dc << 8, 0);
        addToken(ac << 8, 0);
        continue;
      }
      const block = <usize>load<u32>(plane, AT) + (<usize>(y * load<u32>(plane, STRIDE) + x) << 7);
      const value = <i32>load<i16>(block);
      const difference = value - load<i32>(state);
      if (abs<i32>(value) > MAX_DC || abs<i32>(difference) > MAX_DC) return false;
      addValue(dc, 0, difference);
      store<i32>(state, value);
      if (!acTokens(ac, block)) return false;
    }
  }
  return true;
}

function acTokens(table: u32, block: usize): bool {
  let mask = maskOf(block) & ~(<u64>1);
  let next: i32 = 1;
  while (mask != 0) {
    const k = <i32>ctz(mask);
    mask &= mask - 1;
    const value = <i32>load<i16>(block + (<usize>k << 1));
    if (abs<i32>(value) > 1023) return false;
    let run = k - next;
    for (; run > 15; run -= 16) addToken((table << 8) | 0xf0, 0);
    addValue(table, run, value);
    next = k + 1;
  }
  if (next < 64) addToken(table << 8, 0);
  return true;
}
