"""A person without a mouse: what is pressed is first reached with the tab key, and what is typed is typed."""

from playwright.sync_api import Locator, Page, expect

FARTHEST = 250


class Hands:
    """Two hands on a keyboard, and how often they have struck a key."""

    def __init__(self, page: Page) -> None:
        self._keyboard = page.keyboard
        self.strokes = 0

    def type(self, words: str) -> None:
        """Type words."""
        self.strokes += len(words)
        self._keyboard.type(words)

    def press(self, key: str) -> None:
        """Press a key, or several together."""
        self.strokes += 1
        self._keyboard.press(key)


def tab_to(page: Page, target: Locator) -> None:
    """Go on with the tab key until the target has the focus, and see that it shows it."""
    expect(target).to_be_visible()
    for _ in range(FARTHEST):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(outline) != "none", f"{target}: nobody sees where the focus is"
            return
    raise AssertionError(f"{target} cannot be reached with the tab key")


def press(page: Page, role: str, name: str, key: str = "Enter") -> None:
    """Reach a link or button by its name, and press it."""
    tab_to(page, page.get_by_role(role, name=name).first)  # type: ignore[arg-type]
    page.keyboard.press(key)


def type_into(page: Page, label: str, words: str) -> None:
    """Reach a field by its label and type into it, in place of what it holds."""
    tab_to(page, page.get_by_label(label).first)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(words)


def choose(page: Page, label: str, words: str) -> None:
    """Reach a list by its label and choose by typing what the choice begins with."""
    field = page.get_by_label(label).first
    tab_to(page, field)
    page.keyboard.type(words)
    expect(field.locator("option:checked")).to_have_text(words)
