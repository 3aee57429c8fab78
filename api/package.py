"""Packing a workbook: openpyxl makes the package, styles and settings; the rows stream into it.

openpyxl writes a row of twenty cells in half a millisecond and a formula without its answer; written by
`spreadsheets` the rows cost a fortieth of that, and take no memory. Everything else is openpyxl's own.
"""

import errno
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from math import ceil
from pathlib import Path
from typing import IO, Any

from api.spreadsheets import IN_MEMORY, NUMBERS, Chart, Look, Role, Sheet, letters, plain_text
from inventory.errors import Conflict

INK, PAPER, RULE, RED = "1F3A4D", "E8EEF2", "9FB3C1", "C0392B"
MARKS = {"USD": "[$$-409]", "EUR": "[$€-2] ", "GBP": "[$£-809]", "JPY": "[$¥-411]"}
DASH = '"–"'  # in long lists a nothing is easier to read over than a 0.00
PAGE = 230  # characters across a printed page before it is too small to read
PORTRAIT = 130  # characters up to which a page stands upright
COMPRESSION = 4
CHARTS_TO, CHARTS_DOWN, CHARTS_ACROSS = "R", 38, 100  # how far charts beside a sheet's rows reach
MOST_ABOUT = 120  # characters of a title: a footer holds 255

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

SHEET_DATA = re.compile(rb"<sheetData\s*/>|<sheetData>\s*</sheetData>")
DIMENSION = re.compile(rb'<dimension ref="[^"]*"\s*/>')


def formats(currency: str) -> dict[Look, str]:
    """How each kind of value is shown; money with the sign or the code of its currency, minus in red."""
    from babel.numbers import get_currency_precision

    mark = MARKS.get(currency, f"[${currency}] ")
    shown = {
        Look.KEY: "0",
        Look.TEXT: "@",
        Look.QUOTED: "@",
        Look.DATE: "yyyy-mm-dd",
        Look.INSTANT: "yyyy-mm-dd hh:mm",
    }
    numbers = {
        Look.MONEY: (f"{mark}#,##0.00", DASH),
        Look.BALANCE: (f"{mark}#,##0.00", f"{mark}0.00"),
        Look.AMOUNT: ("#,##0.00", "0.00"),
        Look.UNIT_COST: (f"{mark}#,##0.00####", DASH),
        Look.QUANTITY: ("#,##0.00##", DASH),
        Look.WHOLE: ("#,##0", "0"),
    }
    found = shown | {look: f"{some};[Red]-{some};{none}" for look, (some, none) in numbers.items()}
    if not get_currency_precision(currency):  # no cents: JPY
        for look in (Look.MONEY, Look.BALANCE, Look.AMOUNT):
            found[look] = found[look].replace("0.00", "0")
    return found


class Book:
    """A workbook that is being written: its sheets in their order, its styles, and then the file."""

    def __init__(
        self,
        *,
        title: str,
        subject: str,
        author: str,
        currency: str,
        at: datetime,
        folder: Path | None = None,
    ) -> None:
        import openpyxl

        self.folder = folder  # where what is half written is kept: where the whole will be
        self.at = at.astimezone(UTC).replace(microsecond=0)
        self.sheets: list[Sheet] = []
        self._book: Any = openpyxl.Workbook()
        self.styles = _register(self._book, formats(currency))
        about = self._book.properties
        about.title, about.subject = _one_line(title), _one_line(subject)
        about.creator = about.lastModifiedBy = _one_line(author)
        about.category, about.keywords = "Accounts", "stock, cost, journal"
        about.description = "Totals are formulas over the lists; the sheet Control shows that all agrees."
        about.created = about.modified = self.at.replace(tzinfo=None)

    def sheet(self, title: str, *, frozen: str = "A2", after: Sheet | None = None) -> Sheet:
        """A new sheet, at the end or after another."""
        spool = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=self.folder)  # noqa: SIM115  (with the sheet)
        made = Sheet(title, self.styles, frozen=frozen, spool=spool)
        self.sheets.insert(len(self.sheets) if after is None else self.sheets.index(after) + 1, made)
        return made

    def save(self, out: IO[bytes]) -> None:
        """Write the file. The same rows and the same `at` give the same bytes."""
        from openpyxl.writer.excel import ExcelWriter

        self._book.remove(self._book.active)
        for sheet in self.sheets:
            _prepare(self._book.create_sheet(sheet.title), sheet, footer=self._book.properties.title)
        frame = io.BytesIO()
        # Not Workbook.save, which would write the hour of the day into the file.
        writer = ExcelWriter(self._book, zipfile.ZipFile(frame, "w"))
        writer.write_worksheet = partial(_frame, writer)  # type: ignore[method-assign]
        writer.save()
        parts = {f"xl/worksheets/sheet{number}.xml": sheet for number, sheet in enumerate(self.sheets, 1)}
        with (
            zipfile.ZipFile(frame) as made,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as package,
        ):
            for name in made.namelist():
                # Opened by its name an entry has the package's compression, and no hour of the day.
                with package.open(name, "w", force_zip64=name in parts) as part:
                    if name in parts:
                        _fill(part, made.read(name), parts[name])
                    else:
                        part.write(made.read(name))


