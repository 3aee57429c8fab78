"""Bad input in tables: for each call a body that would succeed, and what its fields must never be."""

from dataclasses import dataclass, field
from typing import Any

HUGE = "9" * 40
WRONG: dict[str, list[Any]] = {
    "quantity": [
        5, 0.5, "NaN", "Infinity", "-1", "0", "1.00001", "1e3", HUGE, "abc", "", " 1", "1,5", "٣", None, [],
    ],
    "cost": [16, 16.5, "NaN", "-0.01", "1.0000001", "1e3", HUGE, "16.50 USD", "", None, [], True],
    "count": ["5", 1.5, 1.0, -1, 0, 10**12, 10**30, None, [], True],
    "key": ["5", 1.0, -1, 0, 10**30, None, [], True],
    "day": [
        "2026-02-30", "2026-13-01", "01/02/2026", "2026-1-1", "0000-00-00", "9999-12-31", "1066-10-14",
        20260101, "", None,
    ],
    "moment": [
        "2026-01-15T10:00:00", "2026-02-30T10:00:00Z", "2026-01-15", "0001-01-01T00:00:00+14:00", "now", 5,
        "", None,
    ],
    "text": [5, "", "   ", "x" * 600, "A\x00B", "A\x0bB", "A\ud800", "A\u202eB", None, [], True],
    "word": ["sideways", "", 5, None, []],
    "flag": ["true", 1, 0, None, "yes"],
    "lines": [[], {}, "x", None, [5], [{}], [None], [{"sku": "HA-3"}], [{"sku": "HA-3", "quantity": 1}]],
}  # fmt: skip
TWICE = [{"sku": "HA-3", "ingredient": "HA20", "quantity": "1"}]


@dataclass(frozen=True)
class Call:
    """A call with a body that would succeed, and what each of its fields is."""

    path: str
    body: dict[str, Any]
    kinds: dict[str, str]
    optional: tuple[str, ...] = ()
    refused: list[tuple[str, dict[str, Any], int]] = field(default_factory=list)


