import { offsetOf, openFormat, sampleBytes, type Sample, type SampleValue, type Schema } from "@millrace/formats";
import { count, openOracle, SEED, tempDir } from "@millrace/testkit";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { everyKind, everyKindSample, writeShard } from "./every-kind.js";

const h5py = openOracle("h5py");
const hdf5 = await openFormat("hdf5");

/** Prints what h5py finds in a shard: bytes as hex, and where the rows of tensors lie. */
const READ = `
import json, sys
import h5py
with h5py.File(sys.argv[1], "r") as f:
    schema = json.loads(f.attrs["millrace.schema"])
    samples, offsets = [], {}
    for field in schema["fields"]:
        name, kind = field["name"], field["kind"]
        if kind == "tensor":
            assert str(f[name].dtype) == field["dtype"] and list(f[name].shape[1:]) == field["shape"]
            offsets[name] = f[name].id.get_offset()
    n = len(f[schema["fields"][0]["name"]])
    for i in range(n):
        sample = {}
        for field in schema["fields"]:
            name, kind = field["name"], field["kind"]
            if kind == "tensor":
                sample[name] = f[name][i].tobytes().hex()
            elif kind == "string" and isinstance(f[name], h5py.Dataset):
                sample[name] = f[name].asstr()[i].encode().hex()
                assert f[name].dtype.kind == "S" and h5py.check_string_dtype(f[name].dtype).encoding == "utf-8"
            else:
                o = f[name]["offsets"][:]
                run = f[name]["data" if kind == "ragged" else "bytes"][o[i]:o[i + 1]]
                if kind == "ragged":
                    run = run.reshape(f[name]["shapes"][i])
                    assert str(run.dtype) == field["dtype"] and run.ndim == field["rank"]
                sample[name] = run.tobytes().hex()
        samples.append(sample)
    json.dump({"samples": samples, "offsets": offsets, "classes": f.attrs["millrace.classes"]}, sys.stdout)
`;

/** Adds a dataset and an attribute to a shard, and takes a field away. */
const APPEND = `
import sys
import h5py, numpy as np
with h5py.File(sys.argv[1], "a") as f:
    n = len(f["label"])
    f["weight"] = np.linspace(0, 1, n).astype("f4")
    f.attrs["note"] = "edited by h5py"
    f["label"][0] = 77
`;

/** Writes files of random dtypes, shapes, chunks and filters, and prints their rows as hex. */
const WRITE = `
import json, sys
import h5py, numpy as np
folder, seed, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">u2", ">i4", ">f8", ">u8", ">f2"]
VERSIONS = ["earliest", "v108", "v110", "v112", "v114", "v200", "latest"]
result = {}
for number in range(files):
    low = VERSIONS[rng.integers(len(VERSIONS))]
    path = f"{folder}/{number}-{low}.h5"
    options = {"userblock_size": int(2 ** rng.integers(9, 13))} if rng.random() < 0.3 else {}
    n = int(rng.integers(1, 200))
    rows = {}
    with h5py.File(path, "w", libver=low if low in ("earliest", "latest") else (low, "latest"), **options) as f:
        for member in range(int(rng.integers(1, 14))):
            name = f"field{member}"
            dtype = np.dtype(DTYPES[rng.integers(len(DTYPES))])
            shape = (n, *(int(x) for x in rng.integers(1, 7, rng.integers(0, 4))))
            data = rng.integers(0, 256, int(np.prod(shape)) * dtype.itemsize, dtype="u1").view(dtype).reshape(shape)
            arguments = {}
            if rng.random() < 0.7:
                chunks = [int(rng.integers(1, x + 1)) for x in shape]
                if rng.random() < 0.5:
                    chunks[1:] = shape[1:]
                arguments["chunks"] = tuple(chunks)
                arguments["maxshape"] = tuple(None if rng.random() < 0.3 else x + int(rng.integers(0, 3)) for x in shape)
                arguments["shuffle"] = bool(rng.random() < 0.3)
                arguments["fletcher32"] = bool(rng.random() < 0.3)
                if rng.random() < 0.3:
                    arguments["compression"] = "gzip"
            dataset = f.create_dataset(name, shape, dtype, fillvalue=np.zeros((), dtype)[()] if rng.random() < 0.5 else None, **arguments)
            if rng.random() < 0.2:  # only a part is written; the rest is fill value
                part = n // 2
                dataset[:part] = data[:part]
            else:
                dataset[...] = data
            whole = dataset[...]
            little = whole.astype(dtype.newbyteorder("<"))
            offsets = None
            if dtype.byteorder != ">" or dtype.itemsize == 1:
                if dataset.chunks is None and dataset.id.get_offset() is not None:
                    size = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
                    offsets = [dataset.id.get_offset() + i * size for i in range(n)]
                elif dataset.chunks is not None and dataset.chunks[1:] == shape[1:] and not dataset.compression and not dataset.shuffle:
                    size = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
                    infos = [dataset.id.get_chunk_info(i) for i in range(dataset.id.get_num_chunks())]
                    places = {info.chunk_offset[0]: info.byte_offset for info in infos}
                    height = dataset.chunks[0]
                    unlimited = [axis for axis, extent in enumerate(dataset.maxshape) if extent is None]
                    if len(unlimited) == 1 and unlimited[0] > 0:
                        offsets = "wrong"  # HDF5 2.0 exchanges the dimensions of such chunks in what it reports
                    elif len(places) == -(-n // height):
                        offsets = [places[i // height * height] + i % height * size for i in range(n)]
            rows[name] = {"rows": [row.tobytes().hex() for row in little], "offsets": offsets}
            if rng.random() < 0.5:
                f.attrs[f"attribute{member}"] = "x" * int(rng.integers(0, 3000))
    result[path] = rows
json.dump(result, sys.stdout)
`;

