"""Tables that people bring: an xlsx or csv file becomes headers and rows, or a refusal that says why not.

A spreadsheet is a zip that a stranger packed. It is inflated and counted before anybody parses it, and
parsed in a child process with bounded memory and time: a file of five kilobytes can name a cell so far
away that a parser runs out of memory and takes the whole server with it.
"""

import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from api import delimited
from api.delimited import EmptyTable as EmptyTable  # who asks for tables finds their refusals here too
from api.delimited import FileTooLarge as FileTooLarge
from api.delimited import UnreadableFile as UnreadableFile
from inventory.errors import Invalid

Cell = str | float | bool | date | datetime | None
"""What a cell holds; spreadsheets give every number as a float, csv gives text only."""

LARGEST_FILE = 5_000_000
MOST_MEMBERS = 200
MOST_INFLATED = 30_000_000
MOST_ROWS = 50_000
MOST_ABOVE = 100  # rows of titles, totals and empty lines beside the list's own
MOST_COLUMNS = 40
READER = Path(__file__).with_name("read_sheet.py")
READER_SECONDS = 30
MARK = "\x01"  # as the reader marks what JSON has no kind for

DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, ValueError)
_DOCTYPE = re.compile(rb"<!\s*DOCTYPE", re.IGNORECASE)


class Unusable(str):
    """A cell in which the spreadsheet shows an error, or keeps a formula that nobody reckoned."""

    __slots__ = ("why",)
    why: str

    def __new__(cls, shown: str, why: str) -> "Unusable":
        """The cell as it is shown, and the sentence that says what is wrong with it."""
        made = super().__new__(cls, shown)
        made.why = why
        return made


