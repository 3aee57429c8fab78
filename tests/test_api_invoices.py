"""Bills, what awaits them, write-downs and the cost formula over HTTP (B1, C1, C3)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api.auth import Role
from inventory import periods
from inventory.database import Database
from seed_data import read, rows
from tests.calls import NOW, Clinic, opened

BOX = {"sku": "HA-3", "lot_number": "A17", "expires_on": "2026-09-30", "containers": 10, "unit_cost": "16.50"}


@pytest.fixture
def here(database: Database) -> Iterator[Clinic]:
    """A clinic of the test's own, with its chart of accounts."""
    from pricing.accounting import Account

    with opened(database) as found:
        with database.write.begin() as db:
            db.add_all(Account(**rows.account(row)) for row in read("chart_of_accounts"))
        yield found


def received(here: Clinic, **more: Any) -> Any:
    return here.made("/receipts", BOX | {"supplier": "SUP-01", "document": "DN-1"} | more)


def bill(receipt: Any, **more: Any) -> dict[str, Any]:
    line = {"receipt": receipt["id"], "containers": 10, "unit_price": "17.00"} | more.pop("line", {})
    return {"supplier": "SUP-01", "number": "R-77", "lines": [line]} | more


def entry(here: Clinic, words: str) -> dict[str, tuple[str, str]]:
    found = [one for one in here.seen("/journal")["items"] if one["description"].startswith(words)]
    return {line["account"]: (line["debit"], line["credit"]) for line in found[-1]["lines"]}


def test_freight_and_duty_are_part_of_what_a_delivery_costs(here):
    receipt = received(here, freight="12.00", duty="3.00", discount="5.00")

    assert (receipt["unit_cost"], receipt["charges"], receipt["value"]) == ("16.50", "10.00", "175.00")
    answer = here.post("/receipts", BOX | {"discount": "200.00"})
    assert (answer.status_code, answer.json["detail"]) == (
        422,
        "The discount of 200.00 is more than the rest of the delivery.",
    )


def test_a_bill_clears_what_was_received_and_its_difference_goes_to_stock_and_to_variance(here):
    receipt = received(here)
    here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "6"}]})
    awaited = here.seen("/goods-received-not-invoiced")
    assert (awaited["total"], awaited["account"], awaited["difference"]) == ("165.00", "165.00", "0.00")

    sent = bill(receipt, freight="8.00", tax="35.60")
    foreseen = here.post("/supplier-invoices?dry_run=true", sent).json
    found = here.made("/supplier-invoices", sent)

    used = 3  # two doses of 3 mL and what is lost on drawing take three containers
    share = f"{13 * used / 10:.2f}"
    assert (found["total"], found["cleared"]) == ("213.60", "165.00")
    assert (found["to_stock"], found["to_variance"]) == ("9.10", share)
    names = ("total", "cleared", "to_stock", "to_variance")
    assert [foreseen[name] for name in names] == [found[name] for name in names]
    assert entry(here, "Supplier invoice") == {
        "1200": ("9.10", "0.00"),
        "1350": ("35.60", "0.00"),
        "2050": ("165.00", "0.00"),
        "5140": (share, "0.00"),
        "2000": ("0.00", "213.60"),
    }
    after = here.seen("/goods-received-not-invoiced")
    assert (after["items"], after["total"], after["difference"]) == ([], "0.00", "0.00")
    assert here.seen("/reconciliation")["difference"] == "0.00"
    assert here.seen(f"/supplier-invoices/{found['id']}") == found
    assert here.seen("/supplier-invoices?supplier=SUP-01")["items"] == [found]


