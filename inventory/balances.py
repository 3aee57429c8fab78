"""Balances: what each place holds of each lot, carried along with every movement (S8)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.clinic import Place
from inventory.database import QUANTITY, Base, Prepared, sql_list, table_of
from inventory.errors import Conflict
from inventory.lots import Lot
from inventory.measures import ZERO, plain
from inventory.questions import Question


class Balance(Base):
    """What a place holds of a lot: kept beside the movements, never below zero, proven by `verify`."""

    __tablename__ = "balances"
    __table_args__ = (
        sa.CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        sa.Index(
            "ix_balances_fefo",
            "item_id",
            "place_id",
            "expires_on",
            "received_on",
            "lot_id",
            sqlite_where=sa.text("quantity > 0"),
            postgresql_where=sa.text("quantity > 0"),
        ),
        sa.Index(None, "lot_id"),
    )

    place_id: Mapped[int] = mapped_column(sa.ForeignKey("places.id"), primary_key=True)
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    expires_on: Mapped[date]  # the lot's, repeated for the FEFO index
    received_on: Mapped[date]
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    last_on: Mapped[date]  # the latest day on which something moved here


BALANCES = table_of(Balance)


@dataclass(frozen=True, slots=True)
class LotFacts:
    """What the ledger repeats of a lot beside its balance."""

    id: int
    item_id: int
    expires_on: date
    received_on: date


class WouldHaveBeenNegative(Conflict):
    """The stock was not there on that day (S8, S12)."""


def carry(
    db: Session, on: date, changes: Mapping[tuple[int, int], Decimal], lots: Mapping[int, LotFacts]
) -> None:
    """Change what places hold of lots, by (place, lot); refuses to go below zero.

    Raises WouldHaveBeenNegative when a place does not hold what is to leave it now.
    """
    less = [(place, lot, change, on) for (place, lot), change in changes.items() if change < 0]
    if less and LESSEN.run(db, less) != len(less):
        raise WouldHaveBeenNegative(_what_lacks(db, changes))
    more = [
        (place, lot, lots[lot].item_id, lots[lot].expires_on, min(lots[lot].received_on, on), change, on)
        for (place, lot), change in changes.items()
        if change >= 0  # what came and went at once moved that day too
    ]
    if more:
        ADD[db.get_bind().dialect.name].run(db, more)


MOVED = sa.table(  # the ledger is a later chapter
    "movements",
    *(sa.column(name) for name in ("lot_id", "source_id", "target_id")),
    sa.column("quantity", QUANTITY),
)


def _what_lacks(db: Session, changes: Mapping[tuple[int, int], Decimal]) -> str:
    """What each place that lacks something held before, and what was to leave it.

    Some of the balances were carried already; the movements, which were all added, say what was there.
    """
    lacking = []
    for (place_id, lot_id), change in sorted(changes.items()):
        moved = sa.select(sa.func.sum(MOVED.c.quantity)).where(MOVED.c.lot_id == lot_id)
        came = db.scalar(moved.where(MOVED.c.target_id == place_id)) or ZERO
        left = db.scalar(moved.where(MOVED.c.source_id == place_id)) or ZERO
        if change < 0 and came < left:
            place = db.scalar(sa.select(Place.name).where(Place.id == place_id))
            number = db.scalar(sa.select(Lot.number).where(Lot.id == lot_id))
            there = plain(came - left - change)
            lacking.append(f"{place} holds {there} of lot {number}; {plain(-change)} cannot leave it.")
    return " ".join(lacking) or "The balances hold less than the movements say: the books must be verified."


def lot_facts(db: Session, lot_ids: Sequence[int]) -> dict[int, LotFacts]:
    """The facts of lots that the ledger repeats, by key."""
    rows = db.execute(
        sa.select(Lot.id, Lot.item_id, Lot.expires_on, Lot.received_on).where(Lot.id.in_(sql_list(lot_ids)))
    )
    return {row.id: LotFacts(*row) for row in rows}


_CHANGE = sa.bindparam("change", type_=QUANTITY)
_DAY = sa.bindparam("day", type_=sa.Date)
LESSEN = Prepared(
    sa.update(BALANCES)
    .where(
        BALANCES.c.place_id == sa.bindparam("place"),
        BALANCES.c.lot_id == sa.bindparam("lot"),
        BALANCES.c.quantity + _CHANGE >= 0,
    )
    .values(
        quantity=BALANCES.c.quantity + _CHANGE,
        last_on=sa.case((BALANCES.c.last_on > _DAY, BALANCES.c.last_on), else_=_DAY),
    ),
    ("place", "lot", "change", "day"),
)


def _upsert(insert: Callable[[sa.Table], Any]) -> Prepared:
    statement = insert(BALANCES)
    new = statement.excluded
    added = statement.inline().on_conflict_do_update(
        index_elements=[BALANCES.c.place_id, BALANCES.c.lot_id],
        set_={
            "quantity": BALANCES.c.quantity + new.quantity,
            "last_on": sa.case((BALANCES.c.last_on > new.last_on, BALANCES.c.last_on), else_=new.last_on),
            "received_on": sa.case(
                (BALANCES.c.received_on < new.received_on, BALANCES.c.received_on), else_=new.received_on
            ),
        },
    )
    return Prepared(added, [column.name for column in BALANCES.c])


ADD = {"sqlite": _upsert(sqlite_insert), "postgresql": _upsert(postgresql_insert)}


ITEMS = sa.table("items", sa.column("id", sa.BigInteger))
LOCKED = Question(
    sa.select(ITEMS.c.id)
    .where(ITEMS.c.id.in_(sa.bindparam("items", expanding=True)))
    .order_by(ITEMS.c.id)
    .with_for_update(key_share=True)
)


def lock_items(db: Session, item_ids: Sequence[int]) -> bool:
    """Lock what is about to become less, in one fixed order; answers whether others may have come before.

    On SQLite the writer has the book already: what it has read stands.
    """
    if db.get_bind().dialect.name != "postgresql":
        return False
    LOCKED.ask(db, items=sql_list(item_ids))
    return True
