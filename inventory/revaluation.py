"""Revaluation: another cost formula from the beginning of a month on, as if it had always been in force (C1).

What is on hand is worth what the history of its item, told again under the other formula, leaves of it. The
difference is an entry of its own; what was used and written off before keeps the cost it had (S12).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import adjustments, clinic, layers, ledger, periods, retelling
from inventory.adjustments import ADJUSTMENTS, CHANGES, Adjust, AdjustmentKind
from inventory.catalog import Item
from inventory.clinic import CostFormula, Site
from inventory.database import add_row
from inventory.errors import Conflict, Invalid
from inventory.history import signed
from inventory.layers import LAYERS
from inventory.ledger import MOVEMENTS, Act, DocumentKind
from inventory.measures import ZERO
from inventory.retelling import Told


@dataclass(frozen=True, slots=True)
class Effect:
    """What another formula makes of one item's stock on hand."""

    item_id: int
    sku: str
    name: str
    unit: str
    quantity: Decimal
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """Above zero where the stock is worth more from then on."""
        return self.after - self.before


@dataclass(frozen=True)
class Report:
    """What a change of formula would do: shown before it is confirmed, and posted as it was shown."""

    on: date
    before: CostFormula
    after: CostFormula
    items: tuple[Effect, ...]

    @property
    def difference(self) -> Decimal:
        """Of all items together."""
        return sum((one.difference for one in self.items), ZERO)


class NotBetweenPeriods(Conflict):
    """A cost formula changes where a closed month ends, before anything has happened after it (C1)."""


class SameFormula(Conflict):
    """It is the clinic's formula already."""


class EffectChanged(Conflict):
    """The stock is not worth any more what was shown."""


class NoReason(Invalid):
    """A change of the cost formula says why."""


def preview(db: Session, formula: CostFormula, *, on: date) -> Report:
    """What the change would make of every item on hand; it only reads.

    Raises SameFormula, and NotBetweenPeriods unless the month before is closed and nothing lies behind it.
    """
    return _report(db, formula, on=on, told=retelling.told_again(db, formula))


def named(text: str) -> CostFormula:
    """The formula of this name. Raises clinic.BadSetting."""
    try:
        return CostFormula(text)
    except ValueError as bad:
        known = ", ".join(CostFormula)
        raise clinic.BadSetting(f"{text!r} is no cost formula: {known}.", field="formula") from bad


def boundary(db: Session) -> date:
    """The only day from which the formula can change. Raises NotBetweenPeriods."""
    day = next_boundary(db)
    if day is None:
        raise NotBetweenPeriods("Close the month before first: a cost formula changes between two periods.")
    return day


def next_boundary(db: Session) -> date | None:
    """The only day from which the formula can change: the one after the last that is closed."""
    last = periods.closed_through(db)
    return None if last is None else last + date.resolution


def change(
    db: Session,
    formula: CostFormula,
    *,
    on: date,
    expected: Decimal,
    site: Site,
    at: datetime,
    by: str,
    reason: str,
) -> Report:
    """Change the formula and revalue what is on hand; `expected` is the difference that was shown.

    Raises what `preview` raises, EffectChanged, NoReason and periods.PeriodClosed.
    """
    if not reason.strip():
        raise NoReason("Say why the cost formula changes: the auditor will ask.", field="reason")
    items = list(db.scalars(sa.select(Item.id).order_by(Item.id)))
    ledger.lock_items(db, items)
    told = dict(retelling.told_again(db, formula))
    report = _report(db, formula, on=on, told=told.items())
    if report.difference != expected:
        raise EffectChanged(
            f"The change would now make {report.difference} of difference, not {expected}: look at it anew."
        )
    act = Act(site.id, on, site.moment_on(on, at), at, by, f"{report.before} to {formula}", note=reason)
    document_id = ledger.open_document(db, DocumentKind.REVALUATION, act)
    rows: list[Adjust] = []
    for item_id, layers_then in told.items():
        rows += _re_layered(db, formula, item_id, layers_then)
    add_row(db, CHANGES, document_id=document_id, on=on, before=report.before, after=formula)
    adjustments.post(db, document_id, on, AdjustmentKind.REVALUATION, rows)
    clinic.record_setting(db, "cost_formula", formula.value, at=at, by=by, reason=reason)
    return report


def refuse_reopening(db: Session, month: date) -> None:
    """Raises NotBetweenPeriods when the formula changed after a month: nothing is dated before a change."""
    after = sa.select(CHANGES.c.on).where(CHANGES.c.on > month).order_by(CHANGES.c.on).limit(1)
    on = db.scalar(after)
    if on is not None:
        raise NotBetweenPeriods(
            f"The cost formula changed on {on}: {month:%Y-%m} stays closed, for what is dated in it would "
            "have its cost by another formula."
        )


