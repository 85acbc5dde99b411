"""Tokenizer files (``tokens="FILE.json"``): models and encoded texts keep a copy, so the file may be deleted."""

import copy
import hashlib
import json
import pickle

import pytest
from support.runs import interrupted, kept_checkpoint, train
from support.texts import SHORT, same_vectors, sentences
from support.tokenizers import JAPANESE, bpe, unigram

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.tokens.records import tokenization
from wordsparse.tokens.tokenizers import tokenizer


@pytest.fixture
def text(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(JAPANESE), encoding="utf-8")
    return tmp_path / "text.txt"


@pytest.fixture
def file(tmp_path):
    return unigram(tmp_path / "file.json", JAPANESE)


def test_pieces_are_words_without_special_tokens(file, tmp_path):
    split = tokenizer(**tokenization(file))
    assert "".join(split(f"猫<s>{JAPANESE[0]}")) == f"▁▁{JAPANESE[0]}".replace("、", "、")  # <s> is special, 猫 unknown
    assert len(split(JAPANESE[0])) > 3  # the file's own limits are not used: cut to 3, pad to 9
    assert split("") == []
    words = tokenizer(**tokenization(str(bpe(tmp_path / "bpe.json", ["The cat sat"] * 9))))
    assert words("The CAT sat? [UNK]") == ["the", "cat", "sat"]


def test_a_model_needs_the_file_no_more(file, text, tmp_path):
    content, output = file.read_bytes(), tmp_path / "model"
    model = ws.train(text, output=output, tokens=file, **SHORT)
    encoded = ws.encode(text, tmp_path / "encoded", tokens=str(file), min_count=1)
    for folder in (output, encoded.path):
        assert (folder / "tokenizer.json").read_bytes() == content
    assert model.trained().text["tokenization"]["tokens"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    file.unlink()
    again, pieces = ws.load(output), list(sentences(text, tokens=model.split))
    vectors = model.encode(JAPANESE[:3])
    assert vectors.any()
    for other in (again, ws.train(encoded.path, **SHORT), pickle.loads(pickle.dumps(model))):
        assert same_vectors(other, model)
        assert (other.encode(JAPANESE[:3]) == vectors).all()
        assert other.encode(pieces[:3]).tolist() == vectors.tolist()
    assert copy.copy(model.wv)._encoder is None  # the encoder's cache cannot be pickled from Python 3.14 on
    more = ws.train(text, output=output, resume=True, **{**SHORT, "epochs": 3})
    assert same_vectors(more, again.train(text, epochs=3))
    command = ["train", str(text), "-o", str(tmp_path / "repeated"), "--config", str(output), "--epochs", "3", "-q"]
    assert main(command) == 0
    assert same_vectors(ws.load(tmp_path / "repeated"), ws.train(encoded.path, **{**SHORT, "epochs": 3}))


def test_an_interrupted_run_needs_the_file_no_more(file, text, tmp_path):
    interrupted(text, tmp_path / "model", 300, tokens=file)
    assert (kept_checkpoint(tmp_path / "model") / "tokenizer.json").read_bytes() == file.read_bytes()
    whole = ws.train(text, tokens=file, **SHORT)
    file.unlink()
    assert same_vectors(train(text, tmp_path / "model", resume=True), whole)


def test_another_file_is_refused(file, text, tmp_path):
    output, other = tmp_path / "model", bpe(tmp_path / "other.json", JAPANESE)
    digests = [tokenization(each)["tokens"] for each in (file, other)]
    ws.train(text, output=output, tokens=file, **SHORT)
    with pytest.raises(InputError, match=f"resume: tokens was {digests[0]}, not {digests[1]}"):
        ws.train(text, output=output, tokens=other, resume=True, **{**SHORT, "epochs": 3})
    encoded = ws.encode(text, tmp_path / "encoded", tokens=file, min_count=1)
    assert ws.train(encoded, tokens=file, dim=2, epochs=1)
    with pytest.raises(InputError, match=f"was encoded with tokens {digests[0]}, not {digests[1]}"):
        ws.train(encoded, tokens=other, dim=2, epochs=1)


def test_a_damaged_file_is_refused(file, text, tmp_path):
    for name, content in (("cut", file.read_bytes()[:-9]), ("foreign", b'{"a": 1}'), ("text", b"\xff")):
        (tmp_path / f"{name}.json").write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}\.json: (holds no tokenizer|is not UTF-8)"):
            ws.train(text, output=tmp_path / "model", tokens=tmp_path / f"{name}.json", **SHORT)
    with pytest.raises(InputError, match=r"missing\.json: cannot be read: No such file"):
        ws.train(text, output=tmp_path / "model", tokens="missing.json", **SHORT)
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}
    (tmp_path / "panic.json").write_text(json.dumps({"version": "1.0", "added_tokens": [], "model": model}))
    with pytest.raises(InputError, match="holds no tokenizer"):  # previously, a PanicException
        tokenization(tmp_path / "panic.json")
    words = json.loads(file.read_text())
    words["model"] = {"type": "WordLevel", "vocab": {"猫": 1, "犬": 1, "[UNK]": 0}, "unk_token": "[UNK]"}
    (tmp_path / "twice.json").write_text(json.dumps(words))
    with pytest.raises(InputError, match="two pieces the same number"):  # previously, 猫 was read as 犬
        tokenization(tmp_path / "twice.json")
    assert not list(tmp_path.glob("model*"))
    ws.train(text, output=tmp_path / "model", tokens=file, **SHORT)
    kept = tmp_path / "model" / "tokenizer.json"
    kept.write_text(json.dumps(json.loads(kept.read_text())))
    with pytest.raises(InputError, match=r"model/tokenizer\.json: does not match its checksum"):
        ws.load(tmp_path / "model")
