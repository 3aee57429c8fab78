"""Sheets about imports: an empty list to fill in, and a list with what is wrong beside each row."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from api import columns
from api.columns import Column, Kind
from api.headers import OURS, find
from api.import_guide import EXAMPLES, MEANINGS
from api.imports import Brought, ImportReport
from api.outcomes import RowOutcome
from api.package import Book, whole_file
from api.spreadsheets import Cell, Look, Role, Sheet, Value
from api.tables import Row

RESULTS = {"good": "good", "doubt": "good, look again", "bad": "not taken", "again": "imported before"}
NOTES_SHEET = "What each column takes"


def corrected(
    out: Path | IO[bytes], kind: Kind, brought: Brought, report: ImportReport, *, at: datetime, by: str
) -> None:
    """The list as it was brought, row by row where it was, with two columns more: the result and the problem.

    It can be mended and brought again: the two columns are known as ours, and good rows are not doubled.
    """
    book = Book(title=f"{kind.spoken}: what to mend", subject=brought.name, author=by, currency="", at=at)
    headed = find(kind, brought.table)
    sheet = book.sheet("List", frozen=f"A{headed.number + 1}")
    sheet.widest = 80
    outcomes = {one.row: one for one in report.rows}
    place = next(
        (at for at, text in enumerate(headed.headers) if columns.heading(text) in OURS), len(headed.headers)
    )
    rows = [Row(brought.table.number, brought.table.headers), *brought.table.rows]
    for row in rows:
        sheet.rows = row.number - 1  # empty rows stay where they were
        if row.number == headed.number:
            _write(sheet, (*headed.headers[:place], "Result", "Problem"), Role.HEADER)
        elif row.number not in outcomes:
            _write(sheet, row.cells, Role.BODY)
        else:
            outcome = outcomes[row.number]
            cells = (*row.cells[:place], *[None] * (place - len(row.cells)))
            role = Role.BODY if outcome.ok else Role.TOTAL
            _write(sheet, (*cells, _result(outcome), outcome.message or None), role)
    last = max(rows[-1].number, headed.number)
    sheet.filter_to = f"A{headed.number}:{sheet.span.split(':')[1].rstrip('0123456789')}{last}"
    with whole_file(out) as file:
        book.save(file)


def _result(outcome: RowOutcome) -> str:
    if outcome.repeated:
        return RESULTS["again"]
    if not outcome.ok:
        return RESULTS["bad"]
    return RESULTS["doubt" if outcome.message else "good"]


def _write(sheet: Sheet, cells: Sequence[Any], role: Role) -> None:
    sheet.append([None if cell in ("", None) else Cell(*_shown(cell), role) for cell in cells])


def _shown(cell: Any) -> tuple[Value, Look]:
    """A cell as it was brought: dates as dates, numbers as numbers, everything else as text."""
    if isinstance(cell, bool):
        return ("yes" if cell else "no"), Look.TEXT
    if isinstance(cell, float):
        exact = Decimal(repr(cell))
        return (exact, Look.QUANTITY) if exact.is_finite() else (str(cell), Look.TEXT)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" "), Look.TEXT
    return (cell, Look.DATE) if isinstance(cell, date) else (str(cell), Look.TEXT)


def template(out: Path | IO[bytes], kind: Kind) -> None:
    """An empty list of a kind: its headers, an example row, the kinds of its cells, and a sheet of notes."""
    import openpyxl
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = openpyxl.Workbook()
    page: Any = book.active
    page.title = kind.spoken.capitalize()
    head = {"font": Font(bold=True, color="FFFFFF"), "fill": PatternFill("solid", fgColor="1F3A4D")}
    for place, column in enumerate(columns.OF_KIND[kind], start=1):
        cell = page.cell(1, place, title(column) + (" *" if column.required else ""))
        cell.font, cell.fill = head["font"], head["fill"]
        example = page.cell(2, place, EXAMPLES[kind].get(column.field))
        example.font = Font(italic=True, color="5B6B76")
        letter = get_column_letter(place)
        page.column_dimensions[letter].width = max(14, len(title(column)) + 4)
        for row in range(2, 203):  # so that a lot number of digits stays text, and a date a date
            page.cell(row, place).number_format = _format(column)
        if choices := CHOICES.get(column.field):
            listed = DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True)
            page.add_data_validation(listed)
            listed.add(f"{letter}2:{letter}1000")
    page.freeze_panes = "A2"
    notes: Any = book.create_sheet(NOTES_SHEET)
    notes.append(["Column", "Needed", "Takes", "What it means", "Also understood as"])
    for column in columns.OF_KIND[kind]:
        notes.append(
            [
                title(column),
                "yes" if column.required else "",
                takes(column),
                MEANINGS[column.field],
                ", ".join(column.headings[:8]),
            ]
        )
    for place, width in enumerate((22, 8, 34, 70, 60), start=1):
        notes.column_dimensions[get_column_letter(place)].width = width
    for row in notes.iter_rows():
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if cell.row == 1:
                cell.font, cell.fill = head["font"], head["fill"]
    notes.freeze_panes = "A2"
    with whole_file(out) as file:
        book.save(file)


CHOICES: dict[str, tuple[str, ...]] = {
    "unit": ("mL", "g", "IU", "each"),
    "dose_class": ("single_dose", "multi_dose", "pharmacy_bulk", "kit", "none"),
    "kind": ("injectable", "topical", "consumable", "retail"),
    "line_kind": ("product", "component"),
    "sterile": ("yes", "no"),
    "prescription_only": ("yes", "no"),
    "preferred": ("yes", "no"),
}


def title(column: Column) -> str:
    """A field as the header of a template."""
    words = {"sku": "SKU", "gtin": "GTIN", "pack_gtin": "Pack GTIN", "total_volume_ml": "Total volume mL"}
    return words.get(column.field, column.field.replace("_", " ").capitalize())


def takes(column: Column) -> str:
    """What may stand in the cells of a column."""
    if choices := CHOICES.get(column.field):
        return f"one of {', '.join(choices)}"
    if column.dated:
        return "a date; month and year alone mean the last day" if column.month_alone else "a date"
    if column.money:
        return "an amount in the clinic's currency"
    if column.numeric:
        return "a number"
    return "a whole number" if column.field in WHOLE else "text"


WHOLE = frozenset(
    {"containers", "pack_containers", "minimum_packs", "lead_days", "in_use_hours", "shelf_life_months"}
)


def _format(column: Column) -> str:
    if column.dated:
        return "yyyy-mm-dd"
    if column.numeric:
        return "0.00##"
    return "0" if column.field in WHOLE else "@"
