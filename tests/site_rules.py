"""Which address is of one site, by an example of it at another site; and which is the clinic's, and why."""

import re
from typing import Any

from api.auth import MAY
from api.web import rights
from tests.calls import BASE

KEYS = {
    "calendar_id": "calendar",
    "count_id": "count",
    "course_id": "course",
    "document_id": "document",
    "import_id": "import",
    "lot_id": "only_south",
    "movement_id": "movement",
    "order_id": "order",
    "quote_id": "quote",
    "receipt_id": "receipt",
    "session_id": "session",
    "transfer_id": "transfer",
    "vial_id": "vial",
}
"""A key in an address, and the name of what has such a key at SOUTH."""

WHY = {"reason": "an error"}
LINES = {"lines": [{"sku": "MP-001", "packs": 1}]}
BODIES: dict[str, dict[str, Any]] = {
    "PUT /purchase-orders/<id:order_id>": LINES,
    "POST /purchase-orders/<id:order_id>/receive": {
        "lines": [{"sku": "MP-001", "lot_number": "N", "expires_on": "2026-12-31", "containers": 1}]
    },
    "POST /opened-vials/<id:vial_id>/enter-room": {"patient_ref": "P-1"},
    "POST /courses/<id:course_id>/payments": {"amount": "1.00", "method": "cash"},
    "POST /courses/<id:course_id>/refund": {"method": "cash"},
    "POST /courses/<id:course_id>/transfer": WHY | {"patient_ref": "P-1"},
    "POST /courses/<id:course_id>/sessions/<id:number>/move": WHY | {"planned_on": "2026-02-20"},
    "PUT /counts/<id:count_id>/lines": {"lines": []},
    "POST /counts/<id:count_id>/lines": {"sku": "MP-001", "lot_number": "A17"},
    "POST /counts/<id:count_id>/scan": {"data": "x"},
    "PUT /sites/<code:code>/places/<code:place>": {"name": "F", "temperature": "cold", "active": True},
    "POST /sites/<code:code>/places": {"code": "F2", "name": "F", "temperature": "cold"},
} | dict.fromkeys(
    (
        "POST /lots/<id:lot_id>/quarantine",
        "POST /lots/<id:lot_id>/release",
        "POST /lots/<id:lot_id>/recall",
        "POST /movements/<id:movement_id>/reverse",
        "POST /documents/<id:document_id>/reverse",
        "POST /sessions/<id:session_id>/reverse",
        "POST /courses/<id:course_id>/sessions/<id:number>/take-back",
        "POST /courses/<id:course_id>/sessions/<id:number>/without-stock",
        "POST /courses/<id:course_id>/sessions/<id:number>/forfeit",
        "POST /imports/<id:import_id>/undo",
        "POST /transfers/<id:transfer_id>/cancel",
        "POST /opened-vials/<id:vial_id>/correct-room",
        "POST /counts/<id:count_id>/post",
        "POST /counts/<id:count_id>/abandon",
        "POST /quotes/<id:quote_id>/withdraw",
    ),
    WHY,
)
"""What a call must be sent before it looks at what it is about; others are sent nothing."""

