"""Every call that adds facts, with what it is sent in a furnished clinic and what must come before it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from api.auth import Role
from tests.calls import NOW, Clinic
from tests.test_api_counts import fill
from tests.test_api_sites import LIST, QUOTE, RECEIPT, USE

WHY = {"reason": "by mistake"}
BOX = RECEIPT | {"lot_number": "NEW", "site": "MAIN", "supplier": "SUP-01"}
VISIT = {"patient_ref": "P-9", "site": "MAIN"} | USE
ORDER = {"supplier": "SUP-01", "site": "MAIN", "lines": [{"sku": "MP-001", "packs": 1, "pack_price": "9.00"}]}


@dataclass
class Book:
    """A furnished clinic whose file can be put back as it was."""

    here: Clinic
    keys: dict[str, int]
    file: Path

    def made(self, path: str, body: Any, **options: Any) -> Any:
        return self.here.made(path, body, **options)

    def key(self, path: str, body: Any, **options: Any) -> int:
        return self.made(path, body, **options)["id"]

    @property
    def multi(self) -> str:
        """An item for several patients, of which a vial is open at SOUTH."""
        return self.here.seen(f"/lots/{self.keys['MULTI']}")["sku"]

    def kept(self) -> bytes:
        """The file, with all that was written."""
        self.here.database.engine.dispose()
        self.here.database.reading.dispose()
        assert not self.file.with_name(self.file.name + "-wal").exists()
        return self.file.read_bytes()

    @contextmanager
    def watched(self) -> Iterator[Callable[[], int]]:
        """What tells whether anything was committed: SQLite counts for one connection what others did."""
        with closing(sqlite3.connect(self.file)) as beside:
            yield lambda: beside.execute("PRAGMA data_version").fetchone()[0]

    def put_back(self, kept: bytes) -> None:
        self.kept()
        self.file.write_bytes(kept)
        self.here.clock.now = NOW


Asked = tuple[str, Any] | tuple[str, Any, Role]


def bill(book: Book) -> tuple[str, dict[str, Any]]:
    receipt = book.made("/receipts", BOX | {"document": "DN-9"})
    lines = [{"receipt": receipt["id"], "containers": 10, "unit_price": "17.00"}]
    return "/supplier-invoices", {"supplier": "SUP-01", "number": "R-7", "lines": lines, "freight": "8.00"}


def carriers_bill(book: Book) -> tuple[str, dict[str, Any]]:
    receipts = [book.key("/receipts", BOX | {"lot_number": f"N{number}"}) for number in range(2)]
    lines = [{"receipt": key, "containers": 0, "unit_price": "0"} for key in receipts]
    return "/supplier-invoices", {"supplier": "SUP-02", "number": "C-1", "lines": lines, "freight": "80.00"}


def written_down(book: Book) -> tuple[str, dict[str, Any]]:
    line = {"lot": book.keys["SINGLE"], "net_value": "5.00"}
    return "/write-downs", {"lines": [line]} | WHY


def written_back(book: Book) -> Asked:
    setting = book.here.get("/settings/accounting_framework")
    tag = {"If-Match": setting.headers["ETag"]}
    book.here.call("PUT", "/settings/accounting_framework", {"value": "ifrs"} | WHY, headers=tag)
    [done] = book.made(*written_down(book))["items"]
    return f"/write-downs/{done['id']}/take-back", {"amount": "9.00"} | WHY


def closed(book: Book) -> Asked:
    book.here.clock.now = NOW + timedelta(days=40)
    return "/periods/2025-12/close", WHY, Role.ACCOUNTANT


def formula(book: Book) -> Asked:
    book.made(*closed(book)[:2], role=Role.ACCOUNTANT)
    book.made("/periods/2026-01/close", WHY, role=Role.ACCOUNTANT)
    effect = book.here.seen("/cost-formula/effect?formula=fifo")
    return "/cost-formula", {"formula": "fifo", "difference": effect["difference"]} | WHY


def added(book: Book, address: str, body: Any, *steps: str) -> str:
    """Where something is that was added, after the steps that it then went through."""
    path = f"{address}/{book.key(address, body)}"
    for step in steps:
        book.made(f"{path}/{step}", {})
    return path


def order(book: Book, *steps: str) -> str:
    return added(book, "/purchase-orders", ORDER, *steps)


def count(book: Book) -> str:
    return added(book, "/counts", {"site": "MAIN", "skus": ["MP-001"]})


def counted(book: Book) -> Asked:
    path = count(book)
    [line, *_] = book.here.seen(path)["lines"]
    for again in (False, True):
        found = {"lines": [{"line": line["id"], "containers": 3, "again": again}]}
        answer = book.here.call("PUT", f"{path}/lines", found)
    return f"{path}/post", WHY | {"digest": answer.get_json()["digest"]}


def transfer(book: Book) -> str:
    body = {"site": "MAIN", "target": "SOUTH", "lines": [{"sku": "MP-001", "containers": 1}]}
    return added(book, "/transfers", body)


def vial(book: Book) -> str:
    return f"/opened-vials/{book.keys['vial']}"


def quote(book: Book, *steps: str) -> str:
    return added(book, "/quotes", QUOTE | {"site": "MAIN", "patient_ref": "P-9"}, *steps)


def course(book: Book) -> str:
    book.made(f"/courses/{book.keys['course']}/payments", {"amount": "10.00", "method": "cash"})
    return f"/courses/{book.keys['course']}"


def without_stock(book: Book) -> str:
    path = f"{course(book)}/sessions/1"
    book.made(f"{path}/without-stock", WHY)
    return path


def imported(book: Book) -> str:
    sent = {"data": LIST, "content_type": "text/csv"}
    return f"/imports/{book.key('/imports/opening-stock?site=MAIN', None, **sent)}/undo"


def sheet(book: Book) -> Asked:
    path = added(book, "/counts", {"site": "MAIN", "skus": ["MP-001"], "blind": True})
    return f"{path}/sheet", fill(book.here, book.here.seen(path), A17=9)


def held(book: Book) -> Asked:
    path = f"/lots/{book.keys['SINGLE']}"
    book.made(f"{path}/quarantine", WHY)
    return f"{path}/release", WHY


def calendar(book: Book) -> Asked:
    return f"/calendars/{book.key('/calendars', {'site': 'MAIN'})}/end", {}


CALLS: dict[str, Callable[[Book], Asked]] = {
    "POST /calendars": lambda book: ("/calendars", {"site": "MAIN"}),
    "POST /calendars/<id:calendar_id>/end": calendar,
    "POST /supplier-invoices": bill,
    "POST /supplier-invoices, freight alone": carriers_bill,
    "POST /supplier-invoices/<id:invoice_id>/take-back": lambda book: (
        f"/supplier-invoices/{book.key(*bill(book))}/take-back", WHY,
    ),
    "POST /write-downs": written_down,
    "POST /write-downs/<id:write_down_id>/take-back": written_back,
    "POST /cost-formula": formula,
    "POST /periods/<code:month>/close": closed,
    "POST /periods/<code:month>/reopen": lambda book: (
        book.made(*closed(book)[:2], role=Role.ACCOUNTANT) and "/periods/2025-12/reopen", WHY, Role.ADMIN,
    ),
    "POST /sites": lambda book: (
        "/sites",
        {
            "code": "NORTH", "name": "North", "country": "US", "region": "North America",
            "time_zone": "America/Chicago",
        },
    ),
    "POST /sites/<code:code>/places": lambda book: (
        "/sites/MAIN/places", {"code": "F2", "name": "F", "temperature": "cold"},
    ),
    "POST /transfers": lambda book: (
        "/transfers", {"site": "MAIN", "target": "SOUTH", "lines": [{"sku": "MP-001", "containers": 1}]},
    ),
    "POST /transfers/<id:transfer_id>/cancel": lambda book: (f"{transfer(book)}/cancel", WHY),
    "POST /transfers/<id:transfer_id>/receive": lambda book: (f"{transfer(book)}/receive", {}),
    "POST /items": lambda book: (
        "/items",
        {
            "sku": "VITC-5", "name": "Vitamin C", "kind": "injectable", "unit": "mL", "content": "5",
            "dose_class": "single_dose",
        },
    ),
    "POST /suppliers": lambda book: ("/suppliers", {"code": "SUP-77", "name": "Harbour", "lead_days": 3}),
    "POST /offers": lambda book: (
        "/offers",
        {
            "sku": "MP-001", "supplier": "SUP-01", "pack_containers": 10, "pack_price": "165.00",
            "valid_from": "2026-01-01",
        },
    ),
    "POST /list-prices": lambda book: (
        "/list-prices", {"protocol": "P-00", "level": "L2", "price": "320.00", "valid_from": "2026-02-01"},
    ),
    "POST /discounts": lambda book: (
        "/discounts",
        {
            "code": "SUMMER", "name": "Summer", "from_sessions": 3, "rate": "0.05",
            "valid_from": "2026-01-01", "source": "the board",
        },
    ),
    "POST /discounts/<code:code>/end": lambda book: (
        book.made(*CALLS["POST /discounts"](book)[:2]) and "/discounts/SUMMER/end", {},
    ),
    "POST /receipts": lambda book: ("/receipts", BOX | {"freight": "3.00", "duty": "2.00"}),
    "POST /purchase-orders": lambda book: ("/purchase-orders", ORDER),
    "POST /purchase-orders/<id:order_id>/send": lambda book: (f"{order(book)}/send", {}),
    "POST /purchase-orders/<id:order_id>/receive": lambda book: (
        f"{order(book, 'send')}/receive",
        {"lines": [{"sku": "MP-001", "lot_number": "N", "expires_on": "2026-12-31", "containers": 1}]},
    ),
    "POST /purchase-orders/<id:order_id>/close": lambda book: (f"{order(book, 'send')}/close", WHY),
    "POST /purchase-orders/<id:order_id>/cancel": lambda book: (f"{order(book)}/cancel", WHY),
    "POST /imports/<code:kind>": lambda book: ("/imports/opening-stock?site=MAIN", LIST),
    "POST /imports/<id:import_id>/undo": lambda book: (imported(book), WHY),
    "POST /lots/<id:lot_id>/quarantine": lambda book: (f"/lots/{book.keys['SINGLE']}/quarantine", WHY),
    "POST /lots/<id:lot_id>/release": held,
    "POST /lots/<id:lot_id>/recall": lambda book: (f"/lots/{book.keys['SINGLE']}/recall", WHY),
    "POST /counts": lambda book: ("/counts", {"site": "MAIN"}),
    "POST /counts/<id:count_id>/lines": lambda book: (
        f"{count(book)}/lines", {"sku": "MP-001", "lot_number": "SOUTHERN"},
    ),
    "POST /counts/<id:count_id>/scan": lambda book: (
        f"{count(book)}/scan", {"data": "]C1010952400000001910A17"},
    ),
    "POST /counts/<id:count_id>/sheet": sheet,
    "POST /counts/<id:count_id>/post": counted,
    "POST /counts/<id:count_id>/abandon": lambda book: (f"{count(book)}/abandon", WHY),
    "POST /movements/<id:movement_id>/reverse": lambda book: (
        f"/movements/{book.keys['movement']}/reverse", WHY,
    ),
    "POST /documents/<id:document_id>/reverse": lambda book: (
        f"/documents/{book.key('/receipts', BOX)}/reverse", WHY,
    ),
    "POST /write-offs": lambda book: (
        "/write-offs", {"lot": book.keys["SINGLE"], "quantity": "3", "reason": "broken", "site": "MAIN"},
    ),
    "POST /moves": lambda book: (
        "/moves", {"to": "DRAWER", "site": "MAIN", "lines": [{"sku": "MP-001", "containers": 1}]},
    ),
    "POST /sessions": lambda book: ("/sessions", VISIT),
    "POST /sessions, of an opened vial": lambda book: (
        "/sessions",
        {"patient_ref": "P-9", "site": "SOUTH", "lines": [{"sku": book.multi, "quantity": "0.5"}]},
    ),
    "POST /sessions, of a course": lambda book: (
        "/sessions", {"patient_ref": "P-9", "course": book.keys["course"], "site": "SOUTH"},
    ),
    "POST /sessions/<id:session_id>/reverse": lambda book: (
        f"/sessions/{book.keys['session']}/reverse", WHY,
    ),
    "POST /opened-vials": lambda book: ("/opened-vials", {"lot": book.keys["MULTI"], "site": "MAIN"}),
    "POST /opened-vials/<id:vial_id>/discard": lambda book: (f"{vial(book)}/discard", {}),
    "POST /opened-vials/<id:vial_id>/enter-room": lambda book: (
        f"{vial(book)}/enter-room", {"patient_ref": "P-9", "ends_at": "2026-01-15T18:00:00Z"},
    ),
    "POST /opened-vials/<id:vial_id>/correct-room": lambda book: (
        book.made(*CALLS["POST /opened-vials/<id:vial_id>/enter-room"](book)[:2])
        and f"{vial(book)}/correct-room",
        WHY,
    ),
    "POST /opened-vials/discard-due": lambda book: (
        setattr(book.here.clock, "now", NOW + timedelta(days=60)) or "/opened-vials/discard-due?site=SOUTH",
        {},
    ),
    "POST /quotes": lambda book: ("/quotes", QUOTE | {"site": "MAIN", "patient_ref": "P-9"}),
    "POST /quotes/<id:quote_id>/issue": lambda book: (f"{quote(book)}/issue", {}),
    "POST /quotes/<id:quote_id>/accept": lambda book: (f"{quote(book, 'issue')}/accept", {}),
    "POST /quotes/<id:quote_id>/decline": lambda book: (f"{quote(book, 'issue')}/decline", {}),
    "POST /quotes/<id:quote_id>/withdraw": lambda book: (f"{quote(book, 'issue')}/withdraw", WHY),
    "POST /quotes/<id:quote_id>/revise": lambda book: (
        f"{quote(book, 'issue')}/revise", {"screening": {"allergies": []}},
    ),
    "POST /courses/<id:course_id>/payments": lambda book: (
        f"/courses/{book.keys['course']}/payments", {"amount": "10.00", "method": "cash"},
    ),
    "POST /courses/<id:course_id>/refund": lambda book: (
        f"{course(book)}/refund", {"method": "cash"},
    ),
    "POST /courses/<id:course_id>/transfer": lambda book: (
        f"{course(book)}/transfer", {"patient_ref": "P-8"} | WHY,
    ),
    "POST /courses/<id:course_id>/sessions/<id:number>/move": lambda book: (
        f"{course(book)}/sessions/1/move", {"planned_on": "2026-02-20"} | WHY,
    ),
    "POST /courses/<id:course_id>/sessions/<id:number>/forfeit": lambda book: (
        setattr(book.here.clock, "now", NOW + timedelta(days=10))
        or f"/courses/{book.keys['course']}/sessions/1/forfeit",
        WHY,
    ),
    "POST /courses/<id:course_id>/sessions/<id:number>/without-stock": lambda book: (
        f"{course(book)}/sessions/1/without-stock", WHY,
    ),
    "POST /courses/<id:course_id>/sessions/<id:number>/take-back": lambda book: (
        f"{without_stock(book)}/take-back", WHY,
    ),
    "POST /patients/<path:patient_ref>/erase": lambda book: (
        f"/patients/{book.made('/sessions', VISIT | {'patient_ref': 'P-77'})['patient_ref']}/erase",
        WHY | {"early": True}, Role.ADMIN,
    ),
    "POST /retention/purge": lambda book: (
        setattr(book.here.clock, "now", NOW + timedelta(days=400)) or "/retention/purge", {}, Role.ADMIN,
    ),
}  # fmt: skip
"""What each call is sent in the furnished clinic, after what must come before it."""
