"""The help pages' pictures, taken of the demo clinic: python -m tests.browser.help_pictures [TASK ...]."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from api.auth import Role
from api.web.help_pictures import HEIGHT, WIDTH, file_of
from api.web.help_texts import TASKS
from tests.browser import clinic
from tests.browser.clinic import NOW, Served

FOLDER = Path(__file__).parents[2] / "api" / "web" / "static"
SHARP = 4 / 3  # device pixels to one of the page: it is shown at about the size at which it was taken
VIEW = {"width": 720, "height": 540}
MOST_BYTES = 40_000
QUALITIES = (80, 70, 60, 50, 40)


def look(_page: Page) -> None:
    """As it stands."""


class Scene(NamedTuple):
    """What a picture shows: whose page, where, after what was done, and from which part of it on."""

    role: Role | None
    address: str
    act: Callable[[Page], None] = look
    top: str = "main"
    above: int = 12  # pixels of the page that are shown above it


def signing_in(page: Page) -> None:
    """Somebody types their name."""
    page.locator("#f-name").fill("demo manager")
    page.locator("#f-password").fill("a password of mine")


def scanning(page: Page) -> None:
    """A box is scanned."""
    page.locator("[name=data], #f-data, #scan").first.fill("0109524000000019" + "17270630" + "10A2217")
    page.keyboard.press("Enter")
    page.locator(".line").first.wait_for()


def pricing(page: Page) -> None:
    """The front desk has typed what a price takes."""
    page.locator("#f-patient_ref").fill("C-1001")
    page.locator("#f-protocol").select_option("P-00")
    page.locator("#price .plan li").first.wait_for()


def searching(page: Page) -> None:
    """An admin looks for a chart number."""
    page.locator("#ref").fill("C-2001")
    page.keyboard.press("Enter")
    page.locator("table").first.wait_for()


SCENES = {
    "sign-in": Scene(None, "/sign-in", signing_in, top="body", above=0),
    "receive": Scene(Role.MANAGER, "/receive", scanning),
    "open-and-discard": Scene(Role.PRACTITIONER, "/vials", top=".figures"),
    "vial-room": Scene(Role.PRACTITIONER, "/vials/<id:vial_id>"),
    "quote": Scene(Role.FRONT_DESK, "/quotes/new", pricing, top="#price"),
    "course": Scene(Role.FRONT_DESK, "/courses/<id:course_id>"),
    "treat": Scene(Role.PRACTITIONER, "/courses/<id:course_id>/sessions/<id:number>/treat"),
    "export": Scene(Role.ACCOUNTANT, "/books"),
    "correct": Scene(Role.MANAGER, "/movements/<id:movement_id>/reverse"),
    "recall": Scene(Role.MANAGER, "/lots/<id:lot_id>"),
    "privacy": Scene(Role.ADMIN, "/privacy", searching),
}
"""The scenes that need more than the first page a task leads to, seen by a manager."""


def scene_of(task: str) -> Scene:
    """What the picture of a task shows."""
    if task in SCENES:
        return SCENES[task]
    steps = next(one.steps for one in TASKS if one.code == task)
    return Scene(Role.ADMIN, next(step.address for step in steps if step.address))


def shoot(browser: Browser, at: Served, scene: Scene, theme: str) -> bytes:
    """A picture of a scene as the browser has it, from the top of what matters on."""
    context = browser.new_context(
        base_url=at.address,
        viewport=VIEW,  # type: ignore[arg-type]
        device_scale_factor=SHARP,
        color_scheme=theme,  # type: ignore[arg-type]
        locale="en-US",
        reduced_motion="reduce",
    )
    if scene.role is not None:
        at.sign_in(context, scene.role)
    context.clock.set_fixed_time(NOW)
    page = context.new_page()
    page.goto("/sign-in")  # the typeface is optional: on a first visit it may come too late
    with at.database.read() as db:
        page.goto(clinic.filled(scene.address, clinic.examples(db)))
    page.wait_for_load_state("networkidle")
    scene.act(page)
    page.evaluate("document.activeElement && document.activeElement.blur()")
    page.wait_for_load_state("networkidle")
    shown = page.locator(scene.top).first.bounding_box()
    assert shown is not None, scene
    tallest = page.evaluate("document.documentElement.scrollHeight") - VIEW["height"]
    top = min(max(0, shown["y"] + page.evaluate("scrollY") - scene.above), tallest)
    clip = {"x": 0, "y": top, **VIEW}
    taken = page.screenshot(clip=clip, full_page=True)  # type: ignore[arg-type]
    context.close()
    return taken


def packed(taken: bytes) -> bytes:
    """The picture as it is shipped: so good as fits into the bytes it may have."""
    picture = Image.open(io.BytesIO(taken)).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    for quality in QUALITIES:
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= MOST_BYTES:
            return file.getvalue()
    raise AssertionError(f"more than {MOST_BYTES:,} bytes even at quality {QUALITIES[-1]}")


def main(tasks: list[str]) -> int:
    """Take the pictures of tasks, or of all; answers how many."""
    path = clinic.chromium()
    if path is None:
        sys.exit("There is no chromium on this machine (Debian: apt install chromium).")
    (FOLDER / "help").mkdir(exist_ok=True)
    taken = 0
    with TemporaryDirectory() as home, sync_playwright() as driver:
        database, password = clinic.furnish(Path(home) / "demo.sqlite3")
        browser = clinic.launch(driver, path)
        with clinic.served(database, password) as at:
            for task in tasks or [one.code for one in TASKS]:
                for theme in ("light", "dark"):
                    file = FOLDER / file_of(task, theme)
                    file.write_bytes(packed(shoot(browser, at, scene_of(task), theme)))
                    taken += 1
        browser.close()
        database.engine.dispose()
    return taken


if __name__ == "__main__":
    count = main(sys.argv[1:])
    sys.stdout.write(f"{count} pictures in {FOLDER / 'help'}\n")