/** A group and attributes that fill heaps and trees of several levels, and chunks that are rare. */
const RARE = `
import sys
import h5py, numpy as np
many, rare = sys.argv[1:]
with h5py.File(many, "w", libver="latest") as f:
    for i in range(3000):
        f[f"a_name_that_takes_some_room_{i:05d}"] = np.full(4, i, "i4")
    for i in range(600):
        f.attrs[f"attribute{i}"] = np.bytes_(b"x" * (i + 1) + str(i).encode())
    f.attrs["huge"] = np.bytes_(b"y" * 70000)
with h5py.File(rare, "w", libver="latest") as f:
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_chunk((3, 2))
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    space = h5py.h5s.create_simple((7, 4), (9, 4))
    h5py.Dataset(h5py.h5d.create(f.id, b"implicit", h5py.h5t.STD_I32LE, space, early))[...] = np.arange(28).reshape(7, 4)
    packed = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    packed.set_chunk((3, 4))
    packed.set_filter(h5py.h5z.FILTER_NBIT)
    space = h5py.h5s.create_simple((7, 4))
    h5py.Dataset(h5py.h5d.create(f.id, b"packed", h5py.h5t.STD_I32LE, space, packed))[...] = np.arange(28).reshape(7, 4)
    skipped = f.create_dataset("skipped", (7, 4), "i4", chunks=(7, 4), compression="gzip")
    skipped.id.write_direct_chunk((0, 0), np.arange(28, dtype="i4").tobytes(), filter_mask=1)
`;

type Found = Record<string, Record<string, { rows: string[]; offsets: number[] | "wrong" | null }>>;

function hex(value: SampleValue): string {
  return Buffer.from(sampleBytes(value)).toString("hex");
}

function plain(sample: Sample): Record<string, string> {
  return Object.fromEntries([...sample].map(([name, value]) => [name, hex(value)]));
}

/** What a fixture's JSON expects, but for places, which differ between versions of h5py. */
function withoutExtents(text: string): unknown {
  return { ...(JSON.parse(text) as object), extents: undefined };
}

