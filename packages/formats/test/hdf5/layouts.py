"""Makes HDF5 files of every layout in the folder argv[1], and prints what is in them as JSON.

{file: {"kind": ..., "fields": {name: {"rows": [hex], "offsets": [byte] | null}}, "fails": text | null}}

"rows" are little-endian; "offsets" say where h5py finds each row, if it lies there in one run and little-endian.
"""

import json
import sys

import h5py
import numpy as np

FOLDER = sys.argv[1]
N = 11
SHAPES = {"flat": (), "row": (6,), "image": (4, 3)}
DTYPES = ["u1", "i1", "u2", "<i4", "<u8", "<f2", "<f4", "<f8", ">i2", ">u4", ">f4", ">f8"]
rng = np.random.default_rng(7)
expected = {}


def values(shape, dtype):
    dtype = np.dtype(dtype)
    data = rng.integers(0, 256, int(np.prod(shape, dtype=np.int64)) * dtype.itemsize, dtype="u1")
    return data.view(dtype).reshape(shape)


def properties(shape, chunks=None, early=None, compact=False, filters=()):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if compact:
        plist.set_layout(h5py.h5d.COMPACT)
    if chunks:
        plist.set_chunk(chunks)
    if early is not None:
        plist.set_alloc_time({"early": h5py.h5d.ALLOC_TIME_EARLY, "late": h5py.h5d.ALLOC_TIME_LATE, "incremental": h5py.h5d.ALLOC_TIME_INCR}[early])
    for name in filters:
        {"shuffle": plist.set_shuffle, "fletcher32": plist.set_fletcher32, "gzip": lambda: plist.set_deflate(4)}[name]()
    return plist


def add(group, name, shape, dtype, maxshape=None, written=None, **options):
    """A dataset of random values, of which only the first `written` rows are written."""
    largest = tuple(h5py.h5s.UNLIMITED if extent is None else extent for extent in maxshape or shape)
    space = h5py.h5s.create_simple(shape, largest)
    plist = properties(shape, **options)
    dataset = h5py.Dataset(h5py.h5d.create(group.id, name.encode(), h5py.h5t.py_create(np.dtype(dtype)), space, plist))
    rows = shape[0] if written is None else written
    if rows > 0:
        dataset[:rows] = values((rows, *shape[1:]), dtype)
    return dataset


