"""The code on an opened vial's label: short, for a small QR code, and checked against slips (S4, S13)."""

import re

from inventory.gs1 import UnreadableLabel

LOOKS_LIKE_ONE = re.compile(r"VIAL[- ]?([1-9][0-9]{0,17})[- ]?([0-9]{2})", re.ASCII)
BEGINS_LIKE_ONE = re.compile(r"VIAL[- ]?[0-9]", re.ASCII)
QR = re.compile(r"\][Qd][0-9]", re.ASCII)  # what a scanner puts before it: the kind of barcode


def code(vial_id: int) -> str:
    """What the QR code on the label of an opened vial says: `VIAL-17-47`."""
    return f"VIAL-{vial_id}-{_check(vial_id):02}"


def read(data: str) -> int | None:
    """The key of the opened vial whose label was scanned or typed; none if it is no vial's label.

    Raises UnreadableLabel for one that was mistyped or is damaged.
    """
    text = QR.sub("", data.strip(), count=1).upper()
    if not BEGINS_LIKE_ONE.match(text):
        return None
    found = LOOKS_LIKE_ONE.fullmatch(text)
    if found is None or _check(int(found[1])) != int(found[2]):
        raise UnreadableLabel(
            "E_VIAL_LABEL", f"{text[:40]} is no opened vial's label: scan it again, or type it anew."
        )
    return int(found[1])


def _check(vial_id: int) -> int:
    """Two digits, as bank accounts have them: they tell every slip of one digit, or of two neighbours."""
    return 98 - vial_id * 100 % 97
