"""Compile ``pyx/*.pyx`` into the packages that use them. All other settings of the package are in pyproject.toml.

The script checks for C++17 and OpenMP by compiling and running small programs, because many compilers accept
``-fopenmp`` but lack the run-time library. Without OpenMP, the kernels are still built, and run on one thread.
Environment variables select other builds. WORDSPARSE_BOUNDSCHECK=1 checks indices, and WORDSPARSE_SANITIZE=1 adds
AddressSanitizer and UndefinedBehaviorSanitizer (``tools/check/sanitize.py``). WORDSPARSE_PLAIN=1 builds the loops for
compilers without vector types. When you cross-compile, WORDSPARSE_EMULATOR is the command that runs these programs.
"""

import gzip
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

CPP_PROBE = """
#include <utility>
template <int... i> constexpr int sum(std::integer_sequence<int, i...>) { return (i + ... + 0); }
int main() {
    if constexpr (sum(std::make_integer_sequence<int, 4>()) == 6) return 0;
    return 1;
}
"""
VECTORS_PROBE = """
typedef float vec __attribute__((vector_size(16)));
int main() {
    vec a = {0, 1, 2, 3}, b = {4, 5, 6, 7};
    vec c = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    return c[1] == 4 ? 0 : 1;
}
"""
# The AMX instruction is compiled but not executed: most machines have no matrix unit.
AMX_PROBE = """
#include <immintrin.h>
#include <sys/syscall.h>
__attribute__((target("arch=x86-64-v4,amx-tile,amx-bf16"))) void multiply() { _tile_dpbf16ps(0, 1, 2); }
int main(int count, char **) {
    if (count > 1000) multiply();
    return __builtin_cpu_supports("amx-bf16") && SYS_arch_prctl < 0;
}
"""
OPENMP_PROBE = """
#include <omp.h>
int main() {
    int threads = 0;
    #pragma omp parallel num_threads(2) reduction(+:threads)
    threads += 1;
    return threads >= 1 && omp_get_max_threads() >= 1 ? 0 : 1;
}
"""
# OPTIMISE allows fused multiply-adds, and ignores errno and traps. All other arithmetic follows IEEE 754. -g0
# overrides Python's own -g: debugging information would take a third of the compile time.
OPTIMISE = ["-g0", "-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g1", "-O1"]
# Warnings about vectors as arguments do not apply: only inlined functions take vectors; no library's interface does.
QUIET = ["-Wno-psabi", "-Wno-ignored-attributes"]


class BuildKernels(build_ext):
    """The build command, with flags for optimisation and, if a test program runs with OpenMP, for OpenMP."""

    def build_extensions(self) -> None:
        flags = ["-std=c++17", *OPTIMISE, *QUIET]
        link_flags: list[str] = []
        self._require_cpp(flags[:1])
        openmp = ["-fopenmp"]
        has_openmp = self._has("OpenMP", OPENMP_PROBE, openmp, openmp, "kernels will use one thread")
        if has_openmp:
            flags, link_flags = flags + openmp, link_flags + openmp
        macros = [("HAS_OPENMP", str(int(has_openmp)))]
        plain = asked("WORDSPARSE_PLAIN")
        if not plain and self._has("vectors", VECTORS_PROBE, flags[:1], [], "kernels will be slow"):
            macros.append(("HAS_VECTORS", None))
        if not plain and self._has("matrix unit", AMX_PROBE, flags[:1], [], "kernels will not use AMX"):
            macros.append(("HAS_AMX", None))
        if asked("WORDSPARSE_SANITIZE"):
            flags, link_flags = flags + SANITIZE, link_flags + SANITIZE[:1]
        for extension in self.extensions:
            extension.extra_compile_args = flags if extension.language == "c++" else flags[1:]
            extension.extra_link_args = link_flags
            extension.define_macros += macros
        self.parallel = self.parallel or os.cpu_count()
        super().build_extensions()

    def _require_cpp(self, flags: list[str]) -> None:
        try:
            self._run(CPP_PROBE, flags, [])
        except Exception as reason:
            sys.exit(
                "wordsparse: building the kernels needs a compiler for C++17, and a small program of C++17 did not "
                f"compile and run ({reason}). Install a compiler (Debian and Ubuntu: apt install g++; Fedora: dnf "
                "install gcc-c++; macOS: xcode-select --install), or name one in the environment: CXX=g++-12 CC=gcc-12."
            )

    def _has(self, name: str, program: str, flags: list[str], link_flags: list[str], otherwise: str) -> bool:
        try:
            self._run(program, flags, link_flags)
        except Exception as reason:
            print(f"wordsparse: {name} is not available, so {otherwise} ({reason})", file=sys.stderr)
            return False
        print(f"wordsparse: {name} found", file=sys.stderr)
        return True

    def _run(self, program: str, flags: list[str], link_flags: list[str]) -> None:
        """Compile and run a program. Raise an exception if compiling or running fails."""
        with tempfile.TemporaryDirectory() as folder:
            source, executable = Path(folder, "probe.cpp"), str(Path(folder, "probe"))
            source.write_text(program)
            objects = self.compiler.compile([str(source)], output_dir=folder, extra_postargs=flags)
            self.compiler.link_executable(objects, executable, extra_postargs=link_flags, target_lang="c++")
            emulator = shlex.split(os.environ.get("WORDSPARSE_EMULATOR", ""))
            subprocess.run([*emulator, executable], check=True, timeout=60)


