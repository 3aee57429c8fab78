"""Text with separators: csv in the encodings and with the marks that spreadsheets write."""

import csv
import io
import re

from inventory.errors import Invalid

MARKS = ",;\t|"
SAMPLE = 20  # lines by which the separator is known


class FileTooLarge(Invalid):
    """The file, or what it unpacks to, is larger than any honest list."""


class UnreadableFile(Invalid):
    """The file is not a table that can be read."""


class EmptyTable(Invalid):
    """The file has no headers, or no rows below them."""


def read(data: bytes, *, most_rows: int) -> list[tuple[int, list[str]]]:
    """The rows that hold anything, numbered as people count them. Raises UnreadableFile.

    Reading ends after one row more than `most_rows`: empty lines beyond all measure cost no memory.
    """
    text = decoded(data)
    if "\0" in text:
        raise UnreadableFile("The file is not text: save it as .xlsx or .csv.")
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=[,;\t|]\r?", first):  # Excel's own way to name the separator
        separator, text = first[4], "\n" + rest
    else:
        separator = _separator(text)
    rows: list[tuple[int, list[str]]] = []
    number = 0
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for row in reader:
            number += 1
            if any(cell and not cell.isspace() for cell in row):
                rows.append((number, row))
                if len(rows) > most_rows:
                    break
    except csv.Error as bad:
        raise UnreadableFile(f"Row {number + 1} is not csv ({bad}): check its quotation marks.") from bad
    return rows


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or Windows-1252. Raises UnreadableFile."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif encoding := _half_empty(data):
        encodings = [encoding]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile("The file is not text in UTF-8 or Windows-1252: save it as .xlsx or as CSV UTF-8.")


def _half_empty(data: bytes) -> str:
    """UTF-16 without its mark: nearly every other byte of a list in it is zero."""
    start = data[:400]
    if len(start) < 8 or len(data) % 2:
        return ""
    for encoding, empty in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if empty.count(0) > len(empty) * 0.8 and start.count(0) < len(start) * 0.6:
            return encoding
    return ""


def _separator(text: str) -> str:
    """The mark that parts the first lines into most cells; a title above the list has none."""
    lines: list[str] = []
    for line in io.StringIO(text[:100_000]):
        if line.strip():
            lines.append(line)
        if len(lines) == SAMPLE:
            break

    def cells(mark: str) -> int:
        try:
            return sum(len(next(csv.reader([line], delimiter=mark))) - 1 for line in lines)
        except csv.Error:
            return sum(line.count(mark) for line in lines)

    return max(MARKS, key=cells)
