"""Allocations: stock promised to planned sessions, so that reordering and walk-ins know of it (P5, O1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import QUANTITY, Base, table_of
from inventory.questions import Question


class Allocation(Base):
    """So much of an item is needed at a site on a day for one planned session."""

    __tablename__ = "allocations"
    __table_args__ = (
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.Index(
            "ix_allocations_open",
            "item_id",
            "site_id",
            "due_on",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index(None, "reference"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    due_on: Mapped[date]
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)  # of stock, whole containers where S3 says so
    reference: Mapped[str] = mapped_column(sa.String(80))  # "course 12 session 3"
    patient_ref: Mapped[str] = mapped_column(sa.String(40))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # performed, moved or cancelled


@dataclass(frozen=True)
class Promise:
    """What one planned session will need of one item."""

    item_id: int
    due_on: date
    quantity: Decimal


def allocate(
    db: Session, promises: Iterable[Promise], *, site_id: int, reference: str, patient_ref: str, at: datetime
) -> None:
    """Promise stock to a planned session. It reserves no lot: FEFO decides on the day."""
    db.add_all(
        Allocation(
            site_id=site_id,
            item_id=promise.item_id,
            due_on=promise.due_on,
            quantity=promise.quantity,
            reference=reference,
            patient_ref=patient_ref,
            made_at=at,
        )
        for promise in promises
    )
    db.flush()


def end(db: Session, *, reference: str, at: datetime) -> None:
    """End what was promised under a reference: the session was performed, moved or cancelled."""
    db.execute(
        sa.update(Allocation)
        .where(Allocation.reference == reference, Allocation.ended_at.is_(None))
        .values(ended_at=at)
    )


def renew(db: Session, *, reference: str) -> None:
    """Make what was promised under a reference stand again: its session is still to come after all."""
    db.execute(sa.update(Allocation).where(Allocation.reference == reference).values(ended_at=None))


def move(db: Session, *, reference: str, due_on: date) -> None:
    """Need what is promised under a reference on another day: its session was moved."""
    db.execute(
        sa.update(Allocation)
        .where(Allocation.reference == reference, Allocation.ended_at.is_(None))
        .values(due_on=due_on)
    )


def pass_on(db: Session, *, reference: str, patient_ref: str) -> None:
    """Promise to another patient what stands under a reference: the course was passed on."""
    db.execute(
        sa.update(Allocation)
        .where(Allocation.reference == reference, Allocation.ended_at.is_(None))
        .values(patient_ref=patient_ref)
    )


def open_by_item(db: Session, *, site_id: int, item_ids: Iterable[int] | None = None) -> dict[int, Decimal]:
    """How much of each item is promised at a site."""
    statement = (
        sa.select(Allocation.item_id, sa.func.sum(Allocation.quantity))
        .where(Allocation.site_id == site_id, Allocation.ended_at.is_(None))
        .group_by(Allocation.item_id)
    )
    if item_ids is not None:
        statement = statement.where(Allocation.item_id.in_(sorted(set(item_ids))))
    return {item_id: total for item_id, total in db.execute(statement)}


ALLOCATIONS = table_of(Allocation)
DUE_TO_OTHERS = Question(
    sa.select(ALLOCATIONS.c.item_id, sa.func.sum(ALLOCATIONS.c.quantity))
    .where(
        ALLOCATIONS.c.site_id == sa.bindparam("site"),
        ALLOCATIONS.c.item_id.in_(sa.bindparam("items", expanding=True)),
        ALLOCATIONS.c.due_on == sa.bindparam("on"),
        ALLOCATIONS.c.ended_at.is_(None),
        ALLOCATIONS.c.patient_ref != sa.bindparam("patient"),
    )
    .group_by(ALLOCATIONS.c.item_id)
)


def due_to_others(
    db: Session, *, site_id: int, item_ids: Iterable[int], on: date, patient_ref: str
) -> dict[int, Decimal]:
    """How much of each item is promised to other patients' sessions of that very day."""
    return dict(DUE_TO_OTHERS.ask(db, site=site_id, items=sorted(set(item_ids)), on=on, patient=patient_ref))
