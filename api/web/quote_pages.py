"""Pages: one quote, what becomes of it, its new versions, and the copy that its patient takes home."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from babel import Locale
from flask import Response, g

from api import auth, languages, quote_document
from api.schemas import Shape, Words, one_word
from api.web import formats, forms, frame, quote_desk, quote_form, selling
from api.web.forms import Done, Form
from api.web.selling import Sheets
from inventory import clinic
from inventory.clinic import Site
from pricing import quote_life, quote_records, quotes
from pricing.courses import Course
from pricing.protocols import Protocol
from pricing.quote_life import LostReason
from pricing.quote_records import Quote, QuoteState, QuoteStatus
from pricing.stages import NoPrice

blueprint = frame.chapter("quotes")

NOTABLE = 20  # a drift of a twentieth is worth a colour
FINISHED = frozenset({QuoteStatus.DECLINED, QuoteStatus.WITHDRAWN, QuoteStatus.ACCEPTED})


class Why(Shape):
    """Why a step is taken; some steps need it."""

    reason = Words(500, lines=True)


class WhyLost(Why):
    """Why a quote came to nothing, in a word that is counted besides."""

    lost = one_word(LostReason)


LOST = tuple(
    (one.value, words)
    for one, words in (
        (LostReason.PRICE, "Too dear"),
        (LostReason.TIMING, "Not now"),
        (LostReason.ELSEWHERE, "Went elsewhere"),
        (LostReason.AFRAID, "Afraid of the treatment"),
        (LostReason.MEDICAL, "A medical reason"),
        (LostReason.NO_ANSWER, "No answer"),
        (LostReason.MISTAKE, "Quoted by mistake"),
        (LostReason.OTHER, "Another reason, told below"),
    )
)


@dataclass(frozen=True)
class Step:
    """A step that may be taken now. `asks`: it goes by a page that asks why; else one button does it."""

    name: str
    label: str
    icon: str
    asks: bool
    main: bool
    key: str


@dataclass(frozen=True)
class Version:
    """One version of a quote, in the list of them."""

    id: int
    version: int
    status: QuoteStatus
    on: date
    total: Any
    by: str


@dataclass(frozen=True)
class StepPage:
    """What the page of a step says."""

    title: str
    button: str
    icon: str
    says: str
    label: str
    needed: bool
    danger: bool = False
    lost: bool = False  # asks for a word of the list of lost reasons


def found(quote_id: int) -> tuple[Quote, QuoteState, Site]:
    """A quote of a site at which the visitor works; a treatment stands for its quote.

    Raises UnknownQuote, UnknownSite.
    """
    quote = quote_records.leading(g.db, quote_records.quote(g.db, quote_id))
    return quote, quote_records.state(g.db, quote), frame.at_my_site(quote.site_id)


@blueprint.get("/quotes/<id:quote_id>")
def quote(quote_id: int) -> Response:
    """A quote: what it promises, where it stands, and what can be done with it."""
    subject, state, site = found(quote_id)
    costs, today = frame.sees_costs(), site.day(g.now)
    status = quote_life.status_on(state, today)
    protocol, level = quote_form.title_of(g.db, subject)
    whole = _whole(subject, settled=status is not QuoteStatus.DRAFT)
    over = status in (QuoteStatus.DECLINED, QuoteStatus.WITHDRAWN)
    drift = selling.drift(g.db, subject, site=site, on=today) if costs and not over else None
    return frame.page(
        "quote.html",
        quote=subject,
        state=state,
        stands=status,
        tags=selling.TAGS,
        protocol=protocol,
        level=level,
        whole=whole,
        sheet=whole.first,
        name=name_of(subject, state),
        steps=steps_of(status, blocked=bool(whole.blocks)),
        held_up=_held_up(status, whole.blocks),
        versions=_versions(subject, today),
        events=quote_life.events(g.db, subject),
        lost=dict(LOST),
        overrides=quote_records.overrides_of(g.db, subject),
        course=g.db.scalar(sa.select(Course.id).where(Course.quote_id == subject.id)),
        treatments=_treatments(subject) if whole.several else [],
        over=over,
        drift=drift,
        drifted=drift is not None and drift.difference * NOTABLE > drift.then,
        answers=_answers(subject) if frame.may("GET /quotes/new") else None,
        may_print=frame.may("GET /quotes/<id:quote_id>/quote.pdf"),
        languages=_other_languages(),
        may_revise=frame.may("GET /quotes/<id:quote_id>/revise") and status not in FINISHED,
        today=today,
        zone=site.time_zone,
        costs=costs,
    )


def _whole(subject: Quote, *, settled: bool) -> Sheets:
    """The treatments of a quote as whoever asks may see them."""
    sheets = []
    for one in quote_records.treatments_of(g.db, subject):
        sheet = selling.of_quote(g.db, one, costs=frame.sees_costs())
        protocol, level = quote_form.title_of(g.db, one)
        name = f"{formats.capital(protocol.concern)}, {protocol.area}, by {level.name}"
        sheets.append((name, selling.settled(sheet) if settled else sheet))
    return selling.whole(sheets)


def _treatments(subject: Quote) -> list[tuple[Quote, Protocol, int | None]]:
    """The treatments of a quote, with the course of each that was accepted."""
    listed = quote_records.treatments_of(g.db, subject)
    started = sa.select(Course.quote_id, Course.id).where(Course.quote_id.in_([one.id for one in listed]))
    courses = dict(g.db.execute(started).all())
    return [(one, g.db.get_one(Protocol, one.protocol_id), courses.get(one.id)) for one in listed]


def _other_languages() -> list[tuple[str, str]]:
    """The languages besides the clinic's own in which the patient's copy can be had, by code and name."""
    usual = clinic.settings(g.db).document_language
    known = (code for code in languages.known() if code != usual)
    return [(code, Locale.parse(code).get_language_name("en") or code) for code in known]


def name_of(subject: Quote, state: QuoteState) -> str:
    """What a quote is called: its number, or that it is a draft."""
    return f"Quote {state.number}" if state.number else f"Draft {subject.id}"


def steps_of(status: QuoteStatus, *, blocked: bool) -> list[Step]:
    """The steps that a quote can take from where it stands, for who looks at it."""
    if not frame.may("POST /quotes/<id:quote_id>/issue"):
        return []
    late = status is QuoteStatus.LAPSED
    stands = status is QuoteStatus.ISSUED
    found = []
    if status is QuoteStatus.DRAFT and not (blocked and g.caller.role not in auth.CLINICAL):
        found.append(_step("issue", "Issue", "file-check", asks=blocked, main=True))
    if stands or (late and g.caller.role in auth.STOCKROOM):
        found.append(_step("accept", "Accept", "handshake", asks=late, main=True))
    if stands or late:
        found.append(_step("decline", "Patient declines", "x", asks=True))
    if stands or status is QuoteStatus.DRAFT:
        found.append(_step("withdraw", "Withdraw", "undo-2", asks=True))
    return found


def _step(name: str, label: str, icon: str, *, asks: bool, main: bool = False) -> Step:
    return Step(name, label, icon, asks, main, forms.new_key())


def _held_up(status: QuoteStatus, blocks: Sequence[str]) -> str:
    """Why the step that comes next is not the visitor's to take."""
    if status is QuoteStatus.DRAFT and blocks and g.caller.role not in auth.CLINICAL:
        return "A practitioner can issue this quote with a reason."
    if status is QuoteStatus.LAPSED and g.caller.role not in auth.STOCKROOM:
        return "Its time is over: a manager can accept it with a reason, or revise it for a price of today."
    return ""


