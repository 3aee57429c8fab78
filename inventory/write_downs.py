"""Write-downs: short-dated stock at what it will still bring, where that is less than its cost (IAS 2.9).

Who keeps the accounts says what a lot will bring, nothing where it cannot be used before it expires. Its cost
layers fall by the difference, so that later use takes what is left; IFRS lets it come back, up to cost.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import adjustments, clinic, history, ledger, lots, usage
from inventory.adjustments import Adjust, AdjustmentKind
from inventory.balances import BALANCES
from inventory.catalog import Item
from inventory.clinic import CostFormula, Site
from inventory.database import MONEY, QUANTITY, Base, add_row, append_only, table_of
from inventory.defaults import Framework
from inventory.errors import Conflict, Invalid, NotFound
from inventory.layers import LAYERS, OLDEST_FIRST
from inventory.ledger import Act, DocumentKind
from inventory.lots import LOTS, Lot
from inventory.measures import ZERO, places, plain, to_cents

MOST_LINES = 200


class WriteDown(Base):
    """What one lot was written down by under one document; below zero it came back."""

    __tablename__ = "write_downs"
    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="changes_something"),
        sa.CheckConstraint("(amount > 0) = (reverses_id IS NULL)", name="comes_back_once_written"),
        sa.Index(None, "lot_id", "id"),
        sa.Index(None, "document_id"),
        sa.Index(None, "reverses_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    on: Mapped[date]
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"))
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)  # of the lot on hand then
    cost: Mapped[Decimal] = mapped_column(MONEY)  # its value before
    amount: Mapped[Decimal] = mapped_column(MONEY)
    reverses_id: Mapped[int | None] = mapped_column(sa.ForeignKey("write_downs.id"))


append_only(WriteDown)
WRITE_DOWNS = table_of(WriteDown)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lot that expires before all of it can be used, and what it is worth in the books."""

    lot_id: int
    lot_number: str
    item_id: int
    sku: str
    name: str
    unit: str
    expires_on: date
    days: int
    quantity: Decimal
    unusable: Decimal  # what use at the pace of late will have left on its last day
    value: Decimal

    @property
    def net_value(self) -> Decimal:
        """What it will bring unless somebody knows better: its cost for the part that will be used."""
        return to_cents(self.value * (self.quantity - self.unusable) / self.quantity)


@dataclass(frozen=True)
class Lower:
    """What somebody expects a lot to bring."""

    lot_id: int
    net_value: Decimal


@dataclass(frozen=True, slots=True)
class Written:
    """A write-down on record, and how much of it may still come back."""

    id: int
    document_id: int
    on: date
    sku: str
    lot_id: int
    lot_number: str
    quantity: Decimal
    cost: Decimal
    amount: Decimal
    back: Decimal
    left: Decimal
    by: str
    reason: str


class NotLower(Invalid):
    """Stock is written down to less than it is worth, and not below nothing."""


class NoReversal(Conflict):
    """The clinic's rules of accounting do not let a write-down come back."""


class NothingComesBack(Conflict):
    """More would come back than was written down and is still held."""


class UnknownWriteDown(NotFound):
    """No write-down has this key."""


def candidates(db: Session, *, on: date, within_days: int | None = None) -> list[Candidate]:
    """Lots that expire before they are used up at the pace of late, of all sites, the soonest first.

    With `within_days` every lot that expires in so many days is listed, whatever its use.
    """
    rows = history.valuation(db, on=on).rows
    pace = _pace(db, on=on)
    items = {
        key: (name, unit.value) for key, name, unit in db.execute(sa.select(Item.id, Item.name, Item.unit))
    }
    before: dict[int, Decimal] = defaultdict(Decimal)  # what is used first of the same item
    found = []
    for row in sorted(rows, key=lambda row: (row.expires_on, row.lot_id)):
        days = (row.expires_on - on).days
        usable = max(ZERO, pace.get(row.item_id, ZERO) * max(0, days + 1) - before[row.item_id])
        unusable = max(ZERO, row.quantity - usable).quantize(Decimal("0.0001"))
        before[row.item_id] += row.quantity - unusable
        asked = days <= within_days if within_days is not None else bool(unusable)
        if asked and row.value > 0 and row.quantity > 0:
            name, unit = items[row.item_id]
            found.append(
                Candidate(
                    row.lot_id, row.lot_number, row.item_id, row.sku, name, unit, row.expires_on, days,
                    row.quantity, unusable, row.value,
                )
            )  # fmt: skip
    return found


