"""Reports: tables for people about what stock did in a period, what it is worth, and whether all agrees.

Each answers rows; page, JSON and workbook show the same numbers. The long lists are in `details`.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import counts, history, snapshots, uninvoiced
from inventory.adjustments import ADJUSTMENTS
from inventory.clinic import PlaceKind, Site
from inventory.history import signed
from inventory.layers import LAYERS
from inventory.ledger import MOVEMENTS
from inventory.measures import ZERO
from inventory.uninvoiced import Ageing
from pricing import accounting, stock_book
from pricing.accounting import check_period, place_kinds
from pricing.chart import GRNI, Flow, posting
from pricing.details import LOTS, Subject, place_names, subjects
from pricing.details import MovementRow as MovementRow  # who asks for reports finds the long lists here too
from pricing.details import TreatmentRow as TreatmentRow
from pricing.details import cost_of_treatment as cost_of_treatment
from pricing.details import count_movements as count_movements
from pricing.details import count_sessions as count_sessions
from pricing.details import movements as movements
from pricing.protocols import Protocol
from pricing.quote_records import Quote, QuoteState, QuoteStatus

UNIT_COST_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Flows:
    """What there was, what came and went by why, all above zero but those that go both ways (B3)."""

    opening: Decimal = ZERO
    brought_in: Decimal = ZERO  # before the books began: opening stock (B1)
    received: Decimal = ZERO
    used: Decimal = ZERO
    discarded: Decimal = ZERO  # the rest of single-dose containers and of opened vials: cost of treatment
    wasted: Decimal = ZERO
    returned: Decimal = ZERO
    counted: Decimal = ZERO
    written_down: Decimal = ZERO  # to what it will bring; money alone
    revalued: Decimal = ZERO  # by bills, freight and the cost formula; money alone, both ways

    @property
    def closing(self) -> Decimal:
        """What is left: opening and what came, less what went, was used or written down, ± the rest."""
        gone = self.used + self.discarded + self.wasted + self.returned + self.written_down
        return self.opening + self.brought_in + self.received - gone + self.counted + self.revalued

    def plus(self, flow: Flow, change: Decimal) -> "Flows":
        """With a change of stock added to the column that it belongs to."""
        inward = flow in (Flow.BROUGHT_IN, Flow.RECEIVED, Flow.COUNTED, Flow.REVALUED)
        now: Decimal = getattr(self, flow)
        return replace(self, **{flow.value: now + change if inward else now - change})


@dataclass(frozen=True, slots=True)
class RollForwardRow:
    """One item over a period, in quantity and in value."""

    item: Subject
    quantity: Flows
    value: Flows


@dataclass(frozen=True, slots=True)
class ValuationRow:
    """One lot at the end of a day: where it is, how much, what it is worth."""

    item: Subject
    lot_id: int
    lot_number: str
    expires_on: date
    places: str
    quantity: Decimal
    value: Decimal
    last_count: date | None  # of a posted count on or before the day

    @property
    def unit_cost(self) -> Decimal:
        """Of one stock unit, for reading only: the value is what counts (C2)."""
        return (self.value / self.quantity).quantize(UNIT_COST_PLACES) if self.quantity else ZERO


@dataclass(frozen=True, slots=True)
class WasteRow:
    """What was thrown away of one lot for one reason, and the account that bears it."""

    reason: str
    account: str
    flow: Flow
    item: Subject
    lot_number: str
    expires_on: date
    quantity: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """One version of a quote and where it stands; dated when it was issued, a draft when it was drafted."""

    number: str
    version: int
    on: date
    status: QuoteStatus
    protocol: str
    patient_ref: str
    sessions: int
    currency: str
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    tax_inclusive: bool
    total: Decimal
    valid_until: date


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Three ways to say what stock is worth; `layers` know only now: none where stock moved after the day."""

    on: date
    account: Decimal
    valuation: Decimal
    layers: Decimal | None

    @property
    def difference(self) -> Decimal:
        """Zero in books that are sound: the widest gap between the three."""
        known = [value for value in (self.account, self.valuation, self.layers) if value is not None]
        return max(known) - min(known)


