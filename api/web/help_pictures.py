"""The pictures of the help pages: what each shows, in words too, and where its files are.

They are taken of the demo clinic by `python -m tests.browser.help_pictures`, in both themes, and kept, so
that the program shows them without a browser of its own.
"""

from dataclasses import dataclass

WIDTH, HEIGHT = 960, 720

ALTS = {
    "sign-in": "The sign-in page: fields for name and password, and one button.",
    "receive": "The receive page after a scan: the box stands there with its item, lot, expiry and number of "
    "containers, and waits for its cost.",
    "import": "The page that takes a list: which list it is, the file, and a button that shows what would "
    "happen.",
    "alerts": "The alerts: what is to discard, expired, soon to expire, late, short and held back, counted "
    "and listed.",
    "move": "The form of a transfer: from where and to where stock goes, and what goes along.",
    "count": "The form of a new count: what is counted, and whether who counts sees what the book says.",
    "open-and-discard": "The opened vials: how many must be discarded and when, and below each vial with "
    "what is left of it.",
    "vial-room": "The page of an opened vial: until when it may be used and why, what is left of it, where "
    "it is, and what may be done.",
    "quote": "The price of a quote: of a session and in all, as a mark on the scale of the band, and each "
    "session with its date.",
    "course": "The page of a course: what is performed, paid and still due, and each session with its day "
    "and its state.",
    "treat": "The page of a session: a field for scanning vials, and each product with its dose and its lot.",
    "reorder": "The reorder list: how many items to order, which of them today, what it costs, and each of "
    "them.",
    "export": "The books of a month: what stock was worth, what came, was used and thrown away, and whether "
    "all of it agrees.",
    "correct": "The page that undoes a movement: what moved, when and by whom, and a field for the reason.",
    "recall": "The page of a lot: its state, expiry, what is left, who received it, and buttons to hold it "
    "back or recall it.",
    "privacy": "The page of privacy: a field for a chart number, and what is held of one, kind by kind.",
    "audit": "The audit trail: fields to choose a person, a kind and days, and entries with who and what.",
    "site": "The form of a new site: its name, code, country and region.",
}
"""What the picture of each task shows, for who cannot see it."""


@dataclass(frozen=True)
class Picture:
    """The picture of a task: a file for each theme, and the same in words."""

    light: str
    dark: str
    alt: str
    width: int = WIDTH
    height: int = HEIGHT


def file_of(task: str, theme: str) -> str:
    """The name of a picture's file among the static files."""
    return f"help/{task}-{theme}.webp"


def picture(task: str) -> Picture | None:
    """The picture of a task; none if it has none yet."""
    alt = ALTS.get(task)
    return None if alt is None else Picture(file_of(task, "light"), file_of(task, "dark"), alt)
