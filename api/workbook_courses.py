"""The sheet of courses in the accountants' workbook: what is owed on each, out of the journal (B2, B5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from api.listings import Listing
from api.spreadsheets import Formula
from api.workbook_columns import COURSES_SHEET
from pricing import deferred
from pricing.course_book import DEFERRED, RECEIVABLE
from pricing.deferred import CourseBalance


@dataclass(frozen=True)
class CourseRow:
    """A course at the end of a period, and what was owed on it before."""

    now: CourseBalance
    deferred_before: Decimal
    receivable_before: Decimal


def look_up(db: Session, *, since: date, until: date) -> tuple[CourseRow, ...]:
    """Every course that was sold until the end of a period."""
    before = {row.course_id: row for row in deferred.balances(db, on=since - timedelta(days=1))}
    rows = []
    for now in deferred.balances(db, on=until):
        then = before.get(now.course_id)
        rows.append(
            CourseRow(now, then.deferred if then else Decimal(0), then.receivable if then else Decimal(0))
        )
    return tuple(rows)


def fill(listings: dict[str, Listing], rows: Iterable[CourseRow]) -> None:
    """A row a course; what changed in the period is summed from the lines of its entries in the journal."""
    listing, journal = listings[COURSES_SHEET], listings["Journal"]
    for row in rows:
        now = row.now
        owed = f'IF({listing.here("Ended")}="",{listing.here("Sessions")}-{listing.here("Used")},0)'
        listing.append(
            now.course_id,
            now.patient_ref,
            now.sold_on,
            now.ended.value if now.ended else None,
            now.sessions,
            now.sessions_used,
            Formula(owed, now.sessions_owed),
            now.total,
            now.paid,
            now.earned,
            *_account(listing, journal, "Deferred", DEFERRED, row.deferred_before, now.deferred),
            *_account(listing, journal, "Receivable", RECEIVABLE, row.receivable_before, now.receivable),
        )


def _account(
    listing: Listing, journal: Listing, title: str, account: str, before: Decimal, now: Decimal
) -> tuple[Decimal, Formula, Formula]:
    """Before, change and now of one account; deferred revenue grows by credits, the receivable by debits."""
    found = {"Course": listing.here("Course"), "Account": f'"{account}"'}
    more, less = ("Credit", "Debit") if account == DEFERRED else ("Debit", "Credit")
    change = f"{journal.where(more, found)}-({journal.where(less, found)})"
    total = f"{listing.here(f'{title} before')}+{listing.here(f'{title} change')}"
    return before, Formula(change, now - before), Formula(total, now)
