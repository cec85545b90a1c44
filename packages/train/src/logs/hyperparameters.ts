import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Settings of a run, by name, that tell it from other runs. */
export type RunSettings = Readonly<Record<string, string | number | boolean>>;

/** The tag under which TensorBoard's plugin `hparams` looks for {@link encodeSettings}. */
export const SETTINGS_TAG = "_hparams_/session_start_info";
/** Name of the plugin. */
export const SETTINGS_PLUGIN = "hparams";

/**
 * Settings for TensorBoard's tab HPARAMS (`tensorboard/plugins/hparams/plugin_data.proto`):
 *
 * ```text
 * HParamsPluginData { session_start_info = 3 }
 * SessionStartInfo  { hparams: map<string, google.protobuf.Value> = 1, start_time_secs: double = 5 }
 * Value             { number_value: double = 2 | string_value = 3 | bool_value = 4 }
 * ```
 *
 * @param timeMs - Since 1970.
 */
export function encodeSettings(settings: RunSettings, timeMs: number): Uint8Array {
  const writer = new BinaryWriter().tag(3, WireType.LengthDelimited).fork();
  for (const [name, value] of Object.entries(settings)) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(name);
    writer.tag(2, WireType.LengthDelimited).fork();
    if (typeof value === "number") writer.tag(2, WireType.Bit64).double(value);
    else if (typeof value === "string") writer.tag(3, WireType.LengthDelimited).string(value);
    else writer.tag(4, WireType.Varint).bool(value);
    writer.join().join();
  }
  writer.tag(5, WireType.Bit64).double(timeMs / 1000);
  return writer.join().finish();
}
