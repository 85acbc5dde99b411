"""The pages in a browser, as Sphinx makes them: at the widths of a phone and of a small screen, no word of code is
broken, and no column of a table is out of sight."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.screens import fits, screen

DOCS = Path(__file__).resolve().parents[1] / "docs"
# A word is broken if it would fit on a line (a character of code is .62 em wide), but is on two lines.
BROKEN = """
const broken = [];
for (const code of document.querySelectorAll("article code, article pre")) {
    const nodes = [], starts = [], walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    let text = "";
    while (walker.nextNode()) {
        nodes.push(walker.currentNode);
        starts.push(text.length);
        text += walker.currentNode.data;
    }
    const place = (at, node) => [nodes[node], at - starts[node]];
    const room = code.closest("pre, td, th, p, li, dd, dt, h1, h2, h3").clientWidth - 40;
    for (const {0: word, index} of text.matchAll(/\\S+/g)) {
        const range = document.createRange(), end = index + word.length;
        range.setStart(...place(index, starts.findLastIndex((start) => start <= index)));
        range.setEnd(...place(end, starts.findLastIndex((start) => start < end)));
        const ends = [...range.getClientRects()].filter((each) => each.width).map((each) => each.bottom);
        const width = word.length * .62 * parseFloat(getComputedStyle(code).fontSize);
        if (width < room && Math.max(...ends) - Math.min(...ends) > 8) broken.push(word);
    }
}
return broken;
"""
HIDDEN = """
return [...document.querySelectorAll("article td, article th")].filter((cell) =>
    cell.getBoundingClientRect().right > cell.closest("table").parentElement.getBoundingClientRect().right + 1
).map((cell) => cell.innerText);
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Make the pages, with the examples in a gallery, in a folder of their own. The examples do not run, which would
    take minutes."""
    for package in ("sphinx", "furo", "myst_parser", "sphinx_gallery"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("build", "gallery"), dirs_exist_ok=True)
    site = folder / "build"
    subprocess.run([sys.executable, "-m", "sphinx", "-Q", "-D", "plot_gallery=0", str(folder), str(site)], check=True)
    sources = [*folder.glob("*.md"), *folder.glob("gallery/plot_*.rst")]
    return [(site / page.relative_to(folder)).with_suffix(".html") for page in sorted(sources)]


@pytest.mark.parametrize("width", [390, 1200])
def test_words_of_code_are_whole_and_columns_are_in_sight(browser: Any, pages: list[Path], width: int) -> None:
    faults = {}
    with screen(browser, width):
        for page in pages:
            browser.get(page.as_uri())
            found = [*browser.execute_script(BROKEN), *browser.execute_script(HIDDEN)]
            if found or not fits(browser):
                faults[page.stem] = found
    assert len(pages) > 35
    assert 'id="wordsparse.Search"' in next(page for page in pages if page.stem == "reference").read_text()
    assert faults == {}
