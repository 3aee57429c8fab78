"""Boxes: several labels of one box become one; what contradicts itself is said, and nothing is guessed (S13).

Labels that are scanned one after the other belong together as long as each still lacks something and all of
them together tell more. Codes in one photo belong together if they can all be of one box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from inventory import scanning
from inventory.gs1 import UnreadableLabel
from inventory.scanning import Scan


@dataclass(frozen=True)
class Box:
    """One box: which labels were read of it, by their places, and what they say together."""

    labels: tuple[int, ...]
    scan: Scan
    conflict: str = ""  # why it was not taken together with the label before


def whole(labels: Sequence[Scan]) -> Scan:
    """Labels of which somebody says that they are one box's. Raises UnreadableLabel if they cannot be."""
    return reduce(scanning.join, labels)


def scanned(labels: Sequence[Scan]) -> list[Box]:
    """The boxes that labels make which were scanned one after the other, whatever the order of one box's."""
    boxes: list[Box] = []
    for place, label in enumerate(labels):
        conflict = ""
        if boxes and _may_be_one(boxes[-1].scan, label):
            before = boxes[-1]
            try:
                boxes[-1] = Box((*before.labels, place), scanning.join(before.scan, label), before.conflict)
                continue
            except UnreadableLabel as contradiction:
                conflict = str(contradiction)
        boxes.append(Box((place,), label, conflict))
    return boxes


def in_photo(labels: Sequence[Scan]) -> list[Box]:
    """The boxes in one photo: one if all its codes agree, else each code for itself.

    The same code twice is two boxes alike. Which of two boxes a lone lot belongs to cannot be seen.
    """
    if len(labels) > 1 and len({label.fields for label in labels}) == len(labels):
        try:
            return [Box(tuple(range(len(labels))), whole(labels))]
        except UnreadableLabel:
            pass
    return [Box((place,), label) for place, label in enumerate(labels)]


def lacking(scan: Scan) -> tuple[str, ...]:
    """What a label does not tell of its box."""
    told = {
        "item": scan.gtin or scan.content_gtin or scan.pzn,
        "lot": scan.lot,
        "expiry": scan.expires_on,
    }
    return tuple(name for name, value in told.items() if value is None)


def _may_be_one(one: Scan, other: Scan) -> bool:
    """Whether two labels need each other: each lacks something, and neither says all that the other says."""
    fields, others = set(one.fields), set(other.fields)
    return bool(lacking(one) and lacking(other) and not fields <= others and not others <= fields)