def test_a_number_is_billed_once_and_no_more_than_came(here):
    receipt = received(here)
    here.made("/supplier-invoices", bill(receipt, line={"containers": 4}))

    twice = here.post("/supplier-invoices", bill(receipt, line={"containers": 1}))
    more = here.post("/supplier-invoices", bill(receipt, number="R-78", line={"containers": 7}))
    nothing = here.post("/supplier-invoices", bill(receipt, number="R-79", line={"receipt": 999_999}))

    assert (twice.status_code, twice.json["detail"]) == (
        409,
        "Invoice R-77 of Northfield is on record already, of 2026-01-15.",
    )
    assert (more.status_code, more.json["detail"]) == (
        409,
        "7 of HA-3 are billed; of the 10 that came on 2026-01-15 6 are not invoiced.",
    )
    assert nothing.status_code == 404
    assert here.seen("/goods-received-not-invoiced")["total"] == "99.00"


def test_an_order_s_line_is_billed_over_its_deliveries(here):
    lines = [{"sku": "HA-3", "packs": 1, "pack_containers": 10, "pack_price": "165.00"}]
    order = here.made("/purchase-orders", {"supplier": "SUP-01", "lines": lines})
    here.made(f"/purchase-orders/{order['id']}/send", {})
    for lot, count in (("A17", 6), ("B18", 4)):
        box = {"sku": "HA-3", "lot_number": lot, "expires_on": "2026-09-30", "containers": count}
        came = {"lines": [box], "freight": "1.00"}
        here.made(f"/purchase-orders/{order['id']}/receive", came)

    line = {"order_line": order["lines"][0]["id"], "containers": 10, "unit_price": "16.50"}
    found = here.made("/supplier-invoices", {"supplier": "SUP-01", "number": "R-1", "lines": [line]})

    assert [(one["lot_number"], one["containers"]) for one in found["lines"]] == [("A17", 6), ("B18", 4)]
    assert (found["cleared"], found["to_stock"]) == ("167.00", "-2.00")
    wrong = here.post(
        "/supplier-invoices", {"supplier": "SUP-01", "number": "R-2", "lines": [{"containers": 1}]}
    )
    assert wrong.status_code == 422
    assert wrong.json["errors"] == {"lines": {"0": {"receipt": ["Name either a receipt or an order_line."]}}}


def test_a_bill_that_was_a_mistake_is_taken_back_once_and_its_number_is_free(here):
    receipt = received(here)
    found = here.made("/supplier-invoices", bill(receipt))

    back = here.made(f"/supplier-invoices/{found['id']}/take-back", {"reason": "another clinic's"})

    assert (back["total"], back["cleared"], back["to_stock"]) == ("-170.00", "-165.00", "-5.00")
    assert here.seen(f"/supplier-invoices/{found['id']}")["taken_back"] is True
    assert here.seen("/goods-received-not-invoiced")["total"] == "165.00"
    again = here.post(f"/supplier-invoices/{found['id']}/take-back", {"reason": "once more"})
    assert (again.status_code, again.json["detail"]) == (409, "Invoice R-77 was taken back already.")
    here.made("/supplier-invoices", bill(receipt))


def test_the_front_desk_sees_no_bills(here):
    assert here.get("/supplier-invoices", role=Role.FRONT_DESK).status_code == 403
    assert here.post("/supplier-invoices", {}, role=Role.PRACTITIONER).status_code == 403


def test_short_dated_stock_is_written_down_and_comes_back_only_under_ifrs(here):
    received(here)
    [lot] = here.seen("/write-downs/candidates?within_days=400")["items"]
    assert (lot["value"], lot["net_value"]) == ("165.00", "0.00")

    body = {"lines": [{"lot": lot["lot"], "net_value": "65.00"}], "reason": "expires in September"}
    [done] = here.made("/write-downs", body)["items"]

    assert (done["amount"], done["left"]) == ("100.00", "100.00")
    assert entry(here, "Stock written down") == {"5130": ("100.00", "0.00"), "1200": ("0.00", "100.00")}
    used = here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]})
    assert used["cost"] == "6.50"
    back = {"amount": "90.00", "reason": "a course was sold"}
    refused = here.post(f"/write-downs/{done['id']}/take-back", back)
    assert refused.status_code == 409
    assert refused.json["detail"].startswith("Under US GAAP what was written down is the new cost")
    setting = here.get("/settings/accounting_framework")
    here.call(
        "PUT",
        "/settings/accounting_framework",
        {"value": "ifrs", "reason": "as our accountant says"},
        headers={"If-Match": setting.headers["ETag"]},
    )
    found = here.made(f"/write-downs/{done['id']}/take-back", back)
    assert (found["back"], found["left"]) == ("90.00", "0.00")
    assert here.seen("/reconciliation")["difference"] == "0.00"
    line = {"lot": lot["lot"], "net_value": "900.00"}
    assert here.post("/write-downs", {"lines": [line], "reason": "x"}).status_code == 422