CALLS = {
    "items": Call(
        "/items",
        {
            "sku": "VITC-5",
            "name": "Vitamin C",
            "kind": "injectable",
            "ingredient": "HA20",
            "unit": "mL",
            "content": "5",
            "dose_class": "single_dose",
            "sterile": True,
        },
        {
            "sku": "text",
            "name": "text",
            "kind": "word",
            "unit": "word",
            "content": "quantity",
            "dose_class": "word",
            "sterile": "flag",
        },
        optional=("sterile",),
        refused=[
            ("a SKU that is taken", {"sku": "HA-3"}, 409),
            ("an unknown ingredient", {"ingredient": "NOPE"}, 404),
        ],
    ),
    "suppliers": Call(
        "/suppliers",
        {"code": "SUP-77", "name": "Harbour", "minimum_order": "100.00", "lead_days": 3},
        {"code": "text", "name": "text", "minimum_order": "cost"},
        optional=("minimum_order",),
        refused=[("a code that is taken", {"code": "SUP-01"}, 409)],
    ),
    "offers": Call(
        "/offers",
        {
            "sku": "HA-3",
            "supplier": "SUP-01",
            "pack_containers": 10,
            "pack_price": "165.00",
            "valid_from": "2026-01-01",
        },
        {
            "sku": "text",
            "supplier": "text",
            "pack_containers": "count",
            "pack_price": "cost",
            "valid_from": "day",
        },
        refused=[
            ("an unknown item", {"sku": "NOPE"}, 404),
            ("an unknown supplier", {"supplier": "NOPE"}, 404),
        ],
    ),
    "sites": Call(
        "/sites",
        {
            "code": "NORTH",
            "name": "North",
            "country": "US",
            "region": "North America",
            "time_zone": "America/Chicago",
        },
        {"code": "text", "name": "text", "country": "text", "time_zone": "text"},
        refused=[("a time zone that is none", {"time_zone": "Mars/Olympus"}, 422)],
    ),
    "receipts": Call(
        "/receipts",
        {
            "sku": "HA-3",
            "lot_number": "B18",
            "expires_on": "2026-12-31",
            "containers": 5,
            "unit_cost": "16.50",
            "supplier": "SUP-01",
            "document": "DN-1",
            "received_on": "2026-01-14",
            "site": "MAIN",
        },
        {
            "sku": "text",
            "lot_number": "text",
            "expires_on": "day",
            "containers": "count",
            "unit_cost": "cost",
            "received_on": "day",
            "site": "text",
        },
        optional=("received_on", "site"),
        refused=[
            ("an unknown item", {"sku": "NOPE"}, 404),
            ("an unknown supplier", {"supplier": "NOPE"}, 404),
            ("an unknown site", {"site": "NOPE"}, 404),
            ("another expiry of a lot on record", {"lot_number": "A17"}, 409),
            ("a cost beyond all money", {"unit_cost": "999999999.999999", "containers": 1_000_000}, 422),
            ("a number that no label prints", {"lot_number": "x" * 21}, 422),
        ],
    ),
    "sessions": Call(
        "/sessions",
        {
            "patient_ref": "P-100",
            "at": "2026-01-15T09:30:00-05:00",
            "site": "MAIN",
            "lines": [{"sku": "HA-3", "quantity": "2.5"}],
        },
        {"patient_ref": "text", "at": "moment", "site": "text", "lines": "lines"},
        optional=("at", "site"),
        refused=[
            ("an unknown site", {"site": "NOPE"}, 404),
            ("an unknown item", {"lines": [{"sku": "NOPE", "quantity": "1"}]}, 404),
            ("an unknown ingredient", {"lines": [{"ingredient": "NOPE", "quantity": "1"}]}, 404),
            ("an unknown level", {"level": "NOPE"}, 404),
            ("more than the stock", {"lines": [{"sku": "HA-3", "quantity": "900"}]}, 409),
            (
                "one line that can be supplied and one that cannot",
                {"lines": [{"sku": "HA-3", "quantity": "1"}, {"sku": "LIDO-20", "quantity": "900"}]},
                409,
            ),
            ("a bulk package", {"lines": [{"sku": "BULK-100", "quantity": "1"}]}, 422),
            ("a lot that does not exist", {"lines": [{"sku": "HA-3", "quantity": "1", "lot": 999}]}, 409),
            ("a name for a chart number", {"patient_ref": "Jane Doe"}, 422),
            ("a birth date for a chart number", {"patient_ref": "1980-02-03"}, 422),
            ("both an item and an ingredient", {"lines": TWICE}, 422),
            ("both a formulation and lines", {"formulation": "F-01"}, 422),
            ("too many lines", {"lines": [{"sku": "HA-3", "quantity": "1"}] * 201}, 422),
        ],
    ),
    "write-offs": Call(
        "/write-offs",
        {"lot": "@A17", "quantity": "3", "reason": "broken", "note": "fell"},
        {"lot": "key", "quantity": "quantity", "reason": "word"},
        refused=[
            ("an unknown lot", {"lot": 999_999}, 404),
            ("more than there is", {"quantity": "900"}, 409),
            ("part of a sealed vial", {"quantity": "1"}, 422),
            ("another reason without a note", {"reason": "other", "note": ""}, 422),
            ("a remainder outside its session", {"reason": "single_dose_remainder"}, 422),
        ],
    ),
    "opened-vials": Call(
        "/opened-vials",
        {"lot": "@L1", "at": "2026-01-15T09:30:00-05:00"},
        {"lot": "key", "at": "moment"},
        optional=("at",),
        refused=[
            ("an unknown lot", {"lot": 999_999}, 404),
            ("a single-dose vial", {"lot": "@A17"}, 422),
            ("the treatment room without a patient", {"prepared_in": "treatment_room"}, 422),
        ],
    ),
    "quarantine": Call("/lots/@A17/quarantine", {"reason": "cold chain"}, {"reason": "text"}),
    "release": Call("/lots/@OLD/release", {"reason": "checked"}, {"reason": "text"}),
    "recall": Call("/lots/@A17/recall", {"reason": "maker's letter"}, {"reason": "text"}),
    "scans": Call(
        "/scans",
        {"data": "]d20109521234543213"},
        {"data": "text"},
        refused=[
            ("a label of another scheme", {"data": "+A123BJC5D6E71"}, 422),
            ("a wrong check digit", {"data": "]d20109521234543214"}, 422),
        ],
    ),
}  # fmt: skip
