"""For every kind of file and every kind of damage, the reader refuses the damaged file and names it."""

import json
import shutil
from pathlib import Path

import pytest
from support.runs import interrupted, kept_checkpoint
from support.texts import SHORT, write_text

import wordsparse as ws
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.labels import TextClassifier
from wordsparse.training.checkpoints import Checkpoint

READERS = {
    "model": ws.load,
    "corpus": EncodedCorpus.open,
    "checkpoint": Checkpoint.open,
    "labels": TextClassifier.load,
    "index": ws.Search.load,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Make a folder with ``text.txt``, and with a ``model``, a ``checkpoint``, a search ``index``, a ``corpus`` of two
    shards, and a classifier, ``labels``, made from that text."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "run").mkdir()
    text = write_text(folder / "text.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wordsparse.corpus.draft.SHARD_TOKENS", 1000)
        ws.encode(text, folder / "corpus", min_count=1)
    ws.train(text, output=folder / "model", **SHORT)
    lines = text.read_text().splitlines()[:60]
    ws.Search(folder / "model", lines).save(folder / "index")
    TextClassifier().fit(lines, [line.split()[0] for line in lines]).save(folder / "labels")

    interrupted(text, folder / "run" / "model", 1)
    shutil.move(kept_checkpoint(folder / "run" / "model"), folder / "checkpoint")
    return folder


def corruptions(path):
    """Yield damaged versions: cut, empty, longer, with a flipped bit, another kind of file, and None (file removed)."""
    data = path.read_bytes()
    size = len(data)
    yield None
    for length in sorted({0, 1, 8, size // 3, size // 2, size - 4, size - 1}):
        yield data[:length]
    yield data + b"\0"
    yield data + data
    for place in sorted({0, 1, 7, 40, 127, *(size * k // 11 for k in range(1, 11)), size - 2, size - 1}):
        for bit in (0, 6):
            if place < size:
                yield data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
    yield bytes(size)
    for other in sorted(path.parent.iterdir()):
        if other != path and other.is_file():
            yield other.read_bytes()


def is_same_json(damaged, data):
    """Return whether both files parse to the same JSON: a change in the 17th digit of a number may have no effect."""
    try:
        return bool(json.loads(damaged or b"") == json.loads(data))
    except ValueError:
        return False


@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_file_is_refused_by_name(whole, tmp_path, kind):
    shutil.copytree(whole / kind, tmp_path / kind)
    read, tried = READERS[kind], 0
    read(tmp_path / kind)
    for path in sorted(filter(Path.is_file, (tmp_path / kind).rglob("*"))):
        data = path.read_bytes()
        for damaged in corruptions(path):
            if is_same_json(damaged, data):
                continue
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
            with pytest.raises(InputError) as caught:
                read(tmp_path / kind)
            # A directory without a manifest is not a corpus; the message must name the missing manifest.
            assert path.name in str(caught.value)
            tried += 1
            path.write_bytes(data)
    assert tried >= 60
    read(tmp_path / kind)


@pytest.mark.parametrize("kind", READERS)
def test_a_file_of_an_earlier_version_is_refused_by_name(whole, tmp_path, kind):
    shutil.copytree(whole / kind, tmp_path / kind)
    contents = {path: json.loads(path.read_text()) for path in (tmp_path / kind).glob("*.json")}
    ((path, content),) = (item for item in contents.items() if item[1].pop("sha256", None))
    version = content["version"]
    storage.write_manifest(path, content | {"version": version - 1})
    said = f"{path.name}: is {content['format']} version {version - 1}; .* reads version {version}: install another"
    with pytest.raises(InputError, match=said):
        READERS[kind](tmp_path / kind)
