"""Closing a month: its checks first, then its totals are kept, and every later run proves them (B4).

What disagrees stops the closing. What is only left to be done (a draft, an open count) warns: it may be
closed over with a reason, which is kept beside what was left.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import periods, revaluation, snapshots
from inventory.adjustments import ADJUSTMENTS
from inventory.database import MONEY, Base, add_many, append_only, table_of
from inventory.errors import Conflict
from inventory.invoices import INVOICES
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.measures import ZERO
from inventory.periods import Closing, Period, Reopening
from pricing import accounting, close_checks
from pricing.accounting import AccountTotal
from pricing.close_checks import Check
from pricing.course_book import CourseEntry, CourseLine

BEGINNING = date(1, 1, 1)
AT_ONCE = 5_000


class KeptAccount(Base):
    """One account of the trial balance as a closing found it; debit is positive."""

    __tablename__ = "period_accounts"

    period_id: Mapped[int] = mapped_column(sa.ForeignKey("periods.id"), primary_key=True)
    account: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    opening: Mapped[Decimal] = mapped_column(MONEY)
    debit: Mapped[Decimal] = mapped_column(MONEY)
    credit: Mapped[Decimal] = mapped_column(MONEY)


append_only(KeptAccount)

KEPT = table_of(KeptAccount)
ENTRIES, LINES = table_of(CourseEntry), table_of(CourseLine)
FACTS: tuple[tuple[sa.Select[tuple[object, ...]], sa.ColumnElement[date]], ...] = (
    (
        sa.select(*(DOCUMENTS.c[name] for name in ("id", "kind", "site_id", "on", "by", "reference")))
        .order_by(DOCUMENTS.c.id),
        DOCUMENTS.c.on,
    ),
    (sa.select(*MOVEMENTS.c).order_by(MOVEMENTS.c.id), MOVEMENTS.c.on),
    (sa.select(*ADJUSTMENTS.c).order_by(ADJUSTMENTS.c.id), ADJUSTMENTS.c.on),
    (sa.select(*INVOICES.c).order_by(INVOICES.c.id), INVOICES.c.on),
    (
        sa.select(*(ENTRIES.c[name] for name in ("id", "course_id", "kind", "on", "amount", "number")))
        .order_by(ENTRIES.c.id),
        ENTRIES.c.on,
    ),
    (
        sa.select(*LINES.c).join(ENTRIES, ENTRIES.c.id == LINES.c.entry_id)
        .order_by(LINES.c.entry_id, LINES.c.account),
        ENTRIES.c.on,
    ),
)  # fmt: skip
"""What is dated, and so belongs to a month: the rows, and the column that says when."""


@dataclass(frozen=True)
class Preview:
    """A month as it stands before it is closed."""

    first: date
    until: date
    checks: tuple[Check, ...]

    @property
    def stops(self) -> tuple[Check, ...]:
        """What must be mended first."""
        return tuple(check for check in self.checks if check.stops and not check.sound)

    @property
    def warns(self) -> tuple[Check, ...]:
        """What is left to be done, and may be closed over with a reason."""
        return tuple(check for check in self.checks if not check.stops and not check.sound)


class BooksDisagree(Conflict):
    """A check that must come to zero does not."""


class StillToDo(Conflict):
    """Something of the month is left to be done, and nobody said why it is closed all the same."""


def preview(db: Session, month: date) -> Preview:
    """The checks of a month, whether or not it is its turn to be closed."""
    first = month.replace(day=1)
    until = periods.following(first) - date.resolution
    checks = (*close_checks.run(db, first=first, until=until), _kept_stands(db))
    return Preview(first, until, checks)


def close(db: Session, month: date, *, at: datetime, by: str, reason: str = "") -> Period:
    """Close a month and keep its totals; `reason` says why although something is left to be done.

    Raises BooksDisagree, StillToDo, periods.NotInTurn, periods.NotOver.
    """
    hold_still(db)
    periods.refuse_closing(db, month, at=at)
    found = preview(db, month)
    if found.stops:
        raise BooksDisagree(f"{found.first:%Y-%m} cannot be closed. {_told(found.stops)}")
    if found.warns and not reason.strip():
        raise StillToDo(f"{found.first:%Y-%m}: {_told(found.warns)} Finish it, or say why it is closed so.")
    before = snapshots.latest(db, before=found.until)
    after = before.until if before else None
    closed = periods.close(
        db,
        found.first,
        at=at,
        by=by,
        reason=reason.strip()[: periods.LONGEST_REASON],
        warnings=_told(found.warns),
        facts=digest(db, after=after, until=found.until),
    )
    snapshots.keep(db, closed.id, until=found.until)
    rows = accounting.trial_balance(db, since=found.first, until=found.until)
    add_many(
        db,
        KEPT,
        ("period_id", "account", "opening", "debit", "credit"),
        [(closed.id, row.account, row.opening, row.debit, row.credit) for row in rows],
    )
    return closed


def reopen(db: Session, month: date, *, at: datetime, by: str, reason: str) -> Reopening:
    """Open the last closed month again; what it kept stays on record.

    Raises NotInTurn, NoReason, and revaluation.NotBetweenPeriods when the formula changed after it (C1).
    """
    revaluation.refuse_reopening(db, month)
    return periods.reopen(db, month, at=at, by=by, reason=reason)


def kept_accounts(db: Session, closing: Closing) -> tuple[AccountTotal, ...]:
    """The trial balance that a closing kept, by account."""
    names = accounting.chart(db)
    rows = db.execute(
        sa.select(KEPT.c.account, KEPT.c.opening, KEPT.c.debit, KEPT.c.credit)
        .where(KEPT.c.period_id == closing.id)
        .order_by(KEPT.c.account)
    )
    return tuple(AccountTotal(code, names.get(code, ""), *amounts) for code, *amounts in rows)


def digest(db: Session, *, after: date | None, until: date) -> str:
    """SHA-256 of every fact dated after a day, up to the end of another."""
    found = hashlib.sha256()
    for rows, on in FACTS:
        since = BEGINNING if after is None else after
        asked = rows.where(on > since, on <= until).execution_options(yield_per=AT_ONCE)
        for row in db.execute(asked):
            found.update(_written(row))
    return found.hexdigest()


def _written(row: Iterable[object]) -> bytes:
    return ("|".join("" if value is None else str(value) for value in row) + "\n").encode()


def moved(db: Session, closing: Closing, *, facts: bool = True) -> Iterator[str]:
    """What of a closed month is not as it was kept: stock, accounts, and with `facts` each single fact."""
    before = snapshots.latest(db, before=closing.month)
    after = before.until if before else None
    month = f"{closing.month:%Y-%m}"
    kept = snapshots.kept(db, closing)
    now = snapshots.carried(
        snapshots.kept(db, before), snapshots.changes(db, after=after, until=closing.until)
    )
    for lot_id in sorted(kept.keys() | now.keys()):
        was, is_so = kept.get(lot_id, (ZERO, ZERO)), now.get(lot_id, (ZERO, ZERO))
        if was != is_so:
            yield (
                f"{month} was closed with {was[0]} of lot {lot_id} worth {was[1]}; "
                f"the facts say {is_so[0]} worth {is_so[1]}."
            )
    accounts = {row.account: row for row in kept_accounts(db, closing)}
    today = {
        row.account: row for row in accounting.trial_balance(db, since=closing.month, until=closing.until)
    }
    for account in sorted(accounts.keys() | today.keys()):
        was_row, now_row = (_amounts(found.get(account)) for found in (accounts, today))
        if was_row != now_row:
            yield (
                f"{month} was closed with opening, debit and credit of account {account} at "
                f"{', '.join(map(str, was_row))}; the journal says {', '.join(map(str, now_row))}."
            )
    if facts and digest(db, after=after, until=closing.until) != closing.facts:
        yield f"The facts dated up to {closing.until} are not those that {month} was closed with."


def _amounts(row: AccountTotal | None) -> tuple[Decimal, Decimal, Decimal]:
    return (ZERO, ZERO, ZERO) if row is None else (row.opening, row.debit, row.credit)


def closed_months_did_not_move(db: Session) -> Iterator[str]:
    """B4: stock, accounts and facts of every closed month are what they were when it was closed."""
    for closing in periods.history(db):
        if closing.stands and closing.facts:
            yield from moved(db, closing)


def _kept_stands(db: Session) -> Check:
    """That the month before, on which this one stands, is as it was closed."""
    last = snapshots.latest(db, before=date.max)
    found = [] if last is None else list(moved(db, last, facts=False))
    if last is None:
        said = "no month was closed before"
    else:
        said = found[0] if found else f"{last.month:%Y-%m} is as it was closed"
    words = "The last closed month did not move"
    return Check("kept", words, said, stops=True, count=len(found))


def _told(checks: Iterable[Check]) -> str:
    return " ".join(f"{check.words}? {check.detail[:1].upper()}{check.detail[1:]}." for check in checks)


def hold_still(db: Session) -> None:
    """Let nobody date a fact until the closing is done; on SQLite a writer is alone anyway."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(sa.text("LOCK TABLE documents, course_entries IN SHARE ROW EXCLUSIVE MODE"))
