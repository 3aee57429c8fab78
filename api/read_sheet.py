"""Read the first visible sheet of a workbook from standard input and write its rows as JSON.

Run as a process of its own by `tables`: the parser allocates what the file asks for, and when that is
too much it ends the process it runs in. Exit status 3 says that the file is no readable workbook.

The parser gives values only. What people must be told besides, it leaves out: which rows are hidden, where
an error stands, which formulas were never reckoned. That is looked up in the sheet's own text.
"""

import contextlib
import io
import json
import posixpath
import re
import sys
import zipfile
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

MOST_MEMORY = 768 * 1024 * 1024
MOST_SECONDS = 20
MOST_MERGED = 10_000
MARK = "\x01"
"""What stands before a cell that JSON has no kind for; a text that begins with it has it twice."""

HIDDEN = re.compile(rb'<(?:\w+:)?row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*\br="(\d+)"')
ERROR = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]{1,3})(\d+)"[^>]*>(?:\s*<(?:\w+:)?f\b[^>]*'
    rb"(?:/>|>[^<]*</(?:\w+:)?f>))?\s*<(?:\w+:)?v>([^<]{0,20})"
)
UNRECKONED = re.compile(
    rb'<(?:\w+:)?c\b(?![^>]*\bt="str")[^>]*\br="([A-Z]{1,3})(\d+)"[^>]*>\s*<(?:\w+:)?f\b[^>]*'
    rb"(?:/>|>([^<]*)</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
Place = tuple[int, int]


def main() -> int:
    """Answers the exit status."""
    _limit()
    data = sys.stdin.buffer.read()
    try:
        found = _sheet(data, most_rows=int(sys.argv[1]), most_columns=int(sys.argv[2]))
    except (CalamineError, ValueError, OSError, KeyError, zipfile.BadZipFile, ElementTree.ParseError):
        return 3
    sys.stdout.write(json.dumps(found))
    return 0


def _sheet(data: bytes, *, most_rows: int, most_columns: int) -> dict[str, Any]:
    """The first visible sheet that holds anything, and what is to be said of the file."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    about = [one for one in book.sheets_metadata if one.typ is SheetTypeEnum.WorkSheet]
    visible = [one for one in about if one.visible is SheetVisibleEnum.Visible]
    found: dict[str, Any] = {
        "rows": [], "hidden": [], "merged": [], "sheet": "", "others": [],
        "unseen": [one.name for one in about if one not in visible],
    }  # fmt: skip
    for one in visible:
        sheet = book.get_sheet_by_name(one.name)
        if found["rows"]:
            if sheet.height:
                found["others"].append(one.name)
            continue
        xml = _text(data, one.name) if sheet.height or len(visible) == 1 else b""
        if rows := _rows(sheet, _said(xml), most_rows=most_rows, most_columns=most_columns):
            found |= {
                "rows": rows,
                "sheet": one.name,
                "hidden": [int(number) for number in HIDDEN.findall(xml)][:most_rows],
                "merged": list(sheet.merged_cell_ranges or ())[:MOST_MERGED],
            }
    return found


def _rows(
    sheet: CalamineSheet, said: dict[int, dict[int, str]], *, most_rows: int, most_columns: int
) -> list[tuple[int, list[Any]]]:
    """The rows that hold anything, with the numbers that people see beside them."""
    rows: list[tuple[int, list[Any]]] = []
    left = [""] * min(sheet.start[1] if sheet.start else 0, most_columns + 1)  # columns before the list
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        row = said.get(number)
        if row is None and not any(cell != "" for cell in cells):
            continue
        kept = left + [cell if type(cell) in (float, bool) else _tagged(cell) for cell in cells]
        if row is not None:
            kept += [""] * (max(row) + 1 - len(kept))
            for place, words in row.items():
                kept[place] = words
        if len(kept) > most_columns:
            while kept and kept[-1] == "":
                kept.pop()
        rows.append((number, kept[: most_columns + 1]))
        if len(rows) > most_rows:
            break
    return rows


def _said(xml: bytes) -> dict[int, dict[int, str]]:
    """Errors and formulas without an answer, by row and column: what stands in such a cell instead."""
    said: dict[int, dict[int, str]] = {}
    if b't="e"' in xml:
        for column, row, words in ERROR.findall(xml):
            said.setdefault(int(row), {})[_place(column)] = f"{MARK}e{words.decode('utf-8', 'replace')}"
    if b"<f" in xml or b":f" in xml:
        for column, row, words in UNRECKONED.findall(xml):
            formula = f"={words.decode('utf-8', 'replace')[:60]}"
            said.setdefault(int(row), {})[_place(column)] = f"{MARK}f{formula}"
    return said


def _place(column: bytes) -> int:
    place = 0
    for letter in column:
        place = place * 26 + letter - 64
    return place - 1


def _text(data: bytes, name: str) -> bytes:
    """The sheet's own text in the package."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        book = ElementTree.fromstring(package.read("xl/workbook.xml"))
        links = ElementTree.fromstring(package.read("xl/_rels/workbook.xml.rels"))
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        for sheet in book.iter():
            if sheet.tag.endswith("}sheet") and sheet.get("name") == name:
                target = targets[sheet.get(f"{OFFICE}id")]
                path = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
                return package.read(posixpath.normpath(path))
    return b""


def _tagged(value: Any) -> Any:
    if isinstance(value, str):
        return MARK + value if value.startswith(MARK) else value
    if isinstance(value, datetime):
        midnight = not (value.hour or value.minute or value.second or value.microsecond)
        return f"{MARK}d{value.date()}" if midnight else f"{MARK}t{value.isoformat()}"
    if isinstance(value, date):
        return f"{MARK}d{value}"
    if isinstance(value, int | float | bool) or value is None:
        return value
    return str(value)  # a time of day or a duration: no list has one


def _limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


if __name__ == "__main__":
    raise SystemExit(main())
