"""Looking at a page as a strict visitor does: axe in both themes, narrow windows, and nothing that jumps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# 320: the smallest phone. 640: a window of 1280 at 200 %.
NARROW = (320, 640)
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
WATCH = """
window.jumped = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.jumped += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
DRAWN = """() => document.fonts.ready.then(() => new Promise(
  (done) => requestAnimationFrame(() => requestAnimationFrame(() => done(window.jumped ?? 0)))))"""
ASK = """(run) => axe.run(document, { resultTypes: ["violations"], elementRef: false, ...run }).then(
  (found) => found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes[0].html.slice(0, 200)}`))"""
WIDER = "document.documentElement.scrollWidth > innerWidth"


def violations(page: Page) -> list[str]:
    """What axe finds on the page, seen from its top: a bar that stays covers what is scrolled under it."""
    page.evaluate("window.scrollTo(0, 0)")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(ASK, {"runOnly": {"type": "tag", "values": ALL}})
    return found


def faults(page: Page) -> list[str]:
    """Everything that is wrong with the page: light on a desk, dark on a phone, and in narrow windows.

    The colours of a theme are the same at every size, and what is on a phone is on a desk too.
    """
    jumped: Any = page.evaluate(DRAWN)
    found = [f"jumps by {jumped}"] if jumped > 0.01 else []
    found += violations(page)
    for width in NARROW:
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate(WIDER):
            found.append(f"wider than a window of {width}")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="dark")
    found += [f"dark, on a phone: {one}" for one in violations(page)]
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    return found


@contextmanager
def slow_line(page: Page) -> Iterator[None]:
    """Within it the page comes at 8,000 bytes a second: Chromium has time to draw what is half read."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": 8000, "uploadThroughput": -1},
    )
    try:
        yield
    finally:
        line.detach()  # the line is as fast again as it was
