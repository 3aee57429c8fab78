"""The workbook where something is odd: money without cents, ten years, a month to come, a full disk (B5)."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from api import workbook
from api.migrations.tables import every_table
from inventory import clinic
from inventory.database import Database
from tests.month import FIRST, LAST, WRITTEN_AT, small_month
from tests.shelf import BY, NOW

FULL_DISK = """
import resource, sys
from datetime import date, datetime, UTC
from pathlib import Path
from api import journal_files, workbook
from inventory.database import Database
from inventory.errors import Refusal
from pricing.mapping import Software

days = {"since": date(2026, 1, 1), "until": date(2026, 1, 31)}
out = Path(sys.argv[2])
with Database(sys.argv[1]).read() as db:
    db.connection().exec_driver_sql("SELECT 1 FROM movements").all()
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))  # no file may be longer: as a full disk
    for write in (
        lambda: workbook.write_accounting(
            db, out / "books.xlsx", at=datetime(2026, 2, 1, tzinfo=UTC), **days
        ),
        lambda: journal_files.write(db, out / "books.csv", software=Software.XERO, **days),
        lambda: journal_files.write(db, out, software=Software.BEANCOUNT, **days),
    ):
        try:
            write()
        except Refusal as refusal:
            print(refusal)
"""


def written(db, path: Path, since: date = FIRST, until: date = LAST) -> openpyxl.Workbook:
    workbook.write_accounting(db, path, since=since, until=until, at=WRITTEN_AT)
    return openpyxl.load_workbook(path)


def test_a_currency_without_cents_shows_none(db, tmp_path):
    small_month(db)
    clinic.change_setting(db, "currency", "JPY", at=NOW, by=BY)

    book = written(db, tmp_path / "yen.xlsx")

    shown = {
        cell.number_format
        for page in book
        for row in page.iter_rows()
        for cell in row
        if "¥" in cell.number_format
    }
    assert '[$¥-411]#,##0;[Red]-[$¥-411]#,##0;"–"' in shown
    assert not any("0.00;" in one for one in shown)
    assert any("0.00##" in one for one in shown), "what a millilitre costs has its decimals"


def test_it_has_charts_print_areas_titles_properties_and_no_protection(db, tmp_path):
    small_month(db)

    book = written(db, tmp_path / "month.xlsx")

    summary = book["Summary"]
    titles = [chart.title.tx.rich.paragraphs[0].r[0].t for chart in summary._charts]
    assert titles == ["Discarded and wasted, by reason", "Value of stock at the end of each month"]
    for page in book:
        assert page.print_area.replace("$", "").startswith(f"'{page.title}'!A1:")
        assert not page.protection.sheet
        assert page.print_title_rows == (None if page.title == "Summary" else "$1:$1")
    for chart in summary._charts:
        [series] = chart.series
        assert series.val.numRef.f.startswith("'Summary'!$B$")
        first, last = (int(part) for part in series.val.numRef.f.replace("'Summary'!$B$", "").split(":$B$"))
        assert all(
            summary.cell(row, 1).value and summary.cell(row, 2).value for row in range(first, last + 1)
        )
    about = book.properties
    assert (about.title, about.category) == ("Clinic: accounts of stock", "Accounts")
    assert "Control" in about.description


def test_a_month_to_come_has_no_row_and_ten_years_have_all(db, tmp_path):
    small_month(db)

    ahead = written(db, tmp_path / "ahead.xlsx", date(2031, 1, 1), date(2031, 1, 31))
    years = written(db, tmp_path / "years.xlsx", date(2020, 1, 1), date(2029, 12, 31))

    assert ahead["Movements"].max_row == ahead["Journal"].max_row == 1
    assert ahead["Valuation"].max_row > 2, "what is held now is held then, as far as anybody knows"
    assert years["Movements"].max_row > 20
    for path in ("ahead", "years"):
        control = openpyxl.load_workbook(tmp_path / f"{path}.xlsx", data_only=True)["Control"]
        assert {row[4] for row in control.iter_rows(min_row=2, values_only=True)} == {"agrees", "all agree"}


def test_a_full_disk_leaves_no_half_file_and_is_said_in_a_sentence(tmp_path):
    pytest.importorskip("resource", reason="only Unix can limit the length of files")
    address, out = f"sqlite:///{tmp_path}/book.sqlite3", tmp_path / "out"
    database = Database(address)
    every_table().create_all(database.engine)
    with database.write.begin() as db:
        small_month(db)
    database.engine.dispose()
    out.mkdir()

    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, address, str(out)], capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines() == [
        "There is no room on the disk to write books.xlsx; nothing of it was kept.",
        "There is no room on the disk to write the journal for Xero; nothing of it was kept.",
        "There is no room on the disk to write the journal for Beancount; nothing of it was kept.",
    ], done.stderr
    assert list(out.iterdir()) == []
