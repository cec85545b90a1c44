import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/**
 * The messages of a TensorBoard event file that are written here (`tensorflow/core/util/event.proto`,
 * `tensorflow/core/framework/summary.proto`; `tensorboard/plugins/hparams/plugin_data.proto`):
 *
 * ```text
 * Event            { wall_time: double = 1, step: int64 = 2, file_version: string = 3 | summary = 5 | session_log = 7 }
 * Summary          { value = 1, repeated }
 * Value            { tag: string = 1, simple_value: float = 2, metadata = 9 }
 * SummaryMetadata  { plugin_data = 1 { plugin_name: string = 1, content: bytes = 2 } }
 * SessionLog       { status = 1, START is 1 }
 * ```
 */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const VALUE = { entry: 1, tag: 1, simple: 2, metadata: 9 } as const;
const PLUGIN = { data: 1, name: 1, content: 2 } as const;
const SESSION = { status: 1, start: 1 } as const;

/** What an event says: one of these. */
export type EventContent =
  /** `brain.Event:2`, in the first event of a file. */
  | { readonly fileVersion: string }
  | { readonly scalars: ReadonlyMap<string, number> }
  /** Data of a plugin, in its own encoding. */
  | { readonly tag: string; readonly plugin: string; readonly content: Uint8Array }
  /** What other files of the folder say about this step and later ones no longer counts. */
  | { readonly session: "start" };

/** The payload of a record.  @param timeMs - Since 1970. */
export function encodeEvent(timeMs: number, step: number, content: EventContent): Uint8Array {
  const writer = new BinaryWriter().tag(EVENT.wallTime, WireType.Bit64).double(timeMs / 1000);
  writer.tag(EVENT.step, WireType.Varint).int64(step);
  if ("fileVersion" in content)
    return writer.tag(EVENT.fileVersion, WireType.LengthDelimited).string(content.fileVersion).finish();
  if ("session" in content) {
    writer.tag(EVENT.sessionLog, WireType.LengthDelimited).fork();
    return writer.tag(SESSION.status, WireType.Varint).int32(SESSION.start).join().finish();
  }
  writer.tag(EVENT.summary, WireType.LengthDelimited).fork();
  if ("scalars" in content) {
    for (const [tag, value] of content.scalars) {
      writer.tag(VALUE.entry, WireType.LengthDelimited).fork();
      writer.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
      writer.tag(VALUE.simple, WireType.Bit32).float(value).join();
    }
    return writer.join().finish();
  }
  writer.tag(VALUE.entry, WireType.LengthDelimited).fork();
  writer.tag(VALUE.tag, WireType.LengthDelimited).string(content.tag);
  writer.tag(VALUE.metadata, WireType.LengthDelimited).fork();
  writer.tag(PLUGIN.data, WireType.LengthDelimited).fork();
  writer.tag(PLUGIN.name, WireType.LengthDelimited).string(content.plugin);
  writer.tag(PLUGIN.content, WireType.LengthDelimited).bytes(content.content);
  return writer.join().join().join().join().finish();
}
