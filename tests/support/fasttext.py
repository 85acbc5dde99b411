"""Files in fastText's format."""

import struct


def content(**other):
    """Return a model of two words and a label, without n-grams, in fastText's format."""
    sizes = {"version": 12, "dim": 2, "buckets": 0, "longest": 0, "words": 2, "labels": 1, "pruned": -1} | other
    head = [sizes["version"], sizes["dim"], *[0] * 7, sizes["buckets"], 0, sizes["longest"], 0]
    data = struct.pack("<14id", 793_712_314, *head, 1e-4)
    data += struct.pack("<3i2q", sizes["words"] + sizes["labels"], sizes["words"], sizes["labels"], 9, sizes["pruned"])
    for word, kind in ((b"</s>", 0), (other.get("word", "größe".encode()), 0), (b"__label__a", 1)):
        data += word + b"\0" + struct.pack("<qb", 5, kind)
    rows = other.get("rows", (1.0, 2.0, 3.0, 4.0))
    return data + struct.pack("<bqq4f", other.get("quantised", 0), 2, 2, *rows)