class SourceDistribution(sdist):
    """The sdist command. The archive names its commit, and the same sources always give the same bytes."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        Path(base_dir, COMMIT_FILE.name).write_text(commit() + "\n")

    def make_archive(self, base_name: str, format: str, root_dir: str | None = None, base_dir: str | None = None, **_):
        if format != "gztar" or base_dir is None:
            sys.exit("wordsparse: the source distribution must be a .tar.gz: type setup.py sdist --formats gztar")
        path = Path(root_dir or ".", f"{base_name}.tar.gz")
        with (
            path.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for entry in sorted(Path(root_dir or ".", base_dir).rglob("*")):
                archive.add(entry, entry.relative_to(root_dir or "."), recursive=False, filter=without_history)
        return str(path)


def without_history(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return an archive's entry without its time, its owner, and the permissions that depend on the umask."""
    entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def commit() -> str:
    """Return the commit of these sources, with "-dirty" if files have changed since. Return an empty string if
    neither git nor the source distribution names the commit."""
    if COMMIT_FILE.exists():
        return COMMIT_FILE.read_text().strip()
    if not Path(".git").exists():
        return ""
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def asked(variable: str) -> bool:
    return os.environ.get(variable, "") not in ("", "0")


def headers(source: Path) -> list[str]:
    """Return the headers that a source in pyx/ includes, directly or through other headers."""
    declarations = PYX / "common.pxd"
    found, unread = {declarations}, [source, declarations]
    while unread:
        for name in re.findall(r'"([\w/]+\.hpp)"', unread.pop().read_text()):
            if (header := PYX / name) not in found:
                found.add(header)
                unread.append(header)
    return [str(header) for header in sorted(found)]


# The source distribution, which has no .git, names its commit in this file.
COMMIT_FILE = Path("COMMIT")

PYX = Path("pyx")
# The package of each source; sources that are not listed belong to wordsparse.kernels.
PACKAGES = {
    "ngrams": "wordsparse.vectors",
    "decimals": "wordsparse.vectors.formats",
    "text": "wordsparse.corpus",
    "phrases": "wordsparse.corpus",
    "walks": "wordsparse.graphs",
}
# Under sanitizers, code for the widest vectors is compiled for narrower vectors, so that all processors can run it.
MACROS = [
    ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
    ("V4_TARGET", '"x86-64-v3"' if asked("WORDSPARSE_SANITIZE") else '"x86-64-v4"'),
]
COMMIT_MACROS = {"build": [("WORDSPARSE_COMMIT", f'"{commit()}"')]}
EXTENSIONS = [
    Extension(
        f"{PACKAGES.get(source.stem, 'wordsparse.kernels')}._{source.stem}",
        [str(source)],
        language="c++",
        include_dirs=[np.get_include(), "pyx"],
        depends=headers(source),
        define_macros=MACROS + COMMIT_MACROS.get(source.stem, []),
    )
    for source in sorted(PYX.glob("*.pyx"))
]
# Cython's memoryviews are compiled once for all modules, as C: Cython 3.3 cannot compile shared memoryviews as C++.
MEMORYVIEWS = "wordsparse._memoryviews"

setup(
    # The cards that describe public texts are data files, in a folder next to the package.
    packages=[*find_packages(include=["wordsparse*"]), "wordsparse.corpora_cards"],
    package_dir={"wordsparse.corpora_cards": "corpora"},
    cmdclass={"build_ext": BuildKernels, "sdist": SourceDistribution},
    ext_modules=cythonize(
        [*EXTENSIONS, Extension(MEMORYVIEWS, [])],
        shared_utility_qualified_name=MEMORYVIEWS,
        include_path=["pyx"],
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": asked("WORDSPARSE_BOUNDSCHECK"),
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": True,
            "autotestdict": False,
        },
    ),
)
