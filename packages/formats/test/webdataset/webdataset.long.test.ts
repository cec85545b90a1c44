import type { Sample, SampleValue, Schema } from "@millrace/formats";
import { count, openOracle, tempDir } from "@millrace/testkit";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { everyKind, everyKindSample } from "../arrow/every-kind.js";
import { shardDigests } from "../digests.js";
import { samplesOf, schemas } from "../format-samples.js";
import { open, writeShard } from "./archives.js";

const webdataset = openOracle("webdataset");

/** What each program below begins with. */
const PRELUDE = `
import hashlib, io, json, sys, tarfile
import numpy as np, webdataset
sha = lambda data: hashlib.sha256(bytes(data)).hexdigest()
`;

/** Reads a shard of {@link everyKind} with webdataset and its decoders, and with tarfile. */
const READ = `${PRELUDE}
members = {
    "image": "image.npy", "half": "half.npy", "label": "cls", "time": "time.npy",
    "key": "key.txt", "jpeg": "jpeg.jpg", "boxes": "boxes.npy",
}
found, keys = {name: [] for name in members}, []
for sample in webdataset.WebDataset(sys.argv[1], shardshuffle=False, empty_check=False).decode():
    keys.append(sample["__key__"])
    for name, rows in found.items():
        value = sample[members[name]]
        if name == "label": value = np.int32(value)
        if isinstance(value, str): value = value.encode()
        shape = str(list(value.shape)) if name == "boxes" else ""
        rows.append(sha(value if isinstance(value, bytes) else value.tobytes()) + shape)
    assert sample["image.npy"].shape == (4, 5, 3) and sample["half.npy"].dtype == np.float16
    assert sample["time.npy"].shape == () and sample["time.npy"].dtype == np.uint64
archive = tarfile.open(sys.argv[1])
infos = archive.getmembers()
print(json.dumps({
    "found": found,
    "keys": keys,
    "members": len(infos),
    "plain": all(i.isreg() and i.mtime == i.uid == i.gid == 0 and i.mode == 0o644 and i.uname == i.gname == "" for i in infos),
    "offsets": {i.name: i.offset_data for i in infos if i.name.endswith(".jpg")},
}))`;

interface Found {
  readonly found: Record<string, string[]>;
  readonly keys: string[];
  readonly members: number;
  readonly plain: boolean;
  readonly offsets: Record<string, number>;
}

