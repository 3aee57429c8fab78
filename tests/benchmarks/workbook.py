"""The workbook: 100,000 movements of twenty columns with formats, ours against openpyxl's streaming writer.

Each is a program of its own, whose rows are ready before the clock starts; what counts is processor time,
and the memory beyond those rows.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from api.listings import Column
from api.spreadsheets import Look, Value
from tests.benchmarks.timing import Figure

AT = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)
LEAST_TIMES = 8.0  # the rows of openpyxl
MOST_MB = 32.0
ITEMS = [(f"MP-{number:03}", f"Hyaluronic complex {number:03}") for number in range(50)]
COLUMNS = (
    Column("Movement", Look.KEY), Column("Date", Look.DATE), Column("Entry"), Column("Act"),
    Column("Item no.", Look.KEY), Column("SKU"), Column("Item"), Column("Lot"), Column("Expires", Look.DATE),
    Column("From"), Column("To"), Column("Flow"), Column("Quantity", Look.QUANTITY), Column("Unit"),
    Column("Stock change", Look.QUANTITY), Column("Unit cost", Look.UNIT_COST),
    Column("Value change", Look.MONEY, total=True), Column("Reason"), Column("By"),
    Column("Recorded (UTC)", Look.INSTANT),
)  # fmt: skip
FORMATS = {
    Look.DATE: "yyyy-mm-dd",
    Look.INSTANT: "yyyy-mm-dd hh:mm",
    Look.QUANTITY: "#,##0.00##",
    Look.UNIT_COST: "#,##0.00####",
    Look.MONEY: "[$$-409]#,##0.00;[Red]-[$$-409]#,##0.00",
    Look.KEY: "0",
}


def lines(count: int) -> Iterator[tuple[Value, ...]]:
    """So many movements, four of an entry."""
    first = date(2025, 1, 1)
    for number in range(count):
        key = number * 7_919 % len(ITEMS)
        quantity = Decimal(number % 90_000 + 1) / 1_000
        value = Decimal(number * 31 % 999_900 + 100) / 100
        at = AT - timedelta(seconds=(count - number) // 4 * 40)
        yield (
            number, first + timedelta(days=number * 700 // count), f"ST-{number // 4}", "session", key,
            *ITEMS[key], f"L{number * 7_907 % 1_000_000:07}", date(2027, 1, 1) + timedelta(days=number % 700),
            "MAIN shelf", "MAIN patient", "used", quantity, "mL", -quantity, Decimal("16.500000"), -value,
            "single dose remainder" if number % 9 == 0 else "drawn", f"person {number % 12}", at,
        )  # fmt: skip


def ours(rows: Iterator[tuple[Value, ...]], out: Path) -> None:
    """As the accountants' workbook writes its movements."""
    from api.listings import Listing
    from api.package import Book, whole_file

    book = Book(title="Bench", subject="Bench", author="bench", currency="USD", at=AT)
    listing = Listing(book, "Movements", COLUMNS)
    for row in rows:
        listing.append(*row)
    listing.finish()
    with whole_file(out) as file:
        book.save(file)


def openpyxl(rows: Iterator[tuple[Value, ...]], out: Path) -> None:
    """The same by openpyxl, streaming; a cell of each column is made once and filled anew."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    page = book.create_sheet("Movements")
    page.freeze_panes = "A2"
    page.append([column.title for column in COLUMNS])
    formats = [FORMATS.get(column.look) for column in COLUMNS]
    for row in rows:
        cells: list[object] = []
        for value, shown in zip(row, formats, strict=True):
            if shown is None:
                cells.append(value)
                continue
            cell = WriteOnlyCell(page, value.replace(tzinfo=None) if isinstance(value, datetime) else value)
            cell.number_format = shown
            cells.append(cell)
        page.append(cells)
    book.save(out)


def measured(writer: str, count: int, out: Path, *, ready: bool = True) -> tuple[float, float]:
    """Processor seconds, and megabytes beyond what was there before; in a program of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.workbook", writer, str(count), str(out), str(ready)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, kilobytes = json.loads(told)
    return seconds, kilobytes / 1024


def figures(folder: Path, *, rows: int) -> Iterator[Figure]:
    """Rows of a processor second, ours and openpyxl's; our memory with so many rows and with ten times."""
    mine, memory = measured("ours", rows, folder / "ours.xlsx")
    theirs, _ = measured("openpyxl", rows // 10, folder / "openpyxl.xlsx")
    yield Figure(
        f"Workbook of {rows:,} movements: openpyxl's processor time ÷ ours",
        theirs * 10 / mine,
        least=LEAST_TIMES,
        unit="times",
    )
    yield Figure(f"Workbook of {rows:,} movements: rows of a processor second", rows / mine, unit="rows")
    yield Figure("  memory beyond its rows", memory, most=MOST_MB, unit="MB")
    _, more = measured("ours", rows * 10, folder / "more.xlsx", ready=False)
    yield Figure(f"  memory of {rows * 10:,} movements that stream", more, most=MOST_MB, unit="MB")


def main() -> None:
    """One writer, in this program: prints what it took."""
    writer, count, out, ready = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4] == "True"
    write = {"ours": ours, "openpyxl": openpyxl}[writer]
    write(iter(list(lines(10))), out)  # what is loaded and made once is not counted
    rows = iter(list(lines(count))) if ready else lines(count)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    write(rows, out)
    took = time.process_time() - start
    print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))


if __name__ == "__main__":
    main()
