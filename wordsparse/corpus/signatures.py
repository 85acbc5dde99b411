"""Files that are not UTF-8 text, recognised by their first bytes."""

import re

_COMPRESSED = "is compressed by {}: give its name the ending {}, or unpack it"
_ENCODED = "is {0} text, not UTF-8: convert it first (iconv -f {0} -t UTF-8)"

# In the order in which they are compared: the mark of UTF-32 begins with that of UTF-16.
_KINDS = (
    (rb"\x1f\x8b\x08", _COMPRESSED.format("gzip", ".gz")),
    (rb"BZh[1-9]1AY&SY", _COMPRESSED.format("bzip2", ".bz2")),
    (rb"\xfd7zXZ\0", _COMPRESSED.format("xz", ".xz")),
    (rb"\x28\xb5\x2f\xfd", _COMPRESSED.format("zstandard", ".zst")),
    (rb"PK\x03\x04", "is a zip archive (.docx, .xlsx and .npz files are too): unpack it"),
    (rb"PAR1\x15", "is a Parquet file, not text"),
    (rb"%PDF-\d", "is a PDF file: extract its text first (pdftotext)"),
    (rb"\x93NUMPY", "is a NumPy array, not text"),
    (rb"\xff\xfe\0\0|\0\0\xfe\xff", _ENCODED.format("UTF-32")),
    (rb"\xff\xfe|\xfe\xff", _ENCODED.format("UTF-16")),
)


def kind_of_file(data: bytes) -> str | None:
    """The kind of a file that begins with ``data``, and the advice for it; None if its first bytes do not tell."""
    return next((said for first, said in _KINDS if re.match(first, data)), None)
