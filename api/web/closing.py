"""Pages: closing a month and opening it again; its checks first, each with where it is mended (B4)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Response, g

from api import auth
from api.schemas import Shape, Words
from api.web import books, forms, frame, months
from api.web.forms import Done, Form
from inventory import periods
from inventory.errors import Conflict
from inventory.measures import ZERO
from inventory.periods import LONGEST_REASON
from pricing import accounting, closing
from pricing.close_checks import Check

blueprint = frame.chapter("closing")

MENDED_AT = {
    "quotes": "/quotes?status=draft",
    "orders": "/orders",
    "counts": "/counts",
    "vials": "/vials",
    "transfers": "/transfers",
    "bills": "/books/purchases?on={until}",
    "uninvoiced": "/books/purchases?on={until}",
    "inventory": "/books/valuation?month={month}",
    "roll_forward": "/books/roll-forward?month={month}",
    "balance": "/books/trial-balance?on={until}",
    "kept": "/books/close",
}
"""Where what a check found can be looked at and mended."""


class NothingToClose(Conflict):
    """Every month that is over is closed already."""


class Closing(Shape):
    """Which month the person saw when they agreed to close it, and why with something left to be done."""

    month = Words(7, shortest=7, required=True)
    reason = Words(LONGEST_REASON, load_default="")


class Opening(Shape):
    """Why the last closed month is opened again."""

    month = Words(7, shortest=7, required=True)
    reason = Words(LONGEST_REASON, required=True)


@dataclass(frozen=True)
class Line:
    """One check as the page shows it."""

    words: str
    detail: str
    sound: bool
    stops: bool
    gap: Decimal
    address: str


@blueprint.route("/books/close", methods=["GET", "POST"])
def close() -> Response:
    """Close the next month; what belongs into it can no longer be entered (B4)."""

    def show(form: Form) -> Response:
        first = books.next_to_close()
        found = closing.preview(g.db, first) if first else None
        return frame.page(
            "books_close.html",
            form=form,
            first=first,
            checks=lines(found.checks, found.first, found.until) if found else [],
            stops=bool(found and found.stops),
            warns=bool(found and found.warns),
            may_override=g.caller.role in auth.OVER_WARNINGS,
            may_reopen=frame.may("GET /books/reopen"),
            closed=periods.closed_through(g.db),
            history=periods.history(g.db)[::-1],
            currency=frame.currency(g.db),
            zone=frame.here().time_zone,
        )

    def do(body: dict[str, Any]) -> Done:
        first = books.next_to_close()
        if first is None or f"{first:%Y-%m}" != body["month"]:
            raise NothingToClose(f"{body['month']} is not the next month to close; look at the list anew.")
        if body["reason"]:
            auth.require(g.caller, auth.OVER_WARNINGS, "Closing a month over its warnings")
        closing.close(g.db, first, at=g.now, by=g.caller.name, reason=body["reason"])
        return Done(f"/books?month={body['month']}", f"{months.named(first)} is closed.")

    first = books.next_to_close()
    return forms.handle(Closing, show=show, do=do, first={"month": f"{first:%Y-%m}" if first else ""})


@blueprint.route("/books/reopen", methods=["GET", "POST"])
def reopen() -> Response:
    """Open the last closed month again; that and why stays on record (B4)."""
    through = periods.closed_through(g.db)
    first = through.replace(day=1) if through else None

    def show(form: Form) -> Response:
        return frame.page("books_reopen.html", form=form, first=first)

    def do(body: dict[str, Any]) -> Done:
        month = periods.month_of(body["month"])
        closing.reopen(g.db, month, at=g.now, by=g.caller.name, reason=body["reason"])
        return Done("/books/close", f"{months.named(month)} is open again.", kind="warning")

    return forms.handle(Opening, show=show, do=do, first={"month": f"{first:%Y-%m}" if first else ""})


@blueprint.get("/books/trial-balance")
def trial_balance() -> Response:
    """Every account at the end of a day, with what its month wrote until then (B3)."""
    span = books.asked()
    on = books.day_asked() or span.until
    first = on.replace(day=1)
    rows = accounting.trial_balance(g.db, since=first, until=on)
    return books.show(
        "books_trial_balance.html",
        span,
        on=on,
        first=first,
        rows=rows,
        sides=(sum((row.debit for row in rows), ZERO), sum((row.credit for row in rows), ZERO)),
    )


def lines(checks: tuple[Check, ...], first: date, until: date) -> list[Line]:
    """The checks with the address where each is mended, where the visitor may go there."""
    return [
        Line(
            words=check.words,
            detail=check.detail,
            sound=check.sound,
            stops=check.stops,
            gap=check.gap,
            address=MENDED_AT[check.code].format(month=f"{first:%Y-%m}", until=until)
            if frame.may(f"GET {MENDED_AT[check.code].partition('?')[0]}")
            else "",
        )
        for check in checks
    ]
