"""The headers of pyx/ without GNU's extensions, which Microsoft's compiler lacks."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.nightly

PYX = Path(__file__).parents[2] / "pyx"
COMPILER = shutil.which("c++") or shutil.which("g++")
HEADERS = ("gemm", "column_blocks", "csr_rows", "loss_terms", "window_pull", "text_scan")

needs_compiler = pytest.mark.skipif(COMPILER is None or not PYX.is_dir(), reason="needs a C++ compiler and pyx/")


def compiler(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(COMPILER), "-std=c++17", *arguments], capture_output=True, text=True, check=False)


@needs_compiler
@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_standard_cpp(name, tmp_path):
    source = tmp_path / "source.cpp"
    source.write_text(f'#include "{name}.hpp"\n')
    done = compiler("-pedantic-errors", "-Wno-attributes", "-fsyntax-only", f"-I{PYX}", str(source))
    assert done.returncode == 0, done.stderr


@needs_compiler
@pytest.mark.parametrize("name", HEADERS)
def test_other_compilers_see_nothing_of_gnu(name, tmp_path):
    for header in PYX.glob("*.hpp"):  # the standard library's own headers know their compiler
        (tmp_path / header.name).write_text(re.sub(r"#include <.*", "", header.read_text()))
    done = compiler("-E", "-P", "-x", "c++", "-U__GNUC__", str(tmp_path / f"{name}.hpp"))
    assert done.returncode == 0, done.stderr
    assert "namespace wordsparse" in done.stdout
    # Attributes that a compiler does not know are ignored; these are not.
    assert re.findall(r"\w*__(?:builtin|attribute)\w*|#pragma GCC", done.stdout) == []
