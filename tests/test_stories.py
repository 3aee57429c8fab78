"""A clinic's first days, told over HTTP from the first box that is scanned to the accountant's workbook.

Each step is what one person of the clinic does, and what that person then sees. The numbers can be followed
with a pencil: a vial of 3 mL costs 31.50 or 33.00, one of lidocaine 3.20.
"""

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import openpyxl

from api.auth import Role
from inventory import proof
from tests.bad_input import recorded
from tests.office import recalculated, without_answers
from tests.river_street import Story, body, river_street, total

JANUARY = "from=2026-01-01&to=2026-01-31"
STAGES = ["cost", "target", "level", "list", "step", "band", "discount", "tax"]


def test_a_clinic_receives_treats_costs_quotes_and_keeps_its_books(database):
    with river_street(database) as story:
        the_first_days(story)

        with database.read() as db:
            assert proof.verify(db) == []


def the_first_days(story: Story) -> None:
    the_manager_receives_three_lots_by_barcode(story)
    the_practitioner_opens_a_vial_of_lidocaine(story)
    the_practitioner_treats_a_patient(story)
    an_expired_lot_is_kept_apart_and_never_used(story)
    the_manager_costs_a_course_on_three_bases(story)
    the_front_desk_quotes_it_inside_the_markets_band(story)
    the_quote_is_issued_with_a_number(story)
    the_patient_accepts_and_four_sessions_are_planned(story)
    the_need_is_on_the_reorder_list(story)
    the_accountant_exports_a_workbook_that_agrees(story)


def the_manager_receives_three_lots_by_barcode(story: Story) -> None:
    """Step 1. The scanner reads item, lot and expiry; the manager adds how many came and what they cost."""
    story.it_is(15, 9)
    # A lot number has no fixed length: the scanner ends it with GS, unless it stands last.
    boxes = [
        ("]d2010952400000001910A17\x1d17260331", "MP-001", "A17", "2026-03-31", 1, 2, "31.50"),
        ("]d201095240000000191727060010B02", "MP-001", "B02", "2027-06-30", 1, 1, "33.00"),
        ("]d2011952400000067210L01\x1d17271231", "RX-021", "L01", "2027-12-31", 25, 25, "3.20"),
    ]
    short = "Lot A17 of MP-001 is short-dated: 75 of 730 days are left until 2026-03-31, less than 50 %."
    warnings = {"A17": [short]}

    for barcode, sku, lot, expires_on, on_label, came, unit_cost in boxes:
        scan = story.clinic.made("/scans", {"data": barcode})

        assert (scan["item"], scan["lot"], scan["expires_on"]) == (sku, lot, expires_on)
        assert (scan["containers"], scan["doubts"], scan["lot_id"]) == (on_label, [], None)

        receipt = story.clinic.made(
            "/receipts",
            {
                "sku": scan["item"],
                "lot_number": scan["lot"],
                "expires_on": scan["expires_on"],
                "containers": came,
                "unit_cost": unit_cost,
                "supplier": "SUP-01",
                "document": "DN-4711",
                "site": "RIVER",
            },
        )
        story.lots[lot] = receipt["lot"]["id"]

        assert receipt["lot"]["state"] == "released"
        assert receipt["warnings"] == warnings.get(lot, [])

    assert story.clinic.made("/scans", {"data": boxes[0][0]})["lot_id"] == story.lots["A17"]
    assert (story.stock("MP-001")["usable"], story.stock("MP-001")["value"]) == ("9", "96.00")
    assert (story.stock("RX-021")["usable"], story.stock("RX-021")["value"]) == ("500", "80.00")


