"""Fixtures for all tests."""

import importlib.util
import shutil
import signal
import sys

import pytest
from support.texts import write_text

from wordsparse.errors import InputError
from wordsparse.kernels import cpu
from wordsparse.machine import devices

# Without gensim, `import gensim` would find the folder tests/gensim, because tests/ is on the path.
_gensim = importlib.util.find_spec("gensim")
if _gensim is not None and _gensim.origin is None:
    sys.modules["gensim"] = None
# Handle signals as in a terminal: a process in the background or under nohup would ignore these signals.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# The kernels divide work over threads only if there is enough of it. Small problems in tests should use threads, too.
cpu.PARALLEL_WORK = 200_000


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Move tests in a browser or on the emulated GPU to the nightly run."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()) or "emulated" in item.name:
            item.add_marker("nightly")


@pytest.fixture
def text(tmp_path):
    """Write sentences of six words from a vocabulary of twelve."""
    return write_text(tmp_path / "text.txt")


@pytest.fixture
def output(tmp_path):
    return tmp_path / "model"


@pytest.fixture
def no_gpu(monkeypatch):
    """Hide any GPU of this machine, so that device ``auto`` is the CPU."""

    def find_gpu():
        raise InputError("there is no GPU here")

    monkeypatch.setattr(devices, "find_gpu", find_gpu)


@pytest.fixture(scope="session")
def browser():
    """Start headless Chromium, driven by Selenium. The browser logs its console and its requests."""
    from selenium import webdriver

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs Chromium and chromedriver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    # The sandbox is off because CI runs as root, and the browser opens only our own page.
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1440,1100"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    session = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    session.set_page_load_timeout(120)
    try:
        yield session
    finally:
        session.quit()
