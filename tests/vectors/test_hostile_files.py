"""Damaged and malicious files of vectors are refused, and the error names the file."""

import gzip
import io
import json
import lzma
import pickle
import struct
import zipfile

import pytest
from support.fasttext import content as fasttext

from wordsparse.errors import InputError
from wordsparse.words.model_directory import read_vectors


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

HOSTILE = {
    "empty": (b"", "is empty"),
    "prose": (b"It was a dark and stormy night.\n", "not a known file of vectors"),
    "one long line": (b"a" * 3_000_000, "not a known file of vectors"),
    "long numbers": (b"a " + b"1" * 1_000_000 + b" 2\n", "line 1 .*too long"),
    "pickle": (pickle.dumps([1]), "pickle"),
    "no words": (b"0 5\n", "holds no vectors"),
    "negative": (b"-1 5\na 1 2\n", "not a known file of vectors"),
    "huge count": (b"1000000000000 300\na 1 2\n", "cut short"),
    "digits without end": (b"9" * 5000 + b" 9\n", "not a known file of vectors"),
    "compressed huge count": (gzip.compress(b"10000000 300\na 1 2\n"), "cut short"),
    "text, cut": (b"3 2\na 1 2\nb 3 4\n" + b" " * 9, "line 4"),
    "text, more words": (b"2 2\na 1 2\nb 3 4\nc 5 6\n", "the file does not end after the 2 words"),
    "text, space in a word": (b"2 2\na 1 2\nnew york 3 4\n", "line 3 .*holds 3 numbers instead of 2"),
    "text, no number": (b"2 2\na 1 2\nb 3 x\n", "line 3"),
    "text, no word": (b"2 2\na 1 2\n 3 444\n", "line 3 has no word"),
    "text, bad UTF-8": (b"2 2\na 1 2\n\xff 3 4\n", "line 3.*UTF-8"),
    "text, long line": (b"2 2\na 1 2\n" + b"b" * 200_000 + b" 1 2\n", "line 3"),
    "glove, blank line": (b"a 1.25 2.5\n\nb 3.25 4.5\n", "line 2"),
    "binary, cut": (b"2 2\na " + bytes(8) + b"b " + bytes(7), "inside word 2 of 2"),
    "binary, more": (b"1 2\na " + bytes(8) + b"b " + bytes(8), "the file does not end after"),
    "binary, bad UTF-8": (b"1 2\n\xff " + bytes(8), "word 1.*UTF-8"),
    "binary, no word": (b"2 2\na " + bytes(8) + b" " + bytes(8) + b"\n", "word 2 has no word"),
    "binary, long word": (b"1 2\n" + b"a" * 70_000 + b" " + bytes(8), "word 1"),
    "bomb of zeros": (gzip.compress(b"1 2\na 1 2\n" + b"\n" * 70_000_000), "unpacks to more than"),
    "bomb of a line": (lzma.compress(b"a 1 2" + b"0" * 70_000_000), "unpacks to more than"),
    "zip": (zipped(other=b""), "without the array"),
    "npz, damaged": (npz(ONE_VECTOR, ONE_WORD)[:-30], "damaged"),
    "npz, no array": (npz(b"vectors", ONE_WORD), "damaged"),
    "npz, object": (npz(npy("(1, 2)", "|O", b"."), ONE_WORD), "allow_pickle=False"),
    "npz, huge": (npz(npy("(100000000000, 100000000000)"), ONE_WORD), "damaged"),
    "npz, negative": (npz(npy("(-1, -2)"), ONE_WORD), "damaged"),
    "npz, header": (npz(npy("__import__('os')"), ONE_WORD), "damaged"),
    "npz, no JSON": (npz(ONE_VECTOR, npy("(1,)", "|u1", b"a")), "a key is not JSON"),
    "npz, bad UTF-8": (npz(ONE_VECTOR, npy("(1,)", "|u1", b"\xff")), "is damaged.*utf-8"),
    "npz, bomb": (npz(ONE_VECTOR, npy("(70000000,)", "|u1", bytes(70_000_000))), "unpacks to more than"),
    "safetensors, 8 bits": (safetensors_file('["a"]', "I8"), "must be floating-point numbers, not int8"),
    "npz, words not Unicode": (npz(ONE_VECTOR, npy("(1,)", "<U1", b"\xff" * 4)), "damaged"),
    "npz, half a character": (npz(ONE_VECTOR, npy("(1,)", "<U1", b"\0\xd8\0\0")), "not valid Unicode"),
    "npz, words as bytes": (npz(ONE_VECTOR, npy("(1,)", "|S1", b"a")), "'words' must be text"),
    "npz, whole numbers": (npz(npy("(1, 2)", "<i4", bytes(8)), ONE_WORD), "vectors must be floating"),
    "npz, no scales": (npz(npy("(1, 2)", "|i1", b"\1\2"), ONE_WORD), "must be floating-point numbers, not int8"),
    "npz, a scale of zero": (scaled(bytes(4)), "a scale .* is not positive and finite"),
    "npz, a negative scale": (scaled(struct.pack("<f", -1)), "a scale .* is not positive and finite"),
    "npz, a scale of inf": (scaled(struct.pack("<f", float("inf"))), "a scale .* is not positive and finite"),
    "npz, a scale of NaN": (scaled(struct.pack("<f", float("nan"))), "a scale .* is not positive and finite"),
    "npz, a huge scale": (scaled(struct.pack("<f", 3e38)), "holds a number that is not finite"),
    "npz, two scales of a word": (scaled(bytes(8), "(2,)"), "scales with one float32 number per row"),
    "npz, scales that are integers": (scaled(bytes(4), dtype="<i4"), "scales with one float32 number per row"),
    "npz, 8-bit cube": (npz(npy("(1, 2, 1)", "|i1", b"\1\2"), ONE_WORD, scales=npy("(1,)")), "damaged|floating"),
    "npz, float16 inf": (npz(npy("(1, 2)", "<f2", b"\0\x7c\0\0"), ONE_WORD), "holds a number that is not finite"),
    "safetensors, bfloat16": (safetensors_file('["a"]', "BF16"), "bfloat16"),
    "safetensors, words": (safetensors_file("[1]"), "list of strings"),
    "safetensors, deep": (safetensors_file("[" * 100_000), "JSON"),
    "fastText, head": (fasttext()[:50], "is cut short"),
    "fastText, rows": (fasttext()[:-1], "is cut short"),
    "fastText, version": (fasttext(version=11), "is of version 11"),
    "fastText, words": (fasttext(words=2**31 - 9, labels=0), "is cut short"),
    "fastText, lengths": (fasttext(words=1, labels=2, buckets=1, longest=99), "at most 64"),
    "fastText, two of a word": (fasttext(word=b"</s>"), "'</s>' occurs twice"),
    "fastText, quantised": (fasttext(quantised=1), "quantised"),
    "fastText, NaN": (fasttext(rows=(1, 2, float("nan"), 4)), "or NaN"),
    "safetensors, cut": (safetensors_file('["a"]')[:-1], "damaged"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files(tmp_path, case):
    content, message = HOSTILE[case]
    path = tmp_path / "hostile"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_vectors(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000
    with pytest.raises(InputError):
        read_vectors(path, mapped=True)