@dataclass(frozen=True)
class Row:
    """One line of the table; `number` is the one that people see beside it in their spreadsheet."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """The first row that holds anything, and the rows below it that hold anything."""

    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    number: int = field(default=1, compare=False)  # of the row of headers
    hidden: frozenset[int] = field(default=frozenset(), compare=False)
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = field(default=(), compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)


class UnsafeFile(Invalid):
    """The file carries something that a list has no need of: macros, document types, a password."""


def read_table(name: str, data: bytes) -> Table:
    """Read an xlsx or csv file. Raises FileTooLarge, UnreadableFile, UnsafeFile or EmptyTable."""
    if len(data) > LARGEST_FILE:
        raise FileTooLarge(f"The file has {len(data):,} bytes; at most {LARGEST_FILE:,} are read.")
    if data.startswith(b"PK"):
        _check_package(data)
        return _sheet(data)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnsafeFile("The file has a password or is an old .xls: save it as a plain .xlsx or .csv.")
    if data.startswith((b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"<!DOCTYPE", b"<html")):
        raise UnreadableFile(
            "The file is a picture, a page or a document and no list: save it as .xlsx or .csv."
        )
    if name.lower().endswith((".xlsx", ".xlsm", ".xls", ".ods")):
        raise UnreadableFile("The file is named like a workbook and is none: save it as .xlsx or .csv.")
    rows = delimited.read(data, most_rows=MOST_ROWS + MOST_ABOVE)
    return _table([Row(number, tuple(map(_plain, cells))) for number, cells in rows])


def _table(filled: list[Row], **about: Any) -> Table:
    if len(filled) < 2:
        raise EmptyTable("The file needs a row of headers and at least one row below it.")
    if len(filled) - 1 > MOST_ROWS:
        raise FileTooLarge(f"The file has more than {MOST_ROWS:,} rows; split it.")
    headers, *body = filled
    if widest := max((len(row.cells) for row in filled if len(row.cells) > MOST_COLUMNS), default=0):
        raise FileTooLarge(f"The file has {widest} columns or more; at most {MOST_COLUMNS} are read.")
    names = tuple("" if cell is None else str(cell).strip() for cell in headers.cells)
    return Table(names, tuple(body), number=headers.number, **about)


def _check_package(data: bytes) -> None:
    """Refuse a zip that is no plain workbook, by its real bytes: what its directory says may be a lie."""
    left = MOST_INFLATED
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = package.infolist()
            if len(members) > MOST_MEMBERS:
                raise UnsafeFile(f"The workbook has {len(members)} parts; a list has at most {MOST_MEMBERS}.")
            if any(member.flag_bits & 1 for member in members):
                raise UnsafeFile("The workbook is encrypted: save it without a password.")
            names = {member.filename.lower() for member in members}
            if "[content_types].xml" not in names or "xl/workbook.xml" not in names:
                raise UnreadableFile("The file is a zip and no workbook: save it as .xlsx or .csv.")
            if any("vbaproject" in name or "macrosheets" in name for name in names):
                raise UnsafeFile("The workbook has macros: save it as a plain .xlsx.")
            for member in members:
                content = _inflate(package, member, left)
                left -= len(content)
                # In UTF-16 every other byte is zero.
                if _DOCTYPE.search(content.replace(b"\0", b"")):
                    raise UnsafeFile("The workbook declares a document type, as no spreadsheet does.")
    except (RuntimeError, NotImplementedError) as locked:  # zipfile's words for a password it has not
        raise UnsafeFile("The workbook is encrypted: save it without a password.") from locked
    except DAMAGED as bad:
        raise UnreadableFile("The workbook is damaged: save it again as .xlsx or .csv.") from bad


def _inflate(package: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> bytes:
    with package.open(member) as part:
        content = part.read(left + 1)
        if len(content) > left:
            raise FileTooLarge(f"The workbook unpacks to more than {MOST_INFLATED:,} bytes.")
        return content


def _sheet(data: bytes) -> Table:
    """The first visible sheet that holds anything, read in a child process."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(READER), str(MOST_ROWS + MOST_ABOVE), str(MOST_COLUMNS)],
            input=data,
            capture_output=True,
            timeout=READER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as slow:
        raise FileTooLarge(f"The workbook could not be read in {READER_SECONDS} seconds.") from slow
    if done.returncode == 3:
        raise UnreadableFile("The workbook cannot be read: save it again as .xlsx or .csv.")
    if done.returncode != 0:
        raise FileTooLarge("The workbook spans too many cells: delete what is far from the list.")
    found = json.loads(done.stdout)
    rows = [Row(number, tuple(map(_plain, cells))) for number, cells in found["rows"]]
    return _table(
        rows,
        hidden=frozenset(found["hidden"]),
        merged=tuple((tuple(first), tuple(last)) for first, last in found["merged"]),
        notes=tuple(_notes(found)),
    )


def _notes(found: dict[str, Any]) -> list[str]:
    """What is said of the sheets that were not read."""
    notes = []
    for key, why in (("unseen", "hidden and was"), ("others", "another sheet and was")):
        notes += [f"The sheet {name[:40]!r} is {why} not read." for name in found[key][:5]]
    if notes:
        notes.insert(0, f"The sheet {found['sheet'][:40]!r} was read.")
    return notes


def _plain(cell: Any) -> Cell:
    """A cell as it is: the reader marks dates, errors and formulas; csv has errors as text."""
    if not isinstance(cell, str):
        return cell  # type: ignore[no-any-return]
    if cell.startswith(MARK):
        kind, words = cell[1:2], cell[2:]
        if kind == "d":
            return date.fromisoformat(words)
        if kind == "t":
            return datetime.fromisoformat(words)
        if kind == "f":
            sentence = "has no answer in the file: open it in a spreadsheet and save it, or type the value."
            return Unusable(words, f"the formula {words!r} {sentence}")
        if kind == "e":
            return _error(words)
        return cell[1:]
    if cell.startswith("#") and cell.strip() in ERRORS:
        return _error(cell.strip())
    return cell


ERRORS = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#NV", "#WERT!", "#BEZUG!"}
)


def _error(words: str) -> Unusable:
    return Unusable(words, f"the spreadsheet shows the error {words}: mend its formula, or type the value.")
