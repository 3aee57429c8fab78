"""Importing: a workbook of opening stock, against reading it and inserting its rows and nothing else."""

import io
import json
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
from python_calamine import CalamineWorkbook

from api import imports
from inventory import clinic
from tests.benchmarks import book, receiving, timing
from tests.benchmarks.timing import Figure

MOST_TIMES = 4.0
MOST_MEMORY_MB = 512.0  # of the whole program while it imports the longest list
MEASURED = """
import json, resource, sys
from tests.benchmarks import book, importing
built = book.build(importing.Path(sys.argv[1]), 100, 1_000)
importing.take(built, importing.Path(sys.argv[2]).read_bytes())
kb = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps(kb))  # the parser has ended before the rows are written: they do not add up
"""


def workbook(rows: int, name: str) -> bytes:
    """A list of opening stock as a spreadsheet saves it: lots of fifty items, dates as dates."""
    made = openpyxl.Workbook(write_only=True)
    page = made.create_sheet("Stock")
    page.append(["SKU", "Lot", "Expiry date", "Containers", "Unit cost", "Received"])
    noon = datetime.combine(book.TODAY, datetime.min.time())
    for number in range(rows):
        expires, came = noon + timedelta(days=100 + number % 700), noon - timedelta(days=number % 300)
        line = [f"{name}{number:06}", expires, number % 9 + 1, 16.5 + number % 7, came]
        page.append([book.sku(number % book.ITEMS + 1), *line])
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def take(into: book.Book, data: bytes) -> None:
    """Ours: the file read, every row checked and written, committed."""
    with into.database.write() as db:
        site = clinic.site(db, "MAIN")
        report = imports.run(
            db, "opening-stock", "stock.xlsx", data, partial=False, at=book.NOW, by="bench", site=site
        )
        assert report.imported == report.total, report.rows[:3]
        db.commit()


def figures(folder: Path, *, rows: int, rounds: int = 3) -> list[Figure]:
    """Seconds of an import against its floor, and the memory that the longest takes."""
    into = book.build(folder, 100, 1_000)
    copied = book.copy(into, "imported")
    reader = book.bare(into.path)
    ours, floor = [], []
    for number in range(rounds):
        data, before = workbook(rows, f"N{number}-"), receiving.newest(reader)
        start = time.perf_counter()
        take(into, data)
        middle = time.perf_counter()
        CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
        read = time.perf_counter() - middle
        added = receiving.rows_since(reader, before)
        start_insert = time.perf_counter()
        receiving.insert(copied, added)
        ours.append(middle - start)
        floor.append(read + time.perf_counter() - start_insert)
    copied.close()
    reader.close()
    path = folder / "longest.xlsx"
    path.write_bytes(data)
    return [
        Figure(
            f"{rows:,} rows of opening stock imported from a workbook",
            timing.middle(ours),
            timing.middle(floor),
            MOST_TIMES,
            unit="s",
        ),
        Figure(f"memory of importing {rows:,} rows", memory(folder, path), unit="MB", most=MOST_MEMORY_MB),
    ]


def memory(folder: Path, path: Path) -> float:
    """The most that an import of the file takes, in its own process or in that of the parser."""
    where = folder / "memory"
    where.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, where, path], stdout=subprocess.PIPE, text=True, check=True
    )
    return float(max(json.loads(done.stdout))) / 1024
