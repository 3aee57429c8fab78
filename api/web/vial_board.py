"""The board of opened vials: what is where, how long each is still good, and what a scan on it found (S4)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g

from inventory import scanning, vial_labels, vial_list, vials
from inventory.catalog import ItemKind
from inventory.clinic import Site
from inventory.errors import NotFound
from inventory.vial_list import OpenedRow

SOON = timedelta(days=1)
WEEK = timedelta(days=7)


class NotOpenHere(NotFound):
    """No vial of that lot is open at this site."""


@dataclass(frozen=True)
class Meter:
    """How much of its time is left, for the bar beside the words."""

    has: int  # of a hundred
    short: bool
    need: int = 0


@dataclass(frozen=True)
class Card:
    """One vial on the board, and how near its end is: gone, soon or plain."""

    row: OpenedRow
    tone: str
    meter: Meter


@dataclass(frozen=True)
class Place:
    """What stands in one place, the first to be discarded first."""

    key: str
    title: str
    note: str
    picture: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Board:
    """The places of a site that have opened vials, and how many must go when."""

    places: tuple[Place, ...]
    due: int
    tonight: int
    week: int
    in_rooms: int


def board(site: Site) -> Board:
    """Everything that is open at a site: what is past its time first, then place by place."""
    rows = vial_list.opened(g.db, site=site)
    night = site.end_of(site.day(g.now))
    due = [row for row in rows if row.discard_at <= g.now]
    left = [row for row in rows if row.discard_at > g.now]
    places = [
        _place("due", "Discard now", "Past their time: nobody is served from them.", "triangle-alert", due),
        *_rooms([row for row in left if row.in_room]),
        _place(
            "preparation",
            "Preparation area",
            "Shared by patients until their time is over."
            if site.share_opened_vials
            else "The first patient served from a vial keeps it.",
            "flask-conical",
            [row for row in left if not row.in_room and row.kind is ItemKind.INJECTABLE],
        ),
        _place(
            "others",
            "Tubes, bottles and bags",
            "",
            "archive",
            [row for row in left if not row.in_room and row.kind is not ItemKind.INJECTABLE],
        ),
    ]
    return Board(
        places=tuple(place for place in places if place.cards),
        due=len(due),
        tonight=sum(1 for row in left if row.discard_at <= night),
        week=sum(1 for row in left if row.discard_at <= g.now + WEEK),
        in_rooms=sum(1 for row in left if row.in_room),
    )


def cards_of(sku: str, *, site: Site) -> list[Card]:
    """What is open of one item at a site, the first to be discarded first."""
    return [card(row, g.now) for row in vial_list.opened(g.db, site=site) if row.sku == sku]


def card(row: OpenedRow, now: datetime) -> Card:
    """A vial with how near its end is."""
    whole, left = row.discard_at - row.opened_at, row.discard_at - now
    tone = "gone" if left <= timedelta(0) else "soon" if left < SOON else "plain"
    has = 100 * max(left, timedelta(0)) // whole if whole > timedelta(0) else 0
    return Card(row, tone, Meter(has=min(has, 100), short=tone != "plain"))


def found(data: str, *, site: Site) -> OpenedRow:
    """The opened vial that a scan names: by the label on it, or by the maker's label of its lot.

    Raises UnreadableLabel, UnknownVial, NotOpenHere.
    """
    vial_id = vial_labels.read(data)
    if vial_id is not None:
        return vial_list.opened(g.db, keys=[vials.vial(g.db, vial_id).id])[0]
    scan = scanning.read(data, on=site.day(g.now))
    known = scanning.find(g.db, scan)
    sku = known[0].sku if known else None
    rows = vial_list.opened(g.db, site=site)
    mine = [row for row in rows if row.sku == sku and scan.lot in (None, row.lot_number)]
    if not mine:
        raise NotOpenHere(f"No vial of this label is open at {site.name}.")
    return mine[0]


def _rooms(rows: Sequence[OpenedRow]) -> list[Place]:
    """A place for each room that has a name, and one for those that have none."""
    by_room: dict[str, list[OpenedRow]] = defaultdict(list)
    for row in rows:
        by_room[row.room].append(row)
    return [
        _place(
            f"room-{number}",
            name or "Treatment room",
            "One patient’s each, until that session ends.",
            "stethoscope",
            by_room[name],
        )
        for number, name in enumerate(sorted(by_room))
    ]


def _place(key: str, title: str, note: str, picture: str, rows: Sequence[OpenedRow]) -> Place:
    return Place(key, title, note, picture, tuple(card(row, g.now) for row in rows))
