"""The compiled loops on 64-bit ARM: compiled by a cross compiler, their tests run under QEMU.

    apt-get install qemu-user g++-aarch64-linux-gnu
    python tools/arm.py
    python tools/arm.py tests/kernels -k windows

For Debian 13 on another processor. Debian's Python for arm64 and PyPI's wheels are unpacked into ``build/arm``, where a
second run finds them; nothing else of the machine changes. Setuptools runs in that Python, under QEMU, and calls the
cross compiler, which runs at its own speed.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tomllib

from sanitize import COMPILED, REPOSITORY, copy_repository

ARM = REPOSITORY / "build" / "arm"
ROOT, SITE, COPY, PYTHON = ARM / "root", ARM / "site", ARM / "copy", ARM / "python"
VERSION = "3.13"  # Debian 13's
PACKAGES = (f"python{VERSION}", f"libpython{VERSION}-dev", "libstdc++6", "libgomp1")
COMPILER, QEMU = "aarch64-linux-gnu-g++", "qemu-aarch64"
# A processor of cloud machines. On the one that QEMU would choose, with SME, products by OpenBLAS come out wrong.
EMULATOR = (QEMU, "-cpu", "neoverse-n1", "-L", str(ROOT))
# gensim is optional for all that is tested here.
LEFT_OUT = ("gensim",)
TEST_PACKAGES = ("pytest", "hypothesis", "setuptools", "cython")
# Every loop against NumPy, the layer against the dense reference, the reader against Python's.
TESTS = (
    *("tests/kernels/test_kernels.py", "tests/kernels/test_products.py", "tests/kernels/test_cpu.py"),
    *("tests/layer/test_core.py", "tests/corpus/test_text.py"),
    *COMPILED,
)


def unpack_python() -> None:
    """Debian's Python for arm64 into ROOT, by an apt whose lists and state are its own."""
    state = ARM / "apt"
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()  # no package is installed there
    (state / "apt.conf").write_text(
        'APT::Architecture "arm64"; APT::Architectures { "arm64"; }; APT::Install-Recommends "false";\n'
        f'APT::Sandbox::User ""; Dir::State "{state}"; Dir::State::status "{state}/status"; Dir::Cache "{state}";\n'
    )
    environment = os.environ | {"APT_CONFIG": str(state / "apt.conf")}
    subprocess.run(["apt-get", "-qq", "update"], env=environment, check=True)
    download = ["apt-get", "-qq", "--download-only", "-o", "Debug::NoLocking=1", "install", *PACKAGES]
    subprocess.run(download, env=environment, check=True)
    partial = ROOT.with_name("root.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for package in sorted((state / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", package, partial], check=True)
    (partial / "lib").symlink_to("usr/lib")  # as on Debian itself: programs name /lib/ld-linux-aarch64.so.1
    partial.rename(ROOT)


def unpack_wheels() -> None:
    """The wheels for arm64 of what the package and its tests need, into SITE."""
    needed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    needed = [requirement for requirement in needed if not requirement.startswith(LEFT_OUT)]
    platforms = [f"--platform=manylinux{version}_aarch64" for version in ("2014", "_2_27", "_2_28")]
    partial = SITE.with_name("site.partial")
    shutil.rmtree(partial, ignore_errors=True)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", str(partial)]
    install += ["--no-warn-conflicts", "--implementation=cp", f"--python-version={VERSION}", *platforms]
    subprocess.run([*install, *needed, *TEST_PACKAGES], check=True)
    partial.rename(SITE)


def write_python() -> None:
    """PYTHON, a script that runs ROOT's Python under QEMU and is `sys.executable` there, so that tests can start it."""
    interpreter = ROOT / "usr" / "bin" / f"python{VERSION}"
    environment = {"PYTHONHOME": str(ROOT / "usr"), "PYTHONPATH": f"{COPY}:{SITE}"}
    settings = shlex.join(f"{name}={value}" for name, value in environment.items())
    command = shlex.join([*EMULATOR, "-0", str(PYTHON), str(interpreter)])
    PYTHON.write_text(f'#!/bin/sh\nexec env {settings} {command} "$@"\n')
    PYTHON.chmod(0o755)


def compile_kernels() -> None:
    """The compiled modules of COPY; setup.py runs its small programs under QEMU too."""
    # Python's headers before those of the machine's own Python; the C library's are the cross compiler's.
    include = str(ROOT / "usr" / "include")
    headers = [f"-I{include}/python{VERSION}", "-idirafter", include]
    build = {
        "CC": COMPILER,
        "CXX": COMPILER,
        "LDSHARED": f"{COMPILER} -shared",
        "LDCXXSHARED": f"{COMPILER} -shared",
        "CPPFLAGS": shlex.join(headers),
        "WORDSPARSE_EMULATOR": shlex.join(EMULATOR),
    }
    command = [PYTHON, "setup.py", "--quiet", "build_ext", "--inplace"]
    subprocess.run(command, cwd=COPY, env=os.environ | build, check=True)


def main(arguments: list[str]) -> int:
    missing = [name for name in (QEMU, COMPILER, "apt-get", "dpkg-deb") if shutil.which(name) is None]
    if missing:
        sys.exit(f"{' and '.join(missing)} not found; on Debian: apt-get install qemu-user g++-aarch64-linux-gnu")
    if not ROOT.exists():
        unpack_python()
    if not SITE.exists():
        unpack_wheels()
    write_python()
    copy_repository(COPY)
    compile_kernels()
    tests = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", *(arguments or TESTS)]
    return subprocess.run(tests, cwd=COPY, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
