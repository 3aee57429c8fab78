"""Pages: short-dated stock at what it will still bring; the cost formula and the effect of another (C1)."""

from typing import Any

from flask import Response, g, request
from marshmallow import fields

from api.schemas import Day, Money, Shape, Words
from api.web import books, explained, forms, frame
from api.web.forms import Done, Form
from inventory import adjustments, clinic, revaluation, write_downs
from inventory.clinic import CostFormula
from inventory.defaults import Framework
from inventory.errors import Refusal
from inventory.ledger import Document
from inventory.revaluation import Report
from inventory.write_downs import Candidate, Lower, NotLower

blueprint = frame.chapter("values")

MOST_LOTS = 100
SPANS = (("", "cannot be used in time"), ("30", "expire in 30 days"), ("90", "expire in 90 days"))


class Lowering(Shape):
    """On which day lots are written down, and why."""

    on = Day(required=True)
    reason = Words(500, required=True)
    within = fields.String(load_default="")


class ComingBack(Shape):
    """How much of a write-down comes back, and why."""

    amount = Money(required=True)
    on = Day(required=True)
    reason = Words(500, required=True)


class NewFormula(Shape):
    """Another cost formula, with the difference that was shown."""

    formula = Words(20, required=True)
    difference = Money(signed=True, required=True)
    reason = Words(500, required=True)


@blueprint.route("/books/write-downs", methods=["GET", "POST"])
def lower() -> Response:
    """Lots that will bring less than they cost: what each will bring is typed, the rest is an expense."""
    span, site = books.asked(), frame.here()
    today = site.day(g.now)
    within = (request.form if request.method == "POST" else request.args).get("within", "")
    days = int(within) if within in ("30", "90") else None
    found = write_downs.candidates(g.db, on=today, within_days=days)[:MOST_LOTS]

    def show(form: Form) -> Response:
        return books.show(
            "books_write_downs.html",
            span,
            form=form,
            found=found,
            spans=[(code, words, code == within) for code, words in SPANS],
            written=write_downs.written(g.db)[: books.PAGE],
            comes_back=clinic.settings(g.db).accounting_framework is Framework.IFRS,
            today=today,
        )

    def do(body: dict[str, Any]) -> Done:
        lines = [
            Lower(lot.lot_id, body[f"net-{lot.lot_id}"])
            for lot in found
            if body.get(f"net-{lot.lot_id}") is not None
        ]
        if not lines:
            raise NotLower("Type of at least one lot what it will bring: 0 if nothing.")
        how = {"at": g.now, "by": g.caller.name, "reason": body["reason"]}
        made = write_downs.write_down(g.db, lines, site=site, on=body["on"], **how)
        total = sum(one.amount for one in made)
        return Done("/books/write-downs", f"{_lots(len(made))} written down by {total}.")

    first = {f"net-{lot.lot_id}": f"{lot.net_value:.2f}" for lot in found if days is None}
    return forms.handle(
        _lowering(found), show=show, do=do, first=first | {"on": str(today), "within": within}
    )


@blueprint.route("/books/write-downs/<id:write_down_id>/take-back", methods=["GET", "POST"])
def come_back(write_down_id: int) -> Response:
    """Let a write-down come back as far as the lot is still held: under IFRS alone."""
    subject, site = write_downs.write_down_of(g.db, write_down_id), frame.here()
    every = write_downs.written(g.db, lot_id=subject.lot_id)
    one = next((row for row in every if row.id == subject.id), None)

    def show(form: Form) -> Response:
        return frame.page(
            "write_down_back.html", form=form, subject=subject, one=one, currency=frame.currency(g.db)
        )

    def do(body: dict[str, Any]) -> Done:
        how = {"on": body["on"], "at": g.now, "by": g.caller.name, "reason": body["reason"]}
        write_downs.take_back(g.db, subject, amount=body["amount"], site=site, **how)
        return Done("/books/write-downs", f"{body['amount']} came back.")

    first = {"on": str(site.day(g.now)), "amount": f"{one.left:.2f}" if one else ""}
    return forms.handle(ComingBack, show=show, do=do, first=first)


@blueprint.route("/books/cost-formula", methods=["GET", "POST"])
def formula() -> Response:
    """The cost formula: what another would make of every item on hand is shown before it is chosen (C1)."""
    span, site = books.asked(), frame.here()
    now = clinic.settings(g.db).cost_formula
    day = revaluation.next_boundary(g.db)
    asked = (request.form if request.method == "POST" else request.args).get("formula", "")
    report, problem = _report(asked, now)

    def show(form: Form) -> Response:
        changes = adjustments.changes(g.db)
        return books.show(
            "books_cost_formula.html",
            span,
            form=form,
            now=_words(now),
            day=day,
            others=[(one.value, _words(one)) for one in CostFormula if one is not now],
            asked=asked,
            report=report,
            problem=problem if not form.wrong else "",
            after=_words(report.after) if report else "",
            changes=[
                (one, _words(one.before), _words(one.after), g.db.get_one(Document, one.document_id))
                for one in changes
            ],
        )

    def do(body: dict[str, Any]) -> Done:
        chosen = revaluation.named(body["formula"])
        done = revaluation.change(
            g.db,
            chosen,
            on=revaluation.boundary(g.db),
            expected=body["difference"],
            site=site,
            at=g.now,
            by=g.caller.name,
            reason=body["reason"],
        )
        return Done("/books/cost-formula", f"{_words(chosen)}, from {done.on} on.")

    first = {"formula": asked, "difference": f"{report.difference:.2f}" if report else ""}
    return forms.handle(NewFormula, show=show, do=do, first=first)


def _report(asked: str, now: CostFormula) -> tuple[Report | None, str]:
    """What the formula that the address names would do; or why that cannot be said."""
    if not asked:
        return None, ""
    try:
        return revaluation.preview(g.db, revaluation.named(asked), on=revaluation.boundary(g.db)), ""
    except Refusal as refusal:
        return None, str(refusal)


def _words(formula: CostFormula) -> str:
    return dict(explained.FORMULAS)[formula.value]


def _lots(count: int) -> str:
    return "1 lot is" if count == 1 else f"{count} lots are"


def _lowering(found: list[Candidate]) -> type[Shape]:
    """A field for what each lot will bring; an empty one leaves the lot as it is."""
    parts: dict[str, fields.Field[Any]] = {f"net-{lot.lot_id}": Money() for lot in found}
    return type("LoweringForm", (Lowering,), parts)
