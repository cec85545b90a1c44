import { PHILOX_USE } from "../philox.js";
import { KeyedBijection } from "./bijection.js";
import { checkOrder } from "./order-schema.js";
import type { BlockShuffleOrder, BoundOrder } from "./order.js";

/** What {@link blockShuffle} takes. */
export interface BlockShuffleOptions {
  /** Default 0. */
  readonly seed?: number | undefined;
  /** Samples of a block, which lie one after the other in the data set; default 64. */
  readonly blockSize?: number | undefined;
  /** Blocks whose samples are mixed; default 64. */
  readonly windowBlocks?: number | undefined;
}

/**
 * A shuffle with bounded reads, for storage that is slow at random access: blocks of `blockSize` consecutive samples
 * come in a random order, and the samples of `windowBlocks` blocks at a time are mixed. At any moment only the blocks
 * of one window are being read, and none of them is read again in the epoch. The first sample of a window needs no
 * other to be read first, as there is no buffer to fill. How near it comes to {@link shuffle} is
 * {@link shuffleQuality}, about `1 - 1 / windowBlocks`.
 * @throws {@link OptionError} for impossible numbers.
 */
export function blockShuffle(options: BlockShuffleOptions = {}): BlockShuffleOrder {
  const { seed = 0, blockSize = 64, windowBlocks = 64 } = options;
  return checkOrder({ kind: "blockShuffle", seed, blockSize, windowBlocks });
}

/**
 * {@link blockShuffle} over `length` samples. The last block may be short, and then comes at a random place among the
 * others; so the place of a position is found by arithmetic, with three permutations: of the full blocks, of all places
 * (where the short block goes), and of the samples of a window.
 */
export function bindBlockShuffle(order: BlockShuffleOrder, length: number): BoundOrder {
  const { seed, blockSize, windowBlocks } = order;
  const fullBlocks = Math.floor(length / blockSize);
  const short = length - fullBlocks * blockSize;
  const blocks = fullBlocks + (short > 0 ? 1 : 0);
  const blockOrder = new KeyedBijection(seed, PHILOX_USE.blocks);
  const shortPlaces = new KeyedBijection(seed, PHILOX_USE.shortBlock);
  const windows = new KeyedBijection(seed, PHILOX_USE.window);
  /** Place of the short block among the blocks of the epoch; past the end where there is none. */
  let shortPlace = blocks;
  let placed = -1;
  const startOf = (place: number): number => place * blockSize - (place > shortPlace ? blockSize - short : 0);
  const placeOf = (position: number): number => {
    const place = Math.floor(position / blockSize);
    if (place < shortPlace) return place;
    return position < startOf(shortPlace) + short ? shortPlace : Math.floor((position + blockSize - short) / blockSize);
  };
  return {
    length,
    repeats: false,
    at: (epoch, position) => {
      if (epoch !== placed) {
        if (short > 0) shortPlace = shortPlaces.over(blocks, epoch, 0)(0);
        placed = epoch;
      }
      const window = Math.floor(placeOf(position) / windowBlocks);
      const start = startOf(window * windowBlocks);
      const end = (window + 1) * windowBlocks < blocks ? startOf((window + 1) * windowBlocks) : length;
      const mixed = start + windows.over(end - start, epoch, window)(position - start);
      const place = placeOf(mixed);
      const within = mixed - startOf(place);
      if (place === shortPlace) return fullBlocks * blockSize + within;
      const full = place < shortPlace ? place : place - 1;
      return blockOrder.over(fullBlocks, epoch, 0)(full) * blockSize + within;
    },
  };
}