def _pace(db: Session, *, on: date) -> dict[int, Decimal]:
    """What all sites use of each item in a day, sessions of open courses included."""
    window = clinic.settings(db).usage_window_days
    pace: dict[int, Decimal] = defaultdict(Decimal)
    for site in db.scalars(sa.select(Site).order_by(Site.id)):
        for facts in usage.read(db, site=site, on=on, window_days=window):
            pace[facts.item_id] += sum(facts.daily, ZERO) / facts.days
            ahead = [quantity for day, quantity in facts.planned if on <= day < on + timedelta(days=window)]
            pace[facts.item_id] += sum(ahead, ZERO) / window
    return pace


def write_down(
    db: Session,
    lines: Sequence[Lower],
    *,
    site: Site,
    on: date,
    at: datetime,
    by: str,
    reason: str,
    reference: str = "",
) -> list[WriteDown]:
    """Write lots down to what they will bring, all under one document.

    Raises NotLower for what is not less than the lot is worth or more than is still held of it,
    lots.UnknownLot and periods.PeriodClosed.
    """
    if not reason.strip():
        raise NotLower("Say why the stock will bring less than it cost.", field="reason")
    if not 1 <= len(lines) <= MOST_LINES or len({line.lot_id for line in lines}) < len(lines):
        raise NotLower(f"A write-down has 1 to {MOST_LINES} lots, each of them once.")
    subjects = {key: lots.lot(db, key) for key in sorted({line.lot_id for line in lines})}
    ledger.lock_items(db, [lot.item_id for lot in subjects.values()])
    act = Act(site.id, on, site.moment_on(on, at), at, by, reference, reason)
    document_id = ledger.open_document(db, DocumentKind.WRITE_DOWN, act)
    formula = clinic.settings(db).cost_formula
    made = []
    for line in lines:
        lot = subjects[line.lot_id]
        # By the day itself, and lot by lot: what one takes of a shared worth the next has no more.
        worth = {row.lot_id: row for row in history.valuation(db, on=on).rows}.get(lot.id)
        value = ZERO if worth is None else worth.value
        _refuse_not_lower(line, lot, value)
        assert worth is not None
        amount = value - line.net_value
        rows = _spread(db, formula, lot, -amount)
        adjustments.post(db, document_id, on, AdjustmentKind.WRITE_DOWN, rows)
        made.append(_add(db, document_id, on, lot, worth.quantity, value, amount))
    return made


def take_back(
    db: Session,
    subject: WriteDown,
    *,
    amount: Decimal,
    site: Site,
    on: date,
    at: datetime,
    by: str,
    reason: str,
) -> WriteDown:
    """Let so much of a write-down come back, as far as the lot is still held (IAS 2.33).

    Raises NoReversal under US GAAP, NothingComesBack, NotLower without a reason.
    """
    if clinic.settings(db).accounting_framework is not Framework.IFRS:
        raise NoReversal(
            "Under US GAAP what was written down is the new cost: it does not come back (ASC 330-10-35-14)."
        )
    if not reason.strip():
        raise NotLower("Say why the stock will bring more than was thought.", field="reason")
    ledger.lock_items(db, [subject.item_id])
    left = next(one.left for one in written(db, lot_id=subject.lot_id) if one.id == subject.id)
    if subject.reverses_id is not None or not ZERO < amount <= left or places(amount) > 2 or on < subject.on:
        raise NothingComesBack(
            f"Of the {subject.amount} that was written down on {subject.on}, {left} belongs to stock that is "
            f"still held and has not come back; {amount} cannot come back on {on}."
        )
    lot = db.get_one(Lot, subject.lot_id)
    reference = f"reverses {subject.document_id}"
    act = Act(site.id, on, site.moment_on(on, at), at, by, reference, reason)
    document_id = ledger.open_document(db, DocumentKind.WRITE_DOWN, act)
    rows = _spread(db, clinic.settings(db).cost_formula, lot, amount)
    adjustments.post(db, document_id, on, AdjustmentKind.WRITE_DOWN, rows)
    held = _held(db, [lot.id]).get(lot.id, ZERO)
    return _add(db, document_id, on, lot, held, subject.cost, -amount, reverses_id=subject.id)


def write_down_of(db: Session, key: int) -> WriteDown:
    """The write-down with this key. Raises UnknownWriteDown."""
    found = db.get(WriteDown, key)
    if found is None:
        raise UnknownWriteDown(f"No write-down has the key {key}.")
    return found


