import os

import pytest

from wordsparse.errors import InputError, WordsparseError
from wordsparse.files import storage


def test_an_interrupted_new_directory_is_gone(tmp_path):
    def interrupted():
        with storage.new_directory(tmp_path / "d") as folder:
            (folder / "f").write_text("x")
            assert not (tmp_path / "d").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == []


def test_new_directory_takes_an_empty_place_only(tmp_path):
    (tmp_path / "empty").mkdir()
    with storage.new_directory(tmp_path / "empty") as folder:
        (folder / "f").write_text("x")
    (tmp_path / "file").touch()
    for taken in ("empty", "file"):
        with pytest.raises(InputError, match="exists already"), storage.new_directory(tmp_path / taken):
            pytest.fail("must not start")
    with pytest.raises(InputError, match="there is no directory"), storage.new_directory(tmp_path / "no" / "d"):
        pytest.fail("must not start")


def test_what_a_dead_process_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path):
    dead = tmp_path / ".d.0123abcd.partial"
    dead.mkdir()
    (dead / "half").touch()
    with storage.staging(tmp_path / "d") as live, storage.staging(tmp_path / "d") as other:
        assert not dead.exists()
        assert live.is_dir()
        assert other.is_dir()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", [".d.mine.partial", ".d.backup.of.0123abcd.partial", ".d..partial"])
def test_a_directory_of_the_users_is_not_taken_for_a_leftover(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "notes").write_text("mine")
    with storage.new_directory(tmp_path / "d"):
        pass
    assert (tmp_path / name / "notes").read_text() == "mine"


def test_a_removed_directory_goes_in_one_step(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").touch()
    with monkeypatch.context() as patch:
        patch.setattr(storage.shutil, "rmtree", lambda *_, **__: None)  # simulates a process killed before the removal
        storage.remove_directory(tmp_path / "d")
    assert not (tmp_path / "d").exists()
    with storage.staging(tmp_path / "d"):
        pass
    assert os.listdir(tmp_path) == []
    storage.remove_directory(tmp_path / "nothing")


def test_a_directory_made_meanwhile_is_not_replaced(tmp_path):
    def overtaken():
        with storage.new_directory(tmp_path / "d") as folder:
            (folder / "mine").touch()
            (tmp_path / "d").mkdir()
            (tmp_path / "d" / "theirs").touch()

    with pytest.raises(WordsparseError, match="writing failed"):
        overtaken()
    assert os.listdir(tmp_path) == ["d"]
    assert os.listdir(tmp_path / "d") == ["theirs"]


def test_a_manifest_is_checked(tmp_path):
    path = tmp_path / "m.json"
    storage.write_manifest(path, {"format": "F", "version": 1, "n": [1, {"é": None}]})
    assert storage.read_manifest(path, "F", 1) == {"format": "F", "version": 1, "n": [1, {"é": None}]}
    with pytest.raises(InputError, match="is not a G file"):
        storage.read_manifest(path, "G", 1)
    with pytest.raises(InputError, match="version 1; this wordsparse reads version 2"):
        storage.read_manifest(path, "F", 2)
    path.write_bytes(path.read_bytes().replace(b"null", b"true"))
    with pytest.raises(InputError, match="checksum"):
        storage.read_manifest(path, "F", 1)
    path.write_bytes(b"null")
    with pytest.raises(InputError, match="holds no JSON object"):
        storage.read_manifest(path, "F", 1)
    os.truncate(path, storage.MANIFEST_BYTES + 1)
    with pytest.raises(InputError, match="more than"):
        storage.read_manifest(path, "F", 1)


def test_one_writer_makes_a_directory_and_others_are_refused_at_once(tmp_path):
    """Without this refusal, all processes would do the whole work, and all but one would fail at the end."""
    with storage.new_directory(tmp_path / "d") as folder:
        (folder / "f").write_text("x")
        with pytest.raises(InputError, match="d: another process is writing"), storage.new_directory(tmp_path / "d"):
            pytest.fail("two writers")
    assert os.listdir(tmp_path) == ["d"]


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path):
    """Replacing a private file must not make it readable to everyone."""
    path, plain = tmp_path / "v", tmp_path / "plain"
    plain.touch()
    storage.write_file(path, b"old")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o600)
    storage.write_file(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    (tmp_path / "folder").mkdir()
    with storage.new_directory(tmp_path / "made") as folder:
        storage.write_file(folder / "v", b"x")
    assert (tmp_path / "made").stat().st_mode == (tmp_path / "folder").stat().st_mode
    assert (tmp_path / "made" / "v").stat().st_mode == plain.stat().st_mode
    assert sorted(os.listdir(tmp_path)) == ["folder", "made", "plain", "v"]
