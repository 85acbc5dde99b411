"""A text's files in parts that end where a sentence ends, for several processes that read one text."""

from collections.abc import Sequence
from pathlib import Path

from wordsparse.corpus.encoding import Part, whole
from wordsparse.files.unpacking import compression_of_name

BLOCK_BYTES = 2**16


def share(files: Sequence[Path], lines: bool, number: int, of: int) -> list[Part]:
    """The parts of process ``number`` of ``of``; those of all of them, in order, are the text.

    Shares are alike in bytes. A file is cut behind a line feed, if with ``lines`` it ends a sentence; a compressed file
    is one part.

    Parameters
    ----------
    files : sequence of Path
        Regular files.
    """
    sizes = [file.stat().st_size for file in files]
    (first, start), (last, stop) = (_cut(files, sizes, lines, sum(sizes) * end // of) for end in (number, number + 1))
    if first == last:
        return [Part(first, files[first], start, stop)] if start < stop else []
    found = [Part(first, files[first], start), *whole(files)[first + 1 : last]]
    return [*found, Part(last, files[last], 0, stop)] if stop else found


def _cut(files: Sequence[Path], sizes: Sequence[int], lines: bool, wanted: int) -> tuple[int, int]:
    """The cut next to the byte ``wanted`` of all files together: (file, position in it)."""
    for index, (file, size) in enumerate(zip(files, sizes, strict=True)):
        if wanted < size:
            if lines and not compression_of_name(file):
                position = _behind_line_feed(file, wanted)
            else:
                position = 0 if wanted <= size // 2 else size
            return (index, position) if position < size else (index + 1, 0)
        wanted -= size
    return len(files), 0


def _behind_line_feed(file: Path, wanted: int) -> int:
    """The first position from ``wanted`` on at which a line begins; the file's size if there is none."""
    if wanted == 0:
        return 0
    with open(file, "rb") as content:
        position = content.seek(wanted - 1)
        while block := content.read(BLOCK_BYTES):
            if (found := block.find(b"\n")) >= 0:
                return position + found + 1
            position += len(block)
    return position
