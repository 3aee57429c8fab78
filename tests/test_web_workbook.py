"""The workbook page: written while its maker sees how far it is, for them alone, and never half."""

import time
from datetime import date
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from api.auth import Role
from api.web import workbooks
from tests.deliveries import received
from tests.pages import Browser, House, said

pytest_plugins = ("tests.calls", "tests.pages")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program keeps the workbooks of this test."""
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path))
    return tmp_path


def accountant(house: House) -> Browser:
    return house.as_(Role.ACCOUNTANT)


def begun(browser: Browser) -> str:
    """Start the workbook of this month; answers its address."""
    fields = browser.hidden(browser.get("/books/workbook"))
    answer = browser.post("/books/workbook", fields)
    assert answer.status_code == 303
    return answer.headers["Location"]


def finished(browser: Browser, address: str) -> str:
    """Wait until the workbook is written; answers what the page says then."""
    for _ in range(300):
        page = said(browser.get(address))
        if "Writing the workbook" not in page:
            return page
        time.sleep(0.05)
    raise AssertionError(page)


def test_the_workbook_is_written_while_its_maker_sees_how_far_it_is(house: House):
    received(house, date(2026, 1, 5))
    browser = accountant(house)

    address = begun(browser)
    page = finished(browser, address)

    assert "The workbook is written" in page
    answer = browser.get(f"{address}/file")
    assert (
        answer.headers["Content-Disposition"] == "attachment; filename=accounting-2026-01-01-2026-01-15.xlsx"
    )
    assert openpyxl.load_workbook(BytesIO(answer.data))["Valuation"]["E2"].value == "A17"


def test_the_part_that_changes_is_sent_alone_and_asks_no_more_when_it_is_done(house: House):
    browser = accountant(house)
    address = begun(browser)
    finished(browser, address)

    part = browser.get(address, **{"HX-Request": "true"}).get_data(as_text=True)

    assert part.strip().startswith("<section")
    assert "hx-get" not in part


def test_a_workbook_is_for_whoever_asked_for_it(house: House):
    address = begun(accountant(house))
    finished(accountant(house), address)

    for path in (address, f"{address}/file"):
        assert house.as_(Role.MANAGER).get(path).status_code == 404


def test_no_other_file_can_be_had_by_its_name(house: House, home: Path):
    (home / "secret.json").write_text("{}")

    for key in ("..%2Fsecret", "secret", "../secret", "a" * 16, "%00" * 16):
        assert accountant(house).get(f"/books/workbook/{key}").status_code == 404


def test_a_workbook_that_fails_leaves_no_file_and_says_so(
    house: House, home: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("api.package.Book.save", fail)
    browser = accountant(house)

    address = begun(browser)
    page = finished(browser, address)

    assert "The workbook was not written" in page
    assert address.rpartition("/")[2] in page
    assert "disk" not in page
    assert browser.get(f"{address}/file").status_code == 404
    assert not list((home / "workbooks").glob("*.xlsx*"))


def test_a_workbook_whose_worker_was_stopped_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbooks, "work", lambda *_, **__: None)
    browser = accountant(house)
    address = begun(browser)
    assert "Writing the workbook" in said(browser.get(address))

    monkeypatch.setattr(workbooks, "SILENT_SECONDS", -1)

    assert "The workbook was not written" in said(browser.get(address))


def test_what_was_kept_for_a_day_is_put_away(house: House, home: Path, monkeypatch: pytest.MonkeyPatch):
    browser = accountant(house)
    address = begun(browser)
    finished(browser, address)

    monkeypatch.setattr(workbooks, "KEPT_SECONDS", -1)
    begun(browser)

    assert browser.get(f"{address}/file").status_code == 404


def test_without_a_script_one_link_waits_for_the_whole_file(house: House):
    received(house, date(2026, 1, 5))

    answer = accountant(house).get("/books/workbook.xlsx?month=2026-01")

    assert openpyxl.load_workbook(BytesIO(answer.data))["Valuation"]["E2"].value == "A17"


def test_who_stops_it_keeps_nothing_of_it(house: House, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbooks, "work", lambda *_, **__: None)
    browser = accountant(house)
    address = begun(browser)
    key = address.rpartition("/")[2]

    answer = browser.post(f"{address}/stop", browser.hidden(browser.get(address)))
    monkeypatch.undo()
    monkeypatch.setenv("VIALBOOK_HOME", str(home))
    with house.database.read():
        workbooks.work(
            house.database, workbooks.Job(key, 0, "2026-01-01", "2026-01-15"), at=house.clock.now, by="test"
        )

    assert answer.headers["Location"] == address
    assert workbooks.json.loads((home / "workbooks" / f"{key}.json").read_text())["state"] == "stopped"
    assert not list((home / "workbooks").glob("*.xlsx*"))
    assert not list((home / "workbooks").glob(".*"))


def test_a_full_disk_is_said_in_a_sentence(house: House, home: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("api.package.Book.save", full)
    browser = accountant(house)

    page = finished(browser, begun(browser))

    assert "There is no room on the disk to write" in page
    assert not list((home / "workbooks").glob("*.xlsx*"))