class NoRoom(Conflict):
    """The disk, or what the program may write to it, is full."""


@contextmanager
def with_room(what: str) -> Iterator[None]:
    """Says in a sentence that there is no room for what is being written. Raises NoRoom."""
    try:
        yield
    except OSError as full:
        if full.errno not in FULL:
            raise
        raise NoRoom(f"There is no room on the disk to write {what}; nothing of it was kept.") from full


@contextmanager
def whole_file(out: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    """A file to write to that appears under its name only when all went well; else nothing is left."""
    if not isinstance(out, Path):
        with tempfile.TemporaryFile() as made:
            yield made
            made.seek(0)
            shutil.copyfileobj(made, out)
        return
    with tempfile.NamedTemporaryFile(
        dir=out.parent, prefix=f".{out.name}.", suffix=".part", delete=False
    ) as made:
        path = Path(made.name)
        try:
            yield made
            made.close()
            path.chmod(0o640)  # a temporary file is for its maker alone
            path.replace(out)
        except BaseException:
            with suppress(OSError):  # what is still to be written has no more room than what was
                made.close()
            path.unlink(missing_ok=True)
            raise


def _one_line(text: str) -> str:
    return " ".join(plain_text(text).split())[:MOST_ABOUT]


def _frame(writer: Any, sheet: Any) -> None:
    """A sheet before it has its rows. openpyxl would make it in a file, and leave that on a full disk."""
    from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
    from openpyxl.worksheet._writer import WorksheetWriter

    sheet._drawing = SpreadsheetDrawing()
    sheet._drawing.charts, sheet._drawing.images = sheet._charts, sheet._images
    made = WorksheetWriter(sheet, io.BytesIO())
    made.write()
    sheet._rels = made._rels
    writer._archive.writestr(sheet.path[1:], made.read())
    writer.manifest.append(sheet)


def _fill(part: IO[bytes], frame: bytes, sheet: Sheet) -> None:
    """A sheet as openpyxl made it, with its rows where it has none."""
    frame = DIMENSION.sub(f'<dimension ref="{sheet.span}"/>'.encode(), frame)
    before, after = SHEET_DATA.split(frame)
    part.write(before + b"<sheetData>")
    sheet.flush()
    sheet.spool.seek(0)
    shutil.copyfileobj(sheet.spool, part, 1 << 20)
    # A lot number of digits is text on purpose: no green corner that offers to make it a number.
    quiet = f'<ignoredErrors><ignoredError sqref="{sheet.span}" numberStoredAsText="1"/></ignoredErrors>'
    # The schema has an order: what is drawn comes behind it.
    behind = b"<drawing" if b"<drawing" in after else b"</worksheet>"
    part.write(b"</sheetData>" + after.replace(behind, quiet.encode() + behind, 1))


def _prepare(page: Any, sheet: Sheet, *, footer: str) -> None:
    """Frozen headers, filters, widths, print settings; what is not zero in an alarm turns red."""
    from openpyxl.formatting.rule import CellIsRule
    from openpyxl.styles import Font, PatternFill
    from openpyxl.worksheet.page import PageMargins

    page.freeze_panes = sheet.frozen
    page.sheet_view.showGridLines = False
    page.sheet_view.zoomScale = 90
    for place, width in enumerate(sheet.widths):
        page.column_dimensions[letters(place)].width = width
    if sheet.filter_to:
        page.auto_filter.ref = sheet.filter_to
        page.print_title_rows = "1:1"
        if sheet.frozen > "B":
            page.print_title_cols = f"A:{letters(ord(sheet.frozen[0]) - ord('B'))}"
    for chart in sheet.charts:
        page.add_chart(_drawn(page, chart), chart.at)
    page.print_area = f"A1:{CHARTS_TO}{max(sheet.rows, CHARTS_DOWN)}" if sheet.charts else sheet.span
    across = sum(sheet.widths) + (CHARTS_ACROSS if sheet.charts else 0)
    page.page_setup.orientation = "portrait" if across < PORTRAIT else "landscape"
    page.page_setup.paperSize = page.PAPERSIZE_A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = ceil(across / PAGE) or 1, 0
    page.page_margins = PageMargins(left=0.4, right=0.4, top=0.5, bottom=0.7)
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.oddFooter.left.text, page.oddFooter.center.text = footer.replace("&", "&&"), "&A"
    page.oddFooter.right.text = "&P / &N"
    for alarm in sheet.alarms:
        wrong = {"font": Font(color="FFFFFF", bold=True), "fill": PatternFill("solid", bgColor=RED)}
        page.conditional_formatting.add(alarm, CellIsRule(operator="notEqual", formula=["0"], **wrong))


def _drawn(page: Any, chart: Chart) -> Any:
    """A chart of the workbook's own: it follows the cells, and looks as the sheets do."""
    from openpyxl.chart import BarChart, Reference
    from openpyxl.chart.shapes import GraphicalProperties
    from openpyxl.drawing.line import LineProperties

    made = BarChart()
    made.type = "bar" if chart.lying else "col"
    made.title, made.legend, made.gapWidth = chart.title, None, 60
    made.height, made.width = 8.5, 17
    columns = {side: ord(getattr(chart, side)) - ord("A") + 1 for side in ("labels", "values")}
    values = Reference(page, min_col=columns["values"], min_row=chart.first, max_row=chart.last)
    made.add_data(values, titles_from_data=False)
    made.set_categories(Reference(page, min_col=columns["labels"], min_row=chart.first, max_row=chart.last))
    made.series[0].graphicalProperties.solidFill = INK
    made.x_axis.delete = made.y_axis.delete = False
    made.y_axis.numFmt = "#,##0"
    made.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill=PAPER))
    if chart.lying:
        made.x_axis.scaling.orientation = "maxMin"  # the first row on top
        made.y_axis.crosses = "max"
    return made


