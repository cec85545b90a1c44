import type { Call } from "./calls.js";
import type { ChannelTrace } from "./channel-trace.js";
import type { Constants } from "./constants.js";
import type { HostWeights } from "./host-weights.js";
import type { ChannelUse } from "./kinds/kind.js";
import { kindOf } from "./kinds/kinds.js";
import { findConstants } from "./trace-channels.js";

/** A layer that sums over channels, with what it takes at each of its calls. */
export interface ChannelUser {
  readonly call: Call;
  readonly use: ChannelUse;
  /** The channels of each call's input. */
  readonly channels: readonly Int32Array[];
  readonly constants: readonly Constants[];
}

/** All layers of a model that sum over channels. */
export function findUsers(calls: readonly Call[], trace: ChannelTrace, weights: HostWeights): ChannelUser[] {
  const known = findConstants(calls, weights);
  const users = new Map<string, ChannelUser>();
  for (const call of calls) {
    const use = kindOf(call).use?.(call, weights);
    const [input] = call.inputs;
    if (use === undefined || input === undefined) continue;
    const before = users.get(call.layer.name);
    users.set(call.layer.name, {
      call,
      use,
      channels: [...(before?.channels ?? []), trace.ofTensor.get(input.id) as Int32Array],
      constants: [...(before?.constants ?? []), known.get(input.id) as Constants],
    });
  }
  return [...users.values()];
}

/** What the removal of an input channel means for the layer that takes it. */
export interface Removal {
  /** True if the layer's output stays the same, once `value` times the channel's gains is added to the biases. */
  readonly isExact: boolean;
  /** The channel's constant; 0 if it has none, or none that biases could stand for. */
  readonly value: number;
}

/** Looks at one input channel of a layer. */
export function removalOf({ use, constants }: ChannelUser, channel: number): Removal {
  const values = constants.map(({ value }) => value[channel] as number);
  const [value = 0] = values;
  // A shared layer has the same biases at all its calls.
  const isOne = values.every((other) => other === value);
  if (!isOne || (use.fold === "never" && value !== 0)) return { isExact: use.isUnused(channel), value: 0 };
  const hasBorder = constants.some((call) => call.hasBorder[channel] === 1) || (use.fold !== "exact" && value !== 0);
  return { isExact: !hasBorder || use.isUnused(channel), value };
}

/** The sets of channels, by their root, whose removal changes something that no bias can make up for. */
export function inexactRoots(users: readonly ChannelUser[], { sets }: ChannelTrace): ReadonlySet<number> {
  const roots = new Set<number>();
  for (const user of users) {
    for (const channel of (user.channels[0] as Int32Array).keys()) {
      if (removalOf(user, channel).isExact) continue;
      for (const { [channel]: id } of user.channels) roots.add(sets.find(id as number));
    }
  }
  return roots;
}

/** What the biases of layers gain when sets of channels go, by the layer's name. */
export function foldConstants(
  users: readonly ChannelUser[],
  { sets }: ChannelTrace,
  gone: ReadonlySet<number>,
): ReadonlyMap<string, Float64Array> {
  const gains = new Map<string, Float64Array>();
  for (const user of users) {
    for (const [channel, id] of (user.channels[0] as Int32Array).entries()) {
      if (!gone.has(sets.find(id))) continue;
      const { value } = removalOf(user, channel);
      if (value === 0) continue;
      const { name } = user.call.layer;
      const gain = user.use.gains(channel);
      const before = gains.get(name);
      gains.set(
        name,
        gain.map((each, filter) => each * value + (before?.[filter] ?? 0)),
      );
    }
  }
  return gains;
}