def the_practitioner_opens_a_vial_of_lidocaine(story: Story) -> None:
    """Step 2. From now on a clock runs: 28 days by the label, whatever the box says (S4)."""
    story.it_is(15, 10)

    vial = story.clinic.made(
        "/opened-vials", {"lot": story.lots["L01"], "site": "RIVER"}, role=Role.PRACTITIONER
    )
    story.vial = vial["id"]

    assert (vial["left"], vial["opened_by"]) == ("20", "Practitioner Person")
    assert datetime.fromisoformat(vial["discard_at"]) == datetime(2026, 2, 12, 15, tzinfo=UTC)
    assert vial["discard_rule"] == "label: 672 h in use"
    [shown] = story.stock("RX-021")["opened"]
    assert (shown["id"], shown["left"]) == (story.vial, "20")


def the_practitioner_treats_a_patient(story: Story) -> None:
    """Step 3. One call: the vial that expires first is drawn, its rest is discarded, lidocaine stays open."""
    story.it_is(15, 11)
    visit = {"patient_ref": "C-1001", "site": "RIVER", "formulation": "F-01", "level": "L5"}

    treated = story.clinic.made("/sessions", visit, role=Role.PRACTITIONER)

    base, lidocaine = treated["uses"]
    # 2.5 mL and the 0.1 mL that stays in needle and syringe; a single-dose vial serves one patient (S3).
    assert (base["lot_number"], base["quantity"], base["discarded"]) == ("A17", "2.6", "0.4")
    assert (lidocaine["opened_vial"], lidocaine["quantity"], lidocaine["discarded"]) == (story.vial, "1", "0")
    assert treated["cost"] is None  # costs are the manager's to see

    seen = story.clinic.seen(f"/sessions/{treated['id']}")
    assert (seen["formulation"], seen["cost"]) == ("F-01 version 2", "31.66")  # 31.50 + 1 mL of 20 at 3.20
    assert [use["value"] for use in seen["uses"]] == ["31.50", "0.16"]
    assert (story.stock("MP-001")["on_hand"], story.stock("RX-021")["on_hand"]) == ("6", "499")


def an_expired_lot_is_kept_apart_and_never_used(story: Story) -> None:
    """Step 4. What came too late is on record and worth its cost, but nobody can be given it (S7)."""
    story.it_is(15, 12)
    late = {"sku": "MP-001", "lot_number": "X09", "expires_on": "2026-01-14", "containers": 1}
    receipt = story.clinic.made("/receipts", late | {"unit_cost": "30.00", "site": "RIVER"})

    assert receipt["lot"]["state"] == "quarantined"
    assert receipt["warnings"] == [
        "Lot X09 expired on 2026-01-14: it was received on 2026-01-15 into quarantine."
    ]
    before = recorded(story.clinic)

    named = {"sku": "MP-001", "quantity": "2.5", "lot": receipt["lot"]["id"], "reason": "it was cheaper"}
    answer = story.clinic.post("/sessions", {"patient_ref": "C-1002", "site": "RIVER", "lines": [named]})

    assert (answer.status_code, answer.json["name"]) == (409, "LotNotUsable")
    assert answer.json["detail"] == (
        "MP-001: lot X09 expired on 2026-01-14; it cannot be used on 2026-01-15."
    )
    assert recorded(story.clinic) == before
    assert (story.stock("MP-001")["on_hand"], story.stock("MP-001")["usable"]) == ("9", "6")


def the_manager_costs_a_course_on_three_bases(story: Story) -> None:
    """Step 5. What the vials on the shelf cost, their average, and what new ones would cost (C4, C5)."""
    story.it_is(15, 13)
    asked = {"protocol": "P-00", "level": "L5", "site": "RIVER", "on": "2026-01-29", "sessions": 4}

    sheet = story.clinic.made("/costings", asked)

    first_lines = [session["lines"][0] for session in sheet["sessions"]]
    assert [line["sku"] for line in first_lines] == ["MP-001"] * 4
    # A17 has one vial left, then comes B02's; the other two have to be bought, at the supplier's price.
    assert [line["actual"] for line in first_lines] == ["31.50", "33.00", "32.00", "32.00"]
    assert {line["replacement"] for line in first_lines} == {"32.00"}
    [short] = [one for one in sheet["shortages"] if one["sku"] == "MP-001"]
    assert (short["session"], short["missing"], short["order_packs"]) == (3, "6", 1)
    kinds = {line["kind"] for line in sheet["sessions"][0]["lines"]}
    assert kinds == {"injectable", "consumable", "topical", "labour", "overhead"}
    for session in sheet["sessions"]:
        for basis in ("actual", "average", "replacement"):
            assert sum(Decimal(line[basis]) for line in session["lines"]) == Decimal(session[basis])
    story.mean_cost = Decimal(sheet["mean"])
    total = sum(Decimal(session["actual"]) for session in sheet["sessions"])
    assert abs(story.mean_cost - total / 4) <= Decimal("0.01")


