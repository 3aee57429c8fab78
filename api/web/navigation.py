"""The way around: which entries a role has, and which one is open."""

from dataclasses import dataclass

from api.auth import Role
from api.web import rights


@dataclass(frozen=True)
class Entry:
    """One entry of the navigation."""

    label: str
    icon: str
    address: str
    current: bool


ENTRIES = (
    ("Today", "house", "/"),
    ("Alerts", "bell", "/alerts"),
    ("Treat", "syringe", "/treat"),
    ("Quotes", "receipt-text", "/quotes"),
    ("Courses", "calendar-days", "/courses"),
    ("Stock", "boxes", "/stock"),
    ("Lots", "calendar-clock", "/lots"),
    ("Opened vials", "package-open", "/vials"),
    ("Receive", "truck", "/receive"),
    ("Counts", "clipboard-list", "/counts"),
    ("Transfers", "arrow-left-right", "/transfers"),
    ("Import", "upload", "/imports"),
    ("Reorder", "shopping-cart", "/reorder"),
    ("Orders", "package-check", "/orders"),
    ("Books", "book-open", "/books"),
    ("Audit trail", "history", "/audit"),
    ("Settings", "sliders-horizontal", "/settings"),
    ("People", "users", "/people"),
    ("Privacy", "lock", "/privacy"),
    ("Help", "circle-question-mark", "/help"),
)
"""Label, icon and address, in the order in which they are shown; a page's own part is its first word."""


def entries(role: Role, path: str) -> tuple[Entry, ...]:
    """The entries that lead somewhere for this role."""
    return tuple(
        Entry(label, icon, address, _within(path, address))
        for label, icon, address in ENTRIES
        if rights.may(role, f"GET {address}")
    )


def _within(path: str, address: str) -> bool:
    return path == address or (address != "/" and path.startswith(address + "/"))
