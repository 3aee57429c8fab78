"""For every call that moves or counts stock or takes money a body that would succeed, and what is refused."""

from tests.bad_input import Call

NOW = "2026-01-15T09:30:00-05:00"
LOAD = {"sku": "MP-001", "containers": 1}

CALLS = {
    "moves": Call(
        "/moves",
        {"to": "DRAWER", "site": "MAIN", "lines": [LOAD], "reason": "checked", "at": NOW},
        {"to": "text", "site": "text", "lines": "lines", "reason": "note", "at": "moment"},
        optional=("site", "reason", "at"),
        refused=[
            ("an unknown place", {"to": "NOWHERE"}, 404),
            ("an unknown site", {"site": "NOPE"}, 404),
            ("an unknown item", {"lines": [LOAD | {"sku": "NOPE"}]}, 404),
            ("more than there is", {"lines": [LOAD | {"containers": 900}]}, 409),
            ("nothing", {"lines": [LOAD | {"containers": 0}]}, 422),
            ("an item and a lot", {"lines": [LOAD | {"lot": "@SINGLE"}]}, 422),
            ("a lot without a quantity", {"lines": [{"lot": "@SINGLE"}]}, 422),
            ("a quantity that is a number", {"lines": [{"lot": "@SINGLE", "quantity": 3}]}, 422),
            ("part of a sealed vial", {"lines": [{"lot": "@SINGLE", "quantity": "1"}]}, 422),
            ("an unknown lot", {"lines": [{"lot": 999_999, "quantity": "3"}]}, 404),
            ("more than a year ahead", {"at": "2028-01-15T09:30:00Z"}, 422),
        ],
    ),
    "transfers": Call(
        "/transfers",
        {"site": "MAIN", "target": "SOUTH", "lines": [LOAD], "note": "car", "at": NOW},
        {"site": "text", "target": "text", "lines": "lines", "note": "note", "at": "moment"},
        optional=("site", "note", "at"),
        refused=[
            ("an unknown target", {"target": "NOPE"}, 404),
            ("to itself", {"target": "MAIN"}, 422),
            ("an unknown item", {"lines": [LOAD | {"sku": "NOPE"}]}, 404),
            ("more than there is", {"lines": [LOAD | {"containers": 900}]}, 409),
            ("too many lines", {"lines": [LOAD] * 5_001}, 422),
        ],
    ),
    "counts": Call(
        "/counts",
        {"site": "MAIN", "skus": ["MP-001"], "blind": True, "rota": False},
        {"site": "text", "blind": "flag", "rota": "flag"},
        optional=("site", "blind", "rota"),
        refused=[
            ("an unknown item", {"skus": ["NOPE"]}, 404),
            ("items that are no list", {"skus": "MP-001"}, 422),
            ("no items", {"skus": []}, 422),
            ("items that are no text", {"skus": [5]}, 422),
            ("two things at once", {"place": "DRAWER"}, 422),
            ("an unknown place", {"skus": None, "place": "NOWHERE"}, 404),
        ],
    ),
    "a line of a count": Call(
        "/counts/@count/lines",
        {"sku": "MP-001", "lot_number": "FOUND"},
        {"sku": "text", "lot_number": "text"},
        refused=[("an unknown item", {"sku": "NOPE"}, 404)],
    ),
    "posting a count": Call(
        "/counts/@count/post", {"reason": "year's end"}, {"reason": "note"}, optional=("reason",)
    ),
    "abandoning a count": Call("/counts/@count/abandon", {"reason": "twice"}, {"reason": "text"}),
    "payments": Call(
        "/courses/@course/payments",
        {"amount": "10.00", "method": "cash", "deposit": False, "on": "2026-01-15", "note": "at the desk"},
        {"amount": "price", "method": "word", "deposit": "flag", "on": "day", "note": "note"},
        optional=("deposit", "on", "note"),
        refused=[
            ("more than is owed", {"amount": "9999999.99"}, 409),
            ("a tenth of a cent", {"amount": "1.001"}, 422),
            ("what has not been yet", {"on": "2026-01-17"}, 422),
        ],
    ),
    "a refund": Call(
        "/courses/@course/refund",
        {"method": "cash", "note": "moves away"},
        {"method": "word", "note": "note"},
        optional=("note",),
        refused=[("less than nothing", {"amount": "-1.00"}, 422), ("as a number", {"amount": 5}, 422)],
    ),
    "passing a course on": Call(
        "/courses/@course/transfer",
        {"patient_ref": "P-8", "reason": "a gift"},
        {"patient_ref": "text", "reason": "text"},
        refused=[
            ("a name for a chart number", {"patient_ref": "Jane.Doe"}, 422),
            ("a telephone number", {"patient_ref": "0151-2345678"}, 422),
        ],
    ),
    "moving a session": Call(
        "/courses/@course/sessions/1/move",
        {"planned_on": "2026-02-20", "reason": "ill"},
        {"planned_on": "day", "reason": "text"},
        refused=[("a day that is past", {"planned_on": "2025-02-20"}, 422)],
    ),
}  # fmt: skip