describe.skipIf(webdataset.skip)("webdataset and tarfile of Python", () => {
  it.each([0, 1, count(100, 3000)])(
    "read a shard of ours of %i samples, byte for byte what our reader returns",
    async (length) => {
      const samples = Array.from({ length }, (_, n) => everyKindSample(n));
      const path = await writeShard(everyKind, samples, new Map([["millrace.classes", '["a"]']]));
      const { found, keys, members, plain, offsets } = JSON.parse(webdataset.run(READ, path)) as Found;
      const reader = await open(path);
      expect(found).toEqual(shardDigests(reader));
      expect(keys).toEqual(samples.map((_, n) => String(n).padStart(8, "0")));
      expect([members, plain]).toEqual([length === 0 ? 1 : length * everyKind.fields.length, true]);
      const extents = reader.extents("jpeg");
      expect(extents?.kind === "table" ? [...extents.offsets] : []).toEqual(length === 1 ? [] : Object.values(offsets));
      reader.close();
    },
  );

  it("read and write arrays of every dtype, byte for byte what our reader returns", async () => {
    const fields = schemas.flatMap(([name, some]) => (name.includes("every dtype") ? some : []));
    const path = await writeShard({ fields }, samplesOf({ fields }, count(5, 50)));
    const copy = join(tempDir(), "copy.tar");
    const program = `${PRELUDE}
found = {}
with webdataset.TarWriter(sys.argv[2]) as sink:
    for sample in webdataset.WebDataset(sys.argv[1], shardshuffle=False).decode():
        sink.write(sample)
        for name, value in sample.items():
            if name.startswith("__"): continue
            field = name.removesuffix(".npy")
            found.setdefault(field, []).append(sha(value.tobytes()) + (str(list(value.shape)) if field.startswith("r_") else ""))
print(json.dumps(found))`;
    const found = JSON.parse(webdataset.run(program, path, copy)) as Found["found"];
    const reader = await open(path);
    expect(found).toEqual(shardDigests(reader));
    const again = await open(copy, reader.schema);
    expect(shardDigests(again)).toEqual(found);
    again.close();
    reader.close();
  });

  it("read names longer than a header, and images by their encodings", async () => {
    const schema: Schema = {
      fields: [
        { name: "image", kind: "bytes", encoding: "image" },
        { name: "x".repeat(100), kind: "string" },
      ],
    };
    const images = ["\u00ff\u00d8\u00ff", "\u0089PNG\r\n", "RIFF0000WEBP"].map((text) => Buffer.from(text, "latin1"));
    const path = await writeShard(
      schema,
      images.map(
        (image): Sample =>
          new Map<string, SampleValue>([
            ["image", image],
            ["x".repeat(100), "ä"],
          ]),
      ),
    );
    const program = `${PRELUDE}
rows = []
for sample in webdataset.WebDataset(sys.argv[1], shardshuffle=False):
    rows.append({key: value.decode("latin1") for key, value in sample.items() if not key.startswith("__")})
print(json.dumps(rows))`;
    const text = { [`${"x".repeat(100)}.txt`]: Buffer.from("ä").toString("latin1") };
    expect(JSON.parse(webdataset.run(program, path))).toEqual([
      { jpg: "\u00ff\u00d8\u00ff", ...text },
      { png: "\u0089PNG\r\n", ...text },
      { webp: "RIFF0000WEBP", ...text },
    ]);
  });

  it.each(["webdataset", "USTAR", "GNU", "PAX"])("write archives that we read: %s", async (format) => {
    const program = `${PRELUDE}
random = np.random.default_rng(7)
path, format, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
found = {name: [] for name in ("image", "label", "json", "npy", "boxes")}
def samples():
    for n in range(count):
        folder = "f" * (1 + n % 90) + "/ü" if format in ("GNU", "PAX") else "f"
        sample = {"__key__": f"{folder}/{n:06}", "jpg": random.bytes(random.integers(0, 3000)), "cls": int(random.integers(-5, 1000))}
        sample |= {"json": {"n": n, "text": "ä🐈"}, "npy": random.random((3, 4)), "boxes.npy": random.integers(0, 99, (random.integers(0, 5), 4), np.int16)}
        found["image"].append(sha(sample["jpg"]))
        found["label"].append(sha(np.int32(sample["cls"]).tobytes()))
        found["json"].append(sha(json.dumps(sample["json"]).encode()))
        found["npy"].append(sha(sample["npy"].tobytes()))
        found["boxes"].append(sha(sample["boxes.npy"].tobytes()) + str(list(sample["boxes.npy"].shape)))
        yield sample
def encoded(value):
    if isinstance(value, np.ndarray):
        sink = io.BytesIO()
        np.save(sink, value)
        return sink.getvalue()
    return value if isinstance(value, bytes) else (json.dumps(value) if isinstance(value, dict) else str(value)).encode()
if format == "webdataset":
    with webdataset.TarWriter(path) as sink:
        for sample in samples(): sink.write(sample)
else:
    with tarfile.open(path, "w", format=getattr(tarfile, format + "_FORMAT")) as sink:
        for sample in samples():
            for suffix, value in sample.items():
                if suffix == "__key__": continue
                data = encoded(value)
                info = tarfile.TarInfo(f"{sample['__key__']}.{suffix}")
                info.size = len(data)
                info.mtime = 1700000000.5
                sink.addfile(info, io.BytesIO(data))
print(json.dumps(found))`;
    const path = join(tempDir(), "python.tar");
    const written = JSON.parse(webdataset.run(program, path, format, String(count(100, 2000)))) as Found["found"];
    const reader = await open(path);
    const found = shardDigests(reader);
    reader.close();
    expect(Object.fromEntries(Object.keys(written).map((name) => [name, found[name]]))).toEqual(written);
    expect(Object.keys(found).toSorted()).toEqual(Object.keys(written).toSorted());
  });
});
