"""The workbooks of random histories, reckoned anew by LibreOffice: every total, every check (B3, B5).

A history is some days of random acts on what those before it left; each clinic has another cost formula.
There are a hundred; `VIALBOOK_HISTORIES=16` judges fewer, for LibreOffice takes most of a second for each.
"""

import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from python_calamine import CalamineWorkbook

from api import workbook
from api.migrations.tables import every_table
from api.spreadsheets import MOST_ROWS
from inventory import clinic
from inventory.clinic import CostFormula
from inventory.database import Database
from inventory.errors import Refusal
from inventory.ledger import WasteReason
from tests.conftest import rolled_back
from tests.month import WRITTEN_AT, Month, opened_clinic
from tests.office import bare, converted
from tests.shelf import BY, NOW

HISTORIES = int(os.environ.get("VIALBOOK_HISTORIES", "100"))
ACTS = 6
FIRST = date(2026, 1, 1)
WASTE = (WasteReason.BROKEN, WasteReason.EXPIRED, WasteReason.LOST, WasteReason.OTHER)
CONTENT = {"HA": 3, "LIDO": 20, "NEEDLE": 1, "CREAM": 30, "SERUM": 50}
CLINICS = (
    (CostFormula.SPECIFIC, "USD"), (CostFormula.FIFO, "EUR"), (CostFormula.WEIGHTED_AVERAGE, "GBP"),
    (CostFormula.SPECIFIC, "JPY"),
)  # fmt: skip


def act(month: Month, chance: Random, day: date, lots: dict[str, list[str]]) -> None:
    """Something that happens on a day; what cannot be is refused, and the day goes by."""
    sku = chance.choice(list(lots))
    lot, kind = chance.choice(lots[sku]), chance.randrange(8)
    if kind == 0:
        made = f"{sku}{len(lots[sku])}"
        cost = Decimal(chance.randrange(1, 5000)) / 100
        month.clinic.receive(sku, f"{made}  exp 2029-12-31  {chance.randrange(1, 9)} x {cost}", on=day)
        lots[sku].append(made)
    elif kind == 1:
        month.write_off(day, sku, lot, str(CONTENT[sku]), chance.choice(WASTE))
    elif kind == 2:
        month.count(day, sku, lot, str(CONTENT[sku] * chance.choice((-1, 1))))
    elif kind == 3:
        month.send_back(day, sku, lot, str(CONTENT[sku]))
    elif kind == 4:
        month.discard_opened(day, "LIDO")
    else:
        wanted = [f"{chance.choice(list(lots))} {chance.randrange(1, 6)}", "HA 3"][: chance.randrange(1, 3)]
        document = month.treat(day, f"C-{chance.randrange(9)}", *wanted)
        if kind == 7:
            month.reverse(day, document)


def histories(month: Month, chance: Random, count: int, folder: Path, name: str) -> list[Path]:
    """So many months, one after the other, and the workbook of each."""
    lots = {"HA": ["A17"], "LIDO": ["L01"]}
    for sku in ("NEEDLE", "CREAM", "SERUM"):
        month.clinic.receive(sku, f"{sku}0  exp 2029-12-31  9 x 7.77", on=FIRST)
        lots[sku] = [f"{sku}0"]
    made, day = [], FIRST
    for number in range(count):
        since = day
        for _ in range(ACTS):
            day += timedelta(days=chance.randrange(2))
            with month.db.begin_nested() as step:
                try:
                    act(month, chance, day, lots)
                except (Refusal, ValueError):
                    step.rollback()
        path = folder / f"{name}-{number}.xlsx"
        most = MOST_ROWS if number % 8 else 9  # now and then a list goes on over the next sheet
        workbook.write_accounting(month.db, path, since=since, until=day, at=WRITTEN_AT, most_rows=most)
        made.append(path)
        day += timedelta(days=1)
    return made


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The workbooks of all histories."""
    folder, found = tmp_path_factory.mktemp("histories"), []
    for number, (formula, currency) in enumerate(CLINICS):
        database = Database(f"sqlite:///{folder}/{number}.sqlite3")
        every_table().create_all(database.engine)
        with rolled_back(database) as db:
            month = opened_clinic(db, formula=formula)
            clinic.change_setting(db, "currency", currency, at=NOW, by=BY)
            found += histories(
                month, Random(number), HISTORIES // len(CLINICS), folder, f"{formula}-{currency}"
            )
        database.engine.dispose()
    return found


def cells(path: Path) -> dict[tuple[str, int, int], object]:
    """Every cell that is not empty, by sheet, row and column."""
    book = CalamineWorkbook.from_path(str(path))
    return {
        (name, row, column): value
        for name in book.sheet_names
        for row, values in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False))
        for column, value in enumerate(values)
        if value != ""
    }


def test_libreoffice_reckons_every_history_to_the_same_and_their_control_to_zero(
    written: list[Path], tmp_path: Path
):
    reckoned = converted(tmp_path, [bare(path) for path in written])

    formulas = 0
    for path, theirs in zip(written, reckoned, strict=True):
        mine, yours = cells(path), cells(theirs)
        assert mine.keys() == yours.keys()
        for where, value in mine.items():
            if isinstance(value, float) and isinstance(yours[where], float):
                assert yours[where] == pytest.approx(value, abs=1e-6), (path.name, where)
                formulas += 1
            else:
                assert yours[where] == value, (path.name, where)
        results = [
            value for (sheet, row, column), value in yours.items() if sheet == "Control" and column == 4
        ]
        assert set(results) == {"Result", "agrees", "all agree"}, path.name
    assert len(written) == HISTORIES
    assert formulas > 100 * HISTORIES
