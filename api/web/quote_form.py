"""The form of a quote: its fields as people type them, and what they ask a price for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from api import auth, errors
from api.schemas import Day, Exact, Id, Shape, Whole, Words
from api.web import formats, forms, frame, selling
from api.web.drafts import Values
from api.web.selling import Sheets
from inventory import clinic, treatments
from inventory.clinic import Site
from inventory.errors import Refusal
from inventory.measures import plain
from inventory.treatments import BadPatientRef
from pricing import protocols, quotes
from pricing.discounts import BadDiscount, BeyondRules
from pricing.price_list import PractitionerLevel
from pricing.protocols import OutsideProtocol, Protocol
from pricing.quote_records import Quote
from pricing.quotes import Request, Treatment
from pricing.screening import Screening
from pricing.stages import NoPrice

NOBODY = "0"
"""Stands for the patient while nobody is named yet: the price does not depend on who it is for."""
TICKS = (
    ("pregnant", "Pregnant or breast-feeding"),
    ("autoimmune", "Autoimmune disease"),
    ("skin_infection", "Skin infection"),
    ("nsaids", "Takes aspirin or NSAIDs"),
)
REASONS = ("plan_reason", "price_override", "allergen_override")
NEEDED = ("protocol", "level", "starts_on")


class Percent(Exact):
    """A percentage as people type it: 12.5 for an eighth."""

    before, after = 3, 4

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Decimal:
        number = super()._deserialize(value.strip().removesuffix("%").strip(), attr, data, **more)
        if number > 100:
            raise ValidationError("At most 100 %.")
        return number


class FirstTreatment(Shape):
    """What the front desk types of a patient and the first treatment."""

    patient_ref = Words(40, required=True)
    allergies = Words(1000, lines=True)
    pregnant = Words(3)
    autoimmune = Words(3)
    skin_infection = Words(3)
    nsaids = Words(3)
    protocol = Words(20, required=True)
    level = Words(20, required=True)
    sessions = Whole(least=1, most=protocols.MOST_SESSIONS, in_address=True)
    interval_weeks = Whole(least=1, most=protocols.MOST_INTERVAL_WEEKS, in_address=True)
    starts_on = Day(required=True)
    discount = Percent()
    promotion = Words(20)
    plan_reason = Words(500, lines=True)
    price_override = Words(500, lines=True)
    allergen_override = Words(500, lines=True)
    quote = Id(in_address=True)  # the version that is being revised
    do = Words(10)


OTHERS = range(2, quotes.MOST_TREATMENTS + 1)
"""The places of the treatments beside the first; their fields end in their place."""


def _others() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place in OTHERS:
        found |= {
            f"protocol_{place}": Words(20),
            f"sessions_{place}": Whole(least=1, most=protocols.MOST_SESSIONS, in_address=True),
            f"interval_weeks_{place}": Whole(least=1, most=protocols.MOST_INTERVAL_WEEKS, in_address=True),
            f"starts_on_{place}": Day(),
            f"discount_{place}": Percent(),
        }
    return found


QuoteForm: Any = FirstTreatment.from_dict(_others(), name="QuoteForm")
"""What the front desk types, with up to four treatments beside the first."""


@dataclass(frozen=True)
class Choice:
    """A protocol to choose, and what it says when it is chosen."""

    code: str
    label: str
    area: str
    sessions: str
    interval: str


@dataclass
class Priced:
    """What the price panel shows: a sheet, or why there is none; and what the form must ask besides."""

    whole: Sheets | None = None
    waits_for: str = ""
    problem: str = ""
    about: str = ""  # the field that the problem can be mended in
    mend: str = "Give the reason"
    errors: dict[str, str] = field(default_factory=dict)
    asks: frozenset[str] = frozenset()
    chosen: Choice | None = None


def request_of(body: Mapping[str, Any]) -> Request:
    """The request that a filled-in form makes. Raises NotAllowed for an override by who may not."""
    override = body.get("price_override", "")
    if override:
        auth.require(g.caller, auth.STOCKROOM, "A price above the band")
    return Request(
        protocol=body["protocol"],
        level=body["level"],
        starts_on=body["starts_on"],
        patient_ref=body["patient_ref"],
        screening=Screening(
            allergies=tuple(_listed(body.get("allergies", ""))),
            **{name: bool(body.get(name)) for name, _ in TICKS},
        ),
        sessions=body.get("sessions"),
        interval_weeks=body.get("interval_weeks"),
        plan_reason=body.get("plan_reason", ""),
        discount_rate=_rate(body, "discount"),
        promotion=body.get("promotion", ""),
        most_discount=None if g.caller.role in auth.STOCKROOM else clinic.settings(g.db).desk_discount_rate,
        price_override=override,
        more=tuple(_another(body, place) for place in OTHERS if body.get(f"protocol_{place}")),
    )


def _another(body: Mapping[str, Any], place: int) -> Treatment:
    """A treatment beside the first, by the same level and from the same day unless told otherwise."""
    return Treatment(
        protocol=body[f"protocol_{place}"],
        level=body["level"],
        starts_on=body.get(f"starts_on_{place}", body["starts_on"]),
        sessions=body.get(f"sessions_{place}"),
        interval_weeks=body.get(f"interval_weeks_{place}"),
        plan_reason=body.get("plan_reason", ""),
        discount_rate=_rate(body, f"discount_{place}"),
    )


def _rate(body: Mapping[str, Any], name: str) -> Decimal | None:
    """A typed discount; where none is typed the clinic's rules decide."""
    return body[name] / 100 if name in body else None


