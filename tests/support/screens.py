"""Browser windows of a given width."""

from contextlib import contextmanager


@contextmanager
def screen(browser, width):
    """Set the width of the browser window while the block runs; phones are narrower than 500 pixels."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def fits(browser):
    """Return whether nothing on the page is wider than the screen."""
    return bool(browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"))
