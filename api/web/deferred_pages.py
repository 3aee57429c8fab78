"""Pages: what is owed on courses at the end of a day: in sessions to patients, in money by them (B2)."""

from decimal import Decimal

from flask import Response, g

from api.web import books, frame
from inventory.measures import ZERO
from pricing import accounting, deferred
from pricing.course_book import DEFERRED, RECEIVABLE
from pricing.deferred import CourseBalance

blueprint = frame.chapter("deferred")


@blueprint.get("/books/deferred")
def owed() -> Response:
    """Every course with something owed at the end of a day, and that the accounts say the same."""
    span, start = books.asked(), books.whole("start")
    on = books.day_asked() or span.until
    every = deferred.balances(g.db, on=on)
    rows = tuple(row for row in every if _open(row))
    together = deferred.together(every)
    balances = {row.account: row.closing for row in accounting.trial_balance(g.db, since=on, until=on)}
    gap = abs(together.deferred + balances.get(DEFERRED, ZERO)) + abs(
        together.receivable - balances.get(RECEIVABLE, ZERO)
    )
    return books.show(
        "books_deferred.html",
        span,
        on=on,
        rows=rows[start : start + books.PAGE],
        together=together,
        gap=gap,
        **books.paged(rows, start),
    )


def _open(row: CourseBalance) -> bool:
    amounts: tuple[Decimal, ...] = (row.deferred, row.receivable)
    return any(amounts) or bool(row.sessions_owed)
