"""Differences: what was counted beside what the book had at that instant, and what each line is worth (S11).

Nothing is posted here. What is missing is priced as the cost formula would let it go now (C1, C2), what was
found as the lot's last receipt had it. A lot that is missing in one place of the sheet and found in another
has only been moved: it is worth nothing either way.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, count_book, counting, layers
from inventory.catalog import Item
from inventory.clinic import Place, PlaceKind, Settings
from inventory.count_book import Glance, Touch
from inventory.counts import ENTRIES, LINES, Count, CountEntry, CountState
from inventory.layers import Share, Want
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, to_cents_half_up
from inventory.receiving import Receipt
from inventory.vials import OpenedVial


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sheet: what it is of, what was found, and what the book had at that instant.

    `book` is now's where nothing was counted yet. `learned` is by how much it was corrected since, for
    what was recorded late; `moved` what has come and gone since, which is no difference.
    """

    id: int
    place_id: int
    place: str
    place_kind: PlaceKind
    item_id: int
    sku: str
    name: str
    unit: str
    content: Decimal
    form: str
    lot_id: int
    lot_number: str
    expires_on: date
    lot_state: LotState
    vial_id: int | None
    opened_at: datetime | None
    round: int  # 0: not counted
    counted: Decimal | None
    first: Decimal | None  # the first count, where there was a second
    counted_at: datetime | None
    counted_by: str
    book: Decimal
    learned: Decimal
    moved: Decimal
    unsteady: bool  # something moved while it was being counted
    change: Decimal | None
    value: Decimal | None  # of a posted count: what the posting did

    @property
    def sealed(self) -> bool:
        """Whether whole containers are counted, not the content of an opened one."""
        return self.vial_id is None


@dataclass(frozen=True, slots=True)
class Difference:
    """A line whose count is not what the book had; `moved` of it lies in another place of the sheet."""

    line: Line
    change: Decimal
    moved: Decimal
    value: Decimal  # below zero: lost
    shares: tuple[Share, ...]  # of what is missing, by cost layer
    layer_from: date | None  # of what was found: the age of its layer
    again: bool  # must be counted a second time
    outdated: bool  # what is missing has gone by the book since

    @property
    def crossing(self) -> Decimal:
        """What comes in or goes out: the change without what only lay elsewhere."""
        return self.change - self.moved


@dataclass(frozen=True)
class Differences:
    """What posting a count would do; `digest` is another one as soon as any of it is."""

    lines: tuple[Line, ...]
    differing: tuple[Difference, ...]
    gained: Decimal
    lost: Decimal
    digest: str

    @property
    def uncounted(self) -> tuple[Line, ...]:
        """The lines that nobody has counted."""
        return tuple(line for line in self.lines if line.counted is None)

    @property
    def unsteady(self) -> tuple[Line, ...]:
        """The lines at which something moved while they were being counted."""
        return tuple(line for line in self.lines if line.unsteady)

    @property
    def outdated(self) -> tuple[Difference, ...]:
        """The lines whose difference has been overtaken by what was used or moved since."""
        return tuple(one for one in self.differing if one.outdated)

    @property
    def again(self) -> tuple[Difference, ...]:
        """The lines that must be counted a second time."""
        return tuple(one for one in self.differing if one.again)


def lines(db: Session, subject: Count) -> list[Line]:
    """Every line of a count, by place, item, expiry and lot."""
    c = LINES.c
    rows = db.execute(
        sa.select(c.id, c.change, c.value, Place, Item, Lot, OpenedVial)
        .join(Place, Place.id == c.place_id)
        .join(Item, Item.id == c.item_id)
        .join(Lot, Lot.id == c.lot_id)
        .outerjoin(OpenedVial, OpenedVial.id == c.vial_id)
        .where(c.count_id == subject.id)
        .order_by(Place.kind != PlaceKind.SHELF, Place.id, Item.sku, Lot.expires_on, Lot.id, c.id)
    ).all()
    spots = count_book.spots(db, subject.id)
    entries = counting.standing(db, list(spots))
    firsts = _firsts(db, [key for key, entry in entries.items() if entry.round == 2])
    now = count_book.held_now(db, spots.values())
    counted = [entry for entry in entries.values() if entry.quantity is not None]
    felt = (
        count_book.touches(
            db,
            [spots[entry.line_id] for entry in counted],
            since=min(entry.began_at for entry in counted),
            mark=min(entry.mark for entry in counted),
        )
        if counted and subject.state is CountState.OPEN
        else {}
    )
    return [
        _line(row, entries.get(row.id), firsts.get(row.id), now.get(row.id, ZERO), felt.get(row.id, ()))
        for row in rows
    ]


