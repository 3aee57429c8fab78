"""Stocktakes: beginning a count, what is on its sheet, and giving it up (S11).

A count is of a site: all of it, one place, one class of ingredient, some items, or what the rota says is due.
`counting` writes down what was found, `differences` compares it with the book, `count_posting` posts it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import ledger, periods
from inventory.balances import BALANCES
from inventory.catalog import Ingredient, Item
from inventory.clinic import PLACES, Place, PlaceKind, Site
from inventory.counts import COUNTABLE, COUNTS, LINES, SEALED, Count, CountState, refuse_ended
from inventory.database import add_rows, table_of
from inventory.errors import Conflict, Invalid, NotFound
from inventory.lots import Lot
from inventory.vials import OpenedVial

VIALS, LOTS = table_of(OpenedVial), table_of(Lot)


@dataclass(frozen=True)
class Scope:
    """Of what a count is: everything at the site unless it is narrowed down. `words` say it to people."""

    place: Place | None = None
    ingredient_class: str | None = None
    item_ids: Collection[int] | None = None
    words: str = ""


class CannotBeCounted(Invalid):
    """Nobody can stand before this place and count."""


class UnknownClass(NotFound):
    """No ingredient is of this class."""


class NotOnThisSheet(Conflict):
    """The count is of other items."""


class NothingDue(Conflict):
    """The rota asks for nothing today."""


class CountedElsewhere(Conflict):
    """It is on the sheet of another count that is still open."""


def begin(db: Session, scope: Scope, *, site: Site, at: datetime, by: str, blind: bool = False) -> Count:
    """Begin a count: its sheet has what the book says is there, and more can be added (S11).

    What is on another open sheet is refused, for its difference would be posted twice. Raises
    CannotBeCounted, UnknownClass, CountedElsewhere, periods.PeriodClosed (B4).
    """
    periods.refuse_closed(db, site.day(at))
    if scope.place is not None and (scope.place.kind not in COUNTABLE or scope.place.site_id != site.id):
        raise CannotBeCounted(
            f"{scope.place.name} cannot be counted: count shelves, opened vials or quarantine."
        )
    items = _items_of(db, scope)
    found = [*_sealed(db, site, scope, items), *_opened(db, site, scope, items)]
    ledger.lock_items(db, [row.item_id for row in found])
    subject = scope.words or (scope.place.name if scope.place is not None else f"Everything at {site.name}")
    count = Count(
        site_id=site.id,
        place_id=None if scope.place is None else scope.place.id,
        subject=subject[:200],
        narrowed=items is not None,
        blind=blind,
        begun_at=at,
        begun_by=by,
        state=CountState.OPEN,
    )
    db.add(count)
    db.flush()
    _refuse_counted_elsewhere(db, count, found)
    add_rows(db, LINES, [_line(count, row, at=at, by=by) for row in found])
    return count


def abandon(db: Session, subject: Count, *, at: datetime, by: str, reason: str) -> Count:
    """End a count without posting anything; what was written down stays to be read."""
    refuse_ended(db, subject)
    return end(subject, CountState.ABANDONED, at=at, by=by, reason=reason)


def end(subject: Count, state: CountState, *, at: datetime, by: str, reason: str) -> Count:
    """Set how a count ended; posting it is `count_posting`'s part."""
    subject.state, subject.ended_at, subject.ended_by, subject.reason = state, at, by, reason
    return subject


def add_line(
    db: Session,
    subject: Count,
    lot: Lot,
    *,
    place_id: int,
    at: datetime,
    by: str,
) -> int:
    """Put a known lot on the sheet that was found where the book has none of it; answers its line.

    A line that is there already is answered as it is. Raises CountEnded, CountedElsewhere, NotOnThisSheet.
    """
    refuse_ended(db, subject)
    ledger.lock_items(db, [lot.item_id])
    known = db.scalar(
        sa.select(LINES.c.id).where(
            LINES.c.count_id == subject.id,
            LINES.c.place_id == place_id,
            LINES.c.lot_id == lot.id,
            LINES.c.vial_id.is_(None),
        )
    )
    if known is not None:
        return int(known)
    if subject.narrowed and not _on_sheet(db, subject, lot.item_id):
        raise NotOnThisSheet(
            f"Count {subject.id} is of {subject.subject}: lot {lot.number} is of another item. "
            "Count it on a sheet of its own, for what is not counted whole would seem to be missing."
        )
    row = Held(place_id, lot.item_id, lot.id, None)
    _refuse_counted_elsewhere(db, subject, [row])
    return add_rows(db, LINES, [_line(subject, row, at=at, by=by)])[0]


def countable_places(db: Session, subject: Count) -> list[Place]:
    """The places that a count goes through, the first shelf first."""
    query = sa.select(Place).where(Place.site_id == subject.site_id, Place.kind.in_(COUNTABLE))
    if subject.place_id is not None:
        query = query.where(Place.id == subject.place_id)
    order = {kind: number for number, kind in enumerate(COUNTABLE)}
    return sorted(db.scalars(query), key=lambda place: (order[place.kind], place.id))


