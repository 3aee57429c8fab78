"""Tables that people bring: an xlsx or csv file becomes headers and rows, or a refusal that says why not.

A spreadsheet is a zip that a stranger packed. It is inflated and counted before anybody parses it, and
parsed in a child process with bounded memory and time: a file of five kilobytes can name a cell so far
away that a parser runs out of memory and takes the whole server with it.
"""

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from inventory.errors import Invalid

Cell = str | float | bool | date | datetime | None
"""What a cell holds; spreadsheets give every number as a float, csv gives text only."""

LARGEST_FILE = 5_000_000
MOST_MEMBERS = 200
MOST_INFLATED = 30_000_000
MOST_ROWS = 50_000
MOST_COLUMNS = 40
READER = Path(__file__).with_name("read_sheet.py")
READER_SECONDS = 30

DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, ValueError)
_DOCTYPE = re.compile(rb"<!\s*DOCTYPE", re.IGNORECASE)


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


class FileTooLarge(Invalid):
    """The file, or what it unpacks to, is larger than any honest list."""


class UnreadableFile(Invalid):
    """The file is not a table that can be read."""


class UnsafeFile(Invalid):
    """The file carries something that a list has no need of: macros, document types, a password."""


class EmptyTable(Invalid):
    """The file has no headers, or no rows below them."""


def read_table(name: str, data: bytes) -> Table:
    """Read an xlsx or csv file. Raises FileTooLarge, UnreadableFile, UnsafeFile or EmptyTable."""
    if len(data) > LARGEST_FILE:
        raise FileTooLarge(f"The file has {len(data):,} bytes; at most {LARGEST_FILE:,} are read.")
    if data.startswith(b"PK"):
        _check_package(data)
        return _table(_read_sheet(data))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnsafeFile("The file has a password or is an old .xls: save it as a plain .xlsx or .csv.")
    if name.lower().endswith((".xlsx", ".xlsm", ".xls", ".ods")):
        raise UnreadableFile("The file is named like a workbook and is none: save it as .xlsx or .csv.")
    return _table(_read_csv(data))


def _table(rows: list[list[Cell]]) -> Table:
    filled = [
        Row(number, tuple(cells))
        for number, cells in enumerate(rows, start=1)
        if any(cell not in ("", None) for cell in cells)
    ]
    if len(filled) < 2:
        raise EmptyTable("The file needs a row of headers and at least one row below it.")
    if len(filled) - 1 > MOST_ROWS:
        raise FileTooLarge(f"The file has more than {MOST_ROWS:,} rows; split it.")
    headers, *body = filled
    if len(headers.cells) > MOST_COLUMNS:
        raise FileTooLarge(f"The file has {len(headers.cells)} columns; at most {MOST_COLUMNS} are read.")
    return Table(tuple(str(cell).strip() for cell in headers.cells), tuple(body))


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


def _read_sheet(data: bytes) -> list[list[Cell]]:
    """The first visible sheet that holds anything, read in a child process."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(READER), str(MOST_ROWS + 100)],
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
    rows = json.loads(done.stdout, object_hook=_moment)
    assert isinstance(rows, list)
    return rows


def _moment(tagged: dict[str, str]) -> date | datetime | str:
    ((kind, text),) = tagged.items()
    if kind == "date":
        return date.fromisoformat(text)
    return datetime.fromisoformat(text) if kind == "datetime" else text


def _read_csv(data: bytes) -> list[list[Cell]]:
    text = _decode(data)
    if "\0" in text:
        raise UnreadableFile("The file is not text: save it as .xlsx or .csv.")
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=[,;\t]\r?", first):  # Excel's own way to name the separator
        separator, text = first[4], "\n" + rest
    else:
        line = next((line for line in text.splitlines() if line.strip()), "")
        separator = max(",;\t", key=lambda mark: len(next(csv.reader([line], delimiter=mark))))
    rows: list[list[Cell]] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for row in reader:
            rows.append(list(row))
            if len(rows) > MOST_ROWS + 100:
                break
    except csv.Error as bad:
        raise UnreadableFile(f"Row {len(rows) + 1} is not csv ({bad}): check its quotation marks.") from bad
    return rows


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile("The file is not text in UTF-8 or Windows-1252: save it as .xlsx or as CSV UTF-8.")
