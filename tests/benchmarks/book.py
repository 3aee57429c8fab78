"""A large book for the benchmarks: lots of fifty items, and the movements behind them."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from api.migrations.tables import every_table
from inventory import clinic
from inventory.database import Database

ITEMS = 50
TODAY = date(2026, 11, 2)
NOW = datetime(2026, 11, 2, 15, tzinfo=UTC)
BEGIN = TODAY - timedelta(days=600)
SUPPLIER, SHELF, PATIENT = 1, 2, 6  # keys of places, in the order in which a site opens them
UNIT = 10_000  # one mL, in the whole numbers that the database keeps
BLOCK = 5_000

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "mmap_size=1073741824",
)
"""What the floors run under: what ours runs under."""


@dataclass(frozen=True)
class Book:
    """A database of ours, the file that it is in, and how large it is."""

    database: Database
    path: Path
    lots: int
    movements: int


@dataclass(frozen=True)
class LotLine:
    """One lot of the book: what was received, what is left, and on which days a vial of it was used."""

    id: int
    item: int
    received_on: date
    expires_on: date
    left: int
    unit_cost: int
    used_on: tuple[date, ...]

    @property
    def received(self) -> int:
        """How many vials came."""
        return self.left + len(self.used_on)


def lot_lines(lots: int, movements: int) -> Iterator[LotLine]:
    """The lots of a book, always the same: 1 to 6 vials left of each, the same number used of each."""
    uses = max(0, movements // lots - 1)
    for lot in range(1, lots + 1):
        day = BEGIN + timedelta(days=lot * 540 // lots)
        yield LotLine(
            id=lot,
            item=(lot - 1) % ITEMS + 1,
            received_on=day,
            expires_on=TODAY + timedelta(days=lot * 104_729 % 751 - 30),
            left=_left(lot % 10_007),
            unit_cost=100 + lot * 7919 % 801,
            used_on=tuple(day + timedelta(days=min(number, 59)) for number in range(1, uses + 1)),
        )


def sku(number: int) -> str:
    """The SKU of one of the fifty items, counted from 1."""
    return f"ITEM-{number:02}"


def build(folder: Path, lots: int, movements: int) -> Book:
    """Write a book by bare sqlite3: what the public functions would have written, in less time."""
    path = folder / f"book-{lots}-{movements}.sqlite"
    database = Database(f"sqlite:///{path}")
    every_table().create_all(database.engine)
    with database.write.begin() as db:
        clinic.open_site(db, code="MAIN", name="Bench", country="US", region="North America", time_zone="UTC")
    database.engine.dispose()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    _write_items(connection)
    _write_lots(connection, lot_lines(lots, movements))
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Book(database, path, lots, movements)


def bare(path: Path) -> sqlite3.Connection:
    """A connection without anything of ours."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def copy(book: Book, name: str) -> sqlite3.Connection:
    """A bare connection to a copy of the book as it stands, for a floor that writes."""
    with sqlite3.connect(book.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path = book.path.with_name(f"{name}-{book.path.name}")
    shutil.copy(book.path, path)
    return bare(path)


@cache
def _left(number: int) -> int:
    return random.Random(number).randint(1, 6)


def _write_items(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO items (id, sku, name, maker, kind, category, unit, content, overfill, container_form,"
        " dose_class, sterile, storage, pack_containers, active, version, illustrative, note, source)"
        " VALUES (?, ?, ?, '', 'injectable', '', 'mL', 10000, 500, 'vial', 'single_dose', 1, 'room_15_25',"
        " 10, 1, 1, 1, '', 'benchmark')",
        [(number, sku(number), f"Item {number}") for number in range(1, ITEMS + 1)],
    )
    connection.execute(
        "INSERT INTO suppliers (id, code, name, kind, country, currency, payment_days, lead_days,"
        " minimum_order, shipping, cold_chain, returns_rule, version, illustrative, source)"
        " VALUES (1, 'SUP', 'Supplier', '', 'US', 'USD', 0, 7, 0, 0, 0, '', 1, 1, '')"
    )
    connection.executemany(
        "INSERT INTO offers (item_id, supplier_id, pack_containers, pack_price, minimum_packs, lead_days,"
        " valid_from, preferred, source) VALUES (?, 1, 10, ?, 1, 7, '2025-01-01', 1, 'benchmark')",
        [(number, 3000 + 100 * number) for number in range(1, ITEMS + 1)],
    )


class _Rows:
    """Rows of several tables, written a block at a time; documents and movements get their keys here."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.documents, self.movements = 0, 0
        self.rows: dict[str, list[tuple[object, ...]]] = {
            name: [] for name in ("documents", "lots", "cost_layers", "receipts", "balances", "movements")
        }

    def add(self, table: str, *values: object) -> None:
        self.rows[table].append(values)

    def document(self, kind: str, on: str) -> int:
        self.documents += 1
        noon = f"{on} 12:00:00.000000"
        self.add("documents", self.documents, kind, 1, on, noon, noon, "bench", "", "")
        return self.documents

    def movement(self, document: int, on: str, lot: LotLine, vials: int) -> None:
        """So many vials received, or used where the number is negative."""
        self.movements += 1
        way = (SUPPLIER, SHELF, 1) if vials > 0 else (SHELF, PATIENT, -1)
        much = abs(vials)
        self.add(
            "movements", self.movements, document, on, lot.item, lot.id, *way, much * UNIT,
            much * lot.unit_cost, lot.id, None, None, None,
        )  # fmt: skip

    def write(self) -> None:
        for name, rows in self.rows.items():
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                self.connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608
                rows.clear()


def _write_lots(connection: sqlite3.Connection, lines: Iterator[LotLine]) -> None:
    rows = _Rows(connection)
    for number, lot in enumerate(lines, start=1):
        on, expires_on = lot.received_on.isoformat(), lot.expires_on.isoformat()
        left, received, cost = lot.left * UNIT, lot.received, lot.unit_cost
        rows.add("lots", lot.id, lot.item, f"L{lot.id:07}", expires_on, None, on, "released")
        rows.add("cost_layers", lot.id, lot.item, lot.id, on, left, lot.left * cost)
        document = rows.document("receipt", on)
        rows.add(
            "receipts", lot.id, document, 1, lot.item, lot.id, 1, on, received, cost * 10_000,
            received * UNIT, received * cost, 0, lot.id,
        )  # fmt: skip
        rows.movement(document, on, lot, received)
        last = max(lot.used_on, default=lot.received_on).isoformat()
        rows.add("balances", SHELF, lot.id, lot.item, expires_on, on, left, last)
        if lot.used_on:
            document = rows.document("session", last)
        for day in lot.used_on:
            rows.movement(document, day.isoformat(), lot, -1)
        if not number % BLOCK:
            rows.write()
    rows.write()
