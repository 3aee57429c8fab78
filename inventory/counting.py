"""Counting: what was found is written down line by line, typed or scanned, the book beside it (S11).

Each number carries the instant at which it was counted and what the book said then, so that stock may move
before and after without anybody waiting: `count_book` says which movements belong to which side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import catalog, clinic, count_book, ledger, lots, periods, scanning, stocktake
from inventory.catalog import Item
from inventory.clinic import PlaceKind, Site
from inventory.count_book import Spot
from inventory.counts import ENTRIES, LINES, MOST_KEYS, Count, CountEntry, UnknownLine, refuse_ended
from inventory.database import add_rows
from inventory.errors import Conflict, Invalid
from inventory.lots import ExpiryDisagrees, Lot, LotState
from inventory.measures import ZERO, plain, quantity


@dataclass(frozen=True, slots=True)
class Found:
    """What is written down of one line. `again` makes it the second count; no quantity takes it back."""

    line_id: int
    quantity: Decimal | None
    again: bool = False


@dataclass(frozen=True)
class Scanned:
    """A container that was scanned: its line, and what has been found of it so far."""

    line_id: int
    item: Item
    lot: Lot
    containers: int
    quantity: Decimal


class NotCountable(Invalid):
    """The number cannot be what is there."""


class CountedAtAnotherTime(Invalid):
    """A count lies between the beginning of its sheet and now."""


class ReceiveInstead(Conflict):
    """A lot that was never received has no cost: it comes in by a receipt, not by a count."""


class NotOnLabel(Invalid):
    """The label does not say which lot of which item it is."""


class WhichPlace(Conflict):
    """The lot lies in several places of the sheet."""


class CountedAlready(Conflict):
    """The container with this serial number was counted."""


def write_down(
    db: Session,
    subject: Count,
    found: Sequence[Found],
    *,
    at: datetime,
    recorded_at: datetime,
    by: str,
) -> None:
    """Write down what was found of some lines, all or nothing; what was written before stays as history.

    Raises CountEnded, UnknownLine, NotCountable, catalog.NotWholeContainers (S1), CountedAtAnotherTime,
    periods.PeriodClosed (B4).
    """
    refuse_ended(db, subject)
    site = db.get_one(Site, subject.site_id)
    periods.refuse_closed(db, site.day(at))
    if not subject.begun_at <= at <= recorded_at:
        raise CountedAtAnotherTime(
            f"Count {subject.id} was begun at {subject.begun_at:%Y-%m-%d %H:%M} UTC; nothing on it was "
            f"counted at {at:%Y-%m-%d %H:%M}, and nothing after {recorded_at:%Y-%m-%d %H:%M}."
        )
    spots = count_book.spots(db, subject.id)
    for one in found:
        if one.line_id not in spots:
            raise UnknownLine(f"Count {subject.id} has no line {one.line_id}.")
    _check(db, [(spots[one.line_id], one.quantity) for one in found])
    before = standing(db, [one.line_id for one in found])
    rows: list[dict[str, object]] = []
    for one in found:
        earlier = before.get(one.line_id)
        rows.append(
            {
                "line_id": one.line_id,
                "round": 2 if one.again or (earlier is not None and earlier.round == 2) else 1,
                "quantity": one.quantity,
                "began_at": at,
                "serial": None,
            }
        )
    _add(db, [spots[one.line_id] for one in found], rows, at=at, recorded_at=recorded_at, by=by)


def rest_is_missing(db: Session, subject: Count, *, at: datetime, by: str) -> int:
    """Write down nothing for every line that nobody has counted; answers how many those were."""
    refuse_ended(db, subject)
    keys = db.scalars(sa.select(LINES.c.id).where(LINES.c.count_id == subject.id)).all()
    counted = {key for key, entry in standing(db, keys).items() if entry.quantity is not None}
    left = [Found(key, ZERO) for key in keys if key not in counted]
    write_down(db, subject, left, at=at, recorded_at=at, by=by)
    return len(left)


def scan(
    db: Session,
    subject: Count,
    data: str,
    *,
    at: datetime,
    by: str,
    place_id: int | None = None,
    again: bool = False,
) -> Scanned:
    """Count the containers of one label: each scan adds them to their lot's line (S13).

    A known lot that is not on the sheet is put there. Raises UnreadableLabel, NotOnLabel, ReceiveInstead,
    lots.ExpiryDisagrees, WhichPlace, CountedAlready, CountEnded.
    """
    refuse_ended(db, subject)
    site = db.get_one(Site, subject.site_id)
    label = scanning.read(data, on=site.day(at))
    known = scanning.find(db, label)
    number = label.content_gtin or label.gtin or label.pzn
    if known is None:
        raise NotOnLabel(
            f"No item has the barcode number {number}: count it by hand."
            if number
            else "The label does not name the item: scan the other barcode of the box, or count it by hand."
        )
    item, containers = known
    if label.lot is None:
        raise NotOnLabel(f"The label names {item.sku} and no lot: scan the other barcode, or count by hand.")
    lot = known_lot(db, item, label.lot)
    if label.expires_on is not None and label.expires_on != lot.expires_on:
        raise ExpiryDisagrees(
            f"Lot {lot.number} of {item.sku} is on record as expiring on {lot.expires_on}, "
            f"not {label.expires_on}."
        )
    line_id = stocktake.add_line(
        db, subject, lot, place_id=place_id or place_of(db, subject, lot), at=at, by=by
    )
    total = _one_more(
        db, subject, line_id, item.content * containers, at=at, by=by, again=again, serial=label.serial
    )
    return Scanned(line_id, item, lot, containers, total)


def known_lot(db: Session, item: Item, number: str) -> Lot:
    """The lot of an item by its number. Raises ReceiveInstead for one that was never received."""
    lot = lots.find(db, item, number)
    if lot is None:
        raise ReceiveInstead(
            f"No lot {number} of {item.sku} was ever received: receive it with what it cost, "
            "for a count only finds what the book knows."
        )
    return lot


def place_of(db: Session, subject: Count, lot: Lot) -> int:
    """Where found containers of a lot are: where the sheet has it, else on the count's or the first shelf."""
    if subject.place_id is not None:
        return subject.place_id
    there = db.scalars(
        sa.select(LINES.c.place_id).where(
            LINES.c.count_id == subject.id, LINES.c.lot_id == lot.id, LINES.c.vial_id.is_(None)
        )
    ).all()
    if len(there) > 1:
        named = " and ".join(
            place.name for place in stocktake.countable_places(db, subject) if place.id in there
        )
        raise WhichPlace(f"Lot {lot.number} is on the sheet at {named}: say which of them is being counted.")
    if there:
        return int(there[0])
    held = lot.state is not LotState.RELEASED
    return clinic.places(db, subject.site_id)[PlaceKind.QUARANTINE if held else PlaceKind.SHELF]


