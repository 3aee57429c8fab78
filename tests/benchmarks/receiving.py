"""Receiving: thousands of lots in one delivery or one file, against inserting the same rows."""

import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from api import imports
from inventory import clinic, receiving
from inventory.catalog import Item
from inventory.receiving import Delivery
from tests.benchmarks import book, timing
from tests.benchmarks.book import Book
from tests.benchmarks.timing import Figure

TABLES = ("lots", "documents", "cost_layers", "receipts", "movements", "balances")
Rows = dict[str, list[tuple[object, ...]]]


def ours(large: Book, lines: int) -> Callable[[str], None]:
    """Receive so many new lots in one delivery, committed; the text names it."""
    expires_on = book.TODAY + timedelta(days=400)

    def receive(name: str) -> None:
        with large.database.write() as db:
            items = db.scalars(sa.select(Item).order_by(Item.id)).all()
            deliveries = [
                Delivery(items[n % len(items)], f"{name}-{n}", expires_on, 1 + n % 9, Decimal("18.40"))
                for n in range(lines)
            ]
            receiving.receive_many(
                db,
                deliveries,
                site=clinic.site(db, "MAIN"),
                received_on=book.TODAY,
                recorded_at=book.NOW,
                by="bench",
            )
            db.commit()

    return receive


def from_a_file(large: Book, lines: int) -> Callable[[str], None]:
    """Import so many new lots from a file of opening stock, committed; the text names it."""

    def take(name: str) -> None:
        header = "sku,lot_number,expires_on,containers,unit_cost\n"
        rows = (
            f"{book.sku(n % book.ITEMS + 1)},{name}-{n},2027-12-07,{1 + n % 9},18.40\n" for n in range(lines)
        )
        data = (header + "".join(rows)).encode()
        with large.database.write() as db:
            report = imports.run(
                db,
                "opening-stock",
                "stock.csv",
                data,
                partial=False,
                at=book.NOW,
                by="bench",
                site=clinic.site(db, "MAIN"),
            )
            assert report.imported == lines, report.rows[:3]
            db.commit()

    return take


def newest(connection: sqlite3.Connection) -> int:
    """The key of the newest lot."""
    return int(connection.execute("SELECT max(id) FROM lots").fetchone()[0])


def rows_since(connection: sqlite3.Connection, lot: int) -> Rows:
    """The rows of the lots that came after one: in the order in which they may be inserted."""
    documents = "id IN (SELECT document_id FROM receipts WHERE lot_id > ?)"
    which = {"lots": "id > ?", "documents": documents}
    return {
        table: connection.execute(
            f"SELECT * FROM {table} WHERE {which.get(table, 'lot_id > ?')}",  # noqa: S608
            (lot,),
        ).fetchall()
        for table in TABLES
    }


def insert(connection: sqlite3.Connection, rows: Rows) -> None:
    """The floor: the same rows into the same tables, by bare sqlite3."""
    connection.execute("BEGIN IMMEDIATE")
    for table in TABLES:
        marks = ", ".join("?" * len(rows[table][0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows[table])  # noqa: S608
    connection.execute("COMMIT")


def figures(large: Book, *, lines: int, rounds: int) -> list[Figure]:
    """Microseconds a lot: a delivery and a file against the floor."""
    copied = book.copy(large, "receipts")
    reader = book.bare(large.path)
    found = []
    for name, work, goal in (
        ("in one delivery", ours(large, lines), 10.0),
        ("in one csv file", from_a_file(large, lines), None),
    ):
        taken, least = [], []
        for number in range(rounds):
            before = newest(reader)
            taken.append(_milliseconds(lambda call=work, text=f"{name[-4:]}{number}": call(text)))
            rows = rows_since(reader, before)
            least.append(_milliseconds(lambda these=rows: insert(copied, these)))
        found.append(
            Figure(
                f"{lines:,} lots received {name}",
                timing.middle(taken) * 1000 / lines,
                timing.middle(least) * 1000 / lines,
                goal,
                unit="us/lot",
            )
        )
    copied.close()
    reader.close()
    return found


def _milliseconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000
