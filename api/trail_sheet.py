"""The audit trail as a file: csv or a workbook, of the entries that were asked for."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from api.listings import Column, Listing
from api.package import Book, whole_file
from api.spreadsheets import LIVE, Look
from inventory.trail_list import Said

NAMES = ("number", "at", "by", "kind", "subject", "why", "through", "facts", "changes", "previous", "hash")
COLUMNS = (
    Column("Number", Look.WHOLE), Column("At"), Column("By"), Column("What"), Column("Subject"),
    Column("Why"), Column("Through"), Column("Facts"), Column("Changes"), Column("Hash before"),
    Column("Hash"),
)  # fmt: skip
LONGEST_CELL = 32_767


def as_csv(entries: Iterable[Said]) -> Iterator[str]:
    """The entries as csv, a line at a time; text that a spreadsheet would run stays text."""
    yield ",".join(NAMES) + "\r\n"
    for one in entries:
        out = io.StringIO()
        csv.writer(out).writerow([_plain(cell) for cell in row(one)])
        yield out.getvalue()


def write(entries: Iterable[Said], out: Path | IO[bytes], *, at: datetime, by: str) -> None:
    """Write the entries as a workbook, whole or not at all."""
    book = Book(title="Audit trail", subject="Who did what, when and why", author=by, currency="", at=at)
    listing = Listing(book, "Audit trail", COLUMNS, frozen="B2")
    for one in entries:
        listing.append(*row(one))
    listing.finish()
    with whole_file(out) as file:
        book.save(file)


def row(one: Said) -> tuple[str | int, ...]:
    """One entry as cells; details as JSON, for they have any shape."""
    facts = ", ".join(f"{count} {name}" for name, count in sorted(one.facts.items()))
    changes = json.dumps(one.changes, ensure_ascii=False) if one.changes else ""
    when = one.at.isoformat() if one.at else ""
    cells = (
        when,
        one.by,
        one.kind,
        one.subject,
        one.why,
        one.through,
        facts,
        changes,
        one.previous,
        one.hash,
    )
    return (one.number, *(cell[:LONGEST_CELL] for cell in cells))


def _plain(value: str | int) -> str:
    text = str(value)
    return f"'{text}" if isinstance(value, str) and LIVE.match(text) else text