def _listed(text: str) -> list[str]:
    """Allergies one by one: people separate them by commas, semicolons or lines."""
    found = [one.strip() for one in text.replace(";", ",").replace("\n", ",").split(",")]
    return [one[:120] for one in found if one]


def first_values(db: Session, site: Site, *, on: date) -> Values:
    """What stands in a new form: today, and the level of the site's last quote, else the base level."""
    last = (
        sa.select(PractitionerLevel.code)
        .join(Quote, Quote.level_id == PractitionerLevel.id)
        .where(Quote.site_id == site.id)
        .order_by(Quote.id.desc())
    )
    from_base = sa.func.abs(PractitionerLevel.multiplier - 1)
    base = sa.select(PractitionerLevel.code).order_by(from_base, PractitionerLevel.id)
    return {"starts_on": str(on), "level": db.scalar(last.limit(1)) or db.scalar(base.limit(1)) or ""}


def values_of(request: Request) -> Values:
    """What stands in the form of a revision: what was asked before."""
    answers = request.screening
    found = {
        "patient_ref": request.patient_ref,
        "protocol": request.protocol,
        "level": request.level,
        "starts_on": str(request.starts_on),
        "allergies": ", ".join(answers.allergies),
        "sessions": str(request.sessions),
        "interval_weeks": str(request.interval_weeks),
        "plan_reason": request.plan_reason,
        "discount": plain(request.discount_rate * 100) if request.discount_rate else "",
        "promotion": request.promotion,
        "price_override": request.price_override if g.caller.role in auth.STOCKROOM else "",
    }
    for place, one in zip(OTHERS, request.more, strict=False):
        found |= {
            f"protocol_{place}": one.protocol,
            f"sessions_{place}": str(one.sessions),
            f"interval_weeks_{place}": str(one.interval_weeks),
            f"starts_on_{place}": str(one.starts_on),
            f"discount_{place}": plain(one.discount_rate * 100) if one.discount_rate else "",
        }
    return found | {name: "yes" for name, _ in TICKS if getattr(answers, name)}


