"""Ordering over HTTP: from advice to a closed order, by scan and by hand, and what is refused (O3)."""

from typing import Any

from api.auth import Role
from tests.calls import Clinic

LABELS = ["]C1010952123454321310A17", "]C11727063021S1"]  # HA-3, lot A17, good until 2027-06-30


def drafted(here: Clinic, *lines: dict[str, Any], **more: Any) -> Any:
    wanted = lines or ({"sku": "HA-3", "packs": 2, "pack_containers": 10, "pack_price": "165.00"},)
    return here.made("/purchase-orders", {"supplier": "SUP-01", "lines": list(wanted), **more})


def sent(here: Clinic, *lines: dict[str, Any]) -> Any:
    return here.made(f"/purchase-orders/{drafted(here, *lines)['id']}/send", {})


def came(here: Clinic, order: Any, *lines: dict[str, Any], **more: Any) -> Any:
    return here.post(f"/purchase-orders/{order['id']}/receive", {"lines": list(lines), **more})


def by_hand(sku: str, lot: str, containers: int, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "lot_number": lot, "expires_on": "2027-06-30", "containers": containers, **more}


def test_an_order_goes_from_draft_to_closed_and_its_receipts_know_it(here):
    order = drafted(here, note="by courier")
    assert (order["number"], order["state"], order["total"]) == ("PO-00001", "draft", "330.00")
    assert here.get(f"/purchase-orders/{order['id']}").json == order

    order = here.made(f"/purchase-orders/{order['id']}/send", {"expected_on": "2026-01-20"})
    assert (order["state"], order["sent_on"], order["expected_on"]) == ("sent", "2026-01-15", "2026-01-20")
    first = came(here, order, {"labels": LABELS, "containers": 15}, document="DN-1")
    assert first.status_code == 201, first.text
    assert (first.json["state"], first.json["warnings"]) == ("partly_received", [])
    assert first.json["received"][0]["unit_cost"] == "16.50"
    assert first.json["received"][0]["lot"]["number"] == "A17"
    second = came(here, order, by_hand("HA-3", "B18", 5, unit_cost="17.00")).json

    assert second["state"] == "closed"
    (line,) = second["lines"]
    assert (line["ordered"], line["received"], line["open"], line["cancelled"]) == (20, 20, 0, 0)
    assert [(one["containers"], one["extra"]) for one in second["receipts"]] == [(15, 0), (5, 0)]
    assert here.seen(f"/receipts/{second['receipts'][1]['id']}")["value"] == "85.00"


def test_a_surplus_is_asked_about_and_kept_with_a_reason(here):
    order = sent(here)

    refused = came(here, order, by_hand("HA-3", "A17", 21))
    assert (refused.status_code, refused.json["name"]) == (409, "NotOnOrder")
    assert "20 of HA-3 wait on PO-00001 and 21 came: 1 more." in refused.json["detail"]
    kept = came(here, order, by_hand("HA-3", "A17", 21, reason="a present")).json

    assert (kept["state"], kept["receipts"][0]["extra"]) == ("closed", 1)
    assert kept["lines"][0]["extra"] == 1
    refused = came(here, sent(here), by_hand("LIDO-20", "L1", 1, reason="sent instead"))
    assert refused.json["errors"]["lines"]["0"]["unit_cost"] == ["It is not on the order: say what it cost."]


def test_a_short_close_needs_a_reason_and_a_cancelled_draft_too(here):
    order = sent(here)
    came(here, order, by_hand("HA-3", "A17", 15))
    assert here.post(f"/purchase-orders/{order['id']}/close", {}).status_code == 422

    closed = here.made(f"/purchase-orders/{order['id']}/close", {"reason": "discontinued"})

    assert (closed["state"], closed["lines"][0]["cancelled"]) == ("closed", 5)
    assert closed["events"][-1]["reason"] == "discontinued"
    draft = drafted(here)
    cancelled = here.made(f"/purchase-orders/{draft['id']}/cancel", {"reason": "twice"})
    assert cancelled["state"] == "cancelled"
    assert here.post(f"/purchase-orders/{draft['id']}/send", {}).status_code == 409


def test_a_draft_is_changed_by_who_has_read_its_last_version(here):
    order = drafted(here)
    path, body = (
        f"/purchase-orders/{order['id']}",
        {"lines": [{"sku": "LIDO-20", "packs": 1, "pack_price": "9.00"}]},
    )
    tag = here.get(path).headers["ETag"]
    assert here.call("PUT", path, body).status_code == 428

    changed = here.call("PUT", path, body, headers={"If-Match": tag})

    assert [line["sku"] for line in changed.json["lines"]] == ["LIDO-20"]
    assert here.call("PUT", path, body, headers={"If-Match": tag}).status_code == 412