def differences(db: Session, subject: Count) -> Differences:
    """What posting the count would do now, line by line, with its worth; of an ended one what it did."""
    found = lines(db, subject)
    if subject.state is not CountState.OPEN:
        return _summed(found, [_settled(line) for line in found if line.change])
    settings = clinic.settings(db)
    changed = [line for line in found if line.change]
    moved = _misplaced(changed)
    crossing = {line.id: (line.change or ZERO) - moved.get(line.id, ZERO) for line in changed}
    gone = _outdated(db, subject, changed)
    missing = [line for line in changed if crossing[line.id] < 0 and line.id not in gone]
    wants = [Want(line.item_id, line.lot_id, -crossing[line.id]) for line in missing]
    drawn = layers.foretell(db, settings.cost_formula, wants)
    shares = {line.id: drew for line, drew in zip(missing, drawn, strict=True)}
    receipts = last_receipts(db, [line.lot_id for line in changed if crossing[line.id] > 0])
    differing = []
    for line in changed:
        receipt = receipts.get(line.lot_id) if crossing[line.id] > 0 else None
        value = -sum((share.value for share in shares.get(line.id, ())), ZERO)
        if receipt is not None:
            value = to_cents_half_up(receipt.value * crossing[line.id] / receipt.quantity)
        differing.append(
            Difference(
                line=line,
                change=line.change or ZERO,
                moved=moved.get(line.id, ZERO),
                value=value,
                shares=shares.get(line.id, ()),
                layer_from=None if receipt is None else receipt.received_on,
                again=line.round == 1 and above(settings, line.change or ZERO, line.book, value),
                outdated=line.id in gone,
            )
        )
    return _summed(found, differing)


def above(settings: Settings, change: Decimal, book: Decimal, value: Decimal) -> bool:
    """Whether a difference is so large that it must be counted a second time."""
    by_value = bool(settings.recount_value) and abs(value) > settings.recount_value
    by_share = bool(settings.recount_rate) and abs(change) > settings.recount_rate * book
    return by_value or by_share


def last_receipts(db: Session, lot_ids: Sequence[int]) -> dict[int, Receipt]:
    """The latest receipt of each lot: what its stock is known to have cost."""
    rows = db.scalars(
        sa.select(Receipt)
        .where(Receipt.lot_id.in_(sorted(set(lot_ids))))
        .order_by(Receipt.received_on, Receipt.id)
    )
    return {row.lot_id: row for row in rows}


def _line(
    row: Any,
    entry: CountEntry | None,
    first: Decimal | None,
    now: Decimal,
    felt: Sequence[Touch],
) -> Line:
    key, change, value, place, item, lot, vial = row
    counted = None if entry is None else entry.quantity
    book, learned, moved, unsteady = now, ZERO, ZERO, False
    if entry is not None and counted is not None:
        glance = Glance(entry.began_at, entry.at, entry.mark)
        learned, moved = count_book.learned_since(felt, glance), count_book.moved_since(felt, glance)
        unsteady = count_book.moved_during(felt, glance)
        book = entry.book + learned
        if change is not None:
            book, learned = counted - change, counted - change - entry.book
        else:
            change = counted - book
    return Line(
        id=key,
        place_id=place.id,
        place=place.name,
        place_kind=place.kind,
        item_id=item.id,
        sku=item.sku,
        name=item.name,
        unit=item.unit.value,
        content=item.content,
        form=item.container_form,
        lot_id=lot.id,
        lot_number=lot.number,
        expires_on=lot.expires_on,
        lot_state=lot.state,
        vial_id=None if vial is None else vial.id,
        opened_at=None if vial is None else vial.opened_at,
        round=0 if counted is None or entry is None else entry.round,
        counted=counted,
        first=first,
        counted_at=None if counted is None or entry is None else entry.at,
        counted_by="" if counted is None or entry is None else entry.by,
        book=book,
        learned=learned,
        moved=moved,
        unsteady=unsteady,
        change=change,
        value=value,
    )


