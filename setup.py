"""Compiles ``pyx/*.pyx`` into the packages that use them; everything else about the package is in pyproject.toml.

OpenMP is found by compiling and running a small program: a compiler that accepts ``-fopenmp`` without the run-time
library behind it is common. Without OpenMP the kernels are built all the same and run on one thread.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

OPENMP_PROBE = """
#include <omp.h>
int main(void) {
    int threads = 0;
    #pragma omp parallel num_threads(2) reduction(+:threads)
    threads += 1;
    return threads >= 1 && omp_get_max_threads() >= 1 ? 0 : 1;
}
"""


class BuildKernels(build_ext):
    """Adds optimisation and, where a test program compiles and runs with them, the OpenMP flags."""

    def build_extensions(self) -> None:
        msvc = self.compiler.compiler_type == "msvc"
        optimise = ["/O2"] if msvc else ["-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"]
        openmp = self._openmp_flags(["/openmp"] if msvc else ["-fopenmp"])
        for extension in self.extensions:
            standard = ["-std=c++17"] if extension.language == "c++" and not msvc else []
            extension.extra_compile_args = optimise + standard + openmp
            extension.extra_link_args = [] if msvc else openmp
        super().build_extensions()

    def _openmp_flags(self, flags: list[str]) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(OPENMP_PROBE)
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder, extra_postargs=flags)
                link_flags = [] if self.compiler.compiler_type == "msvc" else flags
                program = str(Path(folder, "probe"))
                self.compiler.link_executable(objects, program, extra_postargs=link_flags)
                subprocess.run([program], check=True, timeout=60)
            except Exception as reason:
                print(f"wordsparse: no OpenMP here, the kernels will use one thread ({reason})", file=sys.stderr)
                return []
        print("wordsparse: OpenMP found", file=sys.stderr)
        return flags


PACKAGES = {"text": "wordsparse.corpus"}  # of all other sources: wordsparse.kernels
EXTENSIONS = [
    Extension(
        f"{PACKAGES.get(source.stem, 'wordsparse.kernels')}._{source.stem}",
        [str(source)],
        include_dirs=[np.get_include(), "pyx"],
        depends=[str(header) for header in sorted(Path("pyx").glob("*.hpp" if source.stem in PACKAGES else "*.h"))],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
    )
    for source in sorted(Path("pyx").glob("*.pyx"))
]

setup(
    cmdclass={"build_ext": BuildKernels},
    ext_modules=cythonize(
        EXTENSIONS,
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": True,
        },
    ),
)