def test_a_write_down_of_an_earlier_day_takes_no_more_than_is_still_held_nor_of_a_lot_that_is_not_there(here):
    received(here)
    [lot] = here.seen("/write-downs/candidates?within_days=400")["items"]
    here.clock.now = NOW + timedelta(days=2)
    here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]})
    earlier = {"on": NOW.date().isoformat(), "reason": "expires in September"}

    gone = here.post("/write-downs", earlier | {"lines": [{"lot": lot["lot"], "net_value": "0"}]})
    unknown = here.post("/write-downs", earlier | {"lines": [{"lot": 10**17 - 1, "net_value": "0"}]})

    assert (gone.status_code, gone.json["name"]) == (422, "NotLower")
    assert gone.json["detail"].endswith("cannot lose 165.00: what is still held of it is worth 148.50.")
    assert (unknown.status_code, unknown.json["name"]) == (404, "UnknownLot")
    some = here.made("/write-downs", earlier | {"lines": [{"lot": lot["lot"], "net_value": "65.00"}]})
    assert some["items"][0]["amount"] == "100.00"
    assert here.seen("/reconciliation")["difference"] == "0.00"


def test_the_cost_formula_changes_between_two_months_after_its_effect_was_shown(here):
    received(here, received_on="2026-01-05")
    received(here, received_on="2026-01-06", lot_number="B18", unit_cost="20.00", expires_on="2026-05-31")
    here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]})
    early = here.get("/cost-formula/effect?formula=fifo")
    assert (early.status_code, early.json["detail"]) == (
        409,
        "Close the month before first: a cost formula changes between two periods.",
    )
    here.clock.now = NOW + timedelta(days=20)
    with here.database.write.begin() as db:
        periods.close(db, NOW.date().replace(day=1), at=here.clock.now, by="mara")

    report = here.seen("/cost-formula/effect?formula=fifo")

    # The second delivery was drawn from, for it expires first; by age the first one's cost has left.
    assert (report["on"], report["before"], report["after"]) == ("2026-02-01", "specific", "fifo")
    assert [(one["before"], one["after"]) for one in report["items"]] == [("345.00", "348.50")]
    body = {"formula": "fifo", "difference": "3.49", "reason": "as the auditor asks"}
    changed = here.post("/cost-formula", body)
    assert (changed.status_code, changed.json["detail"]) == (
        409,
        "The change would now make 3.50 of difference, not 3.49: look at it anew.",
    )
    here.made("/cost-formula", body | {"difference": "3.50"})
    assert entry(here, "Cost formula changed") == {"1200": ("3.50", "0.00"), "3900": ("0.00", "3.50")}
    state = here.seen("/cost-formula")
    assert (state["formula"], state["can_change_on"]) == ("fifo", "2026-02-01")
    assert state["changes"] == [{"on": "2026-02-01", "before": "specific", "after": "fifo"}]
    assert here.seen("/settings/cost_formula")["value"] == "fifo"
    used = here.made("/sessions", {"patient_ref": "P-1", "lines": [{"sku": "HA-3", "quantity": "2"}]})
    assert used["cost"] == "16.50"
    assert here.seen("/valuation?on=2026-01-31")["total"] == "345.00"
    assert here.seen("/roll-forward?from=2026-02-01&to=2026-02-28")["items"][0]["value"]["revalued"] == "3.50"
