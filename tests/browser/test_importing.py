"""Bringing a list in, in a real browser: a file is chosen, tried row by row, mended, taken over, undone."""

import io
from pathlib import Path

import openpyxl
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from api.auth import Role
from inventory.balances import Balance
from inventory.lots import Lot
from tests.browser.clinic import Served
from tests.browser.conftest import Window
from tests.browser.looking import faults

HEAD = ["Item code", "Lot #", "Exp.", "Qty", "Cost each"]


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def choose(page: Page, name: str, content: bytes) -> None:
    """What a person does with the button that opens the machine's own window of files."""
    with page.expect_file_chooser() as opened:
        page.get_by_label("File", exact=True).click()
    opened.value.set_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}  # type: ignore[arg-type]
    )


def test_a_list_is_tried_mended_taken_over_and_undone(at: Served, window: Window, tmp_path: Path):
    bad = workbook(
        HEAD,
        ["MP-001", "IMP-1", "06/2028", 4, 32],
        ["MP-OO1", "IMP-2", "06/2028", 4, 32],
        ["MP-001", "IMP-3", "03/04/2028", 1, 32],
    )
    with window(role=Role.MANAGER) as page:
        page.goto("/imports")
        assert faults(page) == []
        choose(page, "cupboard.xlsx", bad)
        page.get_by_role("button", name="See what would happen").click()

        expect(page.get_by_role("heading", name="Some rows need mending")).to_be_visible()
        expect(page.get_by_text("No item on record is called 'MP-OO1'. Did you mean MP-001")).to_be_visible()
        expect(page.get_by_text("03/04/2028 is read as 4 March 2028")).to_be_visible()
        assert faults(page) == []
        with page.expect_download() as saved:
            page.get_by_role("link", name="Download marked list").click()
        mended = tmp_path / "mended.xlsx"
        saved.value.save_as(mended)

        page.get_by_role("button", name="Import only the 2 good rows").click()
        expect(page.get_by_role("heading", name="It is taken over")).to_be_visible()
        assert faults(page) == []

        book = openpyxl.load_workbook(mended)
        book.active["A3"] = "MP-001"
        book.save(mended)
        page.get_by_role("link", name="Another list").click()
        choose(page, "mended.xlsx", mended.read_bytes())
        page.get_by_role("button", name="See what would happen").click()
        expect(page.get_by_role("heading", name="Every row is good")).to_be_visible()
        expect(page.get_by_text("not added again").first).to_be_visible()
        page.get_by_role("button", name="Import 1 row").click()
        page.get_by_role("link", name="Undo this import").click()
        assert faults(page) == []
        page.get_by_label("Why").fill("The box was counted twice")
        page.get_by_role("button", name="Undo it").click()

        expect(page.get_by_role("status")).to_contain_text("The stock of 1 rows was reversed")
        assert faults(page) == []
    with at.database.read() as db:
        held = sa.select(Lot.number, Balance.quantity).join(Balance, Balance.lot_id == Lot.id)
        assert dict(db.execute(held.where(Lot.number.like("IMP-%"))).all()) == {
            "IMP-1": 12, "IMP-2": 0, "IMP-3": 3,
        }  # fmt: skip


def test_a_file_that_is_no_list_says_so_and_without_a_script_it_works_as_well(at: Served, window: Window):
    with window(role=Role.MANAGER, script=False) as page:
        page.goto("/imports")
        page.get_by_role("button", name="See what would happen").click()
        expect(page.get_by_role("alert")).to_contain_text("Choose a file")
        choose(page, "photo.png", b"\x89PNG\r\n\x1a\n" + bytes(100))
        page.get_by_role("button", name="See what would happen").click()
        for _ in range(20):
            if page.get_by_role("link", name="Look again").count():
                page.get_by_role("link", name="Look again").click()
        expect(page.get_by_role("alert")).to_contain_text("is a picture, a page or a document and no list")
        with page.expect_download() as saved:
            page.goto("/imports")
            page.get_by_role("link", name="Template for Opening stock").click()
        assert saved.value.suggested_filename == "opening-stock-template.xlsx"
