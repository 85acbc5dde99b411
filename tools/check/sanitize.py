"""Run the tests of the kernels in a build that finds memory errors: AddressSanitizer, UBSan and checked indices.

    python tools/check/sanitize.py
    python tools/check/sanitize.py --short
    python tools/check/sanitize.py tests/kernels -k windows

The compiled modules are built in a copy of this repository, where the tests then run, so the installed modules stay as
they are. Code for 64-byte vectors (AVX-512) is compiled for AVX2 in this build, so that it also runs on processors
without AVX-512. Leaks are ignored, because the interpreter keeps memory until it ends. Needs GCC or Clang on Linux.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
COPY = REPOSITORY / "build" / "sanitize"
# Files that are not copied: compiled modules, and the caches of tools.
LEFT_OUT = ("*.so", "__pycache__", "build", ".git", ".venv", ".*_cache", "*.egg-info")
# Tests of the emulated device are left out: these tests compile their own kernels, without sanitizers.
COMPILED = ("-k", "not cuda and not emulated")
TESTS = ("tests/kernels", "tests/layer", "tests/vectors", "tests/corpus/test_text.py", *COMPILED)
# The short selection: every loop on every instruction set in float32 and float64, copies of layers, the reader of text.
SHORT = (
    *(
        "tests/kernels/test_kernels.py",
        "tests/kernels/test_products.py",
        "tests/kernels/test_cpu.py",
        "tests/layer/test_guard.py",
        "tests/corpus/test_text.py",
    ),
    *("-k", "(compiled or blocks or copies or text) and not cuda and not emulated"),
)
BUILD = {"WORDSPARSE_SANITIZE": "1", "WORDSPARSE_BOUNDSCHECK": "1"}


def runtime(name: str) -> str:
    """Return the path of a sanitizer's library, which must be loaded before all other libraries."""
    result = subprocess.run(["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def copy_repository(copy: Path) -> None:
    """Update a copy of the repository, but keep compiled files in the copy: the build renews outdated files."""
    if copy.exists():
        for path in list(copy.rglob("*")):
            is_compiled = path.suffix == ".so" or path.relative_to(copy).parts[0] == "build"
            if path.is_file() and not is_compiled and not (REPOSITORY / path.relative_to(copy)).exists():
                path.unlink()
    shutil.copytree(REPOSITORY, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*LEFT_OUT))


def main(arguments: list[str]) -> int:
    copy_repository(COPY)
    build = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    subprocess.run(build, cwd=COPY, env=os.environ | BUILD, check=True)
    checked = {
        "PYTHONPATH": str(COPY),
        "LD_PRELOAD": " ".join(runtime(name) for name in ("libasan.so", "libubsan.so", "libstdc++.so.6")),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",  # failed allocations raise MemoryError
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    chosen = SHORT if arguments == ["--short"] else tuple(arguments) or TESTS
    tests = [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", *chosen]
    return subprocess.run(tests, cwd=COPY, env=os.environ | checked, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
