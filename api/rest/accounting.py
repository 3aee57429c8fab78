"""JSON: what stock is worth, what the books say, and what to order."""

from datetime import date
from itertools import islice
from typing import Any

from flask import g
from marshmallow import fields

from api import paging
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of, site_or_first
from api.schemas import EARLIEST, LATEST, Cost, Day, Quantity, Shape
from inventory import counts, history
from pricing import accounting, reports

blueprint = noun("books", "Valuation, journal and reorder advice")


class DayQuery(Shape):
    """As of the end of which day; today where none is named."""

    on = Day()


class PeriodQuery(Shape):
    """From the first day to the last, both included."""

    since = Day(data_key="from", required=True)
    until = Day(data_key="to", required=True)


class ValuedLotShape(Shape):
    """A lot in the valuation listing."""

    sku = fields.String()
    lot = fields.Integer(attribute="lot_id")
    lot_number = fields.String()
    expires_on = Day()
    quantity = Quantity()
    value = Cost(allow_none=True)
    last_count = Day(allow_none=True)


class ValuationShape(Shape):
    """Everything that was held at the end of a day."""

    on = Day()
    items = fields.List(fields.Nested(ValuedLotShape), attribute="rows")
    total = Cost(allow_none=True)


@blueprint.get("/valuation")
@blueprint.arguments(DayQuery, location="query")
@blueprint.response(200, ValuationShape)
def get_valuation(query: dict[str, Any]) -> Any:
    """Show what every lot was worth at the end of a day; the total is the inventory account (B3)."""
    on = query.get("on") or site_or_first(None).day(g.now)
    found, counted = history.valuation(g.db, on=on), counts.last_counted(g.db, on=on)
    rows = [
        {name: getattr(row, name) for name in row.__slots__} | {"last_count": counted.get(row.lot_id)}
        for row in found.rows
    ]
    return {"on": on, "rows": rows, "total": found.total}


class EntryLineShape(Shape):
    """One account of an entry."""

    account = fields.String()
    name = fields.String()
    debit = Cost(allow_none=True)
    credit = Cost(allow_none=True)


class EntryShape(Shape):
    """What one document means to the books."""

    id = fields.String()
    on = Day()
    description = fields.String()
    lines = fields.List(fields.Nested(EntryLineShape))


class JournalQuery(PageQuery):
    """Which entries: from the first day to the last, all of them where none is named."""

    since = Day(data_key="from", load_default=EARLIEST)
    until = Day(data_key="to", load_default=LATEST)


@blueprint.get("/journal")
@blueprint.arguments(JournalQuery, location="query")
@blueprint.response(200, page_of(EntryShape))
def list_journal(query: dict[str, Any]) -> Any:
    """List the journal by date; every entry balances (B1, B3)."""
    after = paging.start(query["after"], date, int)
    entries = accounting.journal(g.db, since=query["since"], until=query["until"], after=after)
    found = list(islice(entries, query["limit"] + 1))
    return listed(paging.cut(found, limit=query["limit"], key=lambda entry: entry.key))


class AccountTotalShape(Shape):
    """An account before, in and after a period; debit is positive."""

    account = fields.String()
    name = fields.String()
    opening = Cost(allow_none=True, signed=True)
    debit = Cost(allow_none=True)
    credit = Cost(allow_none=True)
    closing = Cost(allow_none=True, signed=True)


class TrialBalanceShape(Shape):
    """Every account that stock has touched."""

    items = fields.List(fields.Nested(AccountTotalShape))


@blueprint.get("/trial-balance")
@blueprint.arguments(PeriodQuery, location="query")
@blueprint.response(200, TrialBalanceShape)
def get_trial_balance(query: dict[str, Any]) -> Any:
    """Show every account's opening, movements and closing in a period (B3)."""
    return {"items": accounting.trial_balance(g.db, since=query["since"], until=query["until"])}


class FlowsShape(Shape):
    """What there was, what came and went, and what is left."""

    opening = Quantity(signed=True)
    brought_in = Quantity(signed=True)
    received = Quantity(signed=True)
    used = Quantity(signed=True)
    discarded = Quantity(signed=True)
    wasted = Quantity(signed=True)
    returned = Quantity(signed=True)
    counted = Quantity(signed=True)
    written_down = Quantity(signed=True)
    revalued = Quantity(signed=True)
    closing = Quantity(signed=True)


class ValueFlowsShape(Shape):
    """The same in money."""

    opening = Cost(allow_none=True, signed=True)
    brought_in = Cost(allow_none=True, signed=True)
    received = Cost(allow_none=True, signed=True)
    used = Cost(allow_none=True, signed=True)
    discarded = Cost(allow_none=True, signed=True)
    wasted = Cost(allow_none=True, signed=True)
    returned = Cost(allow_none=True, signed=True)
    counted = Cost(allow_none=True, signed=True)
    written_down = Cost(allow_none=True, signed=True)
    revalued = Cost(allow_none=True, signed=True)
    closing = Cost(allow_none=True, signed=True)


class RollForwardRowShape(Shape):
    """One item over a period."""

    sku = fields.String(attribute="item.sku")
    quantity = fields.Nested(FlowsShape)
    value = fields.Nested(ValueFlowsShape)


class RollForwardShape(Shape):
    """Every item over a period."""

    items = fields.List(fields.Nested(RollForwardRowShape))


@blueprint.get("/roll-forward")
@blueprint.arguments(PeriodQuery, location="query")
@blueprint.response(200, RollForwardShape)
def get_roll_forward(query: dict[str, Any]) -> Any:
    """Show opening, receipts, use, waste and closing of every item in a period (B3)."""
    return {"items": reports.roll_forward(g.db, since=query["since"], until=query["until"])}


class ReconciliationShape(Shape):
    """What stock is worth by the journal, by the valuation, and by the cost layers."""

    on = Day()
    account = Cost(allow_none=True, signed=True)
    valuation = Cost(allow_none=True, signed=True)
    layers = Cost(allow_none=True, signed=True)
    difference = Cost(allow_none=True)


@blueprint.get("/reconciliation")
@blueprint.arguments(DayQuery, location="query")
@blueprint.response(200, ReconciliationShape)
def get_reconciliation(query: dict[str, Any]) -> Any:
    """Compare the inventory account with the valuation and the cost layers; the difference is zero (B3)."""
    return reports.reconcile(g.db, on=query.get("on") or site_or_first(None).day(g.now))
