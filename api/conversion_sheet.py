"""The conversion report as a file: a sheet for each way to tell the quotes apart, or one way as csv."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO

from sqlalchemy.orm import Session

from api.listings import Column, Listing
from api.package import Book, whole_file
from api.spreadsheets import LIVE, Look
from pricing import conversion
from pricing.conversion import ConversionRow, Dimension

NAMES = ("group", "quotes", "drafts", "issued", "accepted", "lost", "open", "rate", "offered", "won")
COLUMNS = (
    Column("Group"), Column("Quotes", Look.WHOLE), Column("Drafts", Look.WHOLE), Column("Issued", Look.WHOLE),
    Column("Accepted", Look.WHOLE), Column("Lost", Look.WHOLE), Column("Open", Look.WHOLE),
    Column("Rate", Look.QUANTITY), Column("Offered", Look.MONEY, total=True),
    Column("Won", Look.MONEY, total=True),
)  # fmt: skip


def write(
    db: Session,
    out: Path | IO[bytes],
    *,
    since: date,
    until: date,
    on: date,
    sites: Sequence[int],
    currency: str,
    at: datetime,
    by: str,
) -> None:
    """Write the workbook, whole or not at all. Raises accounting.BadPeriod."""
    book = Book(
        title="Conversion of quotes", subject=f"{since} to {until}", author=by, currency=currency, at=at
    )
    for one in Dimension:
        found = conversion.conversion(db, by=one, since=since, until=until, on=on, sites=sites)
        listing = Listing(book, f"By {one.value}", COLUMNS, frozen="B2")
        for row in found:
            listing.append(*(getattr(row, name) for name in NAMES))
        listing.finish()
    with whole_file(out) as file:
        book.save(file)


def as_csv(rows: Sequence[ConversionRow]) -> str:
    """One way to tell the quotes apart, as csv; text that a spreadsheet would run stays text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(NAMES)
    for row in rows:
        writer.writerow([_plain(getattr(row, name)) for name in NAMES])
    return out.getvalue()


def _plain(value: str | int | Decimal) -> str:
    text = str(value)
    return f"'{text}" if isinstance(value, str) and LIVE.match(text) else text
