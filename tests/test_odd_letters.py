"""Papers and workbooks in any script: each is made, whatever letters the names in it have."""

import csv
import io
from decimal import Decimal

import pypdfium2
import pytest

from api import auth, conversion_sheet
from api.auth import Role
from api.spreadsheets import LIVE
from pricing.conversion import ConversionRow
from tests.calls import NEW_ITEM, NOW, Clinic
from tests.test_api_sites import RECEIPT

NAMES = {
    "Chinese": "透明质酸 2 %",
    "Arabic": "حمض الهيالورونيك",
    "emoji": "Hyaluronic 💉👩🏽‍⚕️",
    "of no script": "Hyaluronic \U00062039 \ue000",
}


@pytest.mark.parametrize("script", NAMES)
def test_every_paper_is_made_whatever_letters_a_name_has(here: Clinic, script: str):
    name = NAMES[script]
    here.made("/items", NEW_ITEM | {"name": name})
    here.made("/suppliers", {"code": "ODD", "name": name, "lead_days": 3})
    lot = here.made("/receipts", RECEIPT | {"sku": "VITC-5", "lot_number": "V1", "site": "MAIN"})["lot"]["id"]
    here.made(f"/lots/{lot}/quarantine", {"reason": name})
    offer = {"sku": "VITC-5", "supplier": "ODD", "pack_containers": 10, "pack_price": "9.00"}
    here.made("/offers", offer | {"valid_from": "2026-01-01"})
    lines = [{"sku": "VITC-5", "packs": 1}]
    order = here.made("/purchase-orders", {"supplier": "ODD", "site": "MAIN", "lines": lines})
    count = here.made("/counts", {"site": "MAIN"})["id"]

    for path in (
        f"/lots/{lot}/recall-report.pdf",
        f"/purchase-orders/{order['id']}/order.pdf",
        f"/purchase-orders/{order['id']}/order.xlsx",
        f"/counts/{count}/sheet.pdf",
        f"/counts/{count}/sheet.xlsx",
        "/exports/accounting.xlsx?from=2026-01-01&to=2026-01-31",
    ):
        answer = here.get(path)
        assert answer.status_code == 200, (path, answer.text[:200])
        if path.endswith(".pdf"):
            pages = pypdfium2.PdfDocument(answer.data)
            assert "VITC-5" in "".join(page.get_textpage().get_text_range() for page in pages), path


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", " =1", "\uff1d1"])
def test_no_cell_of_a_csv_is_run_by_a_spreadsheet_that_opens_it(here: Clinic, name: str):
    here.made("/suppliers", {"code": "ODD", "name": name.strip(), "lead_days": 3})
    with here.database.write.begin() as db:
        here.tokens[Role.ADMIN] = auth.issue_token(db, name.strip(), role=Role.ADMIN, at=NOW)
    here.made("/items", NEW_ITEM | {"name": name.strip()}, role=Role.ADMIN)

    trail = here.get("/exports/audit-trail.csv").text
    row = ConversionRow(name, 1, 0, 1, 1, 0, 0, Decimal("-5.00"), Decimal("5.00"))
    conversion = conversion_sheet.as_csv([row])

    assert f"'{name.strip()}" in trail
    assert [
        cell
        for text in (trail, conversion)
        for line in csv.reader(io.StringIO(text))
        for cell in line
        if LIVE.match(cell) and cell != "-5.00"
    ] == []  # an amount below zero is a number
