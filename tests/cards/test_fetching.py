import hashlib
import io
import json
import os
import tarfile
import zipfile

import pytest
from support.file_server import Served, serving
from support.texts import sentences

from wordsparse.cards import fetching
from wordsparse.cards.card import load_card
from wordsparse.cards.fetching import fetch
from wordsparse.cli import main
from wordsparse.errors import InputError, WordsparseError

TEXT = b"one two three\n" * 5000


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(fetching, "BLOCK_BYTES", 4096)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return file.getvalue()


def tarred(mode, *members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for named, data in members:
            member = tarfile.TarInfo(named) if isinstance(named, str) else named
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def broken(data):
    """Damage an archive: change some bytes in the middle of its compressed data."""
    return data[:60] + bytes(20) + data[80:]


def card(tmp_path, served, name="text.txt", **facts):
    """Write a card for a file on the server."""
    members = facts.pop("members", {})
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"url": f"{served.address}/{name}", **facts}.items()]
    lines += ["[download.members]", *(f'"{key}" = "{value}"' for key, value in members.items())]
    path = tmp_path / "card.toml"
    head = 'name = "mine"\ndescription = "d"\nlicence = "l"\nformat = "lines"\ntokens = "split"\n[download]\n'
    path.write_text(head + "\n".join(lines))
    return path