def standing(db: Session, line_ids: Sequence[int]) -> dict[int, CountEntry]:
    """The latest number of each line that has one; one that was taken back has no quantity."""
    found: dict[int, CountEntry] = {}
    for start in range(0, len(line_ids), MOST_KEYS):
        part = line_ids[start : start + MOST_KEYS]
        latest = (
            sa.select(sa.func.max(ENTRIES.c.id))
            .where(ENTRIES.c.line_id.in_(part))
            .group_by(ENTRIES.c.line_id)
        )
        rows = db.scalars(sa.select(CountEntry).where(CountEntry.id.in_(latest)))
        found |= {entry.line_id: entry for entry in rows}
    return found


def _one_more(
    db: Session,
    subject: Count,
    line_id: int,
    more: Decimal,
    *,
    at: datetime,
    by: str,
    again: bool,
    serial: str | None,
) -> Decimal:
    """Add containers to what was found of a line in this round; answers the sum."""
    spot = count_book.spots(db, subject.id)[line_id]
    before = standing(db, [line_id]).get(line_id)
    if before is not None and (before.quantity is None or (again and before.round == 1)):
        goes_on, so_far = None, ZERO
    else:
        goes_on, so_far = before, ZERO if before is None or before.quantity is None else before.quantity
    if serial:
        _refuse_twice(db, line_id, serial, round_=2 if again else None)
    total = so_far + more
    _check(db, [(spot, total)])
    row: dict[str, object] = {
        "line_id": line_id,
        "round": 2 if again or (before is not None and before.round == 2) else 1,
        "quantity": total,
        # A sum begins with its first container.
        "began_at": goes_on.began_at if goes_on is not None and so_far else at,
        "serial": serial[:40] if serial else None,
    }
    _add(db, [spot], [row], at=at, recorded_at=at, by=by)
    return total


def _refuse_twice(db: Session, line_id: int, serial: str, *, round_: int | None) -> None:
    """Raises CountedAlready when a container is scanned twice in one sum."""
    entries = db.scalars(
        sa.select(CountEntry).where(CountEntry.line_id == line_id).order_by(CountEntry.id.desc())
    )
    for entry in entries:
        if not entry.quantity or (round_ is not None and entry.round < round_):
            return
        if entry.serial == serial:
            raise CountedAlready(f"The container with serial number {serial} is counted already.")


def _add(
    db: Session,
    spots: Sequence[Spot],
    rows: list[dict[str, object]],
    *,
    at: datetime,
    recorded_at: datetime,
    by: str,
) -> None:
    """Add entries with the book of their instant. Items are locked, so that nothing is on its way unseen."""
    ledger.lock_items(db, [spot.item_id for spot in spots])
    mark = count_book.last_movement(db)
    held = count_book.held_now(db, spots)
    felt = count_book.touches(db, spots, since=at, mark=mark)
    for row, spot in zip(rows, spots, strict=True):
        row |= {"at": at, "recorded_at": recorded_at, "by": by, "mark": mark}
        row["book"] = count_book.book_then(held[spot.line_id], felt.get(spot.line_id, ()), at)
    add_rows(db, ENTRIES, rows)


def _check(db: Session, found: Sequence[tuple[Spot, Decimal | None]]) -> None:
    items = {
        item.id: item
        for item in db.scalars(sa.select(Item).where(Item.id.in_({spot.item_id for spot, _ in found})))
    }
    for spot, counted in found:
        if counted is None:
            continue
        quantity(counted)
        item = items[spot.item_id]
        if counted < 0:
            raise NotCountable(f"{plain(counted)} {item.unit} of {item.sku} cannot be there.")
        if spot.vial_id is None:
            catalog.whole_containers(item, counted)
        elif counted > item.content:
            raise NotCountable(
                f"An opened {item.sku} holds at most {plain(item.content)} {item.unit}, not "
                f"{plain(counted)}: what a vial holds above its label is never stock."
            )