def _register(book: Any, shown: dict[Look, str]) -> dict[tuple[Look, Role], int]:
    """Every look in every role as a style of the book, by its number there."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    rule = Side(style="thin", color=RULE)
    styles = {}
    for look, number_format in shown.items():
        for role in Role:
            cell = book.active.cell(1, 1)
            cell.number_format = "@" if role in (Role.HEADER, Role.TITLE) else number_format
            cell.quotePrefix = look is Look.QUOTED
            cell.alignment = Alignment(
                horizontal="right" if look in NUMBERS else "left",
                vertical="top" if role is Role.BODY else "center",
                indent=0 if look in NUMBERS or role is Role.TITLE else 1,
            )
            cell.fill, cell.border, cell.font = PatternFill(), Border(), Font(name="Calibri", size=11)
            if role is Role.HEADER:
                cell.font = Font(name="Calibri", size=11, bold=True, color="FFFFFF")
                cell.fill = PatternFill("solid", fgColor=INK)
            elif role is Role.TOTAL:
                cell.font = Font(name="Calibri", size=11, bold=True)
                cell.fill = PatternFill("solid", fgColor=PAPER)
                cell.border = Border(top=rule, bottom=rule)
            elif role is Role.TITLE:
                cell.font = Font(name="Calibri", size=16, bold=True, color=INK)
            elif role is Role.NOTE:
                cell.font = Font(name="Calibri", size=10, italic=True, color="5B6B76")
            styles[look, role] = cell.style_id
            del book.active._cells[1, 1]
    return styles
