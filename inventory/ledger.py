"""The ledger: stock moves from place to place, once and forever; balances follow in the same breath (S8).

A document (a receipt, a session, a write-off) groups the movements that one act made. Only movements
across the clinic's border carry value; what moves within changes none (C1).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import balances, periods
from inventory.balances import BALANCES, LotFacts, WouldHaveBeenNegative
from inventory.balances import lock_items as lock_items
from inventory.database import (
    MONEY,
    QUANTITY,
    Base,
    Prepared,
    add_rows,
    append_only,
    choice,
    one_of,
    sql_list,
    table_of,
)
from inventory.errors import Invalid, NotFound
from inventory.measures import ZERO, plain
from inventory.trail import Entry as Entry  # what is posted here is followed there


class DocumentKind(StrEnum):
    """The act that moved stock."""

    RECEIPT = "receipt"
    OPENING_STOCK = "opening_stock"
    OPENING = "opening"
    SESSION = "session"
    DISCARD = "discard"
    WRITE_OFF = "write_off"
    HOLD = "hold"
    REVERSAL = "reversal"
    MOVE = "move"  # between the shelves of a site
    TRANSFER = "transfer"  # out to another site, or in at it
    COUNT = "count"
    REVALUATION = "revaluation"  # another cost formula
    INVOICE = "invoice"  # of a supplier
    WRITE_DOWN = "write_down"


class WasteReason(StrEnum):
    """Why stock was thrown away (S11)."""

    EXPIRED = "expired"
    BEYOND_USE = "beyond_use"
    SINGLE_DOSE_REMAINDER = "single_dose_remainder"
    BROKEN = "broken"
    CONTAMINATED = "contaminated"
    TEMPERATURE_EXCURSION = "temperature_excursion"
    LOST = "lost"
    OTHER = "other"


class Document(Base):
    """One act: what kind, where, when it happened, who recorded it and when."""

    __tablename__ = "documents"
    __table_args__ = (one_of("kind", DocumentKind), sa.Index(None, "on"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(choice(DocumentKind))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    on: Mapped[date]  # the site's calendar day of `at`
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reference: Mapped[str] = mapped_column(sa.String(80), default="")
    note: Mapped[str] = mapped_column(sa.String(500), default="")


class Movement(Base):
    """A quantity of one lot from a place to a place (S8).

    `direction` is +1 into the clinic's stock, -1 out of it, 0 within; `value` is what crossed the border.
    """

    __tablename__ = "movements"
    __table_args__ = (
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.CheckConstraint("value >= 0", name="value_not_negative"),
        sa.CheckConstraint("source_id <> target_id", name="goes_somewhere"),
        sa.CheckConstraint("direction IN (-1, 0, 1)", name="direction_known"),
        sa.CheckConstraint("direction <> 0 OR value = 0", name="value_at_the_border"),
        sa.Index("ix_movements_valuation", "lot_id", "on", "direction", "quantity", "value"),
        sa.Index(None, "on", "id"),
        sa.Index(None, "item_id", "id"),
        sa.Index(None, "document_id"),
        sa.Index(
            "uq_movements_corrects_id",
            "corrects_id",
            unique=True,
            sqlite_where=sa.text("corrects_id IS NOT NULL"),
            postgresql_where=sa.text("corrects_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    on: Mapped[date]
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"))
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("places.id"))
    target_id: Mapped[int] = mapped_column(sa.ForeignKey("places.id"))
    direction: Mapped[int] = mapped_column(sa.SmallInteger)
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    value: Mapped[Decimal] = mapped_column(MONEY)
    layer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cost_layers.id"))
    vial_id: Mapped[int | None] = mapped_column(sa.ForeignKey("opened_vials.id"))
    reason: Mapped[str | None] = mapped_column(sa.String(200))
    corrects_id: Mapped[int | None] = mapped_column(sa.ForeignKey("movements.id"))


append_only(Document)
append_only(Movement)


FARTHEST_AHEAD = timedelta(days=366)
BROUGHT_IN = "opening_stock"  # why stock moves that the clinic held before its books began (B1)
DOCUMENTS = table_of(Document)
MOVEMENTS = table_of(Movement)


@dataclass(frozen=True, slots=True)
class Move:
    """A movement about to be posted; the document adds who and when."""

    lot: LotFacts
    source_id: int
    target_id: int
    quantity: Decimal
    direction: int = 0
    value: Decimal = ZERO
    layer_id: int | None = None
    vial_id: int | None = None
    reason: str | None = None
    corrects_id: int | None = None


@dataclass(frozen=True)
class Act:
    """Who does what, where and when: the head of a document."""

    site_id: int
    on: date
    at: datetime
    recorded_at: datetime
    by: str
    reference: str = ""
    note: str = ""


class LiesAhead(Invalid):
    """Nobody records what will happen in more than a year."""


class UnknownMovement(NotFound):
    """No movement has this key."""


def open_document(db: Session, kind: DocumentKind, act: Act) -> int:
    """Add a document and answer its key. Refuses a date in a closed period (B4)."""
    return open_documents(db, kind, [act])[0]


def open_documents(db: Session, kind: DocumentKind, acts: Sequence[Act]) -> list[int]:
    """Add a document for each act; their keys in order. Raises periods.PeriodClosed (B4), and LiesAhead."""
    for on in (days := {act.on for act in acts}):
        periods.refuse_closed(db, on)
    for act in acts:
        if act.at - act.recorded_at > FARTHEST_AHEAD:
            raise LiesAhead(f"{act.on} lies more than a year ahead of {act.recorded_at.date()}.")
    keys = add_rows(db, DOCUMENTS, [{"kind": kind, **vars(act)} for act in acts])
    for on in days:
        periods.refuse_closed_meanwhile(db, on)
    return keys


def post(
    db: Session,
    document_id: int,
    on: date,
    moves: Sequence[Move],
    *,
    held: frozenset[int],
    backdated: bool = True,
) -> None:
    """Append a document's movements and carry the balances along, all or nothing.

    `held` names the places whose stock is the clinic's own. Refuses whatever would leave a place below
    zero now or at any time since `on` (S8, S12); `backdated` false says that the caller, who holds the
    lock, has seen that nothing moved there since.
    """
    posted = [(document_id, move) for move in moves]
    post_many(db, on, posted, held=held, backdated=backdated)


def post_many(
    db: Session,
    on: date,
    posted: Sequence[tuple[int, Move]],
    *,
    held: frozenset[int],
    backdated: bool = True,
) -> None:
    """Append the movements of several documents of one day, as `post` does those of one."""
    changes: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    lots: dict[int, LotFacts] = {}
    for _, move in posted:
        lots[move.lot.id] = move.lot
        if move.source_id in held:
            changes[move.source_id, move.lot.id] -= move.quantity
        if move.target_id in held:
            changes[move.target_id, move.lot.id] += move.quantity
    if backdated:
        _check_since(db, on, changes, [move for _, move in posted])
    ADD_MOVEMENTS.run(db, (_row(document_id, on, move) for document_id, move in posted))
    balances.carry(db, on, changes, lots)


def movement(db: Session, key: int) -> Movement:
    """The movement with this key. Raises UnknownMovement."""
    found = db.get(Movement, key)
    if found is None:
        raise UnknownMovement(f"No movement has the key {key}.")
    return found


def signed(column: sa.ColumnElement[Decimal]) -> sa.ColumnElement[Decimal]:
    """Plus what came in over the border, minus what went out; whole numbers inside, so exact in SQL."""
    return sa.type_coerce(MOVEMENTS.c.direction * sa.type_coerce(column, sa.BigInteger), column.type)


ADD_MOVEMENTS = Prepared(
    sa.insert(MOVEMENTS).inline(), [column.name for column in MOVEMENTS.c if column.name != "id"]
)


def _row(document_id: int, on: date, move: Move) -> tuple[object, ...]:
    assert move.quantity > 0, move
    return (
        document_id,
        on,
        move.lot.item_id,
        move.lot.id,
        move.source_id,
        move.target_id,
        move.direction,
        move.quantity,
        move.value,
        move.layer_id,
        move.vial_id,
        move.reason,
        move.corrects_id,
    )


MOVED_LATER = sa.select(BALANCES.c.place_id, BALANCES.c.lot_id, BALANCES.c.quantity).where(
    BALANCES.c.lot_id.in_(sa.bindparam("lots", expanding=True)), BALANCES.c.last_on > sa.bindparam("on")
)


def _check_since(
    db: Session, on: date, changes: Mapping[tuple[int, int], Decimal], moves: Sequence[Move]
) -> None:
    """Refuse what a backdated movement would have taken below zero at any later time (S12)."""
    if all(change >= 0 for change in changes.values()) and not any(move.vial_id for move in moves):
        return
    later = db.execute(MOVED_LATER, {"lots": sql_list(lot for _, lot in changes), "on": on}).all()
    for place_id, lot_id, held in later:
        if (place_id, lot_id) not in changes:
            continue
        less = [("place", MOVEMENTS.c.lot_id == lot_id, held, changes[place_id, lot_id])]
        # Two opened vials of a lot share a place, and one cannot lend to the other.
        for vial_id, change in _vial_changes(moves, place_id, lot_id).items():
            of_vial = MOVEMENTS.c.vial_id == vial_id
            now = db.scalar(sa.select(sa.func.sum(_change_at(place_id))).where(of_vial)) or ZERO
            less.append(("opened vial", of_vial, now, change))
        for what, which, now, change in less:
            if change >= 0:
                continue
            day, least = lowest_since(db, place_id, which, on=on, now=now)
            if least + change < 0:
                raise WouldHaveBeenNegative(
                    f"On {day} the {what} held {plain(least)} of the lot; "
                    f"{plain(-change)} cannot have left on {on}."
                )


def _vial_changes(moves: Sequence[Move], place_id: int, lot_id: int) -> dict[int, Decimal]:
    """By how much a place's opened vials of a lot are about to change."""
    changes: dict[int, Decimal] = defaultdict(Decimal)
    for move in moves:
        if move.vial_id is not None and move.lot.id == lot_id:
            opens = not move.direction and move.corrects_id is None  # sealed until now: no vial's loss
            if move.source_id == place_id and not opens:
                changes[move.vial_id] -= move.quantity
            elif move.target_id == place_id:
                changes[move.vial_id] += move.quantity
    return changes