def _firsts(db: Session, line_ids: Sequence[int]) -> dict[int, Decimal]:
    """What the first count of each line said."""
    rows = db.execute(
        sa.select(ENTRIES.c.line_id, ENTRIES.c.quantity)
        .where(ENTRIES.c.line_id.in_(line_ids), ENTRIES.c.round == 1, ENTRIES.c.quantity.isnot(None))
        .order_by(ENTRIES.c.id)
    )
    return dict(rows.all())


def _misplaced(changed: Sequence[Line]) -> dict[int, Decimal]:
    """How much of each line's change lies in another place of the sheet, by line: the sums are zero."""
    missing: dict[int, list[Line]] = defaultdict(list)
    found: dict[int, list[Line]] = defaultdict(list)
    for line in changed:
        if line.sealed:
            (missing if (line.change or ZERO) < 0 else found)[line.lot_id].append(line)
    moved: dict[int, Decimal] = {}
    for lot_id in missing.keys() & found.keys():
        total = min(
            -sum((line.change or ZERO for line in missing[lot_id]), ZERO),
            sum((line.change or ZERO for line in found[lot_id]), ZERO),
        )
        for side, sign in ((missing[lot_id], -1), (found[lot_id], 1)):
            left = total
            for line in side:
                part = min(left, abs(line.change or ZERO))
                left -= part
                if part:
                    moved[line.id] = sign * part
    return moved


def _settled(line: Line) -> Difference:
    """What the posting of an ended count did, as it was kept; nothing, if it was given up."""
    return Difference(
        line=line,
        change=line.change or ZERO,
        moved=ZERO,
        value=line.value or ZERO,
        shares=(),
        layer_from=None,
        again=False,
        outdated=False,
    )


def _summed(found: Sequence[Line], differing: Sequence[Difference]) -> Differences:
    return Differences(
        lines=tuple(found),
        differing=tuple(differing),
        gained=sum((one.value for one in differing if one.value > 0), ZERO),
        lost=-sum((one.value for one in differing if one.value < 0), ZERO),
        digest=_digest(found, differing),
    )


def _outdated(db: Session, subject: Count, changed: Sequence[Line]) -> set[int]:
    """The lines of which less is left by now than is missing; what was held back since is still there."""
    quarantine = clinic.places(db, subject.site_id)[PlaceKind.QUARANTINE]
    held = count_book.places_hold(db, [line.lot_id for line in changed if line.sealed])
    vials = {
        vial.id: vial.remaining
        for vial in db.scalars(
            sa.select(OpenedVial)
            .where(OpenedVial.id.in_([line.vial_id for line in changed]), OpenedVial.closed_at.is_(None))
            .execution_options(populate_existing=True)
        )
    }
    gone = set()
    for line in changed:
        change = line.change or ZERO
        if line.vial_id is not None:
            if line.vial_id not in vials or vials[line.vial_id] + change < 0:
                gone.add(line.id)
        elif sum(held[place, line.lot_id] for place in {line.place_id, quarantine}) + change < 0:
            gone.add(line.id)
    return gone


def _digest(found: Sequence[Line], differing: Sequence[Difference]) -> str:
    told = [f"{line.id} {line.counted} {line.change}" for line in found]
    told += [f"{one.line.id} {one.moved} {one.value}" for one in differing]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