def sha(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_a_file(tmp_path, algorithm):
    with serving(Served(TEXT)) as served:
        path = card(tmp_path, served, bytes=len(TEXT), checksum=sha(TEXT, algorithm))
        seen = []
        fetched = fetch(load_card(path), tmp_path / "out", progress=lambda *state: seen.append(state))
    assert (tmp_path / "out" / "text.txt").read_bytes() == TEXT
    assert fetched["verified"] == sha(TEXT, algorithm)
    assert f"sha256:{fetched['download_sha256']}" == sha(TEXT)
    assert seen[-1] == (len(TEXT), len(TEXT))
    assert sorted(os.listdir(tmp_path)) == ["card.toml", "out"]
    assert len(list(sentences(tmp_path / "out"))) == 5000  # reading skips the file that records the download
    with pytest.raises(InputError, match=r"out.*exist"):
        fetch(load_card(path), tmp_path / "out")


def test_without_a_checksum_the_downloads_own_is_recorded(tmp_path, capsys):
    with serving(Served(TEXT)) as served:
        assert main(["corpora", "fetch", str(card(tmp_path, served)), "-o", str(tmp_path / "out"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["verified"] is None
    assert result["sha256"] == hashlib.sha256(TEXT).hexdigest()
    assert result["train"] == f"wordsparse train {tmp_path / 'out'} -o model"
    record = json.loads((tmp_path / "out" / "_fetched.json").read_text())
    assert record["download_sha256"] == result["sha256"]
    assert record["verified"] is None
    assert record["url"] == f"{served.address}/text.txt"


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("has_checksum", [True, False])
def test_the_next_run_resumes(tmp_path, capsys, ranges, has_checksum):
    """A download resumes only if the server can send parts and a checksum would reveal a changed file."""
    facts = {"checksum": sha(TEXT)} if has_checksum else {}
    with serving(Served(TEXT, ranges=ranges, cuts=[30_000])) as served:
        command = ["corpora", "fetch", str(card(tmp_path, served, **facts)), "-o", str(tmp_path / "out")]
        assert main(command) == 1
        assert "run the same command again" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
        assert main(command) == 0
    assert served.requests == [("/text.txt", None), ("/text.txt", "bytes=30000-" if has_checksum else None)]
    assert (tmp_path / "out" / "text.txt").read_bytes() == TEXT
    assert sorted(os.listdir(tmp_path)) == ["card.toml", "out"]


def test_a_file_that_has_changed_meanwhile_is_noticed_and_fetched_again(tmp_path):
    with serving(Served(TEXT, cuts=[30_000])) as served:
        path = card(tmp_path, served, checksum=sha(TEXT[::-1]))
        with pytest.raises(WordsparseError, match="run the same command again"):
            fetch(load_card(path), tmp_path / "out")
        served.data = TEXT[::-1]
        with pytest.raises(WordsparseError, match="the file was deleted"):
            fetch(load_card(path), tmp_path / "out")
        fetch(load_card(path), tmp_path / "out")
    assert (tmp_path / "out" / "text.txt").read_bytes() == TEXT[::-1]


@pytest.mark.parametrize(
    ("served", "facts", "message"),
    [
        (Served(TEXT, length=0), {"bytes": 5}, "does not have the 5 bytes"),
        (Served(b"", endless=(b"HTTP/1.1 200 OK\r\n\r\n", TEXT)), {"bytes": 10**6}, "does not have the 1,000"),
        (Served(b"", endless=(b"HTTP/1.1 302 Found\r\nLocation: /text.txt\r\n\r\n", TEXT)), {}, "302"),
        (Served(TEXT, length=80_000), {}, "run the same command again"),
        (Served(TEXT[:9], length=0), {"bytes": 10}, "run the same command again"),
        (Served(TEXT), {"checksum": sha(b"")}, f"its sha256 is {sha(TEXT)[7:]}, but the card says .*was deleted"),
        (Served(TEXT, statuses=[404]), {}, "404: Not Found"),
        (Served(TEXT, statuses=[403]), {}, "403: Forbidden"),
        (Served(TEXT, statuses=[503]), {}, "Service Unavailable.*again"),
        (Served(TEXT, redirects={"/text.txt": "file:///etc/passwd"}), {}, "file:///etc/passwd. is not allowed"),
        (Served(TEXT, redirects={"/text.txt": "ftp://127.0.0.1:9/a.txt"}), {}, "unknown url type: ftp"),
        (Served(TEXT, redirects={"/text.txt": "/text.txt"}), {}, "302"),
        # For the following requests, other libraries raise their own exceptions, which must be translated.
        (Served(TEXT, redirects={"/text.txt": "http://[::1/a.txt"}), {}, "run the same command again"),
        (Served(TEXT), {"url": "http://h:99999999999999999999/a.txt"}, "run the same command again"),
        (Served(TEXT), {"members": {"text": ""}}, "is not an archive, or is damaged"),
        (Served(zipped(text=TEXT)[:-5]), {"members": {"text": ""}}, "is not an archive, or is damaged"),
        (Served(zipped(text=TEXT)), {"members": {"t*": "", "text": "", "other": ""}}, "holds no member other(?!,)"),
        (Served(zipped(text=TEXT)), {"members": {"text": sha(b"")}}, "text of http.*its sha256 is"),
        (Served(zipped(a__text=TEXT, b__text=TEXT)), {"members": {"*/text": ""}}, "has a name that cannot be used"),
        (Served(broken(zipped(text=TEXT))), {"members": {"text": ""}}, "or is damaged"),
        (Served(broken(tarred("w:xz", ("text", os.urandom(9000))))), {"members": {"text": ""}}, "or is damaged"),
    ],
)
def test_errors_are_reported_and_no_files_are_left(tmp_path, served, facts, message):
    with serving(served), pytest.raises(WordsparseError, match=message):
        fetch(load_card(card(tmp_path, served, **facts)), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    left = [name for name in os.listdir(tmp_path) if name != "card.toml"]
    assert all(name.startswith(".out.") and name.endswith(".part") for name in left)


def test_an_archive(tmp_path):
    data = zipped(read__me=b"no", deep__text=TEXT)
    with serving(Served(data)) as served:
        facts = {"members": {"*/text": sha(TEXT, "md5")}}
        fetched = fetch(load_card(card(tmp_path, served, "a.zip", **facts)), tmp_path / "out")
    assert fetched["files"] == ["text"]
    assert (tmp_path / "out" / "text").read_bytes() == TEXT
    link = tarfile.TarInfo("x/news-4")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    members = ("x/news-1", b"a b"), ("x/news-2", b"c"), ("../news-3", b"d"), ("other", b"e"), (link, b"")
    with serving(Served(tarred("w:gz", *members))) as served:
        path = card(tmp_path, served, "a.tar.gz", members={"*/news-*": ""})
        assert fetch(load_card(path), tmp_path / "tar")["files"] == ["news-1", "news-2", "news-3"]
    assert list(sentences(tmp_path / "tar")) == [["a", "b"], ["c"], ["d"]]
