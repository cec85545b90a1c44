"""The Python side of bench/formats: answers each line `<method> <argument as JSON>` with the milliseconds that the
method took, or with what it has to say. `peers.py <group> <path>`; each group needs its own environment."""
import json
import os
import sys
import time

GATHER = 64


def h5py_gather(path):
    import h5py
    import numpy as np

    dataset = h5py.File(path, "r")["image"]
    row = dataset.shape[1:]
    out = np.empty((GATHER,) + row, np.uint8)
    memory = h5py.h5s.create_simple(row)
    place = dataset.id.get_space()

    def fancy(rows):
        order = np.argsort(rows)
        out[order] = dataset[np.asarray(rows)[order]]

    def index(rows):
        for j, i in enumerate(rows):
            out[j] = dataset[i]

    def direct(rows):
        for j, i in enumerate(rows):
            dataset.read_direct(out, np.s_[i], np.s_[j])

    def low_level(rows):
        for j, i in enumerate(rows):
            place.select_hyperslab((i,) + (0,) * len(row), (1,) + row)
            dataset.id.read(memory, place, out[j])

    return {"fancy": fancy, "index": index, "direct": direct, "low_level": low_level}


def pyarrow_gather(path):
    import pyarrow as pa

    table = pa.ipc.open_file(pa.memory_map(path)).read_all().select(["image"])
    chunk = table.column("image").chunk(0)
    storage = getattr(chunk, "storage", chunk)
    return {
        "Array.take": lambda rows: storage.take(pa.array(rows)),
        "Table.take": lambda rows: table.take(pa.array(rows)).combine_chunks(),
    }


def h5py_open(path):
    import h5py

    def contiguous(_):
        with h5py.File(path, "r") as file:
            return [file[name].id.get_offset() for name in file]

    def chunked(_):
        with h5py.File(path, "r") as file:
            places = []
            file["image"].id.chunk_iter(lambda info: places.append((info.byte_offset, info.size)))
            assert len(places) == file["image"].shape[0]

    return {"contiguous": contiguous, "chunked": chunked}


def pyarrow_open(path):
    import pyarrow as pa

    return {"open": lambda _: pa.ipc.open_file(pa.memory_map(path)).read_all()}


def tensorflow_read(path):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    dataset = tf.data.TFRecordDataset(path).with_options(options)

    def iterate(_):
        for _record in dataset:
            pass

    return {"iterate": iterate, "reduce": lambda _: dataset.reduce(0, lambda n, _record: n + 1).numpy()}


def h5py_make(path):
    import h5py
    import numpy as np

    def chunked(argument):
        with h5py.File(path, "w") as file:
            shape = (argument["rows"],) + tuple(argument["shape"])
            image = file.create_dataset("image", shape, "u1", chunks=(1,) + shape[1:], maxshape=(None,) + shape[1:])
            for at in range(0, shape[0], 1000):
                n = min(1000, shape[0] - at)
                numbers = np.arange(at, at + n).astype("u1").reshape((n,) + (1,) * (len(shape) - 1))
                image[at : at + n] = np.broadcast_to(numbers, (n,) + shape[1:])
            file["label"] = np.arange(shape[0], dtype="i4")

    return {"chunked": chunked}


def pyarrow_make(path):
    import numpy as np
    import pyarrow as pa

    def one_batch(argument):
        values = np.zeros((argument["rows"], argument["bytes"]), np.uint8)
        values[:] = np.arange(argument["rows"]).astype("u1")[:, None]
        array = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), argument["bytes"])
        batch = pa.record_batch([array], ["image"])
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)

    return {"one_batch": one_batch}


def main():
    group, path = sys.argv[1:3]
    methods = globals()[group](path)
    print("ready", flush=True)
    for line in sys.stdin:
        name, argument = line.split(" ", 1)
        argument = json.loads(argument)
        start = time.perf_counter_ns()
        methods[name](argument)
        print((time.perf_counter_ns() - start) / 1e6, flush=True)


main()
