"""The copy of a quote that its patient takes home: prices, days, and what every patient must read (T7).

It is made of nothing but this shape, and the shape has no cost and no margin (P5).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory.clinic import Site
from pricing import quote_life, quote_records
from pricing.price_list import PractitionerLevel
from pricing.protocols import Protocol
from pricing.quote_records import Quote, QuoteState, QuoteStatus
from pricing.screening import SAID

BOOKED_MINUTES = 60  # T3
TO_READ = (
    "No drug is approved by the FDA for mesotherapy.",
    "Serious infections have been reported after mesotherapy.",
    "Results vary from person to person and are not guaranteed.",
    "The product, its maker and its lot will be recorded for every session.",
    "Insurance does not cover this treatment.",
)
"""What a quote always carries (T7)."""

AFTERCARE = (
    "Keep the treated skin clean, and do not touch or rub it for the rest of the day.",
    "No make-up on the treated skin until the next day.",
    "No sauna, hot bath, swimming or hard exercise for two days.",
    "Keep out of the sun, and use sun protection, for two weeks.",
    "Redness, small bruises and swelling for a few days are usual. Call the clinic if pain, heat, pus, "
    "hard lumps or fever come, however late.",
)
"""What to do after a session; a clinician reviews it before real use."""


@dataclass(frozen=True)
class CopySession:
    """One session as the patient is offered it."""

    number: int
    on: date
    price: Decimal


@dataclass(frozen=True)
class PatientCopy:
    """What the patient's copy says."""

    name: str
    version: int
    offered: bool  # not a draft, and not taken back
    status: QuoteStatus
    clinic: str
    patient_ref: str
    treatment: str
    area: str
    technique: str
    level: str
    minutes: int  # to be booked (T3)
    interval_weeks: int
    sessions: tuple[CopySession, ...]
    currency: str
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    tax_name: str
    tax_inclusive: bool
    total: Decimal
    issued_on: date | None
    valid_until: date
    printed_on: date
    questions: tuple[str, ...]  # what to ask before the first session (T6)
    to_read: tuple[str, ...] = TO_READ
    aftercare: tuple[str, ...] = AFTERCARE


def copy_of(db: Session, quote: Quote, state: QuoteState, site: Site, *, at: datetime) -> PatientCopy:
    """The patient's copy of a quote as it stands."""
    protocol = db.get_one(Protocol, quote.protocol_id)
    status = quote_life.status_on(state, site.day(at))
    return PatientCopy(
        name=f"Quote {state.number}" if state.number else "Draft of a quote",
        version=quote.version,
        offered=status in (QuoteStatus.ISSUED, QuoteStatus.ACCEPTED),
        status=status,
        clinic=site.name,
        patient_ref=quote.patient_ref,
        treatment=protocol.concern,
        area=protocol.area,
        technique=protocol.technique,
        level=db.get_one(PractitionerLevel, quote.level_id).name,
        minutes=BOOKED_MINUTES,
        interval_weeks=quote.interval_weeks,
        sessions=tuple(
            CopySession(one.number, one.on, one.price) for one in quote_records.sessions_of(db, quote)
        ),
        currency=quote.currency,
        subtotal=quote.subtotal,
        discount=quote.discount,
        tax=quote.tax,
        tax_name=quote.tax_name,
        tax_inclusive=quote.tax_inclusive,
        total=quote.total,
        issued_on=state.issued_on,
        valid_until=state.valid_until,
        printed_on=site.day(at),
        questions=(SAID["nsaids"],) if quote.answers.get("nsaids") else (),
    )
