/** Which channels of a tensor are the same number for every input of the model, and which number. */
export interface Constants {
  /** The number; NaN where the channel depends on the input. */
  readonly value: Float64Array;
  /** 1 where the number holds only away from the border, as zeros have been padded. */
  readonly hasBorder: Uint8Array;
}

/** Channels that all depend on the input. */
export function unknown(count: number): Constants {
  return { value: new Float64Array(count).fill(Number.NaN), hasBorder: new Uint8Array(count) };
}

/** The constants of channels that are made one by one from channels, by a function of their numbers. */
export function mapConstants(from: Constants, map: (value: number, channel: number) => number): Constants {
  return { value: from.value.map((value, channel) => map(value, channel)), hasBorder: from.hasBorder };
}

/** The constants after padding by zeros: what is not zero gets a border. */
export function padConstants({ value, hasBorder }: Constants): Constants {
  return { value, hasBorder: hasBorder.map((had, channel) => (had === 1 || (value[channel] as number) !== 0 ? 1 : 0)) };
}