@dataclass(frozen=True, slots=True)
class Uninvoiced:
    """Goods received, not invoiced: what the account has, and the list that it must be the sum of (B1)."""

    on: date
    account: Decimal  # credit above zero
    ageing: Ageing

    @property
    def difference(self) -> Decimal:
        """Zero in books that are sound."""
        return self.account - self.ageing.total


def roll_forward(db: Session, *, since: date, until: date) -> tuple[RollForwardRow, ...]:
    """Opening, brought in, receipts, use, discard, waste, returns, counts, closing of each item (B3).

    Raises accounting.BadPeriod.
    """
    check_period(since, until)
    quantities: dict[int, Flows] = {}
    values: dict[int, Flows] = {}
    for item_id, (quantity, value) in snapshots.by_item(db, before=since).items():
        quantities[item_id], values[item_id] = Flows(opening=quantity), Flows(opening=value)
    for item_id, flow, quantity, value in _flows(db, since=since, until=until):
        quantities[item_id] = quantities.get(item_id, Flows()).plus(flow, quantity)
        values[item_id] = values.get(item_id, Flows()).plus(flow, value)
    for item_id, flow, value in stock_book.adjusted(db, since=since, until=until):
        quantities.setdefault(item_id, Flows())
        values[item_id] = values.get(item_id, Flows()).plus(flow, value)
    items, nothing = subjects(db), Flows()
    rows = [
        RollForwardRow(items[key], quantities[key], values[key])
        for key in quantities
        if (quantities[key], values[key]) != (nothing, nothing)
    ]
    return tuple(sorted(rows, key=lambda row: row.item.sku))


def valuation(db: Session, *, on: date) -> tuple[ValuationRow, ...]:
    """Every lot held at the end of a day, by SKU, expiry and lot; the values add up to the books' (B3)."""
    items, names = subjects(db), place_names(db)
    counted = counts.last_counted(db, on=on)
    places: dict[int, list[str]] = defaultdict(list)
    for held in history.held_at(db, on=on):
        places[held.lot_id].append(names[held.place_id])
    return tuple(
        ValuationRow(
            item=items[row.item_id],
            lot_id=row.lot_id,
            lot_number=row.lot_number,
            expires_on=row.expires_on,
            places=", ".join(places[row.lot_id]),
            quantity=row.quantity,
            value=row.value,
            last_count=counted.get(row.lot_id),
        )
        for row in history.valuation(db, on=on).rows
    )


def wastage(db: Session, *, since: date, until: date) -> tuple[WasteRow, ...]:
    """What was thrown away by reason, item and lot; what was undone is taken off (S11).

    Raises accounting.BadPeriod.
    """
    check_period(since, until)
    kinds, items = place_kinds(db), subjects(db)
    bins = [key for key, kind in kinds.items() if kind is PlaceKind.WASTE]
    fields = (MOVEMENTS.c.reason, MOVEMENTS.c.item_id, LOTS.c.id, LOTS.c.number, LOTS.c.expires_on)
    found = db.execute(
        sa.select(
            *fields,
            sa.func.sum(signed(MOVEMENTS.c.quantity)),
            sa.func.sum(signed(MOVEMENTS.c.value)),
        )
        .join(LOTS, LOTS.c.id == MOVEMENTS.c.lot_id)
        .where(
            MOVEMENTS.c.on.between(since, until),
            sa.or_(MOVEMENTS.c.target_id.in_(bins), MOVEMENTS.c.source_id.in_(bins)),
        )
        .group_by(*fields)
    )
    rows = []
    for reason, item_id, _, number, expires_on, quantity, value in found:
        rule = posting(PlaceKind.SHELF, PlaceKind.WASTE, reason, mirrored=False)
        account, _ = rule.accounts(items[item_id].kind, mirrored=False)
        if quantity or value:
            rows.append(
                WasteRow(reason, account, rule.flow, items[item_id], number, expires_on, -quantity, -value)
            )
    return tuple(sorted(rows, key=lambda row: (row.reason, row.item.sku, row.expires_on, row.lot_number)))


