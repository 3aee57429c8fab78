"""Periods: months that are closed, and accept nothing dated in them (B4)."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import Base, append_only, table_of
from inventory.errors import Conflict
from inventory.questions import Question


class Period(Base):
    """A month that was closed, named by its first day."""

    __tablename__ = "periods"

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(unique=True)
    closed_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(sa.String(80))


append_only(Period)


LATEST = Question(sa.select(sa.func.max(table_of(Period).c.month)))


class PeriodClosed(Conflict):
    """The date lies in a closed month."""


class NotInTurn(Conflict):
    """Months close one after the other."""


def closed_through(db: Session) -> date | None:
    """The last day that is closed, or none."""
    ((month,),) = LATEST.ask(db)
    return None if month is None else _next(month).replace(day=1) - date.resolution


def refuse_closed(db: Session, on: date) -> None:
    """Raises PeriodClosed when the date lies in a closed month (B4)."""
    last = closed_through(db)
    if last is not None and on <= last:
        raise PeriodClosed(f"The books are closed through {last}; nothing can be dated {on}.")


def close(db: Session, month: date, *, at: datetime, by: str) -> Period:
    """Close a month. Refuses one that is closed, or that leaves an open month before it."""
    first = month.replace(day=1)
    ((latest,),) = LATEST.ask(db)
    if latest is not None and first != _next(latest):
        raise NotInTurn(f"The next month to close is {_next(latest):%Y-%m}, not {first:%Y-%m}.")
    closed = Period(month=first, closed_at=at, closed_by=by)
    db.add(closed)
    db.flush()
    return closed


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