def test_what_labels_and_hand_disagree_about_is_said_by_field(here):
    order = sent(here)

    answer = came(here, order, {"labels": LABELS, "containers": 5, "lot_number": "B18"})
    assert answer.json["errors"]["lines"]["0"] == {"lot_number": ["The labels say A17."]}
    answer = came(here, order, {"labels": LABELS[:1], "containers": 5})
    assert answer.json["errors"]["lines"]["0"] == {"expires_on": ["Missing data for required field."]}
    answer = came(here, order, {"labels": ["]C110A17", "]C110B18"]})

    assert (answer.status_code, answer.json["code"]) == (422, "E_DUPLICATE_CONFLICT")


def test_what_is_on_order_is_told_in_the_advice(here):
    sent(here)

    (row,) = [row for row in here.seen("/reorder-advice?everything=true")["items"] if row["sku"] == "HA-3"]

    assert (row["on_order"], row["position"]) == ("60", "60")


def test_costs_are_hidden_from_who_may_not_see_them(here):
    order = sent(here)

    seen = here.seen(f"/purchase-orders/{order['id']}", role=Role.FRONT_DESK)

    assert (seen["total"], seen["lines"][0]["pack_price"], seen["lines"][0]["unit_cost"]) == (None,) * 3
    assert here.get(f"/purchase-orders/{order['id']}/order.pdf", role=Role.FRONT_DESK).status_code == 403


def test_orders_are_listed_the_newest_first_page_by_page(here):
    for _ in range(3):
        drafted(here)

    first = here.seen("/purchase-orders?limit=2")
    rest = here.seen(f"/purchase-orders?limit=2&after={first['next']}")

    assert [one["id"] for one in first["items"] + rest["items"]] == [3, 2, 1]
    assert rest["next"] is None


def test_the_order_is_a_document_that_stays_the_same(here):
    order = sent(here)

    answer = here.get(f"/purchase-orders/{order['id']}/order.pdf")

    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF-")
    assert here.get(f"/purchase-orders/{order['id']}/order.pdf").data == answer.data


def test_the_same_delivery_sent_twice_is_received_once(here):
    order, key = sent(here), {"Idempotency-Key": "delivery-1"}
    body = {"lines": [by_hand("HA-3", "A17", 5)]}

    first = here.post(f"/purchase-orders/{order['id']}/receive", body, headers=key)
    second = here.post(f"/purchase-orders/{order['id']}/receive", body, headers=key)

    assert first.json == second.json
    assert here.seen(f"/purchase-orders/{order['id']}")["lines"][0]["received"] == 5


def test_what_is_short_dated_is_warned_of_and_kept_with_its_reason(here):
    soon = {
        "sku": "HA-3", "lot_number": "S1", "expires_on": "2026-06-30", "produced_on": "2024-07-01",
        "containers": 2, "unit_cost": "10.00", "reason": "half price",
    }  # fmt: skip
    found = here.made("/receipts", soon)
    assert found["warnings"] == [
        "Lot S1 of HA-3 is short-dated: 166 of 729 days are left until 2026-06-30, less than 50 %."
    ]
    assert found["lot"]["state"] == "released"

    expired = here.made("/receipts", soon | {"lot_number": "S2", "expires_on": "2026-01-01"})

    assert expired["lot"]["state"] == "quarantined"
    assert expired["warnings"] == [
        "Lot S2 expired on 2026-01-01: it was received on 2026-01-15 into quarantine."
    ]
    refused = here.post("/receipts", soon | {"lot_number": "S3", "produced_on": "2026-07-01"})
    assert refused.json["detail"].startswith("Lot S3 cannot expire on 2026-06-30, before it was produced")


def test_where_the_setting_is_zero_nothing_is_short_dated(here):
    body = by_hand("HA-3", "S1", 2, unit_cost="10.00", produced_on="2024-07-01") | {
        "expires_on": "2026-06-30"
    }
    assert "is short-dated" in here.made("/receipts", body)["warnings"][0]

    tag = {"If-Match": here.get("/settings/least_life_left_rate").headers["ETag"]}
    changed = here.call(
        "PUT", "/settings/least_life_left_rate", {"value": "0", "reason": "not here"}, headers=tag
    )
    assert changed.status_code == 200, changed.text

    assert here.made("/receipts", body)["warnings"] == []


def test_a_receipt_names_the_shelf_and_goes_to_the_first_that_fits_otherwise(here):
    here.made("/sites/MAIN/places", {"code": "SECOND", "name": "Second", "temperature": "any"})
    body = by_hand("HA-3", "A17", 2, unit_cost="16.50")

    here.made("/receipts", body | {"place": "SECOND"})
    here.made("/receipts", body)
    unknown = here.post("/receipts", body | {"place": "ATTIC"})

    held = {
        place: [one["quantity"] for one in here.seen(f"/sites/MAIN/places/{place}/stock")["items"]]
        for place in ("SECOND", "SHELF")
    }
    assert held == {"SECOND": ["6"], "SHELF": ["6"]}
    assert unknown.status_code == 404
