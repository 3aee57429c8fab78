"""Tracing: from a lot to everyone who received it, from a session or a patient back to their lots (S10).

A use that was reversed is left out, or shown as what it is where somebody asks.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import starmap
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.balances import BALANCES
from inventory.catalog import Item, Supplier
from inventory.clinic import PLACES, PlaceKind, Site
from inventory.database import table_of
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.lots import Lot, LotEvent, LotState
from inventory.measures import ZERO
from inventory.questions import Question
from inventory.receiving import Receipt
from inventory.treatments import TreatmentSession
from inventory.vials import VIALS, OpenedVial

PAGE = 50
ITEMS, LOTS, SITES, EVENTS = table_of(Item), table_of(Lot), table_of(Site), table_of(LotEvent)
RECEIPTS, SESSIONS, SUPPLIERS = table_of(Receipt), table_of(TreatmentSession), table_of(Supplier)
NOTHING = sa.literal_column("0", sa.BigInteger)  # a bound zero would not match the partial indexes


@dataclass(frozen=True, slots=True)
class Received:
    """A session that received a lot: when, who, how much; `reversed` if it was undone since."""

    session_id: int
    at: datetime
    site_id: int
    site: str
    patient_ref: str
    quantity: Decimal
    reversed: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """A receipt of a lot with its papers; `reversed` if it was taken back since."""

    id: int
    received_on: date
    site: str
    containers: int
    quantity: Decimal
    unit_cost: Decimal
    value: Decimal
    supplier: str | None
    document: str
    by: str
    reversed: bool


@dataclass(frozen=True, slots=True)
class Held:
    """So much of a lot in one place of the clinic, also on its way between two sites."""

    site_id: int
    site: str
    site_name: str
    place: str
    place_name: str
    kind: PlaceKind
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Event:
    """A quarantine, release or recall of a lot: who, when, why."""

    state: LotState
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Given:
    """So much of one lot that a patient received in one session."""

    session_id: int
    at: datetime
    site: str
    patient_ref: str
    lot_id: int
    lot_number: str
    sku: str
    name: str
    unit: str
    maker: str
    expires_on: date
    state: LotState
    quantity: Decimal
    reversed: bool


@dataclass(frozen=True)
class Trace:
    """Where a lot came from, where it went, and where the rest of it is."""

    lot: Lot
    receipts: tuple[Delivered, ...]
    sessions: tuple[Received, ...]
    opened: tuple[OpenedVial, ...]
    held: tuple[Held, ...]
    events: tuple[Event, ...]

    @property
    def on_hand(self) -> Decimal:
        """What is left of the lot at every site, opened and on its way included."""
        return sum((held.quantity for held in self.held), ZERO)

    @property
    def patients(self) -> tuple[str, ...]:
        """Every patient reference that received the lot, once; reversed uses do not count."""
        return tuple(sorted({one.patient_ref for one in self.sessions if not one.reversed}))


_UNDOING = MOVEMENTS.alias("undoing")
_UNDONE = _UNDOING.c.id.is_not(None)
_PATIENTS = sa.select(PLACES.c.id).where(PLACES.c.kind == PlaceKind.PATIENT).scalar_subquery()
# What reached a patient, with the movement that undid it if there is one.
_REACHED = (
    SESSIONS.join(MOVEMENTS, MOVEMENTS.c.document_id == SESSIONS.c.document_id)
    .join(SITES, SITES.c.id == SESSIONS.c.site_id)
    .outerjoin(_UNDOING, _UNDOING.c.corrects_id == MOVEMENTS.c.id)
)
SESSIONS_OF_LOT = (
    sa.select(
        SESSIONS.c.id, SESSIONS.c.at, SESSIONS.c.site_id, SITES.c.code, SESSIONS.c.patient_ref,
        sa.func.sum(MOVEMENTS.c.quantity), _UNDONE.label("undone"),
    )
    .select_from(_REACHED)
    .where(MOVEMENTS.c.lot_id == sa.bindparam("lot"), MOVEMENTS.c.target_id.in_(_PATIENTS))
    .group_by(
        SESSIONS.c.id, SESSIONS.c.at, SESSIONS.c.site_id, SITES.c.code, SESSIONS.c.patient_ref, _UNDONE
    )
    .order_by(SESSIONS.c.at, SESSIONS.c.id, _UNDONE)
)  # fmt: skip
ALL_SESSIONS = Question(SESSIONS_OF_LOT)
STANDING_SESSIONS = Question(SESSIONS_OF_LOT.where(_UNDOING.c.id.is_(None)))
GIVEN = (
    sa.select(
        SESSIONS.c.id.label("session_id"), SESSIONS.c.at, SITES.c.code, SESSIONS.c.patient_ref,
        LOTS.c.id.label("lot_id"), LOTS.c.number, ITEMS.c.sku, ITEMS.c.name,
        sa.type_coerce(ITEMS.c.unit, sa.String), ITEMS.c.maker, LOTS.c.expires_on, LOTS.c.state,
        sa.func.sum(MOVEMENTS.c.quantity), _UNDONE.label("undone"),
    )
    .select_from(
        _REACHED.join(LOTS, LOTS.c.id == MOVEMENTS.c.lot_id).join(ITEMS, ITEMS.c.id == LOTS.c.item_id)
    )
    .where(MOVEMENTS.c.target_id.in_(_PATIENTS))
    .group_by(SESSIONS.c.id, SITES.c.id, LOTS.c.id, ITEMS.c.id, _UNDONE)
    .order_by(SESSIONS.c.id, LOTS.c.id, _UNDONE)
)  # fmt: skip


# Statements that every trace asks are put together once, not at each call.
_TAKEN_BACK = (
    sa.exists()
    .where(_UNDOING.c.corrects_id == MOVEMENTS.c.id, MOVEMENTS.c.document_id == RECEIPTS.c.document_id)
    .correlate(RECEIPTS)
)
RECEIPTS_OF_LOT = Question(
    sa.select(
        RECEIPTS.c.id, RECEIPTS.c.received_on, SITES.c.code, RECEIPTS.c.containers, RECEIPTS.c.quantity,
        RECEIPTS.c.unit_cost, RECEIPTS.c.value, SUPPLIERS.c.name, DOCUMENTS.c.reference, DOCUMENTS.c.by,
        _TAKEN_BACK,
    )
    .join(SITES, SITES.c.id == RECEIPTS.c.site_id)
    .join(DOCUMENTS, DOCUMENTS.c.id == RECEIPTS.c.document_id)
    .outerjoin(SUPPLIERS, SUPPLIERS.c.id == RECEIPTS.c.supplier_id)
    .where(RECEIPTS.c.lot_id == sa.bindparam("lot"))
    .order_by(RECEIPTS.c.id)
)  # fmt: skip
HELD_OF_LOT = Question(
    sa.select(
        SITES.c.id, SITES.c.code, SITES.c.name, PLACES.c.code, PLACES.c.name, PLACES.c.kind,
        BALANCES.c.quantity,
    )
    .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
    .join(SITES, SITES.c.id == PLACES.c.site_id)
    .where(BALANCES.c.lot_id == sa.bindparam("lot"), BALANCES.c.quantity > NOTHING)
    .order_by(SITES.c.id, PLACES.c.id)
)  # fmt: skip
OPENED_OF_LOT = Question(
    sa.select(VIALS.c.id)
    .where(VIALS.c.lot_id == sa.bindparam("lot"), VIALS.c.closed_at.is_(None))
    .order_by(VIALS.c.id)
)
EVENTS_OF_LOT = Question(
    sa.select(EVENTS.c.state, EVENTS.c.at, EVENTS.c.by, EVENTS.c.reason)
    .where(EVENTS.c.lot_id == sa.bindparam("lot"))
    .order_by(EVENTS.c.id)
)


def trace(db: Session, lot: Lot, *, with_reversed: bool = False) -> Trace:
    """Every receipt, session, patient, place and opened vial of a lot, and who held it back when.

    Reversed uses are left out, unless they are asked for; they then say that they are.
    """
    return Trace(
        lot=lot,
        receipts=_receipts(db, lot.id),
        sessions=_sessions(db, lot.id, with_reversed=with_reversed),
        opened=_opened(db, lot.id),
        held=held(db, lot.id),
        events=history(db, lot),
    )


def history(db: Session, lot: Lot) -> tuple[Event, ...]:
    """Every quarantine, release and recall of a lot, as they were recorded: who, when, why (S10)."""
    return tuple(starmap(Event, EVENTS_OF_LOT.ask(db, lot=lot.id)))


def held(db: Session, lot_id: int) -> tuple[Held, ...]:
    """Where the clinic has what is left of a lot, site by site."""
    return tuple(starmap(Held, HELD_OF_LOT.ask(db, lot=lot_id)))


def of_session(db: Session, session: TreatmentSession, *, with_reversed: bool = False) -> tuple[Given, ...]:
    """The lots that a session gave its patient, with maker and expiry."""
    return _given(db, GIVEN.where(SESSIONS.c.id == session.id), with_reversed=with_reversed)


def of_patient(
    db: Session,
    patient_ref: str,
    *,
    with_reversed: bool = False,
    after: tuple[int, int, int] | None = None,
    limit: int | None = PAGE,
) -> tuple[Given, ...]:
    """All lots that a patient ever received, session by session in the order they were recorded.

    `after` is the session, the lot and whether it was reversed of the last row of the page before.
    """
    asked = GIVEN.where(SESSIONS.c.patient_ref == patient_ref).limit(limit)
    if after is not None:
        session_id, lot_id, undone = after
        rest = [SESSIONS.c.id > session_id, sa.and_(SESSIONS.c.id == session_id, LOTS.c.id > lot_id)]
        if not undone:
            rest.append(sa.and_(SESSIONS.c.id == session_id, LOTS.c.id == lot_id, _UNDONE))
        asked = asked.where(sa.or_(*rest))
    return _given(db, asked, with_reversed=with_reversed)


def _given(db: Session, asked: sa.Select[Any], *, with_reversed: bool) -> tuple[Given, ...]:
    if not with_reversed:
        asked = asked.where(_UNDOING.c.id.is_(None))
    rows: Any = db.connection().execute(asked)
    return tuple(Given(*row) for row in rows)


def _sessions(db: Session, lot_id: int, *, with_reversed: bool) -> tuple[Received, ...]:
    asked = ALL_SESSIONS if with_reversed else STANDING_SESSIONS
    return tuple(starmap(Received, asked.ask(db, lot=lot_id)))


def _opened(db: Session, lot_id: int) -> tuple[OpenedVial, ...]:
    keys = [key for (key,) in OPENED_OF_LOT.ask(db, lot=lot_id)]
    if not keys:  # of most lots none is open
        return ()
    return tuple(db.scalars(sa.select(OpenedVial).where(OpenedVial.id.in_(keys)).order_by(OpenedVial.id)))


def _receipts(db: Session, lot_id: int) -> tuple[Delivered, ...]:
    return tuple(starmap(Delivered, RECEIPTS_OF_LOT.ask(db, lot=lot_id)))
