"""Periods: months that are closed, and accept nothing dated in them (B4)."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.clinic import Site
from inventory.database import Base, append_only, table_of
from inventory.errors import Conflict, Invalid
from inventory.questions import Question

LONGEST_REASON = 500
MONTH = re.compile(r"(199[0-9]|20[0-9]{2}|21[0-9]{2})-(0[1-9]|1[0-2])")


class Period(Base):
    """A closing of a month, named by its first day; it stands unless a reopening points at it.

    `facts` is a digest of all that was dated in the month; the totals that were kept hang on it.
    """

    __tablename__ = "periods"
    __table_args__ = (sa.UniqueConstraint("month", "round"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[date]
    round: Mapped[int] = mapped_column(default=1, server_default=sa.text("1"))  # 2: closed a second time
    closed_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(  # why it was closed although something was still to be done
        sa.String(LONGEST_REASON), default="", server_default=sa.text("''")
    )
    warnings: Mapped[str] = mapped_column(default="", server_default=sa.text("''"))  # what that was
    facts: Mapped[str | None] = mapped_column(sa.String(64))  # none: closed before totals were kept


class Reopening(Base):
    """A closing that was taken back, by whom and why."""

    __tablename__ = "period_reopenings"

    id: Mapped[int] = mapped_column(primary_key=True)
    period_id: Mapped[int] = mapped_column(sa.ForeignKey("periods.id"), unique=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(LONGEST_REASON))


append_only(Period)
append_only(Reopening)

PERIODS, REOPENINGS = table_of(Period), table_of(Reopening)
STANDS = ~sa.exists().where(REOPENINGS.c.period_id == PERIODS.c.id)
LATEST = Question(sa.select(sa.func.max(PERIODS.c.month)).where(STANDS))


@dataclass(frozen=True)
class Closing:
    """One line of the history: a month that was closed, and whether it was opened again since."""

    id: int
    month: date
    at: datetime
    by: str
    reason: str
    warnings: str
    facts: str | None
    reopened_at: datetime | None
    reopened_by: str
    reopened_because: str

    @property
    def stands(self) -> bool:
        """Whether nothing can be dated in the month."""
        return self.reopened_at is None

    @property
    def until(self) -> date:
        """The last day of the month."""
        return following(self.month) - date.resolution


class PeriodClosed(Conflict):
    """The date lies in a closed month."""


class NotInTurn(Conflict):
    """Months close one after the other, and open again the last one first."""


class NotOver(Conflict):
    """A month is closed when it is over at every site."""


class BadMonth(Invalid):
    """A month is written as a year and a month."""


class NoReason(Invalid):
    """A closed month is opened again for a reason, which is kept."""


def closed_through(db: Session) -> date | None:
    """The last day that is closed, or none."""
    ((month,),) = LATEST.ask(db)
    return None if month is None else following(month) - date.resolution


def refuse_closed(db: Session, on: date) -> None:
    """Raises PeriodClosed when the date lies in a closed month (B4)."""
    last = closed_through(db)
    if last is not None and on <= last:
        raise PeriodClosed(f"The books are closed through {last}; nothing can be dated {on}.")


def refuse_closed_meanwhile(db: Session, on: date) -> None:
    """Look again once a row was added: PostgreSQL lets nobody close from then on, but may have let before.

    SQLite's writers are alone. Raises PeriodClosed.
    """
    if db.get_bind().dialect.name == "postgresql":
        refuse_closed(db, on)


def refuse_closing(db: Session, month: date, *, at: datetime) -> None:
    """Raises NotInTurn for a month that is closed or leaves an open one before it, NotOver."""
    first = month.replace(day=1)
    ((latest,),) = LATEST.ask(db)
    if latest is not None and first != following(latest):
        raise NotInTurn(f"The next month to close is {following(latest):%Y-%m}, not {first:%Y-%m}.")
    today = min((site.day(at) for site in db.scalars(sa.select(Site))), default=at.date())
    if today < following(first):
        raise NotOver(f"{first:%Y-%m} is not over: it is {today}.")


def close(
    db: Session,
    month: date,
    *,
    at: datetime,
    by: str,
    reason: str = "",
    warnings: str = "",
    facts: str | None = None,
) -> Period:
    """Close a month; `pricing.closing` checks the books first and keeps their totals.

    Raises NotInTurn and NotOver.
    """
    refuse_closing(db, month, at=at)
    first = month.replace(day=1)
    rounds = db.scalar(sa.select(sa.func.count()).where(PERIODS.c.month == first)) or 0
    closed = Period(
        month=first, round=rounds + 1, closed_at=at, closed_by=by, reason=reason, warnings=warnings,
        facts=facts,
    )  # fmt: skip
    db.add(closed)
    db.flush()
    return closed


def reopen(db: Session, month: date, *, at: datetime, by: str, reason: str) -> Reopening:
    """Open the last closed month again: facts can be dated in it until it is closed once more.

    Raises NotInTurn for any other month, NoReason.
    """
    first = month.replace(day=1)
    last = max((one for one in history(db) if one.stands), key=lambda one: one.month, default=None)
    if last is None or last.month != first:
        said = "no month is closed" if last is None else f"the last closed month is {last.month:%Y-%m}"
        raise NotInTurn(f"{first:%Y-%m} cannot be opened again: {said}.")
    if not reason.strip():
        raise NoReason(f"Say why {first:%Y-%m} is opened again; the reason is kept.")
    reopened = Reopening(period_id=last.id, at=at, by=by, reason=reason.strip())
    db.add(reopened)
    db.flush()
    return reopened


def history(db: Session) -> tuple[Closing, ...]:
    """Every closing in the order in which it was done, those that were taken back too."""
    rows: Any = db.execute(
        sa.select(
            PERIODS.c.id, PERIODS.c.month, PERIODS.c.closed_at, PERIODS.c.closed_by, PERIODS.c.reason,
            PERIODS.c.warnings, PERIODS.c.facts, REOPENINGS.c.at,
            sa.func.coalesce(REOPENINGS.c.by, ""), sa.func.coalesce(REOPENINGS.c.reason, ""),
        )
        .outerjoin(REOPENINGS, REOPENINGS.c.period_id == PERIODS.c.id)
        .order_by(PERIODS.c.id)
    )  # fmt: skip
    return tuple(Closing(*row) for row in rows)


def month_of(text: str) -> date:
    """The first day of a month that is written `2026-01`. Raises BadMonth."""
    if not MONTH.fullmatch(text):
        raise BadMonth(f"{text!r} is no month: it is written as a year and a month, 2026-01.")
    return date.fromisoformat(f"{text}-01")


def following(month: date) -> date:
    """The first day of the next month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
