"""A patient's file: all that the book holds of them, as JSON and as a workbook; and forgetting them whole."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api import quote_document
from api.listings import Column, Listing
from api.package import Book, whole_file
from api.quote_document import QuoteDocument
from inventory import forgetting
from inventory.clinic import Site
from inventory.forgetting import Erasure
from inventory.measures import plain as number
from pricing import privacy
from pricing.privacy import Held
from pricing.quote_records import Quote, QuoteState

LONGEST_NAME = 31  # of a sheet


def plain(held: Held) -> dict[str, Any]:
    """A file as JSON: exact numbers as text, days and moments as ISO writes them."""
    return {
        "patient_ref": held.patient_ref,
        "trace_kept_until": held.kept_until and held.kept_until.isoformat(),
        "held": {
            kind: [{name: _value(value) for name, value in row.items()} for row in rows]
            for kind, rows in held.kinds.items()
        },
    }


def write(out: Path | IO[bytes], held: Held, *, at: datetime, by: str) -> None:
    """A file as a workbook, a sheet for each kind; whole or not at all."""
    book = Book(title="Patient file", subject=held.patient_ref, author=by, currency="USD", at=at)
    for kind, rows in held.kinds.items():
        names = list(dict.fromkeys(name for row in rows for name in row))
        listing = Listing(
            book, _spoken(kind)[:LONGEST_NAME], tuple(Column(_spoken(name)) for name in names), frozen="A2"
        )
        for row in rows:
            listing.append(*(_text(row.get(name)) for name in names))
        listing.finish()
    with whole_file(out) as file:
        book.save(file)


def erase(db: Session, patient_ref: str, **asked: Any) -> Erasure:
    """Forget a patient, and print their quotes anew. Raises what `privacy.erase` refuses."""
    printed = db.execute(
        sa.select(QuoteDocument.quote_id, QuoteDocument.language)
        .join(Quote, Quote.id == QuoteDocument.quote_id)
        .where(Quote.patient_ref == patient_ref)
    ).all()
    keys = sorted({quote_id for quote_id, _ in printed})
    erasure = privacy.erase(db, patient_ref, printed={"quote_documents": keys}, **asked)
    for quote_id, language in printed:
        quote, state = db.get_one(Quote, quote_id), db.get_one(QuoteState, quote_id)
        anew = quote_document.print_anew(
            db, quote, state, db.get_one(Site, quote.site_id), at=asked["at"], language=language
        )
        forgetting.replace_file(db, "quote_documents", anew, quote_id=quote_id, language=language)
    return erasure


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, date):
        return value.isoformat()
    return getattr(value, "value", value)


def _text(value: Any) -> str:
    said = _value(value)
    if said is None:
        return ""
    return json.dumps(said) if isinstance(said, dict | list) else str(said)


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()