THE_CLINICS = {
    "the catalogue, prices, recipes, suppliers and settings are one for all sites": """
        /ingredients /items /items/<code:sku> /formulations /formulations/<code:code> /protocols
        /protocols/<code:code> /levels /levels/<code:code> /discounts /discounts/<code:code>
        /discounts/<code:code>/end /list-prices /offers /suppliers /suppliers/<code:code> /settings
        /settings/<code:key> /settings/numbers/<code:key> /settings/mark /settings/mark.png /settings/prices
        /settings/prices/<code:protocol>/<code:level> /settings/discounts /settings/discounts/new
        /settings/discounts/<code:code>/end /settings/levels /settings/levels/<code:code> /settings/bands
        /settings/taxes /settings/vial-rules /settings/suppliers /settings/suppliers/new
        /settings/suppliers/<code:code> /settings/suppliers/<code:code>/edit
        /settings/suppliers/<code:code>/offer /stock/<code:sku>/edit
    """,
    "the books are closed and reported for the clinic as a whole": """
        /supplier-invoices /supplier-invoices/<id:invoice_id> /supplier-invoices/<id:invoice_id>/take-back
        /goods-received-not-invoiced /write-downs /write-downs/candidates
        /write-downs/<id:write_down_id>/take-back /cost-formula /cost-formula/effect
        /books/purchases /books/bills/new /books/bills/<id:invoice_id> /books/bills/<id:invoice_id>/take-back
        /books/write-downs /books/write-downs/<id:write_down_id>/take-back /books/cost-formula
        /deferred-revenue /valuation /journal /trial-balance /roll-forward /reconciliation
        /periods /periods/<code:month> /periods/<code:month>/close /periods/<code:month>/reopen
        /books/reopen /books/trial-balance /audit /audit/<id:number> /audit.csv /audit.xlsx
        /audit-trail /audit-trail/anchor /exports/audit-trail.csv /exports/audit-trail.xlsx
        /exports/accounting.xlsx /books /books/roll-forward /books/valuation /books/journal /books/workbook
        /books/workbook.xlsx /books/workbook/<code:key> /books/workbook/<code:key>/file /books/close
        /books/workbook/<code:key>/stop
        /books/deferred /exports/journal /accounts /accounts/<code:code> /books/files /books/files/journal
        /books/files/accounts/<code:name>
    """,
    "what a patient received must be found wherever it was (S10)": """
        /patients /patients/<path:patient_ref>/lots /patients/<path:patient_ref>/file
        /patients/<path:patient_ref>/file.xlsx /patients/<path:patient_ref>/erase /erasures
        /privacy /privacy/file.xlsx /privacy/erase
    """,
    "how long the clinic keeps something": "/retention /retention/purge /privacy/retention",
    "who may come in is the clinic's": """
        /people /people/new /people/<id:person_id> /people/<id:person_id>/reset-password
        /people/<id:person_id>/forget-second-factor /people/<id:person_id>/end-sessions /access
    """,
    "one's own account": """
        /account /account/password /account/second-factor /account/sessions/<id:sign_in_id>/end
    """,
    "it says the same to everybody": """
        /help /help/settings /help/refusals /help/<code:task> /imports/<code:kind>/template.xlsx
        /imports/templates/<code:kind>
    """,
    "a list that was brought is its bringer's alone": """
        /imports/lists/<code:key> /imports/lists/<code:key>/corrected.xlsx
    """,
}
"""Addresses that no site owns, by the reason."""

OF_MY_SITES = """
    GET / POST /site GET /sites POST /sites POST /scans
    GET /transfers GET /lots GET /movements GET /sessions GET /quotes GET /courses GET /purchase-orders
    GET /opened-vials/labels.pdf GET /calendars GET /imports GET /counts POST /imports
    GET /stock GET /stock/<code:sku> GET /stock/<code:sku>/movements GET /vials GET /vials/labels.pdf
    GET /alerts POST /alerts/calendars GET /reorder GET /reorder/sheet GET /reorder/<code:sku>
    POST /reorder/order
    GET /quotes/new POST /quotes/new GET /quotes/price POST /quotes/price
    GET /orders GET /orders/new POST /orders/new GET /counts/new POST /counts/new
    GET /transfers/new POST /transfers/new GET /treat GET /treat/walk-in POST /treat/walk-in
    GET /treat/preview POST /treat/preview GET /vials/discard-due POST /vials/discard-due
    GET /conversion GET /exports/conversion.csv GET /exports/conversion.xlsx GET /books/conversion
    GET /books/conversion.xlsx GET /settings/sites GET /settings/sites/new POST /settings/sites/new
    GET /receive POST /receive GET /receive/photo POST /receive/photo
"""
"""What names no site and nothing of one: it lists those of the caller, or works at the one they look at."""


def paths(text: str) -> list[str]:
    """The addresses of a table."""
    return text.split()


def listed() -> set[str]:
    """The calls and pages of OF_MY_SITES."""
    words = OF_MY_SITES.split()
    return {f"{method} {path}" for method, path in zip(words[::2], words[1::2], strict=True)}


def the_clinics() -> set[str]:
    """The addresses of THE_CLINICS."""
    return {path for text in THE_CLINICS.values() for path in text.split()}


def rules() -> list[tuple[str, str, str]]:
    """Every call and page: its method, its address in the tables, and its address on the machine."""
    found = []
    for call in (*MAY, *rights.MAY):
        method, _, rule = call.partition(" ")
        found.append((method, rule.removeprefix(BASE), rule))
    return found


def asked_by_key(path: str) -> bool:
    """Whether an address names something of a site, or a site."""
    names = re.findall(r"<id:(\w+)>", path)
    return path.startswith(("/sites/<code:code>", "/settings/sites/<code:code>")) or any(
        name in KEYS for name in names
    )


def example(rule: str, keys: dict[str, int]) -> str:
    """An address of what is at SOUTH."""
    rule = rule.replace("<code:code>", "SOUTH").replace("<code:place>", "SOUTHFRIDGE")
    rule = rule.replace("<id:number>", "1").replace("<code:sku>", "MP-001")
    for name, what in KEYS.items():
        rule = rule.replace(f"<id:{name}>", str(keys[what]))
    return rule