def one_of_its_places(db: Session, subject: Count, place: Place) -> Place:
    """The place, if the count goes through it. Raises CannotBeCounted."""
    if all(place.id != one.id for one in countable_places(db, subject)):
        raise CannotBeCounted(
            f"Count {subject.id} is of {subject.subject}; it does not go through {place.name}."
        )
    return place


def due_scope(item_ids: Sequence[int]) -> Scope:
    """What the rota says is due. Raises NothingDue."""
    if not item_ids:
        raise NothingDue("The rota asks for nothing today: count a place or a class instead.")
    return Scope(item_ids=item_ids, words=f"What is due by the rota ({len(item_ids)} items)")


def ingredient_classes(db: Session) -> list[str]:
    """The classes of ingredients of which there are items, by name."""
    return list(
        db.scalars(
            sa.select(Ingredient.category)
            .join(Item, Item.ingredient_id == Ingredient.id)
            .distinct()
            .order_by(Ingredient.category)
        )
    )


@dataclass(frozen=True, slots=True)
class Held:
    """What may become a line: a lot's sealed stock in a place, or an opened vial."""

    place_id: int
    item_id: int
    lot_id: int
    vial_id: int | None


def _items_of(db: Session, scope: Scope) -> Sequence[int] | None:
    """The items that the scope is narrowed down to; none where it is not."""
    if scope.ingredient_class is None:
        return None if scope.item_ids is None else sorted(scope.item_ids)
    found = db.scalars(
        sa.select(Item.id)
        .join(Ingredient, Ingredient.id == Item.ingredient_id)
        .where(sa.func.lower(Ingredient.category) == scope.ingredient_class.lower())
    ).all()
    if not found:
        raise UnknownClass(f"No item's ingredient is of the class {scope.ingredient_class!r}.")
    return found


def _sealed(db: Session, site: Site, scope: Scope, items: Sequence[int] | None) -> list[Held]:
    b = BALANCES.c
    query: Any = (
        sa.select(b.place_id, b.item_id, b.lot_id, sa.null())
        .join(PLACES, PLACES.c.id == b.place_id)
        .where(PLACES.c.site_id == site.id, PLACES.c.kind.in_(SEALED), b.quantity > sa.literal_column("0"))
    )
    if scope.place is not None:
        query = query.where(b.place_id == scope.place.id)
    rows = [Held(*row) for row in db.execute(query)]
    return rows if items is None else [row for row in rows if row.item_id in set(items)]


def _opened(db: Session, site: Site, scope: Scope, items: Sequence[int] | None) -> list[Held]:
    query: Any = (
        sa.select(PLACES.c.id, VIALS.c.item_id, VIALS.c.lot_id, VIALS.c.id)
        .join(PLACES, PLACES.c.site_id == VIALS.c.site_id)
        .where(
            VIALS.c.site_id == site.id,
            PLACES.c.kind == PlaceKind.OPENED,
            VIALS.c.closed_at.is_(None),
            VIALS.c.remaining > sa.literal_column("0"),
        )
    )
    if scope.place is not None:
        query = query.where(PLACES.c.id == scope.place.id)
    rows = [Held(*row) for row in db.execute(query)]
    return rows if items is None else [row for row in rows if row.item_id in set(items)]


def _on_sheet(db: Session, subject: Count, item_id: int) -> bool:
    found = sa.select(LINES.c.id).where(LINES.c.count_id == subject.id, LINES.c.item_id == item_id)
    return db.scalar(found.limit(1)) is not None


def _line(subject: Count, row: Held, *, at: datetime, by: str) -> dict[str, object]:
    return {
        "count_id": subject.id,
        "place_id": row.place_id,
        "item_id": row.item_id,
        "lot_id": row.lot_id,
        "vial_id": row.vial_id,
        "added_at": at,
        "added_by": by,
    }


def _refuse_counted_elsewhere(db: Session, subject: Count, rows: Sequence[Held]) -> None:
    """Raises CountedElsewhere for what is on the sheet of another open count of the site."""
    line, head = LINES.c, COUNTS.c
    others = db.execute(
        sa.select(head.id, head.subject, line.place_id, line.lot_id, line.vial_id, LOTS.c.number)
        .join(LINES, line.count_id == head.id)
        .join(LOTS, LOTS.c.id == line.lot_id)
        .where(head.site_id == subject.site_id, head.state == CountState.OPEN, head.id != subject.id)
    )
    wanted = {(row.place_id, row.lot_id, row.vial_id) for row in rows}
    for key, words, place_id, lot_id, vial_id, number in others:
        if (place_id, lot_id, vial_id) in wanted:
            raise CountedElsewhere(
                f"Lot {number} is on the sheet of count {key} ({words}), which is still open: "
                "post or abandon that count first."
            )
