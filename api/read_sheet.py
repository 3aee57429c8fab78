"""Read the first visible sheet of a workbook from standard input and write its rows as JSON.

Run as a process of its own by `tables`: the parser allocates what the file asks for, and when that is
too much it ends the process it runs in. Exit status 3 says that the file is no readable workbook.
"""

import contextlib
import io
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

MOST_MEMORY = 768 * 1024 * 1024
MOST_SECONDS = 20


def main() -> int:
    """Answers the exit status."""
    _limit()
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        rows = _rows(book, int(sys.argv[1]))
    except (CalamineError, ValueError, OSError):
        return 3
    sys.stdout.write(json.dumps(rows, default=_tagged))
    return 0


def _rows(book: CalamineWorkbook, most: int) -> Sequence[Sequence[object]]:
    for index, sheet in enumerate(book.sheets_metadata):
        if sheet.visible is SheetVisibleEnum.Visible and sheet.typ is SheetTypeEnum.WorkSheet:
            # Empty rows above the list are kept: people count them.
            rows = book.get_sheet_by_index(index).to_python(skip_empty_area=False, nrows=most)
            if rows:
                return rows
    return []


def _tagged(value: object) -> dict[str, str]:
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return {"time": str(value)}  # a time of day or a duration: no list has one


def _limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


if __name__ == "__main__":
    raise SystemExit(main())
