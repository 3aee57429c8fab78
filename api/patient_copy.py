"""The copy of a quote that its patient takes home: prices, days, and what every patient must read (T7).

It is made of nothing but this shape, and the shape has no cost and no margin (P5).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from api import languages
from api.languages import Language
from inventory import clinic
from inventory.clinic import Settings, Site
from pricing import quote_life, quote_records
from pricing.price_list import PractitionerLevel
from pricing.protocols import Protocol
from pricing.quote_records import Quote, QuoteState, QuoteStatus

BOOKED_MINUTES = 60  # T3


@dataclass(frozen=True)
class CopySession:
    """One session as the patient is offered it."""

    number: int
    on: date
    price: Decimal


@dataclass(frozen=True)
class CopyTreatment:
    """One treatment as the patient is offered it."""

    name: str
    area: str
    technique: str
    level: str
    sessions: tuple[CopySession, ...]


@dataclass(frozen=True)
class PatientCopy:
    """What the patient's copy says."""

    language: Language
    number: str | None
    title: str
    version: int
    offered: bool  # not a draft, and not taken back
    status: QuoteStatus
    clinic: str
    site: str
    patient_ref: str
    treatments: tuple[CopyTreatment, ...]
    minutes: int  # to be booked (T3)
    currency: str
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    tax_name: str
    tax_rate: Decimal
    tax_inclusive: bool
    total: Decimal
    deposit: Decimal
    issued_on: date | None
    valid_until: date
    printed_on: date
    questions: tuple[str, ...]  # what to ask before the first session (T6)


def copy_of(
    db: Session, quote: Quote, state: QuoteState, site: Site, *, at: datetime, language: str | None = None
) -> PatientCopy:
    """The patient's copy of a quote as it stands, in a language or the one of the clinic's documents."""
    settings = clinic.settings(db)
    said = languages.language(language or settings.document_language, site.country)
    quote = quote_records.leading(db, quote)
    treatments = quote_records.treatments_of(db, quote)
    comes_to = quote_records.totals(treatments)
    status = quote_life.status_on(state, site.day(at))
    return PatientCopy(
        language=said,
        number=state.number,
        title=f"{said.say('quote')} {state.number}" if state.number else said.say("draft"),
        version=quote.version,
        offered=status in (QuoteStatus.ISSUED, QuoteStatus.ACCEPTED),
        status=status,
        clinic=settings.clinic_name if settings.clinic_name != Settings.clinic_name else site.name,
        site=site.name,
        patient_ref=quote.patient_ref,
        treatments=tuple(_treatment(db, one) for one in treatments),
        minutes=BOOKED_MINUTES,
        currency=quote.currency,
        subtotal=comes_to.subtotal,
        discount=comes_to.discount,
        tax=comes_to.tax,
        tax_name=quote.tax_name,
        tax_rate=quote.tax_rate,
        tax_inclusive=quote.tax_inclusive,
        total=comes_to.total,
        deposit=comes_to.deposit,
        issued_on=state.issued_on,
        valid_until=state.valid_until,
        printed_on=site.day(at),
        questions=(said.say("nsaids"),) if quote.answers.get("nsaids") else (),
    )


def _treatment(db: Session, quote: Quote) -> CopyTreatment:
    protocol = db.get_one(Protocol, quote.protocol_id)
    return CopyTreatment(
        name=protocol.concern,
        area=protocol.area,
        technique=protocol.technique,
        level=db.get_one(PractitionerLevel, quote.level_id).name,
        sessions=tuple(
            CopySession(one.number, one.on, one.price) for one in quote_records.sessions_of(db, quote)
        ),
    )
