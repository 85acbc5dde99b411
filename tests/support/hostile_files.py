"""Damaged and malicious files of vectors, which tests/vectors/refusals.txt reads."""

import io
import json
import struct
import zipfile


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(shape, dtype="<f4", data=b""):
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def npz(vectors, words, **more):
    return zipped(vectors=vectors, words=words, **more)


def scaled(data, shape="(1,)", dtype="<f4"):
    """Return an npz file of a word with 8-bit numbers and these scales."""
    return npz(npy("(1, 2)", "|i1", b"\1\2"), ONE_WORD, scales=npy(shape, dtype, data))


def safetensors_file(words, dtype="F32"):
    size = {"F32": 4, "BF16": 2, "I8": 1}[dtype]
    tensor = {"dtype": dtype, "shape": [1, 2], "data_offsets": [0, 2 * size]}
    header = json.dumps({"__metadata__": {"words": words}, "vectors": tensor}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(2 * size)


ONE_WORD = npy("(3,)", "|u1", b'"a"')
ONE_VECTOR = npy("(1, 2)", "<f4", bytes(8))