def quotes(db: Session, *, since: date, until: date) -> tuple[QuoteRow, ...]:
    """Every version of every quote dated in a period, by date and number (P4). Refuses a BadPeriod."""
    check_period(since, until)
    # The day of a draft is its site's; two days more on either side hold every time zone.
    first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (since, until))
    drafted = Quote.created_at.between(first - timedelta(days=2), last + timedelta(days=2))
    found = db.execute(
        sa.select(Quote, QuoteState, Protocol.code, Site)
        .join(QuoteState, QuoteState.quote_id == sa.func.coalesce(Quote.part_of, Quote.id))
        .join(Protocol, Protocol.id == Quote.protocol_id)
        .join(Site, Site.id == Quote.site_id)
        .where(
            sa.or_(
                QuoteState.issued_on.between(since, until),
                sa.and_(QuoteState.issued_on.is_(None), drafted),
            )
        )
    )
    rows = [
        QuoteRow(
            number=state.number or "",
            version=quote.version,
            on=state.issued_on or site.day(quote.created_at),
            status=state.status,
            protocol=protocol,
            patient_ref=quote.patient_ref,
            sessions=quote.sessions,
            currency=quote.currency,
            subtotal=quote.subtotal,
            discount=quote.discount,
            tax=quote.tax,
            tax_inclusive=quote.tax_inclusive,
            total=quote.total,
            valid_until=state.valid_until,
        )
        for quote, state, protocol, site in found
    ]
    within = [row for row in rows if since <= row.on <= until]
    return tuple(sorted(within, key=lambda row: (row.on, row.number, row.version, row.patient_ref)))


def reconcile(db: Session, *, on: date) -> Reconciliation:
    """The inventory accounts of the journal beside the valuation listing and the cost layers (B3)."""
    later = db.scalar(sa.select(MOVEMENTS.c.id).where(MOVEMENTS.c.on > on).limit(1))
    if later is None:
        later = db.scalar(sa.select(ADJUSTMENTS.c.id).where(ADJUSTMENTS.c.on > on).limit(1))
    return Reconciliation(
        on=on,
        account=accounting.inventory_balance(db, on=on),
        valuation=history.valuation(db, on=on).total,
        layers=None if later is not None else db.scalar(sa.select(sa.func.sum(LAYERS.c.value_left))) or ZERO,
    )


def reconcile_uninvoiced(db: Session, *, on: date) -> Uninvoiced:
    """What awaits its bill at the end of a day by the journal, beside the list of it with its ages (B1)."""
    account = -accounting.balance(db, (GRNI,), on=on)
    return Uninvoiced(on, account, uninvoiced.ageing(db, on=on))


def _flows(db: Session, *, since: date, until: date) -> Iterator[tuple[int, Flow, Decimal, Decimal]]:
    """What crossed the border in a period, by item and why, with the sign of its direction."""
    kinds = place_kinds(db)
    fields = (
        MOVEMENTS.c.item_id,
        MOVEMENTS.c.source_id,
        MOVEMENTS.c.target_id,
        MOVEMENTS.c.reason,
        MOVEMENTS.c.corrects_id.isnot(None).label("mirrored"),
    )
    rows = db.execute(
        sa.select(
            *fields,
            sa.func.sum(signed(MOVEMENTS.c.quantity)),
            sa.func.sum(signed(MOVEMENTS.c.value)),
        )
        .where(MOVEMENTS.c.on.between(since, until), MOVEMENTS.c.direction != 0)
        .group_by(*fields)
    )
    for item_id, source_id, target_id, reason, mirrored, quantity, value in rows:
        rule = posting(kinds[source_id], kinds[target_id], reason, mirrored=mirrored)
        yield item_id, rule.flow, quantity, value
