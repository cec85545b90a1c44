import type { Call, Layer } from "./calls.js";
import { weightName } from "./calls.js";
import { ChannelSets } from "./channel-sets.js";

/** An axis of a weight, each position of which belongs to a channel. */
export interface WeightAxis {
  readonly layer: string;
  /** The weight's `originalName`. */
  readonly weight: string;
  readonly axis: number;
  /** The channel of each position. */
  readonly channels: Int32Array;
  /** `made`: the axis goes with the channels that the layer puts out, `taken`: with those that it takes in. */
  readonly side: "made" | "taken";
}

/** An entry of a layer's configuration that counts channels, or a shape whose last size does. */
export interface ChannelCount {
  readonly layer: string;
  /** As in the model's JSON. */
  readonly key: "filters" | "units" | "target_shape" | "batch_input_shape";
  readonly channels: Int32Array;
}

/** Which channels flow where in a model: what each kind of layer writes down while the model is walked through. */
export class ChannelTrace {
  readonly sets: ChannelSets = new ChannelSets();
  readonly axes: WeightAxis[] = [];
  readonly counts: ChannelCount[] = [];
  /** The channels on the last axis of a tensor, by its id. */
  readonly ofTensor: Map<number, Int32Array> = new Map();
  /** The channels that a layer makes, one for each filter or unit, by its name. */
  readonly madeBy: Map<string, Int32Array> = new Map();

  /** The channels that a layer makes: the same ones at every call. */
  make(layer: Layer, count: number, key: "filters" | "units"): Int32Array {
    const before = this.madeBy.get(layer.name);
    if (before !== undefined) return before;
    const channels = this.sets.add(count);
    this.madeBy.set(layer.name, channels);
    this.counts.push({ layer: layer.name, key, channels });
    return channels;
  }

  /**
   * Says that an axis of a weight belongs to channels. A shared layer has one weight for all its calls, so that the
   * channels of one call go with those of the others. Nothing happens if the layer has no such weight.
   */
  tie(layer: Layer, role: string, axis: number, channels: Int32Array, side: WeightAxis["side"]): void {
    const weight = weightName(layer, role);
    if (weight === undefined) return;
    const before = this.axes.find((known) => known.weight === weight && known.axis === axis);
    if (before === undefined) this.axes.push({ layer: layer.name, weight, axis, channels, side });
    else this.sets.join(before.channels, channels);
  }

  /** Says that a layer, or its activation, needs all of these channels. */
  block(call: Call, channels: Int32Array, className: string = call.className): void {
    this.sets.bind(channels, { kind: "layer", layer: call.layer.name, className });
  }
}
