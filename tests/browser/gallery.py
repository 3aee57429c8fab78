"""The gallery: every page in both themes and two sizes: python -m tests.browser.gallery OUTDIR [PART]."""

import re
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from api.auth import Role
from tests.browser import clinic
from tests.browser.clinic import SIZES

TALLEST = 8_000


def name_of(path: str) -> str:
    """A file's name for an address."""
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "today"


def shoot(page: Page, path: str, file: Path) -> None:
    """A picture of the whole page."""
    page.goto(path)
    page.wait_for_load_state("networkidle")
    height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
    clip = {"x": 0, "y": 0, "width": page.evaluate("innerWidth"), "height": height}
    page.screenshot(path=str(file), full_page=True, clip=clip)  # type: ignore[arg-type]


def main(folder: Path, only: str = "") -> int:
    """Take all pictures, or those of addresses with a part in them; answers how many."""
    path = clinic.chromium()
    if path is None:
        sys.exit("There is no chromium on this machine (Debian: apt install chromium).")
    folder.mkdir(parents=True, exist_ok=True)
    taken = 0
    with TemporaryDirectory() as home, sync_playwright() as driver:
        database, password = clinic.furnish(Path(home) / "demo.sqlite3")
        browser = clinic.launch(driver, path)
        with clinic.served(database, password) as at:
            manager = at.pages(Role.MANAGER)
            rounds = {
                None: ["/sign-in"],
                Role.MANAGER: [*manager, "/nowhere"],
                Role.ADMIN: [page for page in at.pages(Role.ADMIN) if page not in manager],
            }
            for size, theme, role in product(SIZES, ("light", "dark"), rounds):
                with clinic.window(browser, at, role=role, size=size, theme=theme) as page:
                    page.goto("/")  # the typeface is optional: on a first visit it may come too late
                    for address in rounds[role]:
                        if only in address:
                            shoot(page, address, folder / f"{name_of(address)}-{size}-{theme}.png")
                            taken += 1
        browser.close()
        database.engine.dispose()
    return taken


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    count = main(Path(sys.argv[1]), *sys.argv[2:])
    sys.stdout.write(f"{count} pictures in {sys.argv[1]}\n")
