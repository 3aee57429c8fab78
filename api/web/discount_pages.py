"""Pages: the clinic's course discounts and promotions, with who decided them and from when to when."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import Response, g

from api.schemas import Day, Shape, Whole, Words
from api.web import forms, frame, quote_form
from api.web.forms import Done, Form
from api.web.numbers import show
from inventory.measures import ZERO
from pricing import discounts, protocols
from pricing.discounts import DiscountRule
from pricing.protocols import MOST_SESSIONS, Protocol

blueprint = frame.chapter("discounts")

WHERE = "/settings/discounts"


@dataclass(frozen=True)
class Row:
    """A discount as it is listed."""

    rule: DiscountRule
    protocol: str
    state: str
    kind: str

    @property
    def given(self) -> bool:
        """Whether it is given today or will be."""
        return self.kind != "plain"


class NewDiscount(Shape):
    """What is typed of a new discount."""

    code = Words(20, required=True)
    name = Words(120, required=True)
    promotion = Words(3)
    protocol = Words(20)
    from_sessions = Whole(least=1, most=MOST_SESSIONS, in_address=True, required=True)
    percent = quote_form.Percent()
    free_sessions = Whole(least=0, most=MOST_SESSIONS, in_address=True)
    valid_from = Day(required=True)
    valid_to = Day()
    source = Words(500, required=True)


class Nothing(Shape):
    """Nothing is asked."""


@blueprint.get("/settings/discounts")
def listing() -> Response:
    """Every rule and promotion, those that are given first."""
    today = frame.here().day(g.now)
    names = dict(g.db.execute(sa.select(Protocol.id, Protocol.code)).all())
    rows = [
        Row(one, "any" if one.protocol_id is None else names[one.protocol_id], *_state(one, today))
        for one in discounts.rules(g.db)
    ]
    rows.sort(key=lambda row: not row.given)
    return show("discounts.html", WHERE, rows=rows)


@blueprint.route("/settings/discounts/new", methods=["GET", "POST"])
def new() -> Response:
    """Add a rule, or a promotion with a code."""

    def view(form: Form) -> Response:
        return show("discount_new.html", WHERE, form=form, protocols=quote_form.choices(g.db))

    def do(body: dict[str, Any]) -> Done:
        code = body.get("protocol", "")
        made = discounts.add(
            g.db,
            DiscountRule(
                code=body["code"],
                name=body["name"],
                promotion=bool(body.get("promotion")),
                protocol_id=protocols.protocol(g.db, code).id if code else None,
                from_sessions=body["from_sessions"],
                rate=body.get("percent", ZERO) / 100,
                free_sessions=body.get("free_sessions", 0),
                valid_from=body["valid_from"],
                valid_to=body.get("valid_to"),
                source=body["source"],
                at=g.now,
                by=g.caller.name,
            ),
        )
        return Done(WHERE, f"{made.code} is added. Quotes that were drafted keep what they promise.")

    return forms.handle(NewDiscount, show=view, do=do, first={"valid_from": str(frame.here().day(g.now))})


@blueprint.route("/settings/discounts/<code:code>/end", methods=["GET", "POST"])
def end(code: str) -> Response:
    """Give a discount today for the last time."""
    rule = discounts.rule(g.db, code)

    def view(form: Form) -> Response:
        return show("discount_end.html", WHERE, form=form, rule=rule)

    def do(body: dict[str, Any]) -> Done:
        discounts.end(g.db, rule, on=frame.here().day(g.now), at=g.now, by=g.caller.name)
        return Done(WHERE, f"{rule.code} is given today for the last time.")

    return forms.handle(Nothing, show=view, do=do)


def _state(rule: DiscountRule, today: date) -> tuple[str, str]:
    if rule.in_force(today):
        return "given now", "good"
    return ("not yet", "accent") if today < rule.valid_from else ("over", "plain")
