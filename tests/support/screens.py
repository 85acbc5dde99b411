"""Screens of a size, for pages in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def screen(browser: Any, width: int) -> Iterator[None]:
    """The browser's window has this width, that of a phone below 500."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def fits(browser: Any) -> bool:
    """Whether nothing of the page is wider than the screen."""
    return bool(browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"))