def _report(
    db: Session, formula: CostFormula, *, on: date, told: Iterable[tuple[int, Sequence[Told]]]
) -> Report:
    before = clinic.settings(db).cost_formula
    if formula is before:
        raise SameFormula(f"The cost formula is {_said(formula)} already.")
    _refuse_elsewhere(db, on)
    after = {key: sum((one.value for one in found), ZERO) for key, found in told}
    worth = layers.worth_of_items(db, list(after))
    rows = db.execute(
        sa.select(Item.id, Item.sku, Item.name, Item.unit)
        .where(Item.id.in_(sorted(after)))
        .order_by(Item.sku)
    )
    items = tuple(
        Effect(key, sku, name, unit.value, worth[key].quantity, worth[key].value, after[key])
        for key, sku, name, unit in rows
    )
    return Report(on, before, formula, items)


def _refuse_elsewhere(db: Session, on: date) -> None:
    day = boundary(db)
    if on != day:
        raise NotBetweenPeriods(
            f"The books are closed through {day - date.resolution}: the formula can change on {day}, "
            f"not on {on}."
        )
    c = MOVEMENTS.c
    valued = sa.select(c.document_id, c.on).where(c.on >= on, c.direction != 0).order_by(c.on, c.id).limit(1)
    of = ADJUSTMENTS.c
    changed = sa.select(of.document_id, of.on).where(of.on >= on).order_by(of.on, of.id).limit(1)
    later = db.execute(valued).first() or db.execute(changed).first()
    if later is not None:
        raise NotBetweenPeriods(
            f"Entry ST-{later.document_id} of {later.on} has its cost by the formula of today. Change it "
            "between two months: one is closed, and nothing has come or gone in the next."
        )


def _said(formula: CostFormula) -> str:
    return formula.value.replace("_", " ")


def _re_layered(db: Session, formula: CostFormula, item_id: int, then: Sequence[Told]) -> Iterator[Adjust]:
    """From the layers that an item has to those it would have, in quantity and value.

    Under `specific` every lot's facts add up to its own layers from here on, as the valuation reads them.
    """
    now = {
        row.id: (row.lot_id, row.quantity_left, row.value_left)
        for row in db.execute(
            sa.select(LAYERS.c.id, LAYERS.c.lot_id, LAYERS.c.quantity_left, LAYERS.c.value_left).where(
                LAYERS.c.item_id == item_id, LAYERS.c.quantity_left > ZERO
            )
        )
    }
    wanted: dict[int, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    named: dict[int, int] = {key: lot_id for key, (lot_id, _, _) in now.items() if lot_id is not None}
    for layer in then:
        key = _kept_in(db, formula, item_id, layer)
        wanted[key][0] += layer.quantity
        wanted[key][1] += layer.value
        named.setdefault(key, layer.lot_id)
    some_lot = min(layer.lot_id for layer in then)
    added: dict[int, Decimal] = defaultdict(Decimal)
    for key in sorted(now.keys() | wanted.keys()):
        _, quantity, value = now.get(key, (None, ZERO, ZERO))
        lot_id = named.get(key, some_lot)
        more = wanted[key][1] - value
        added[lot_id] += more
        yield Adjust(item_id, lot_id, key, more, wanted[key][0] - quantity)
    if formula is CostFormula.SPECIFIC:
        worth: dict[int, Decimal] = defaultdict(Decimal)
        for layer in then:
            worth[layer.lot_id] += layer.value
        said = _said_by_lot(db, item_id)
        carrier = min(wanted)
        for lot_id in sorted(worth.keys() | said.keys() | added.keys()):
            gap = worth[lot_id] - said.get(lot_id, ZERO) - added[lot_id]
            yield Adjust(item_id, lot_id, carrier, gap)


def _kept_in(db: Session, formula: CostFormula, item_id: int, layer: Told) -> int:
    """The real layer that keeps what a told one holds: the item's pool, the receipt's own, or a new one."""
    if formula is CostFormula.WEIGHTED_AVERAGE:
        return layers.of_lot(db, item_id=item_id, lot_id=None, received_on=layer.received_on)
    own = db.scalar(sa.select(LAYERS.c.lot_id).where(LAYERS.c.id == layer.key))
    if own is not None:
        return layer.key
    empty = {"item_id": item_id, "lot_id": layer.lot_id, "received_on": layer.received_on}
    return add_row(db, LAYERS, **empty, quantity_left=ZERO, value_left=ZERO)


def _said_by_lot(db: Session, item_id: int) -> dict[int, Decimal]:
    """What movements and adjustments made of each lot's value so far."""
    found: dict[int, Decimal] = defaultdict(Decimal)
    for table, value in ((MOVEMENTS, signed(MOVEMENTS.c.value)), (ADJUSTMENTS, ADJUSTMENTS.c.value)):
        sums = sa.select(table.c.lot_id, sa.func.sum(value)).where(table.c.item_id == item_id)
        for lot_id, worth in db.execute(sums.group_by(table.c.lot_id)):
            found[lot_id] += worth
    return found