def _answers(subject: Quote) -> list[str]:
    """What the patient answered to the screening."""
    said = subject.answers
    found = [label for name, label in quote_form.TICKS if said.get(name)]
    return [*(f"Allergy: {one}" for one in said.get("allergies", ())), *found]


def _versions(subject: Quote, today: date) -> list[Version]:
    root = subject.root_id or subject.id
    rows = g.db.execute(
        sa.select(Quote, QuoteState)
        .join(QuoteState, QuoteState.quote_id == Quote.id)
        .where(sa.or_(Quote.id == root, Quote.root_id == root))
        .order_by(Quote.version)
    )
    return [
        Version(
            one.id,
            one.version,
            quote_life.status_on(state, today),
            state.issued_on or frame.here().day(one.created_at),
            one.total,
            one.created_by,
        )
        for one, state in rows
    ]


@blueprint.route("/quotes/<id:quote_id>/issue", methods=["GET", "POST"])
def issue(quote_id: int) -> Response:
    """Number and freeze a draft; a practitioner says why in spite of an allergen match (P4, T6)."""
    subject, state, site = found(quote_id)
    listed = quote_records.warnings_of(quote_records.treatments_of(g.db, subject))
    blocks = [one["message"] for one in listed if one["blocks"]]

    def do(body: dict[str, Any]) -> Done:
        reason = body.get("reason", "") if g.caller.role in auth.CLINICAL else ""
        issued = quote_document.issue(g.db, subject, site=site, at=g.now, by=g.caller.name, override=reason)
        return Done(f"/quotes/{quote_id}", quote_desk.issued_words(issued))

    page = StepPage(
        title="Issue the quote",
        button="Issue it",
        icon="file-check",
        says=" ".join(blocks)
        or "It gets its number and cannot be changed any more; a revision can replace it.",
        label="Why it may be issued all the same" if blocks else "",
        needed=bool(blocks),
    )
    return _ask(subject, state, page, do)