def the_front_desk_quotes_it_inside_the_markets_band(story: Story) -> None:
    """Step 6. Four prices from 250 to 600, reached in eight stages; the front desk sees no cost (P1, P5)."""
    story.it_is(15, 14)
    body = {
        "protocol": "P-00",
        "level": "L5",
        "site": "RIVER",
        "starts_on": "2026-01-29",
        "sessions": 4,
        "patient_ref": "C-1001",
        "screening": {"allergies": []},
    }

    offered = story.clinic.made("/quotes", body, role=Role.FRONT_DESK)
    story.quote = offered["id"]

    assert (offered["status"], offered["number"]) == ("draft", None)
    assert (offered["band"]["low"], offered["band"]["high"]) == ("250.00", "600.00")
    prices = [Decimal(session["price"]) for session in offered["sessions"]]
    assert len(prices) == 4
    assert all(250 <= price <= 600 for price in prices)
    assert sum(prices) == Decimal(offered["total"]) - Decimal(offered["tax"])
    assert [stage["name"] for stage in offered["stages"]] == STAGES
    assert [stage["amount"] for stage in offered["stages"][:5]] == [None] * 5

    full = story.clinic.seen(f"/quotes/{story.quote}")
    amounts = {stage["name"]: Decimal(stage["amount"]) for stage in full["stages"]}
    assert amounts["cost"] == story.mean_cost
    assert amounts["target"] == 2 * story.mean_cost  # a margin of 50 %
    assert abs(amounts["level"] - amounts["target"] * Decimal("1.3")) <= Decimal(
        "0.005"
    )  # a doctor's premium
    assert amounts["list"] == amounts["level"]  # the clinic has set no price of its own
    assert amounts["step"] % 5 == 0
    assert 0 <= amounts["step"] - amounts["list"] < 5
    assert amounts["band"] == amounts["discount"] == amounts["tax"] == prices[0] == amounts["step"]
    assert all(stage["note"].endswith(".") for stage in full["stages"])


def the_quote_is_issued_with_a_number(story: Story) -> None:
    """Step 7. The first number of the year; what was promised stays as it is for thirty days (P4)."""
    story.it_is(15, 14, 30)
    promised = story.clinic.seen(f"/quotes/{story.quote}")["sessions"]

    issued = story.clinic.made(f"/quotes/{story.quote}/issue", {}, role=Role.FRONT_DESK)

    assert (issued["number"], issued["status"]) == ("Q-2026-00001", "issued")
    assert (issued["issued_on"], issued["valid_until"]) == ("2026-01-15", "2026-02-14")
    assert story.clinic.seen(f"/quotes/{story.quote}")["sessions"] == promised


def the_patient_accepts_and_four_sessions_are_planned(story: Story) -> None:
    """Step 8. Every two weeks from the day that was asked for, at the prices that were quoted (P5)."""
    story.it_is(16, 10)

    accepted = story.clinic.made(f"/quotes/{story.quote}/accept", {}, role=Role.FRONT_DESK)
    story.course = accepted["course"]

    assert accepted["status"] == "accepted"
    course = story.clinic.seen(f"/courses/{story.course}")
    assert [session["planned_on"] for session in course["sessions"]] == [
        "2026-01-29",
        "2026-02-12",
        "2026-02-26",
        "2026-03-12",
    ]
    assert {session["state"] for session in course["sessions"]} == {"planned"}
    assert [session["price"] for session in course["sessions"]] == [
        session["price"] for session in accepted["sessions"]
    ]
    shelf = story.stock("MP-001")
    assert (shelf["usable"], shelf["allocated"], shelf["available"]) == ("6", "12", "-6")