def offsets_of(dataset):
    row = int(np.prod(dataset.shape[1:], dtype=np.int64)) * dataset.dtype.itemsize
    if dataset.dtype.byteorder == ">" and dataset.dtype.itemsize > 1:
        return None
    if dataset.chunks is None:
        start = dataset.id.get_offset()
        return None if start is None else [start + i * row for i in range(len(dataset))]
    if dataset.chunks[1:] != dataset.shape[1:] or dataset.compression or dataset.shuffle or dataset.scaleoffset is not None:
        return None
    infos = []
    dataset.id.chunk_iter(infos.append)
    places = {info.chunk_offset[0] // dataset.chunks[0]: info.byte_offset for info in infos if info.filter_mask == 0}
    height = dataset.chunks[0]
    if any(i // height not in places for i in range(len(dataset))):
        return None
    return [places[i // height] + i % height * row for i in range(len(dataset))]


def describe(path, kind):
    fields = {}
    with h5py.File(path, "r") as f:
        for name, dataset in f.items():
            if not isinstance(dataset, h5py.Dataset):
                continue
            little = dataset[...].astype(dataset.dtype.newbyteorder("<"))
            compact = dataset.id.get_create_plist().get_layout() == h5py.h5d.COMPACT
            offsets = "inside" if compact and dataset.dtype.byteorder != ">" else offsets_of(dataset)
            fields[name] = {"rows": [row.tobytes().hex() for row in little], "offsets": offsets}
    expected[path] = {"kind": kind, "fields": fields}


def everywhere(**options):
    """The same layout for every dtype and shape; `chunks` and `maxshape` are functions of the shape."""

    def build(f):
        for number, dtype in enumerate(DTYPES):
            rest = list(SHAPES.values())[number % len(SHAPES)]
            shape = (N, *rest)
            own = {key: value(shape) if callable(value) else value for key, value in options.items()}
            add(f, f"field{number}", shape, dtype, **own)

    return build


def by_rows(height):
    return lambda shape: (height, *shape[1:])


def split(shape):
    return (2, *(max(1, extent - 1) for extent in shape[1:]))


def growing(shape):
    return (None, *shape[1:])


def growing_twice(shape):
    return (None, None, *shape[2:]) if len(shape) > 1 else (None,)


def shrunk(**options):
    def build(f):
        for number, height in enumerate([1, 3]):
            add(f, f"field{number}", (N + 9, 6), "u2", maxshape=(None, 6), chunks=(height, 6), **options).resize(N, 0)
            add(f, f"wide{number}", (N + 9, 6), "u2", maxshape=(N + 20, 8), chunks=(height, 2), **options).resize((N, 4))

    return build


def grown(f):
    for number, height in enumerate([1, 2, 4]):
        dataset = add(f, f"field{number}", (1, 6), "<i4", maxshape=(None, 6), chunks=(height, 6))
        for rows in range(2, N + 1):
            dataset.resize(rows, 0)
            dataset[rows - 1] = values((6,), "<i4")


def many_rows(count, growing, filters=()):
    def build(f):
        add(f, "image", (count, 2), "u1", maxshape=(None if growing else count, 2), chunks=(1, 2), filters=filters)

    return build


def groups(f):
    for number in range(40):
        inner = f.create_group(f"group{number}")
        inner["image"] = np.arange(6)
        inner.create_group("deeper")["image"] = np.arange(3)
    f.attrs["note"] = "many groups"
    everywhere()(f)


def unwritten(f):
    add(f, "never", (N, 6), "<i4")
    add(f, "early", (N, 6), "<i4", written=0, early="early")
    add(f, "chunks", (N, 6), "<i4", written=0, chunks=(2, 6))
    add(f, "half", (N, 6), "<i4", written=4, chunks=(2, 6))
    f.create_dataset("filled", (N, 6), "<f4", fillvalue=2.5, chunks=(3, 6))[:5] = 1


def of_library(f):
    for number, dtype in enumerate(["<i4", "u2", "u1"]):
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((3, 6))
        plist.set_filter(h5py.h5z.FILTER_NBIT)
        space = h5py.h5s.create_simple((N, 6))
        created = h5py.h5d.create(f.id, f"nbit{number}".encode(), h5py.h5t.py_create(np.dtype(dtype)), space, plist)
        h5py.Dataset(created)[...] = values((N, 6), dtype)
        f.create_dataset(f"scale{number}", (N, 6), dtype, chunks=(3, 6), scaleoffset=0)[...] = rng.integers(0, 99, (N, 6))


CASES = {
    "contiguous": everywhere(),
    "contiguous-early": everywhere(early="early"),
    "contiguous-incremental": everywhere(early="incremental"),
    "compact": everywhere(compact=True),
    "one-chunk": everywhere(chunks=by_rows(N)),
    "one-chunk-fletcher32": everywhere(chunks=by_rows(N), filters=["fletcher32"]),
    "one-chunk-gzip": everywhere(chunks=by_rows(N), filters=["gzip"]),
    "rows": everywhere(chunks=by_rows(1)),
    "rows-early": everywhere(chunks=by_rows(1), early="early"),
    "rows-late": everywhere(chunks=by_rows(3), early="late"),
    "rows-early-fletcher32": everywhere(chunks=by_rows(1), early="early", filters=["fletcher32"]),
    "rows-fletcher32": everywhere(chunks=by_rows(3), filters=["fletcher32"]),
    "rows-gzip": everywhere(chunks=by_rows(1), filters=["gzip"]),
    "rows-shuffle": everywhere(chunks=by_rows(3), filters=["shuffle"]),
    "rows-shuffle-gzip-fletcher32": everywhere(chunks=by_rows(2), filters=["shuffle", "gzip", "fletcher32"]),
    "growing": everywhere(chunks=by_rows(1), maxshape=growing),
    "growing-early": everywhere(chunks=by_rows(2), maxshape=growing, early="early"),
    "growing-fletcher32": everywhere(chunks=by_rows(4), maxshape=growing, filters=["fletcher32"]),
    "growing-gzip": everywhere(chunks=by_rows(1), maxshape=growing, filters=["gzip"]),
    "growing-twice": everywhere(chunks=by_rows(2), maxshape=growing_twice),
    "growing-twice-fletcher32": everywhere(chunks=by_rows(2), maxshape=growing_twice, filters=["fletcher32"]),
    "split": everywhere(chunks=split),
    "split-gzip": everywhere(chunks=split, maxshape=growing, filters=["gzip"]),
    "grown": grown,
    "shrunk": shrunk(),
    "shrunk-fletcher32": shrunk(filters=["fletcher32"]),
    "shrunk-early": shrunk(early="early"),
    "many-rows": many_rows(1500, False),
    "many-rows-growing": many_rows(1500, True),
    "many-rows-growing-fletcher32": many_rows(1200, True, ["fletcher32"]),
    "many-rows-gzip": many_rows(300, False, ["gzip"]),
    "groups": groups,
    "unwritten": unwritten,
    "of-library": of_library,
}

VERSIONS = {
    "superblock0": {"libver": "earliest"},
    "superblock2": {"libver": ("v108", "v108")},
    "superblock3": {"libver": ("v110", "v110")},
    "latest": {"libver": "latest"},
    "user-block": {"libver": "earliest", "userblock_size": 1024},
    "user-block3": {"libver": ("v110", "v110"), "userblock_size": 512},
}

for version, options in VERSIONS.items():
    for kind, build in CASES.items():
        path = f"{FOLDER}/{version}-{kind}.h5"
        with h5py.File(path, "w", **options) as f:
            build(f)
        describe(path, kind)

# Addresses and lengths of four bytes.
narrow = h5py.h5p.create(h5py.h5p.FILE_CREATE)
narrow.set_sizes(4, 4)
for kind in ["contiguous", "rows", "growing-fletcher32", "groups", "split-gzip"]:
    path = f"{FOLDER}/narrow-{kind}.h5"
    with h5py.File(h5py.h5f.create(path.encode(), h5py.h5f.ACC_TRUNC, fcpl=narrow)) as f:
        CASES[kind](f)
    describe(path, kind)

# An extensible array so long that its last blocks have pages.
path = f"{FOLDER}/pages.h5"
with h5py.File(path, "w", libver="latest") as f:
    many_rows(140_000, True)(f)
describe(path, "pages")

json.dump(expected, sys.stdout)