describe.skipIf(h5py.skip)("h5py", () => {
  it.each([
    ["whose number was known", 40],
    ["of a shard that became shorter", 47],
    ["whose number was not known", undefined],
  ])("reads every sample byte for byte %s", async (_, expectedSamples) => {
    const path = join(tempDir(), "shard.h5");
    const attributes = new Map([["millrace.classes", '["Hund","Käfer"]']]);
    const writer = await hdf5.createWriter(path, { schema: everyKind, attributes, expectedSamples });
    for (let n = 0; n < 40; n++) await writer.write(everyKindSample(n));
    await writer.finish();
    const found = JSON.parse(h5py.run(READ, path)) as {
      samples: Record<string, string>[];
      offsets: Record<string, number>;
      classes: string;
    };
    expect(found.classes).toBe('["Hund","Käfer"]');
    const reader = await hdf5.openReader(path);
    const read = Array.from({ length: reader.length }, (__, row) => reader.read(row));
    expect(found.samples).toEqual(read.map(plain));
    for (const [name, offset] of Object.entries(found.offsets))
      expect(reader.extents(name)).toMatchObject({ kind: "affine", base: offset });
    reader.close();
  });

  it("reads a shard without samples", async () => {
    const path = await writeShard(everyKind, []);
    const program = `import h5py, sys\nwith h5py.File(sys.argv[1]) as f: print(f["image"].shape, f["half"].dtype, len(f["key"]), f["jpeg/offsets"][:])`;
    expect(h5py.run(program, path).trim()).toBe("(0, 4, 5, 3) float16 0 [0]");
  });

  it("reads deflated tensors, and lets them grow", async () => {
    const schema: Schema = { fields: [{ name: "image", kind: "tensor", dtype: "uint16", shape: [40, 20] }] };
    const samples = Array.from({ length: 4200 }, (_, n) => new Map([["image", new Uint16Array(800).fill(n)]]));
    const path = await writeShard(schema, samples, undefined, "gzip");
    const program = `
import h5py, numpy as np, sys
with h5py.File(sys.argv[1], "a") as f:
    d = f["image"]
    print(d.chunks, d.maxshape, d.compression, d.compression_opts, (d[:] == np.arange(4200)[:, None, None]).all())
    d.resize(4300, 0)
    d[4200:] = np.arange(4200, 4300)[:, None, None]`;
    expect(h5py.run(program, path).trim()).toBe("(1, 40, 20) (None, 40, 20) gzip 4 True");
    const reader = await hdf5.openReader(path);
    expect(reader.length).toBe(4300);
    for (const row of [0, 4199, 4200, 4299])
      expect(reader.readField(row, "image")).toEqual(new Uint16Array(800).fill(row));
    reader.close();
  });

  it("edits a shard, and we read what it made of it", async () => {
    const path = await writeShard(
      everyKind,
      Array.from({ length: 9 }, (_, n) => everyKindSample(n)),
      9,
    );
    h5py.run(APPEND, path);
    const reader = await hdf5.openReader(path);
    expect(reader.attributes.get("note")).toBe("edited by h5py");
    expect(reader.schema).toEqual(everyKind);
    expect(reader.readField(0, "label")).toEqual(Int32Array.of(77));
    for (let n = 1; n < 9; n++) expect(reader.read(n)).toEqual(everyKindSample(n));
    reader.close();
  });

  it("writes files of any dtype, shape, chunks, filters and version, which we read with the extents that it says", async () => {
    const folder = tempDir();
    const found = JSON.parse(h5py.run(WRITE, folder, String(SEED), String(count(10, 150)))) as Found;
    for (const [path, fields] of Object.entries(found)) {
      const file = readFileSync(path);
      const reader = await hdf5.openReader(path);
      expect(reader.schema.fields.map(({ name }) => name)).toEqual(Object.keys(fields).toSorted());
      for (const [name, { rows, offsets }] of Object.entries(fields)) {
        const label = `${basename(path)} ${name}`;
        const read = Array.from({ length: reader.length }, (_, row) => hex(reader.readField(row, name)));
        expect({ [label]: read }).toEqual({ [label]: rows });
        const extents = reader.extents(name);
        const places = extents === undefined ? null : rows.map((_, row) => offsetOf(extents, row));
        expect({ [label]: offsets === "wrong" ? offsets : places }).toEqual({ [label]: offsets });
        const at = places?.map((place) => file.toString("hex", place, place + (rows[0]?.length ?? 0) / 2));
        expect({ [label]: at ?? rows }).toEqual({ [label]: rows });
      }
      reader.close();
    }
  });

  it("fills heaps and trees of several levels, which we read to the last leaf", async () => {
    const folder = tempDir();
    const [many, rare] = [join(folder, "many.h5"), join(folder, "rare.h5")];
    h5py.run(RARE, many, rare);
    const reader = await hdf5.openReader(many);
    const sample = reader.read(3);
    expect([...sample.values()]).toEqual(Array.from({ length: 3000 }, (_, i) => Int32Array.of(i)));
    const texts = Array.from({ length: 600 }, (_, i) => reader.attributes.get(`attribute${i}`));
    expect(texts).toEqual(texts.map((_, i) => "x".repeat(i + 1) + String(i)));
    expect(reader.attributes.get("huge")).toBe("y".repeat(70_000));
    reader.close();
    const other = await hdf5.openReader(rare);
    for (let row = 0; row < 7; row++) {
      const value = Int32Array.from({ length: 4 }, (_, i) => row * 4 + i);
      for (const name of ["implicit", "packed", "skipped"]) expect(other.readField(row, name)).toEqual(value);
    }
    other.close();
  });

  it("makes the fixtures anew, with the same expectations", () => {
    const folder = tempDir();
    const fixtures = fileURLToPath(new URL("../../../../fixtures/hdf5/", import.meta.url));
    mkdirSync(join(folder, "new"));
    h5py.run(readFileSync(`${fixtures}make.py`, "utf8"), join(folder, "new"));
    const names = readdirSync(join(folder, "new")).filter((name) => name.endsWith(".json"));
    expect(names.length).toBeGreaterThan(8);
    for (const name of names)
      expect(withoutExtents(readFileSync(join(folder, "new", name), "utf8"))).toEqual(
        withoutExtents(readFileSync(fixtures + name, "utf8")),
      );
  });

  it("can point to other files; we refuse to follow", async () => {
    const folder = tempDir();
    h5py.run(
      `import h5py, sys
with h5py.File(sys.argv[1], "w", libver="latest") as f:
    layout = h5py.VirtualLayout((4, 2), "i4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "image", (4, 2))
    f.create_virtual_dataset("image", layout)`,
      join(folder, "virtual.h5"),
    );
    await expect(hdf5.openReader(join(folder, "virtual.h5"))).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("virtual") as string,
    });
  });
});
