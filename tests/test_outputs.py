"""README.md and the pages of docs show what their programs and commands print."""

import os
import shutil

import pytest
from support.pages import ROOT, agree, shown_blocks

START, README = ROOT / "docs" / "start.md", ROOT / "README.md"
OTHERS = [page for page in (README, *sorted((ROOT / "docs").glob("*.md"))) if page != START and shown_blocks(page)]
pytestmark = pytest.mark.nightly


def disagreements(blocks, folder):
    """Run blocks in a folder, and return each output that is not as shown: what is shown, and what was printed."""
    known = {"__name__": "page"}
    outputs = [(block.output, block.run(known, folder)) for block in blocks]
    return [(shown, printed) for shown, printed in outputs if not agree(shown, printed)]


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A folder with the files that docs/start.md makes, and the outputs that are not as this page shows them.

    Skip if the text is another: it consists of the docstrings of the installed Python, NumPy and SciPy."""
    folder = tmp_path_factory.mktemp("start")
    differing = disagreements(shown_blocks(START), folder)
    words = len((folder / "demo" / "text.txt").read_text().split())
    if f"{words:,} words" not in START.read_text():
        pytest.skip(f"the docstrings have {words:,} words, so Python, NumPy or SciPy are of other versions")
    return folder, differing


def test_get_started_shows_what_its_commands_print(started):
    assert started[1] == []


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: page.stem)
def test_a_page_shows_what_its_blocks_print(page, started, tmp_path, monkeypatch):
    """A page may use the files of docs/start.md, and its text as ``text.txt``."""
    shutil.copytree(started[0], tmp_path, dirs_exist_ok=True)
    os.symlink("demo/text.txt", tmp_path / "text.txt")
    monkeypatch.chdir(tmp_path)
    assert disagreements(shown_blocks(page), tmp_path) == []


@pytest.mark.parametrize(
    ("shown", "printed", "is_same"),
    [
        ("file 0.25\nmatrix 1,234", "file 0.2683\nmatrix 1,234\n", True),
        ("file 0.25", "file 0.28", False),
        ("file 0.25", "files 0.25", False),
        ("1,234 words", "1,235 words", False),
        ("1,234 words: 38%", "1,234 words: 40%", True),
        ("3 lines in 4.5 s (20 tokens/s, 2 threads)", "3 lines in 1 s (3,000 tokens/s, 16 threads)", True),
        ("first\n…\nx2 9", "first\nsecond\nthird\nx2 9\n", True),
        ("first\n…\nx2 9", "first\nsecond\nx3 9\n", False),
        ("[('a', 0.71), …", "[('a', 0.7123), ('b', 0.5)]", True),
        ("a line", "a line\nand another", False),
    ],
)
def test_outputs_are_compared_to_the_digits_shown(shown, printed, is_same):
    assert agree(shown, printed) == is_same
