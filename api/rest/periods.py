"""JSON: months of the books, their checks, their closing and their reopening."""

from datetime import date
from typing import Any

from flask import g
from marshmallow import fields

from api import auth
from api.rest.calls import made, noun
from api.schemas import Cost, Moment, Shape, Words
from inventory import periods
from inventory.periods import LONGEST_REASON
from pricing import closing

blueprint = noun("periods", "Closing months")


class CheckShape(Shape):
    """One question before a closing; `count` is what is left to be done, `gap` what disagrees."""

    code = fields.String()
    words = fields.String()
    detail = fields.String()
    stops = fields.Boolean(metadata={"description": "True: it must be mended; false: a reason will do"})
    sound = fields.Boolean()
    count = fields.Integer()
    gap = Cost(signed=True, allow_none=True)


class KeptShape(Shape):
    """One account of a closed month's trial balance, as it was kept."""

    account = fields.String()
    name = fields.String()
    opening = Cost(signed=True, allow_none=True)
    debit = Cost(allow_none=True)
    credit = Cost(allow_none=True)
    closing = Cost(signed=True, allow_none=True)


class ClosingShape(Shape):
    """A month that was closed, and whether it was opened again."""

    month = fields.String()
    closed_at = Moment()
    closed_by = fields.String()
    reason = fields.String(metadata={"description": "Why it was closed with something left to be done"})
    warnings = fields.String(metadata={"description": "What was left"})
    facts = fields.String(allow_none=True, metadata={"description": "SHA-256 of all that was dated in it"})
    stands = fields.Boolean()
    reopened_at = Moment(allow_none=True)
    reopened_by = fields.String()
    reopened_because = fields.String()


class PeriodShape(Shape):
    """One month: whether it is closed, what its checks say, and what moved since it was closed."""

    month = fields.String()
    closed = fields.Boolean()
    checks = fields.List(fields.Nested(CheckShape))
    closing = fields.Nested(ClosingShape, allow_none=True)
    kept = fields.List(fields.Nested(KeptShape))
    moved = fields.List(fields.String(), metadata={"description": "Empty: the kept totals stand"})


class PeriodList(Shape):
    """Every closing, in the order in which it was done."""

    items = fields.List(fields.Nested(ClosingShape))
    next = fields.String(allow_none=True)


class CloseBody(Shape):
    """Why it is closed although something is left to be done."""

    reason = Words(LONGEST_REASON, load_default="")


class ReopenBody(Shape):
    """Why it is opened again."""

    reason = Words(LONGEST_REASON, required=True)


@blueprint.get("/periods")
@blueprint.response(200, PeriodList)
def list_periods() -> Any:
    """List every closing, those that were taken back too."""
    return {"items": [_closing(one) for one in periods.history(g.db)], "next": None}


@blueprint.get("/periods/<code:month>")
@blueprint.response(200, PeriodShape)
def get_period(month: str) -> Any:
    """Show a month: its checks while it is open, its kept totals and whether they stand once closed."""
    return _shown(periods.month_of(month))


@blueprint.post("/periods/<code:month>/close")
@blueprint.arguments(CloseBody)
@blueprint.response(201, PeriodShape)
def close_period(body: dict[str, Any], month: str) -> Any:
    """Close a month that is over; nothing can be dated in it afterwards (B4)."""
    first = periods.month_of(month)
    if body["reason"]:
        auth.require(g.caller, auth.OVER_WARNINGS, "Closing a month over its warnings")
    closing.close(g.db, first, at=g.now, by=g.caller.name, reason=body["reason"])
    return made(_shown(first), f"/periods/{month}")


@blueprint.post("/periods/<code:month>/reopen")
@blueprint.arguments(ReopenBody)
@blueprint.response(200, PeriodShape)
def reopen_period(body: dict[str, Any], month: str) -> Any:
    """Open the last closed month again; that it was closed, and why it is not any more, stays on record."""
    first = periods.month_of(month)
    closing.reopen(g.db, first, at=g.now, by=g.caller.name, reason=body["reason"])
    return _shown(first)


def _shown(first: date) -> dict[str, Any]:
    through = periods.closed_through(g.db)
    closed = through is not None and first <= through
    last = next((one for one in reversed(periods.history(g.db)) if one.month == first), None)
    kept = last if last is not None and last.stands and last.facts else None
    return {
        "month": f"{first:%Y-%m}",
        "closed": closed,
        "checks": () if closed else closing.preview(g.db, first).checks,
        "closing": None if last is None else _closing(last),
        "kept": () if kept is None else closing.kept_accounts(g.db, kept),
        "moved": [] if kept is None else list(closing.moved(g.db, kept)),
    }


def _closing(one: periods.Closing) -> dict[str, Any]:
    names = ("reason", "warnings", "facts", "stands", "reopened_at", "reopened_by", "reopened_because")
    told = {"month": f"{one.month:%Y-%m}", "closed_at": one.at, "closed_by": one.by}
    return told | {name: getattr(one, name) for name in names}
