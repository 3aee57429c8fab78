"""Pages: the quote desk. A price while it is typed, keeping nothing; a draft, or issued at once; the list.

`/quotes/price` answers the same form with its price beside it, as a whole page to a plain button and as the
panel alone to htmx; it only reads.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import Response, g, request

from api import auth, quote_document
from api.schemas import key_of
from api.web import formats, forms, frame, quote_form, selling
from api.web.drafts import Values
from api.web.forms import Done, Form
from api.web.quote_form import QuoteForm
from inventory.clinic import Site
from inventory.errors import Invalid
from pricing import quote_life, quote_records, quotes
from pricing.protocols import Protocol
from pricing.quote_records import Quote, QuoteState, QuoteStatus
from pricing.stages import NoPrice

blueprint = frame.chapter("quote_desk")

PAGE = 30
SHOWN = (
    ("", "All"),
    ("draft", "Drafts"),
    ("issued", "Issued"),
    ("accepted", "Accepted"),
    ("lapsed", "Lapsed"),
    ("declined", "Declined"),
    ("withdrawn", "Withdrawn"),
)


class NoPriceShown(Invalid):
    """There is no price, said without the costs (P5)."""


@blueprint.route("/quotes/new", methods=["GET", "POST"])
def new() -> Response:
    """Ask for a price, and keep it as a draft or issue it at once."""
    first = quote_form.first_values(g.db, frame.here(), on=frame.here().day(g.now))
    asked = {name: request.args.get(name, "")[:40] for name in ("patient_ref", "protocol")}
    return forms.handle(
        QuoteForm, show=show, do=keep, first=first | {name: text for name, text in asked.items() if text}
    )


@blueprint.route("/quotes/price", methods=["GET", "POST"])
def price() -> Response:
    """The form with its price; it keeps nothing, so it can be asked as often as somebody types."""
    if request.method == "GET":
        site = frame.here()
        return show(forms.opened(quote_form.first_values(g.db, site, on=site.day(g.now))))
    form = Form(forms.typed(), key=request.form.get(forms.KEY) or forms.new_key())
    form.values.pop("do", None)
    if request.headers.get("HX-Request"):
        return frame.page("_quote_price.html", live=True, **panel(form.values))
    return show(form)


def show(form: Form) -> Response:
    """The form, with the price of what stands in it beside it."""
    shown = panel(form.values)
    form.errors = shown["priced"].errors | form.errors
    revises = _revised(form.values)
    form.action = f"/quotes/{revises.id}/revise" if revises else "/quotes/new"
    return frame.page(
        "quote_form.html",
        form=form,
        live=False,
        revises=revises,
        number=quote_records.state(g.db, revises).number if revises else None,
        protocols=quote_form.choices(g.db),
        levels=quote_form.levels(g.db),
        ticks=quote_form.TICKS,
        others=quote_form.OTHERS,
        **shown,
    )


def panel(typed: Values) -> dict[str, Any]:
    """What the price panel shows."""
    site = frame.here()
    found = quote_form.price(g.db, typed, site=site, on=site.day(g.now))
    return {
        "priced": found,
        "whole": found.whole,
        "names": list(QuoteForm().fields),
        "costs": frame.sees_costs(),
    }


def _revised(typed: Values) -> Quote | None:
    """The quote that the form revises, if it revises one."""
    key = key_of(typed.get("quote", ""))
    if key is None:
        return None
    quote = quote_records.quote(g.db, key)
    frame.at_my_site(quote.site_id)
    return quote


def keep(body: dict[str, Any]) -> Done:
    """Keep what was typed as a draft, and issue it if that was asked."""
    site = frame.here()
    try:
        quote = quotes.draft(g.db, quote_form.request_of(body), site=site, at=g.now, by=g.caller.name)
    except NoPrice as refusal:
        raise NoPriceShown(quote_form.spoken(refusal)) from None
    return kept(quote, body, site)


def kept(quote: Quote, body: Mapping[str, Any], site: Site) -> Done:
    """Where to go after a draft was kept: to the quote, issued if that was asked."""
    if body.get("do") != "issue":
        return Done(f"/quotes/{quote.id}", "Saved as a draft. Nothing is promised until it is issued.")
    reason = body.get("allergen_override", "") if g.caller.role in auth.CLINICAL else ""
    state = quote_document.issue(g.db, quote, site=site, at=g.now, by=g.caller.name, override=reason)
    return Done(f"/quotes/{quote.id}", issued_words(state))


def issued_words(state: QuoteState) -> str:
    """What is said when a quote was issued."""
    return f"Quote {state.number} is issued; it stands until {formats.day(state.valid_until)}."


@blueprint.get("/quotes")
def listing() -> Response:
    """The quotes of the site, the newest first; what is asked for stands in the address."""
    site = frame.here()
    today = site.day(g.now)
    status, text = request.args.get("status", ""), forms.searched(40)
    status = status if status in dict(SHOWN) else ""
    query = _rows(site).order_by(Quote.id.desc()).limit(PAGE + 1)
    if status:
        query = query.where(_stands(QuoteStatus(status), today))
    if text:
        query = query.where(
            sa.or_(
                Quote.patient_ref.contains(text, autoescape=True),
                QuoteState.number.contains(text.upper(), autoescape=True),
            )
        )
    after = key_of(request.args.get("after", ""))
    if after is not None:
        query = query.where(Quote.id < after)
    found = g.db.execute(query).all()
    values = {
        "rows": [(row, quote_life.status_on(row.QuoteState, today)) for row in found[:PAGE]],
        "next": found[PAGE - 1].Quote.id if len(found) > PAGE else 0,
        "after": after,
        "shows": status,
        "q": text,
        "tags": selling.TAGS,
    }
    if request.headers.get("HX-Target") == "quotes":
        return frame.page("_quote_rows.html", **values)
    return frame.page(
        "quotes.html",
        **values,
        shown=SHOWN,
        counts=_counts(site, today),
        may_quote=frame.may("GET /quotes/new"),
        zone=site.time_zone,
    )


def _rows(site: Site) -> sa.Select[Any]:
    part = sa.orm.aliased(Quote)
    total = sa.select(sa.func.sum(part.total)).where(sa.or_(part.id == Quote.id, part.part_of == Quote.id))
    others = sa.select(sa.func.count(part.id)).where(part.part_of == Quote.id)
    return (
        sa.select(
            Quote,
            QuoteState,
            Protocol.concern,
            Protocol.area,
            total.scalar_subquery().label("total"),  # of all its treatments
            others.scalar_subquery().label("others"),
        )
        .join(QuoteState, QuoteState.quote_id == Quote.id)
        .join(Protocol, Protocol.id == Quote.protocol_id)
        .where(Quote.site_id == site.id)
    )


def _stands(status: QuoteStatus, today: date) -> sa.ColumnElement[bool]:
    """The quotes that have a status today, whether or not the nightly job has run."""
    over = QuoteState.valid_until < today
    if status is QuoteStatus.ISSUED:
        return sa.and_(QuoteState.status == status, ~over)
    if status is QuoteStatus.LAPSED:
        return sa.or_(QuoteState.status == status, sa.and_(QuoteState.status == QuoteStatus.ISSUED, over))
    return QuoteState.status == status


def waiting(site: Site, *, most: int) -> Sequence[Any]:
    """The quotes that wait for an answer or to be issued, those first whose time ends first."""
    today = site.day(g.now)
    query = _rows(site).where(
        sa.or_(_stands(QuoteStatus.ISSUED, today), QuoteState.status == QuoteStatus.DRAFT)
    )
    return g.db.execute(query.order_by(QuoteState.valid_until, Quote.id).limit(most)).all()


def _counts(site: Site, today: date) -> dict[str, int]:
    """How many quotes wait for somebody, by what they wait for."""
    counted = sa.select(sa.func.count()).select_from(QuoteState).join(Quote, Quote.id == QuoteState.quote_id)
    return {
        status.value: g.db.scalar(counted.where(Quote.site_id == site.id, _stands(status, today))) or 0
        for status in (QuoteStatus.DRAFT, QuoteStatus.ISSUED, QuoteStatus.LAPSED)
    }