def price(db: Session, typed: Values, *, site: Site, on: date) -> Priced:
    """Price what stands in the form as far as it goes; nothing is kept, and nothing is refused aloud."""
    found = Priced(chosen=choice(db, typed.get("protocol", "")))
    filled = {name: text for name, text in typed.items() if text.strip()}
    missing = [name for name in NEEDED if name not in filled]
    try:
        body = QuoteForm(partial=True).load(filled)
    except ValidationError as wrong:
        found.errors = forms.by_field(wrong)
        found.waits_for = "The price comes when the fields that are marked are put right."
        return found
    found.errors = _patient_errors(body)
    if missing:
        found.waits_for = "Choose " + " and ".join(formats.words(name) for name in missing) + "."
        found.waits_for = found.waits_for.replace("starts on", "the first day").replace(
            "protocol", "a protocol"
        )
        return found
    _offer(db, found, body, site=site, on=on)
    return found


def _patient_errors(body: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the patient's number, if one was typed; the price is told all the same."""
    typed = body.get("patient_ref")
    body["patient_ref"] = typed or NOBODY
    try:
        treatments.check_patient_ref(body["patient_ref"])
    except BadPatientRef as bad:
        body["patient_ref"] = NOBODY
        return {"patient_ref": str(bad)}
    return {}


def _offer(db: Session, found: Priced, body: dict[str, Any], *, site: Site, on: date) -> None:
    asks = set()
    try:
        made = quotes.offers(db, request_of(body), site=site, on=on)
    except (BeyondRules, BadDiscount) as refusal:
        found.problem, found.about, found.mend = spoken(refusal), "discount", "Change the discount"
    except OutsideProtocol as refusal:
        found.problem, found.about = str(refusal), "plan_reason"
        asks.add("plan_reason")
    except NoPrice as refusal:
        found.problem = spoken(refusal)
        if g.caller.role in auth.STOCKROOM:
            found.about = "price_override"
            asks.add("price_override")
    except Refusal as refusal:
        found.problem = spoken(refusal)
    else:
        costs = frame.sees_costs()
        found.whole = selling.whole(
            (_title(one.protocol), selling.of_offer(one, costs=costs)) for one in made
        )
        if any(one.plan.outside for one in made):
            asks.add("plan_reason")
        if any(one.price.above_band for one in made):
            asks.add("price_override")
        if found.whole.blocks and g.caller.role in auth.CLINICAL:
            asks.add("allergen_override")
    found.asks = frozenset(asks)


def spoken(refusal: Refusal) -> str:
    """A refusal as whoever asks may read it (P5)."""
    return str(refusal) if frame.sees_costs() else errors.WITHOUT_COST.get(refusal.name, str(refusal))


def levels(db: Session) -> list[tuple[str, str]]:
    """The levels of practitioners, by code and name."""
    rows = db.execute(
        sa.select(PractitionerLevel.code, PractitionerLevel.name).order_by(PractitionerLevel.id)
    )
    return [(code, name) for code, name in rows]


def choices(db: Session) -> list[tuple[str, str]]:
    """The protocols to choose from, by code and label."""
    found = [
        _choice(one) for one in db.scalars(sa.select(Protocol).order_by(Protocol.concern, Protocol.area))
    ]
    return [(one.code, one.label) for one in found]


def choice(db: Session, code: str) -> Choice | None:
    """The protocol that is chosen, if one is."""
    found = db.scalar(sa.select(Protocol).where(Protocol.code == code)) if code else None
    return None if found is None else _choice(found)


def _choice(one: Protocol) -> Choice:
    return Choice(
        code=one.code,
        label=f"{formats.capital(one.concern)}, {one.area} · {one.code}",
        area=one.area,
        sessions=_range(one.sessions_min, one.sessions_typical, one.sessions_max),
        interval=_range(one.interval_weeks_min, one.interval_weeks_typical, one.interval_weeks_max),
    )


def _range(low: int, typical: int, high: int) -> str:
    return f"always {low}" if low == high else f"{low} to {high}, usually {typical}"


def _title(protocol: Protocol) -> str:
    return f"{formats.capital(protocol.concern)}, {protocol.area}"


def title_of(db: Session, quote: Quote) -> tuple[Protocol, PractitionerLevel]:
    """The protocol and the level of a quote."""
    return db.get_one(Protocol, quote.protocol_id), db.get_one(PractitionerLevel, quote.level_id)
