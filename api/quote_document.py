"""The quote as a document: the patient's copy on one page or two, in the language of its reader (T7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from api import documents, languages, marks, patient_copy
from api.languages import Language
from api.patient_copy import CopyTreatment, PatientCopy
from inventory.clinic import Site
from inventory.database import Base, append_only
from pricing import quote_life
from pricing.quote_records import Quote, QuoteState, QuoteStatus


class QuoteDocument(Base):
    """An issued quote as it was printed: what the patient has in hand is what we show later (P4)."""

    __tablename__ = "quote_documents"

    quote_id: Mapped[int] = mapped_column(sa.ForeignKey("quotes.id"), primary_key=True)
    language: Mapped[str] = mapped_column(sa.String(2), primary_key=True)
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    at: Mapped[datetime]


append_only(QuoteDocument)


def issue(
    db: Session,
    quote: Quote,
    *,
    site: Site,
    at: datetime,
    by: str,
    override: str,
    overrides: Mapping[str, str] | None = None,
) -> QuoteState:
    """Issue a quote and keep what is printed of it, in every language that is known (P4).

    Raises all that `quote_life.issue` refuses.
    """
    state = quote_life.issue(db, quote, site=site, at=at, by=by, override=override, overrides=overrides)
    for language in languages.known():
        copy = patient_copy.copy_of(db, quote, state, site, at=at, language=language)
        body = _printed(db, copy, site, at)
        db.add(QuoteDocument(quote_id=quote.id, language=language, body=body, at=at))
    db.flush()
    return state


def pdf(
    db: Session, quote: Quote, state: QuoteState, site: Site, *, at: datetime, language: str | None = None
) -> bytes:
    """The patient's copy as a PDF on the paper of the site's country, tagged for screen readers.

    Of an offer that stands, what was printed when it was issued, whatever was edited since.
    """
    copy = patient_copy.copy_of(db, quote, state, site, at=at, language=language)
    kept = db.get(QuoteDocument, (quote.id, copy.language.code)) if copy.offered else None
    return _printed(db, copy, site, at) if kept is None else kept.body


def print_anew(
    db: Session, quote: Quote, state: QuoteState, site: Site, *, at: datetime, language: str
) -> bytes:
    """A kept copy printed once more, for a patient who was forgotten: no chart number, the rest as it is."""
    return _printed(db, patient_copy.copy_of(db, quote, state, site, at=at, language=language), site, at)


def _printed(db: Session, copy: PatientCopy, site: Site, at: datetime) -> bytes:
    return documents.pdf("quote", data(copy, mark=marks.current(db), country=site.country), at=at)


def file_name(quote: Quote, state: QuoteState) -> str:
    """What the file is called: the number of the quote and, where there are several, its version."""
    name = state.number or f"draft-{quote.id}"
    return f"{name}-v{quote.version}.pdf" if quote.version > 1 else f"{name}.pdf"


def data(copy: PatientCopy, *, mark: bytes | None, country: str) -> dict[str, Any]:
    """What the template sets, ready to be printed: every day and amount is text by now."""
    said, money = copy.language, copy.language.money
    lines = [f"{said.say('chart')} {copy.patient_ref}"]
    if copy.issued_on:
        lines.append(said.say("issued", day=said.day(copy.issued_on)))
    if copy.version > 1:
        lines.append(said.say("version", version=copy.version))
    return {
        "language": said.code,
        "paper": documents.paper(country),
        "clinic": copy.clinic,
        "site": copy.site,
        "initials": "".join(word[0] for word in copy.clinic.split()[:2]).upper() or "V",
        "mark": None if mark is None else list(mark),
        "copy": said.say("patients_copy"),
        "title": copy.title,
        "number": copy.number,
        "qr": documents.qr(copy.number) if copy.number else "",
        "lines": lines,
        "stamp": stamp(copy),
        "words": {key: said.say(key) for key in WORDS},
        "facts": [facts(copy, one) for one in copy.treatments],
        "columns": [said.say(key) for key in ("session", "planned", "price")],
        "groups": [
            {
                "name": f"{said.name(each.name)}, {said.name(each.area)}",
                "sessions": [
                    [str(one.number), said.day(one.on, weekday=True), money(one.price, copy.currency)]
                    for one in each.sessions
                ],
            }
            for each in copy.treatments
        ],
        "sums": sums(copy),
        "total": money(copy.total, copy.currency),
        "beside": [[said.say("deposit"), money(copy.deposit, copy.currency)]] if copy.deposit else [],
        "until": said.say("until", day=said.day(copy.valid_until, weekday=True)) if copy.offered else None,
        "before": list(copy.questions),
        "to_read": list(said.lists["to_read"]),
        "aftercare": list(said.lists["aftercare"]),
        "printed": said.say("printed", day=said.day(copy.printed_on)),
    }


def facts(copy: PatientCopy, one: CopyTreatment) -> list[list[str]]:
    """What a treatment is, named and told."""
    said = copy.language
    return [
        [said.say("for"), said.name(one.name)],
        [said.say("area"), said.name(one.area)],
        [said.say("technique"), said.name(one.technique)],
        [said.say("by"), said.name(one.level)],
        [said.say("allow"), said.say("minutes", minutes=copy.minutes)],
    ]


WORDS = (
    "qr", "treatment", "sessions", "total", "before", "read", "after", "sign_patient", "sign_clinic",
)  # fmt: skip


def stamp(copy: PatientCopy) -> str | None:
    """What is printed across a copy that is no offer."""
    if copy.offered:
        return None
    return copy.language.say("stamp_draft" if copy.status is QuoteStatus.DRAFT else "stamp_over")


def sums(copy: PatientCopy) -> list[list[str]]:
    """The lines between the sessions and the total: the discount that the prices contain, and the tax."""
    said: Language = copy.language
    found = []
    if copy.discount:
        found.append([said.say("discount"), said.money(copy.discount, copy.currency)])
    if copy.tax:
        key = "tax_contained" if copy.tax_inclusive else "tax_added"
        rate = said.number(copy.tax_rate * 100)
        found.append([said.say(key, tax=copy.tax_name, rate=rate), said.money(copy.tax, copy.currency)])
    return found
