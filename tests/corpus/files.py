"""The bodies and files of the corpus, made of what its lines say."""

import base64
import io
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl

OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SHEET = "xl/worksheets/sheet1.xml"


def body(case: dict[str, Any]) -> bytes | None:
    """What a case sends besides JSON; nothing where it sends none."""
    if "file" in case:
        return made(case["file"])
    if "text" in case or "repeat" in case:
        return content(case.get("text", {"repeat": case.get("repeat")}), case.get("encoding", "utf-8"))
    return base64.b64decode(case["base64"]) if "base64" in case else None


def content(what: Any, encoding: str = "utf-8") -> bytes:
    """Text as it stands, or pieces so and so often; half a character stays half."""
    if isinstance(what, str):
        return what.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "strict")
    if "base64" in what:
        return base64.b64decode(what["base64"])
    return b"".join(content(piece, encoding) * times for piece, times in what["repeat"])


def made(file: dict[str, Any]) -> bytes:
    """A file: `old` begins as Office did before 2007, `zip` is a package of such parts, `rows` a workbook
    of such rows; some of its `parts` may be others."""
    if "old" in file:
        return OLD_OFFICE + file["old"].encode("utf-16-le") + bytes(600)
    if "zip" in file:
        return _zipped({name: content(part) for name, part in file["zip"].items()})
    data = _workbook(file)
    if "parts" in file:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = {name: package.read(name) for name in package.namelist()}
        data = _zipped(parts | {name: content(part) for name, part in file["parts"].items()})
    if "cut" in file:
        data = data[: int(len(data) * file["cut"])]
    if "damage" in file:
        data = bytes(byte ^ (0xFF if place % file["damage"] == 99 else 0) for place, byte in enumerate(data))
    return content(file.get("before", "")) + data + content(file.get("after", ""))


def _workbook(file: dict[str, Any]) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    if file.get("since_1904"):
        book.epoch = datetime(1904, 1, 1)  # noqa: DTZ001  (a spreadsheet knows no zones)
    for row in file["rows"]:
        page.append([_cell(value) for value in row])
    for area in file.get("merge", ()):
        page.merge_cells(area)
    for name, rows in file.get("sheets", {}).items():
        other = book.create_sheet(name)
        for row in rows:
            other.append([_cell(value) for value in row])
    if "state" in file:
        if len(book.worksheets) == 1:
            book.create_sheet("Other")
        page.sheet_state = file["state"]
    for row in file.get("hidden_rows", ()):
        page.row_dimensions[row].hidden = True
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _cell(value: Any) -> Any:
    return date.fromisoformat(value["day"]) if isinstance(value, dict) else value


def _zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, part in parts.items():
            package.writestr(name, part)
    return file.getvalue()