def the_need_is_on_the_reorder_list(story: Story) -> None:
    """Step 9. What the four sessions lack is there: how many packs, from whom, by when and why (O1, O2)."""
    story.it_is(16, 11)

    orders = story.orders()

    vials, numbing = orders["MP-001"], orders["TA-001"]
    assert (vials["usable"], vials["allocated"], vials["order_packs"]) == ("6", "12", 1)
    assert vials["why"].startswith("Order 1 pack of 5 (15 mL) from Northfield Aesthetic Supply by 2026-")
    # 10 g of numbing cream a session, and no tube on the shelf.
    assert (numbing["usable"], numbing["allocated"], numbing["order_packs"]) == ("0", "40", 1)
    assert (numbing["order_by"], numbing["stock_out_on"]) == ("2026-01-22", "2026-01-29")
    assert numbing["why"].startswith(
        "Order 1 pack of 1 (30 g) from Plainview Surgical Supply by 2026-01-22: 0 g usable against 10 needed "
        "by 2026-01-30 (7 days for a delivery, 7 to the next order); waiting until 2026-01-23 would leave a "
        "session short in "
    )
    assert numbing["why"].endswith(" of 100 cases; stock runs out on 2026-01-29.")


def the_accountant_exports_a_workbook_that_agrees(story: Story) -> None:
    """Step 10. The workbook says what the valuation and the journal say, and finds no difference (B3, B5)."""
    story.it_is(31, 18)

    exported = story.clinic.get(f"/exports/accounting.xlsx?{JANUARY}", role=Role.ACCOUNTANT)

    assert exported.status_code == 200
    story.workbook = exported.data
    agrees_with_the_books(openpyxl.load_workbook(BytesIO(story.workbook), data_only=True), story)


def agrees_with_the_books(book: openpyxl.Workbook, story: Story) -> None:
    """Every total is what the interface says, and every difference on Control is zero."""
    valuation = story.clinic.seen("/valuation?on=2026-01-31", role=Role.ACCOUNTANT)
    entries = story.clinic.seen(f"/journal?{JANUARY}&limit=500", role=Role.ACCOUNTANT)["items"]
    lines = [line for entry in entries for line in entry["lines"]]

    # Received 63 + 33 + 80 + 30, less the session's 31.66.
    assert valuation["total"] == "174.34"
    assert total(book, "Valuation", "Value") == Decimal(valuation["total"])
    assert total(book, "Journal", "Debit") == sum(Decimal(line["debit"]) for line in lines)
    assert total(book, "Journal", "Credit") == sum(Decimal(line["credit"]) for line in lines)
    assert total(book, "Cost of treatment", "Cost") == Decimal("31.66")
    assert {row[3] for row in body(book, "Control")} == {0}
    assert {row[4] for row in body(book, "Control")} == {"agrees", "all agree"}


def test_the_workbook_says_the_same_when_libreoffice_reckons_it_anew(database, tmp_path):
    with river_street(database) as story:
        the_first_days(story)
        ours, altered = tmp_path / "ours.xlsx", tmp_path / "altered.xlsx"
        for path in (ours, altered):
            path.write_bytes(story.workbook)
        # Ours without its answers, and once more with a lot that somebody made dearer by hand.
        honest = without_answers(ours)
        altered = without_answers(altered, {("Valuation", "L2"): 31.00})

        right, wrong = recalculated(tmp_path, [honest, altered])

        agrees_with_the_books(right, story)
        assert "DIFFERS" in {row[4] for row in body(wrong, "Control")}
        assert body(wrong, "Control")[-1][4] == "LOOK ABOVE"