@blueprint.route("/quotes/<id:quote_id>/accept", methods=["GET", "POST"])
def accept(quote_id: int) -> Response:
    """Start the course; a manager says why where the quote has lapsed (P4, P5)."""
    subject, state, site = found(quote_id)
    late = quote_life.status_on(state, site.day(g.now)) is QuoteStatus.LAPSED

    def do(body: dict[str, Any]) -> Done:
        reason = body.get("reason", "") if g.caller.role in auth.STOCKROOM else ""
        course = quote_life.accept(g.db, subject, site=site, at=g.now, by=g.caller.name, late_reason=reason)
        return Done(
            f"/courses/{course.id}", "Accepted: its sessions are planned and their stock is promised."
        )

    says = (
        f"Its time ended on {formats.day(state.valid_until)}. A manager can still accept it, with a reason."
        if late
        else "Its sessions are planned, and their stock is promised to them."
    )
    page = StepPage(
        "Accept the quote", "Accept it", "handshake", says, "Why it is accepted late", needed=late
    )
    return _ask(subject, state, page, do)


@blueprint.route("/quotes/<id:quote_id>/decline", methods=["GET", "POST"])
def decline(quote_id: int) -> Response:
    """Note that the patient said no."""
    subject, state, _ = found(quote_id)

    def do(body: dict[str, Any]) -> Done:
        reason, lost = body.get("reason", ""), body.get("lost")
        quote_life.decline(g.db, subject, at=g.now, by=g.caller.name, reason=reason, lost=lost)
        return Done(f"/quotes/{quote_id}", "Noted: the patient declined.")

    says = "The patient said no. It helps later to know why."
    page = StepPage(
        "The patient declines", "Note it", "check", says, "What the patient said", needed=False, lost=True
    )
    return _ask(subject, state, page, do)


@blueprint.route("/quotes/<id:quote_id>/withdraw", methods=["GET", "POST"])
def withdraw(quote_id: int) -> Response:
    """Take a quote back; an issued one with a reason (P4)."""
    subject, state, _ = found(quote_id)

    def do(body: dict[str, Any]) -> Done:
        reason, lost = body.get("reason", ""), body.get("lost")
        quote_life.withdraw(g.db, subject, at=g.now, by=g.caller.name, reason=reason, lost=lost)
        return Done(f"/quotes/{quote_id}", "Withdrawn.")

    page = StepPage(
        title="Withdraw the quote",
        button="Withdraw it",
        icon="undo-2",
        says="The clinic takes it back; nobody can accept it any more.",
        label="Why",
        needed=state.status is QuoteStatus.ISSUED,
        danger=True,
        lost=True,
    )
    return _ask(subject, state, page, do)


def _ask(subject: Quote, state: QuoteState, page: StepPage, do: Any) -> Response:
    """The page of a step, and the step."""
    name = name_of(subject, state)

    def show(form: Form) -> Response:
        return frame.page("quote_step.html", form=form, quote=subject, name=name, step=page, lost=LOST)

    return forms.handle(WhyLost if page.lost else Why, show=show, do=do)


@blueprint.route("/quotes/<id:quote_id>/revise", methods=["GET", "POST"])
def revise(quote_id: int) -> Response:
    """A new version beside the old one, which stands until the new one is issued (P4)."""
    subject, _, site = found(quote_id)
    first = quote_form.values_of(quotes.request_of(g.db, subject)) | {"quote": str(subject.id)}

    def do(body: dict[str, Any]) -> Done:
        request = quote_form.request_of(body)
        try:
            made = quote_life.revise(g.db, subject, request, site=site, at=g.now, by=g.caller.name)
        except NoPrice as refusal:
            raise quote_desk.NoPriceShown(quote_form.spoken(refusal)) from None
        return quote_desk.kept(made, body, site)

    return forms.handle(quote_form.QuoteForm, show=quote_desk.show, do=do, first=first)
