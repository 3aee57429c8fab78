"""Page: closing a month. The checks are said first, and nothing is closed that is not over or disagrees."""

from typing import Any

from flask import Response, g

from api.schemas import Shape, Words
from api.web import books, forms, frame, months
from api.web.books import Check
from api.web.forms import Done, Form
from inventory import periods
from inventory.errors import Conflict
from pricing import accounting, reports

blueprint = frame.chapter("closing")


class NothingToClose(Conflict):
    """Every month that is over is closed already."""


class BooksDisagree(Conflict):
    """The checks of the month do not all come to zero."""


class Closing(Shape):
    """Which month the person saw when they agreed to close it."""

    month = Words(7, shortest=7, required=True)


@blueprint.route("/books/close", methods=["GET", "POST"])
def close() -> Response:
    """Close the next month; what belongs into it can no longer be entered (B4)."""

    def show(form: Form) -> Response:
        first = books.next_to_close()
        return frame.page(
            "books_close.html",
            form=form,
            first=first,
            checks=_checks() if first else [],
            closed=periods.closed_through(g.db),
            currency=frame.currency(g.db),
        )

    def do(body: dict[str, Any]) -> Done:
        first = books.next_to_close()
        if first is None or f"{first:%Y-%m}" != body["month"]:
            raise NothingToClose(f"{body['month']} is not the next month to close; look at the list anew.")
        wrong = [check for check in _checks() if check.gap]
        if wrong:
            raise BooksDisagree(
                f"{months.named(first)} cannot be closed. {wrong[0].words}? The difference is {wrong[0].gap}."
            )
        periods.close(g.db, first, at=g.now, by=g.caller.name)
        return Done(f"/books?month={body['month']}", f"{months.named(first)} is closed.")

    first = books.next_to_close()
    return forms.handle(Closing, show=show, do=do, first={"month": f"{first:%Y-%m}" if first else ""})


def _checks() -> list[Check]:
    first = books.next_to_close()
    assert first is not None
    span = books.span_of(first, today=frame.here().day(g.now))
    rows = reports.roll_forward(g.db, since=span.first, until=span.until)
    balance = accounting.trial_balance(g.db, since=span.first, until=span.until)
    return books.checks(span, books.total([row.value for row in rows]), balance)
