/**
 * What the Python programs of the tests begin with: `rows(column)` gives for each row what `valueDigest` gives, the
 * SHA-256 of its bytes and the shape of a ragged one.
 */
export const pyarrowRows: string = `
import hashlib, json, sys
import numpy as np, pyarrow as pa, pyarrow.ipc as ipc
sha = lambda data: hashlib.sha256(bytes(data)).hexdigest()

def rows(column):
    for chunk in (chunk for chunk in column.chunks if len(chunk)):
        type_ = chunk.type
        if pa.types.is_dictionary(type_):
            chunk = chunk.dictionary_decode()
            type_ = chunk.type
        if isinstance(type_, pa.FixedShapeTensorType):
            for row in chunk.to_numpy_ndarray(): yield sha(np.ascontiguousarray(row).tobytes())
        elif isinstance(type_, pa.BaseExtensionType):
            data, shape = chunk.storage.field("data"), chunk.storage.field("shape")
            for i in range(len(chunk)): yield sha(data[i].values.to_numpy().tobytes()) + str(shape[i].as_py())
        elif pa.types.is_fixed_size_list(type_):
            for row in chunk.flatten().to_numpy().reshape(len(chunk), -1): yield sha(row.tobytes())
        elif pa.types.is_list(type_) or pa.types.is_large_list(type_):
            for row in chunk: yield sha(row.values.to_numpy().tobytes()) + f"[{len(row.values)}]"
        elif pa.types.is_primitive(type_):
            for row in chunk.to_numpy(): yield sha(row.tobytes())
        else:
            for row in chunk: yield sha(row.as_py().encode() if isinstance(row.as_py(), str) else row.as_py())
`;
