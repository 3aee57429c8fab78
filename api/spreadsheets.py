"""Spreadsheets that we write: rows that stream to disk, where text stays text and sums are formulas.

Cells are written as the file format has them. A number is written with all its decimals (12.50 is `12.50`
in the file; a spreadsheet then reckons in binary with 15 digits, which is exact enough for cents below ten
billion). A formula is written with its answer, so that a preview which does not reckon shows it all the same.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache, partial
from tempfile import SpooledTemporaryFile
from typing import IO
from xml.sax.saxutils import escape

MOST_ROWS = 1_048_576  # of one sheet, in every spreadsheet program
MOST_CHARACTERS = 32_767  # of one cell
IN_MEMORY = 4_000_000  # bytes of a sheet, before it goes to disk
WIDEST, NARROWEST = 60, 9
FIRST_DAY = date(1899, 12, 30)  # day 0 of a spreadsheet's calendar
FIRST_SAFE_DAY = date(1900, 3, 1)  # before it, spreadsheets believe in a 29 February 1900

FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ESCAPE_LOOKALIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
LIVE = re.compile("[\\s\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""How a text begins that a spreadsheet, or the csv saved from it, would take for a formula."""


class Look(StrEnum):
    """What a cell holds, and so how it is shown."""

    TEXT = "text"
    QUOTED = "quoted"  # text that would be live elsewhere: marked as text for good
    DATE = "date"
    INSTANT = "instant"
    MONEY = "money"
    BALANCE = "balance"  # money that says 0.00 where it is nothing
    AMOUNT = "amount"  # money whose currency stands beside it
    UNIT_COST = "unit_cost"
    QUANTITY = "quantity"
    WHOLE = "whole"
    KEY = "key"  # a number that counts nothing


class Role(StrEnum):
    """What a row is in its table."""

    BODY = "body"
    HEADER = "header"
    TOTAL = "total"
    TITLE = "title"
    NOTE = "note"


OVERHANGING = frozenset({Role.TITLE, Role.NOTE})  # they run over the empty cells beside them
NUMBERS = frozenset(Look) - {Look.TEXT, Look.QUOTED, Look.DATE, Look.INSTANT}
SIGNED = frozenset({Look.MONEY, Look.BALANCE, Look.UNIT_COST})  # these show the currency
DECIMALS = {Look.UNIT_COST: 6, Look.QUANTITY: 4, Look.WHOLE: 0, Look.KEY: 0}  # the rest shows cents


@dataclass(frozen=True, slots=True)
class Formula:
    """A live formula, without its equals sign, and the answer that it must give."""

    text: str
    answer: Decimal | int | str | date


Value = str | int | Decimal | date | datetime | Formula | None
Styles = Mapping[tuple[Look, Role], int]


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, how it is shown, and what its row is."""

    value: Value
    look: Look = Look.TEXT
    role: Role = Role.BODY


@dataclass
class Sheet:
    """One sheet: its rows as the file has them, spooled to disk when they are many."""

    title: str
    styles: Styles
    frozen: str = "A2"  # the first cell that scrolls
    widest: int = WIDEST
    filter_to: str = ""  # what the filter arrows span
    alarms: list[str] = field(default_factory=list)  # ranges that turn red when they are not zero
    rows: int = 0
    widths: list[int] = field(default_factory=list)
    spool: IO[bytes] = field(repr=False, default_factory=partial(SpooledTemporaryFile, IN_MEMORY))

    def append(self, cells: Sequence[Cell | None]) -> int:
        """Add a row and answer its number; None leaves a cell empty."""
        self.rows += 1
        self.widths += [NARROWEST] * (len(cells) - len(self.widths))
        parts = [f'<row r="{self.rows}">']
        for place, cell in enumerate(cells):
            if cell is not None:
                parts.append(rendered(f"{letters(place)}{self.rows}", cell, self.styles))
                if cell.role not in OVERHANGING:
                    self.widths[place] = max(self.widths[place], min(_width(cell), self.widest))
        parts.append("</row>")
        self.spool.write("".join(parts).encode())
        return self.rows

    @property
    def span(self) -> str:
        """The rectangle that holds everything."""
        return f"A1:{letters(max(len(self.widths), 1) - 1)}{max(self.rows, 1)}"

    def reference(self, place: int, first: int, last: int) -> str:
        """The address of part of a column, for formulas on any sheet."""
        name = self.title.replace("'", "''")
        return f"'{name}'!${letters(place)}${first}:${letters(place)}${last}"


@cache
def letters(place: int) -> str:
    """The name of a column, from 0: A, B, ..., Z, AA."""
    before, last = divmod(place, 26)
    return (letters(before - 1) if before else "") + chr(ord("A") + last)


def rendered(reference: str, cell: Cell, styles: Styles) -> str:
    """One cell as the file format has it; text is always marked as text, whatever it begins with."""
    value, look = cell.value, cell.look
    formula = ""
    if isinstance(value, Formula):
        formula, value = f"<f>{escape(value.text)}</f>", value.answer
    if isinstance(value, str):
        if not formula and LIVE.match(value):
            look = Look.QUOTED
        style = styles[look, cell.role]
        if formula:
            return f'<c r="{reference}" s="{style}" t="str">{formula}<v>{_xml(value)}</v></c>'
        return f'<c r="{reference}" s="{style}" t="inlineStr"><is><t{_kept(value)}>{_xml(value)}</t></is></c>'
    style = styles[look, cell.role]
    if value is None:
        return f'<c r="{reference}" s="{style}"/>'
    if isinstance(value, date) and _day(value) < FIRST_SAFE_DAY:
        return rendered(reference, Cell(value.isoformat(), Look.TEXT, cell.role), styles)
    return f'<c r="{reference}" s="{style}">{formula}<v>{_number(value)}</v></c>'


def plain_text(text: str) -> str:
    """The text without what a spreadsheet file cannot hold; what is lost shows as a replacement mark."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return FORBIDDEN.sub("\ufffd", lines)[:MOST_CHARACTERS]


@lru_cache(maxsize=8192)
def _xml(text: str) -> str:
    # "_x0041_" is how a file writes the character 0041; a text that really says so is written another way.
    return escape(ESCAPE_LOOKALIKE.sub("_x005F_", plain_text(text)))


def _kept(text: str) -> str:
    return ' xml:space="preserve"' if text != text.strip() or "\n" in text or "\r" in text else ""


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _number(value: int | Decimal | date) -> str:
    if isinstance(value, datetime):
        assert value.tzinfo is not None, value
        moment = value.astimezone(UTC)
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        return f"{(moment.date() - FIRST_DAY).days + Decimal(seconds) / 86400:.10f}"
    if isinstance(value, date):
        return str((value - FIRST_DAY).days)
    return format(value, "f") if value else "0"


def _width(cell: Cell) -> int:
    value = cell.value.answer if isinstance(cell.value, Formula) else cell.value
    if value is None:
        return 0
    if cell.look in NUMBERS and isinstance(value, int | Decimal):
        whole = len(str(int(value)))
        return whole + whole // 3 + DECIMALS.get(cell.look, 2) + (6 if cell.look in SIGNED else 4)
    if isinstance(value, str):
        # A header has the arrow of the filter beside it.
        longest = max(map(len, value.split("\n"))) + (4 if cell.role is Role.HEADER else 2)
        return longest
    return 18 if isinstance(value, datetime) else 13
