"""Count sheets: printed to be filled in by hand, or as a workbook that is filled in and read back (S11)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import IO, Any

from flask import Response, send_file
from sqlalchemy.orm import Session

from api import cells, documents, tables
from api.cells import BadCell
from api.listings import Column, Listing
from api.outcomes import RowOutcome
from api.package import Book, whole_file
from api.spreadsheets import Look
from api.tables import Cell, Table
from api.web import formats
from inventory import catalog, clinic, counting, differences, stocktake
from inventory.clinic import Place, Site
from inventory.counting import CountedAtAnotherTime, Found
from inventory.counts import Count, CountEnded
from inventory.differences import Line
from inventory.errors import Invalid, Refusal
from inventory.periods import PeriodClosed

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMNS = (
    Column("Line", Look.KEY), Column("Place"), Column("SKU"), Column("Item"), Column("Lot"),
    Column("Expires", Look.DATE), Column("Count in"),
)  # fmt: skip
BOOK = Column("Book", Look.QUANTITY)
COUNTED = Column("Counted", Look.QUANTITY)
HEADINGS = {
    "line": "line", "line no": "line", "place": "place", "where": "place", "sku": "sku", "item no": "sku",
    "lot": "lot", "lot no": "lot", "lot number": "lot", "batch": "lot", "counted": "counted",
    "count": "counted", "found": "counted", "qty": "counted", "quantity": "counted",
}  # fmt: skip
"""The words above the columns that are read back; the others are for whoever counts."""
ONE_LINE, AMOUNT = cells.whole(least=1, most=2**53), cells.number(decimals=4)


@dataclass(frozen=True)
class SheetReport:
    """What became of each row of a sheet that was read back, and how many lines were written down."""

    rows: tuple[RowOutcome, ...]
    counted: int
    total: int

    @property
    def bad(self) -> int:
        """How many rows cannot be taken."""
        return sum(not row.ok for row in self.rows)


class NoCountSheet(Invalid):
    """The file has not the columns of a count sheet."""


def counted_in(line: Line) -> str:
    """In what a line is counted: `vials of 3 mL`, `mL left in the vial opened on 5 Jan 2026`."""
    if line.opened_at is not None:
        return f"{line.unit} left in opened no. {line.vial_id}, of {formats.day(line.opened_at.date())}"
    several = formats.containers(2, line.form).partition("\N{NO-BREAK SPACE}")[2]
    return (
        several if line.unit == "each" and line.content == 1 else f"{several} of {said(line.content, line)}"
    )


def said(quantity: Decimal, line: Line) -> str:
    """A quantity with its unit."""
    return formats.quantity(quantity, line.unit).replace("\N{NO-BREAK SPACE}", " ")


def in_its_measure(quantity: Decimal, line: Line) -> Decimal:
    """A quantity as the line is counted: in containers where it is sealed, else in its unit."""
    return quantity / line.content if line.sealed else quantity


def pdf(db: Session, subject: Count, *, blind: bool, at: datetime) -> bytes:
    """The sheet on paper: a box for each line; what the book says stands beside it unless it is blind."""
    site = db.get_one(Site, subject.site_id)
    found = differences.lines(db, subject)
    places: dict[str, list[list[str]]] = {}
    for line in found:
        row = [f"{line.name}\n{line.sku}", line.lot_number, formats.day(line.expires_on), counted_in(line)]
        if not blind:
            row.append(formats.number(in_its_measure(line.book, line)))
        places.setdefault(line.place, []).append(row)
    data = {
        "title": f"Count sheet {subject.id}",
        "clinic": clinic.settings(db).clinic_name,
        "paper": documents.paper(site.country),
        "subject": subject.subject,
        "lines": [
            subject.subject,
            f"Begun {formats.moment(subject.begun_at, site.time_zone)} by {subject.begun_by}",
            f"Printed {formats.moment(at, site.time_zone)}"
            + (", without what the book says" if blind else ""),
        ],
        "blind": blind,
        "places": [{"name": name, "rows": rows} for name, rows in places.items()],
        "qr": documents.qr(f"vialbook:count:{subject.id}"),
    }
    return documents.pdf("count_sheet", data, at=at)


def write(db: Session, subject: Count, out: IO[bytes], *, blind: bool, at: datetime, by: str) -> None:
    """The sheet as a workbook, with an empty column for what is found; what was counted stands in it."""
    settings = clinic.settings(db)
    book = Book(
        title=f"Count sheet {subject.id}",
        subject=subject.subject,
        author=by,
        currency=settings.currency,
        at=at,
    )
    listing = Listing(book, "Count", (*COLUMNS, *(() if blind else (BOOK,)), COUNTED), frozen="B2")
    for line in differences.lines(db, subject):
        listing.append(
            line.id,
            line.place,
            line.sku,
            line.name,
            line.lot_number,
            line.expires_on,
            counted_in(line),
            *(() if blind else (in_its_measure(line.book, line),)),
            None if line.counted is None else in_its_measure(line.counted, line),
        )
    listing.finish()
    with whole_file(out) as file:
        book.save(file)


def download(db: Session, subject: Count, *, blind: bool, at: datetime, by: str) -> Response:
    """The workbook of a count as a file."""
    file = BytesIO()
    write(db, subject, file, blind=blind, at=at, by=by)
    file.seek(0)
    name = f"count-{subject.id}.xlsx"
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name, max_age=0)


def read_back(
    db: Session,
    subject: Count,
    name: str,
    data: bytes,
    *,
    counted_at: datetime,
    recorded_at: datetime,
    by: str,
) -> SheetReport:
    """Write down what a filled-in sheet says, every row or none; a row without a number is left alone.

    A row without a line's number names SKU, lot and place: found stock, put on the sheet. Raises
    NoCountSheet, the refusals of `tables.read_table` and of `counting.write_down`.
    """
    table = tables.read_table(name, data)
    places = _columns(table)
    lines = {line.id: line for line in differences.lines(db, subject)}
    spots = {place.name.casefold(): place for place in stocktake.countable_places(db, subject)}
    spots |= {place.code.casefold(): place for place in spots.values()}
    found: dict[int, Found] = {}
    bad: list[RowOutcome] = []
    for row in table.rows:
        values = {field: row.cells[at] if at < len(row.cells) else None for field, at in places.items()}
        if _empty(values.get("counted")):
            continue
        try:
            one = _found(db, subject, values, lines, spots, at=recorded_at, by=by)
            if any(one.line_id == other.line_id for other in found.values()):
                raise BadCell("the line stands in the sheet twice: add the two together.")
            found[row.number] = one
        except Refusal as refused:
            bad.append(RowOutcome(row.number, ok=False, message=f"Row {row.number}: {refused}"))
    if not found and not bad:
        raise NoCountSheet("No row of the sheet has a number under Counted.")
    bad += _write(db, subject, found, at=counted_at, recorded_at=recorded_at, by=by)
    wrong = {outcome.row for outcome in bad}
    rows = [*bad, *(RowOutcome(number, ok=True) for number in found if number not in wrong)]
    return SheetReport(tuple(sorted(rows, key=lambda row: row.row)), 0 if bad else len(found), len(rows))


def _write(db: Session, subject: Count, found: Mapping[int, Found], **when: Any) -> list[RowOutcome]:
    """Write all rows down at once; where that is refused, one by one, to say which cannot be."""
    bad = []
    for part in (list(found), *([number] for number in found)):
        attempt = db.begin_nested()
        try:
            counting.write_down(db, subject, [found[number] for number in part], **when)
            attempt.commit()
            if len(part) == len(found) and not bad:
                break
        except (CountEnded, CountedAtAnotherTime, PeriodClosed):
            attempt.rollback()
            raise
        except Refusal as refused:
            attempt.rollback()
            if len(part) == 1:
                bad.append(RowOutcome(part[0], ok=False, message=f"Row {part[0]}: {refused}"))
    return bad


def _columns(table: Table) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, header in enumerate(table.headers):
        field = HEADINGS.get(re.sub(r"[^a-z0-9]+", " ", header.casefold()).strip())
        if field is not None and field not in found:
            found[field] = place
    if "counted" not in found or not ("line" in found or {"sku", "lot"} <= found.keys()):
        said = ", ".join(repr(header[:40]) for header in table.headers if header)
        raise NoCountSheet(f"A count sheet has the columns Line and Counted; this file has {said}.")
    return found


def _found(
    db: Session,
    subject: Count,
    values: Mapping[str, Cell],
    lines: dict[int, Line],
    spots: Mapping[str, Place],
    *,
    at: datetime,
    by: str,
) -> Found:
    amount = AMOUNT(values["counted"])
    if not _empty(values.get("line")):
        key = ONE_LINE(values["line"])
        if key not in lines:
            raise BadCell(f"count {subject.id} has no line {key}.")
        line = lines[key]
        return Found(key, amount * line.content if line.sealed else amount)
    if _empty(values.get("sku")) or _empty(values.get("lot")):
        raise BadCell("it names neither a line nor the SKU and lot of what was found.")
    item = catalog.item(db, cells.text(40)(values["sku"]))
    lot = counting.known_lot(db, item, cells.text(40)(values["lot"]))
    if _empty(values.get("place")):
        place_id = counting.place_of(db, subject, lot)
    else:
        named = cells.text(120)(values["place"])
        if named.casefold() not in spots:
            raise BadCell(f"the count does not go through a place called {named!r}.")
        place_id = spots[named.casefold()].id
    key = stocktake.add_line(db, subject, lot, place_id=place_id, at=at, by=by)
    return Found(key, amount * item.content)


def _empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
