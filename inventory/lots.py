"""Lots: what was received under one maker's number, with one expiry and one state (S9, S10)."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from inventory.catalog import Item
from inventory.database import Base, Prepared, add_many, append_only, choice, one_of, sql_list, table_of
from inventory.errors import Conflict, Invalid, NotFound

LONGEST_NUMBER = 20  # GS1 AI (10)
MOST_SOUGHT = 1_000  # a statement has room for so many numbers on either database


class LotState(StrEnum):
    """Whether a lot may be used: only a released one."""

    RELEASED = "released"
    QUARANTINED = "quarantined"
    RECALLED = "recalled"


class Lot(Base):
    """One maker's lot of one item; deliveries at another cost are further receipts of the same lot (S9)."""

    __tablename__ = "lots"
    __table_args__ = (
        sa.UniqueConstraint("item_id", "number"),
        sa.Index(None, "expires_on", "id"),
        sa.Index(None, "number"),
        one_of("state", LotState),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    number: Mapped[str] = mapped_column(sa.String(LONGEST_NUMBER))
    expires_on: Mapped[date]  # the last day it may be used
    produced_on: Mapped[date | None]
    received_on: Mapped[date]  # the earliest receipt
    state: Mapped[LotState] = mapped_column(choice(LotState), default=LotState.RELEASED)

    def usable(self, on: date) -> bool:
        """Released, and not past its last day."""
        return self.state is LotState.RELEASED and on <= self.expires_on


class LotEvent(Base):
    """A change of a lot's state: who, when, why."""

    __tablename__ = "lot_events"
    __table_args__ = (sa.Index(None, "lot_id", "id"), one_of("state", LotState))

    id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"))
    state: Mapped[LotState] = mapped_column(choice(LotState))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(500))


append_only(LotEvent)
LOTS, EVENTS = table_of(Lot), table_of(LotEvent)
# Statements that every recall needs are put together once, not at each call.
LOT_BY_KEY = sa.select(Lot).where(Lot.id == sa.bindparam("key"))
SET_STATE = Prepared(
    sa.update(LOTS)
    .where(LOTS.c.id == sa.bindparam("key"))
    .values(state=sa.bindparam("to", type_=LOTS.c.state.type)),
    ("key", "to"),
)


class UnknownLot(NotFound):
    """No lot has this key or number."""


class ExpiryDisagrees(Conflict):
    """A lot of this number is on record with another expiry."""


class BadLotNumber(Invalid):
    """A lot number has 1 to 20 printable characters."""


def lot(db: Session, key: int) -> Lot:
    """The lot with this key. Raises UnknownLot."""
    found = db.scalar(LOT_BY_KEY, {"key": key})
    if found is None:
        raise UnknownLot(f"No lot has the key {key}.")
    return found


def find(db: Session, item: Item, number: str) -> Lot | None:
    """The lot of an item by its maker's number, if it was ever received."""
    return db.scalar(sa.select(Lot).where(Lot.item_id == item.id, Lot.number == number))


def register_many(db: Session, wanted: Sequence[tuple[Item, str, date]], *, received_on: date) -> list[Lot]:
    """The lot of each item, number and expiry as on record, or a new one; refuses as `register` does (S9)."""
    known: dict[tuple[int, str], Lot] = {}
    for start in range(0, len(wanted), MOST_SOUGHT):
        part = wanted[start : start + MOST_SOUGHT]
        found = sa.select(Lot).where(
            Lot.item_id.in_(sql_list(item.id for item, _, _ in part)),
            Lot.number.in_({number for _, number, _ in part}),
        )
        known |= {(lot.item_id, lot.number): lot for lot in db.scalars(found)}
    registered = []
    for item, number, expires_on in wanted:
        check_number(number)
        lot = known.get((item.id, number))
        if lot is None:
            lot = Lot(
                item_id=item.id,
                number=number,
                expires_on=expires_on,
                received_on=received_on,
                state=LotState.RELEASED,
            )
            known[item.id, number] = lot
            db.add(lot)
        if lot.expires_on != expires_on:
            raise ExpiryDisagrees(
                f"Lot {number} of {item.sku} is on record as expiring on {lot.expires_on}, not {expires_on}."
            )
        lot.received_on = min(lot.received_on, received_on)
        registered.append(lot)
    db.flush()
    return registered


def register(db: Session, item: Item, *, number: str, expires_on: date, received_on: date) -> Lot:
    """The lot as on record, or a new one. Refuses an expiry that disagrees with the record (S9)."""
    return register_many(db, [(item, number, expires_on)], received_on=received_on)[0]


def check_number(number: str) -> None:
    """Raises BadLotNumber unless the number has 1 to 20 printable characters and no space around it."""
    if not 0 < len(number) <= LONGEST_NUMBER:
        raise BadLotNumber(f"A lot number has 1 to {LONGEST_NUMBER} characters, not {len(number)}.")
    if not number.isprintable() or number != number.strip():
        raise BadLotNumber(f"The lot number {number!r} has a character that no label prints.")


def held_at(db: Session, lot_ids: Iterable[int], at: datetime) -> set[int]:
    """Which of the lots were quarantined or recalled at an instant, whatever they are now (S7, S12)."""
    events = db.execute(
        sa.select(LotEvent.lot_id, LotEvent.state)
        .where(LotEvent.lot_id.in_(sorted(set(lot_ids))), LotEvent.at <= at)
        .order_by(LotEvent.at, LotEvent.id)
    )
    return {key for key, state in dict(events.all()).items() if state is not LotState.RELEASED}


def change_state(db: Session, subject: Lot, state: LotState, *, at: datetime, by: str, reason: str) -> None:
    """Set a lot's state and keep the event; moving its stock is `holds`' part."""
    if db.in_nested_transaction():  # a savepoint that is given up takes back what the session itself wrote
        subject.state = state
        db.flush()
    else:  # a recall does not wait for the session to look for what else has changed
        SET_STATE.run(db, [(subject.id, state)])
        set_committed_value(subject, "state", state)
    add_many(db, EVENTS, ("lot_id", "state", "at", "by", "reason"), [(subject.id, state, at, by, reason)])
