"""A large book for the benchmarks: so many lots of fifty items, and movements that brought them there."""

import random
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from api.migrations.tables import every_table
from inventory import clinic
from inventory.database import Database

ITEMS = 50
TODAY = date(2026, 11, 2)
NOW = datetime(2026, 11, 2, 15, tzinfo=UTC)
DAYS = 600  # of history
PLACES = {"supplier": 1, "shelf": 2, "opened": 3, "quarantine": 4, "patient": 6}
UNIT = 10_000  # one mL, in the whole numbers that the database keeps


def build(folder: Path, lots: int, movements: int) -> Database:
    """A book of `lots` lots, 1 to 6 vials left of each, and about `movements` movements behind them.

    Rows are written by bare sqlite3, for speed; they are what the public functions would have written.
    """
    path = folder / f"book{lots}.sqlite"
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    database = Database(f"sqlite:///{path}")
    every_table().create_all(database.engine)
    with database.write() as db:
        clinic.open_site(
            db, code="MAIN", name="Bench", country="US", region="North America", time_zone="UTC"
        )
        db.commit()
    database.engine.dispose()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    _items(connection)
    _lots(connection, lots, uses=max(0, movements // lots - 1))
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return database


def sku(number: int) -> str:
    """The SKU of one of the fifty items, counted from 1."""
    return f"ITEM-{number:02}"


def left_of(lot: int) -> int:
    """How many vials a lot has left: 1 to 6, always the same for the same lot."""
    return random.Random(lot).randint(1, 6)


def unit_cost(lot: int) -> int:
    """The cost of one vial of a lot, in cents."""
    return 100 + lot * 7919 % 801


def expiry(lot: int) -> date:
    """When a lot expires: from a month ago to two years ahead."""
    return TODAY + timedelta(days=lot * 104_729 % 751 - 30)


def _items(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO items (id, sku, name, maker, kind, category, unit, content, overfill, container_form,"
        " dose_class, sterile, storage, pack_containers, active, version, illustrative, note, source)"
        " VALUES (?, ?, ?, '', 'injectable', '', 'mL', 10000, 500, 'vial', 'single_dose', 1, 'room_15_25',"
        " 10, 1, 1, 1, '', 'benchmark')",
        [(number, sku(number), f"Item {number}") for number in range(1, ITEMS + 1)],
    )
    connection.execute(
        "INSERT INTO suppliers VALUES (1, 'SUP', 'Supplier', '', 'US', 'USD', 0, 7, 0, 0, 0, '', 1, 1, '')"
    )
    connection.executemany(
        "INSERT INTO offers (item_id, supplier_id, pack_containers, pack_price, minimum_packs, lead_days,"
        " valid_from, preferred, source) VALUES (?, 1, 10, ?, 1, 7, '2025-01-01', 1, 'benchmark')",
        [(number, 3000 + 100 * number) for number in range(1, ITEMS + 1)],
    )


def _lots(connection: sqlite3.Connection, lots: int, *, uses: int) -> None:
    begin = TODAY - timedelta(days=DAYS)
    documents, movement = 0, 0
    for first in range(1, lots + 1, 5_000):
        block = range(first, min(first + 5_000, lots + 1))
        rows: dict[str, list[tuple[object, ...]]] = {
            name: [] for name in ("documents", "lots", "cost_layers", "receipts", "balances", "movements")
        }
        for lot in block:
            day = begin + timedelta(days=lot * (DAYS - 60) // lots)
            documents, movement = _one_lot(rows, lot, day, uses, documents, movement)
        for name, written in rows.items():
            marks = ", ".join("?" * len(written[0]))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", written)  # noqa: S608


def _one_lot(
    rows: dict[str, list[tuple[object, ...]]], lot: int, day: date, uses: int, documents: int, movement: int
) -> tuple[int, int]:
    item, left, cost = (lot - 1) % ITEMS + 1, left_of(lot), unit_cost(lot)
    received, last = left + uses, day + timedelta(days=min(uses, 59))
    documents += 1
    on = day.isoformat()
    rows["lots"].append((lot, item, f"L{lot:07}", expiry(lot).isoformat(), None, on, "released"))
    rows["documents"].append((documents, "receipt", 1, on, f"{on} 12:00:00.000000", f"{on} 12:00:00.000000", "b", "", ""))
    rows["cost_layers"].append((lot, item, lot, on, left * UNIT, left * cost))
    rows["receipts"].append(
        (lot, documents, 1, item, lot, 1, on, received, cost * 10_000, received * UNIT, received * cost, lot)
    )
    rows["balances"].append(
        (PLACES["shelf"], lot, item, expiry(lot).isoformat(), on, left * UNIT, last.isoformat())
    )
    movement += 1
    rows["movements"].append(
        (movement, documents, on, item, lot, PLACES["supplier"], PLACES["shelf"], 1, received * UNIT,
         received * cost, lot, None, None, None)
    )  # fmt: skip
    if uses:
        documents += 1
        used_on = (day + timedelta(days=1)).isoformat()
        rows["documents"].append(
            (documents, "session", 1, used_on, f"{used_on} 12:00:00.000000", f"{used_on} 12:00:00.000000", "b", "", "")
        )
    for number in range(uses):
        movement += 1
        used_on = (day + timedelta(days=min(number + 1, 59))).isoformat()
        rows["movements"].append(
            (movement, documents, used_on, item, lot, PLACES["shelf"], PLACES["patient"], -1, UNIT, cost, lot,
             None, None, None)
        )  # fmt: skip
    return documents, movement
