import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadLayers } from "../../model-file/load-layers.js";
import type { Call } from "./calls.js";
import { weightName } from "./calls.js";
import type { ChannelTrace } from "./channel-trace.js";
import type { HostModel, HostWeight } from "./host-weights.js";

/** A layer in the JSON of a model. */
interface LayerJson {
  readonly config: Record<string, unknown> & { readonly name: string };
}

/** A model without some of its channels. */
export interface Rebuild {
  readonly host: HostModel;
  readonly trace: ChannelTrace;
  readonly calls: readonly Call[];
  /** Roots of the sets of channels that go. */
  readonly gone: ReadonlySet<number>;
  /** What the biases of layers gain, by the layer's name. */
  readonly gains: ReadonlyMap<string, Float64Array>;
}

/** Builds the smaller model from the configuration of the old one, on the current backend; the caller's to dispose. */
export async function rebuild(plan: Rebuild): Promise<LayersModel> {
  const { host } = plan;
  const modelTopology = structuredClone(host.topology) as Record<string, unknown>;
  const layers = new Map(layersOf(modelTopology).map((layer) => [layer.config.name, layer]));
  const weights = new Map(host.weights.byName);
  nameMultipliers(plan, layers);
  addGains(plan, layers, weights);
  for (const { layer, key, channels } of plan.trace.counts) {
    const config = layers.get(layer)?.config;
    const left = kept(plan, channels).length;
    if (config === undefined || left === channels.length) continue;
    config[key] = Array.isArray(config[key]) ? [...(config[key] as unknown[]).slice(0, -1), left] : left;
  }
  for (const { weight, axis, channels } of plan.trace.axes) {
    const before = weights.get(weight);
    const left = kept(plan, channels);
    if (before !== undefined && left.length < channels.length) weights.set(weight, slice(before, axis, left));
  }
  const named = [...weights];
  const weightData = concatenate(named.map(([, { data }]) => data));
  const weightSpecs = named.map(([name, { shape }]) => ({ name, shape: [...shape], dtype: "float32" as const }));
  const metadata = host.metadata === undefined ? {} : { userDefinedMetadata: host.metadata };
  return await loadLayers({ modelTopology, weightSpecs, weightData, ...metadata });
}

/** The layers of a model, and those of models inside it. */
function layersOf(topology: Readonly<Record<string, unknown>>): LayerJson[] {
  const config = topology["config"] as readonly LayerJson[] | { readonly layers?: readonly LayerJson[] };
  const layers = "layers" in config ? config.layers : Array.isArray(config) ? (config as LayerJson[]) : [];
  return (layers ?? []).flatMap((layer) => [layer, ...layersOf(layer as never)]);
}

/** Positions of an axis whose channels stay. */
function kept({ trace: { sets }, gone }: Rebuild, channels: Int32Array): number[] {
  return [...channels.keys()].filter((at) => !gone.has(sets.find(channels[at] as number)));
}

/** TensorFlow.js leaves the multiplier out of the JSON of a separable convolution. */
function nameMultipliers({ calls }: Rebuild, layers: ReadonlyMap<string, LayerJson>): void {
  for (const { className, layer } of calls) {
    const config = layers.get(layer.name)?.config;
    if (className === "SeparableConv2D" && config !== undefined)
      config["depth_multiplier"] = layer.weights[0]?.shape.at(-1) ?? 1;
  }
}

function addGains(
  { calls, gains }: Rebuild,
  layers: ReadonlyMap<string, LayerJson>,
  weights: Map<string, HostWeight>,
): void {
  for (const { layer } of new Map(calls.map((call) => [call.layer.name, call])).values()) {
    const gain = gains.get(layer.name);
    const config = layers.get(layer.name)?.config;
    if (gain === undefined || config === undefined) continue;
    const known = weightName(layer, "bias");
    const name = known ?? `${(layer.weights[0]?.originalName ?? "").replace(/[^/]*$/u, "")}bias`;
    const before = weights.get(name)?.data;
    config["use_bias"] = true;
    weights.set(name, {
      shape: [gain.length],
      data: Float32Array.from(gain, (each, at) => each + (before?.[at] ?? 0)),
    });
  }
}

/** The positions `kept` of an axis. */
function slice({ data, shape }: HostWeight, axis: number, left: readonly number[]): HostWeight {
  const size = shape[axis] as number;
  const inner = shape.slice(axis + 1).reduce((product, count) => product * count, 1);
  const outer = data.length / (size * inner);
  const out = new Float32Array(outer * left.length * inner);
  for (let block = 0; block < outer; block++)
    for (const [to, from] of left.entries()) {
      const start = (block * size + from) * inner;
      out.set(data.subarray(start, start + inner), (block * left.length + to) * inner);
    }
  return { shape: shape.with(axis, left.length), data: out };
}

function concatenate(arrays: readonly Float32Array[]): ArrayBuffer {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all.buffer;
}