def written(db: Session, *, lot_id: int | None = None) -> list[Written]:
    """Write-downs on record, the newest first, with what came back of each and what still may."""
    came_back = (
        sa.select(WRITE_DOWNS.c.reverses_id, sa.func.sum(-WRITE_DOWNS.c.amount).label("amount"))
        .where(WRITE_DOWNS.c.reverses_id.isnot(None))
        .group_by(WRITE_DOWNS.c.reverses_id)
        .subquery()
    )
    documents = ledger.DOCUMENTS
    query = (
        sa.select(
            WRITE_DOWNS, Item.sku, LOTS.c.number, documents.c.by, documents.c.note,
            sa.func.coalesce(came_back.c.amount, sa.literal(ZERO, WRITE_DOWNS.c.amount.type)).label("back"),
        )
        .join(documents, documents.c.id == WRITE_DOWNS.c.document_id)
        .join(Item, Item.id == WRITE_DOWNS.c.item_id)
        .join(LOTS, LOTS.c.id == WRITE_DOWNS.c.lot_id)
        .outerjoin(came_back, came_back.c.reverses_id == WRITE_DOWNS.c.id)
        .where(WRITE_DOWNS.c.reverses_id.is_(None))
        .order_by(WRITE_DOWNS.c.id.desc())
    )  # fmt: skip
    if lot_id is not None:
        query = query.where(WRITE_DOWNS.c.lot_id == lot_id)
    rows = db.execute(query).all()
    held = _held(db, [row.lot_id for row in rows])
    return [
        Written(
            row.id, row.document_id, row.on, row.sku, row.lot_id, row.number, row.quantity, row.cost,
            row.amount, row.back, _may_come_back(row, held.get(row.lot_id, ZERO)),
            row.by, row.note,
        )
        for row in rows
    ]  # fmt: skip


def _may_come_back(row: Any, held: Decimal) -> Decimal:
    """What was written down of the part that is still held, less what came back already."""
    left: Decimal = to_cents(row.amount * min(row.quantity, held) / row.quantity) - row.back
    return max(ZERO, left)


def _held(db: Session, lot_ids: Sequence[int]) -> dict[int, Decimal]:
    sums = sa.select(BALANCES.c.lot_id, sa.func.sum(BALANCES.c.quantity)).group_by(BALANCES.c.lot_id)
    return dict(db.execute(sums.where(BALANCES.c.lot_id.in_(sorted(set(lot_ids))))).all())


def _refuse_not_lower(line: Lower, lot: Lot, value: Decimal) -> None:
    if not ZERO <= line.net_value < value or places(line.net_value) > 2:
        raise NotLower(
            f"Lot {lot.number} is worth {value}; it is written down to less than that and not below nothing, "
            f"not to {plain(line.net_value)}."
        )


def _add(
    db: Session, document_id: int, on: date, lot: Lot, quantity: Decimal, cost: Decimal, amount: Decimal,
    *, reverses_id: int | None = None,
) -> WriteDown:  # fmt: skip
    key = add_row(
        db, WRITE_DOWNS, document_id=document_id, on=on, item_id=lot.item_id, lot_id=lot.id,
        quantity=quantity, cost=cost, amount=amount, reverses_id=reverses_id,
    )  # fmt: skip
    return db.get_one(WriteDown, key)


def _spread(db: Session, formula: CostFormula, lot: Lot, amount: Decimal) -> list[Adjust]:
    """The lot's own layers bear it, then the item's others where costs are shared; none below nothing."""
    mine = LAYERS.c.lot_id == lot.id if formula is CostFormula.SPECIFIC else LAYERS.c.item_id == lot.item_id
    live = sa.select(LAYERS.c.id, LAYERS.c.value_left).where(mine, LAYERS.c.quantity_left > ZERO)
    own_first = (LAYERS.c.lot_id == lot.id).desc()
    rows, left = [], amount
    for key, value in db.execute(live.order_by(own_first, *OLDEST_FIRST)):
        part = max(left, -value)
        rows.append(Adjust(lot.item_id, lot.id, key, part))
        left -= part
    if left:  # of an earlier day: some of it was used since, at the cost it had
        raise NotLower(
            f"Lot {lot.number} cannot lose {-amount}: what is still held of it is worth {left - amount}."
        )
    return rows