def lowest_since(
    db: Session, place_id: int, which: sa.ColumnElement[bool], *, on: date, now: Decimal
) -> tuple[date, Decimal]:
    """The least that a place held of a lot or vial at any time from the end of `on` until now, and its day.

    Within a day movements count in the order in which they were recorded.
    """
    # From the latest back: what has changed since a movement, itself included, says what was there before it.
    since = sa.func.sum(_change_at(place_id)).over(order_by=[MOVEMENTS.c.on.desc(), MOVEMENTS.c.id.desc()])
    day = sa.func.lag(MOVEMENTS.c.on).over(order_by=[MOVEMENTS.c.on, MOVEMENTS.c.id])
    walk = (
        sa.select(MOVEMENTS.c.on, MOVEMENTS.c.id, day.label("day"), since.label("since"))
        .where(
            which,
            MOVEMENTS.c.on > on,
            sa.or_(MOVEMENTS.c.source_id == place_id, MOVEMENTS.c.target_id == place_id),
        )
        .subquery()
    )
    most = db.execute(sa.select(walk).order_by(walk.c.since.desc(), walk.c.on, walk.c.id).limit(1)).first()
    if most is not None and most.since > 0:
        return most.day or on, now - most.since
    return db.scalar(sa.select(sa.func.max(walk.c.on))) or on, now


def _change_at(place_id: int) -> sa.ColumnElement[Decimal]:
    """A movement's quantity as this place feels it: what left is negative, what passed it by is nothing."""
    return sa.case(
        (MOVEMENTS.c.target_id == place_id, MOVEMENTS.c.quantity),
        (MOVEMENTS.c.source_id == place_id, -MOVEMENTS.c.quantity),
        else_=sa.literal(ZERO, QUANTITY),
    )
