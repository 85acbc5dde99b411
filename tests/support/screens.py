"""Browser windows of a given width."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def screen(browser: Any, width: int) -> Iterator[None]:
    """Set the width of the browser window while the block runs; phones are narrower than 500 pixels."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def fits(browser: Any) -> bool:
    """Return whether nothing on the page is wider than the screen."""
    return bool(browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"))
