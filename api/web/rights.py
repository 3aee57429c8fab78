"""Who may see which page and send which form, by the one table that the guard, the navigation and the test
all read; and what a page is for, in words."""

from api.auth import BOOKS as BOOKS
from api.auth import Caller, NotAllowed, Role
from api.web.pages_allowed import MAY as MAY
from api.web.pages_allowed import OPEN as OPEN

ASKING = frozenset({"POST /quotes/price", "POST /treat/preview"})
"""Forms that ask and change nothing: they wait for nobody who writes, and may be sent at any time."""

NOUNS = {
    "/quotes": "Quoting a course",
    "/documents": "Undoing what was recorded",
    "pay": "Taking payments",
    "refund": "Giving money back",
    "without-stock": "Completing a session",
    "take-back": "Taking a session back",
    "undo": "Undoing a session",
    "/treat": "Treating patients",
    "treat": "Treating patients",
    "/transfers": "Moving stock",
    "/receive": "Receiving stock",
    "/imports": "Importing lists",
    "/counts": "Counting stock",
    "/orders": "Ordering",
    "/reorder/order": "Ordering",
    "/audit": "Reading the audit trail",
    "/books/close": "Closing a month",
    "/books/reopen": "Opening a closed month",
    "/books": "Looking at the books",
    "/settings": "Changing the settings",
    "/people": "Letting people in",
    "/privacy": "Handing out and forgetting what is held of a patient",
    "/access": "Setting the rules of signing in",
    "write-off": "Writing stock off",
    "quarantine": "Holding a lot back",
    "release": "Releasing a lot",
    "recall": "Recalling a lot",
    "reverse": "Reversing a movement",
    "discard": "Discarding opened vials",
    "room": "Taking vials into treatment rooms",
    "open": "Opening a vial",
    "edit": "Changing an item",
}
"""What a page is for, in the sentence that says who may; found by the end or the beginning of its rule."""


def guard(caller: Caller, call: str) -> None:
    """Refuse a page that is not for the person's role. Raises NotAllowed, saying who may."""
    allowed = MAY[call]
    if caller.role not in allowed:
        may = [role.spoken for role in Role if role in allowed]
        listed = may[0] if len(may) == 1 else ", ".join(may[:-1]) + f" or {may[-1]}"
        raise NotAllowed(f"{noun(call)} is for {listed}; you are signed in as {caller.role.spoken}.")


def noun(call: str) -> str:
    """What a page is for: `Receiving stock`."""
    rule = call.partition(" ")[2]
    for key, words in NOUNS.items():
        if rule.startswith(key) if key.startswith("/") else key in rule.rpartition("/")[2]:
            return words
    return "This page"


def may(role: Role, call: str) -> bool:
    """Whether a role may; for showing only what leads somewhere."""
    return role in MAY[call]
