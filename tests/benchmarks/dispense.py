"""Dispensing: a session of ten ingredients by FEFO, in process, against the least that SQL must do."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

from inventory import clinic, treatments
from inventory.database import Database
from inventory.treatments import Line, Visit
from tests.benchmarks import book, timing
from tests.benchmarks.timing import Figure


def sessions(seed: int) -> Iterator[list[tuple[int, int]]]:
    """Ten different items and a dose of 0.5 to 3.0 mL of each, in ten-thousandths."""
    chance = random.Random(seed)
    while True:
        yield [(item, chance.randint(500, 3000) * 10) for item in chance.sample(range(1, book.ITEMS + 1), 10)]


def ours(database: Database, seed: int = 1) -> Callable[[], object]:
    """One session through the domain, committed."""
    asked = iter(
        [
            [Line(Decimal(dose) / 10_000, sku=book.sku(item)) for item, dose in session]
            for session in islice(sessions(seed), 2000)
        ]
    )

    def session() -> None:
        lines = next(asked)
        with database.write() as db:
            treatments.treat(
                db,
                Visit("P-1", book.NOW),
                lines,
                site=clinic.site(db, "MAIN"),
                recorded_at=book.NOW,
                by="bench",
            )
            db.commit()

    return session


def floor(path: Path, lots: int, seed: int = 1) -> Callable[[], object]:
    """The same by bare sqlite3: ten selects by FEFO, one insert and one update of many, a commit."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        "PRAGMA cache_size=-65536; PRAGMA mmap_size=1073741824;"
        "CREATE TABLE lot (id INTEGER PRIMARY KEY, product INTEGER NOT NULL, code TEXT NOT NULL,"
        " expiry TEXT NOT NULL, unit_cost BIGINT NOT NULL, balance BIGINT NOT NULL CHECK (balance >= 0));"
        "CREATE TABLE ledger (id INTEGER PRIMARY KEY, session BIGINT NOT NULL, product INTEGER NOT NULL,"
        " lot INTEGER NOT NULL REFERENCES lot(id), qty BIGINT NOT NULL, unit_cost BIGINT NOT NULL, at TEXT NOT NULL);"
        "BEGIN"
    )
    connection.executemany(
        "INSERT INTO lot VALUES (?, ?, ?, ?, ?, ?)",
        (
            (n, (n - 1) % book.ITEMS + 1, f"L{n:07}", book.expiry(n).isoformat(), book.unit_cost(n), book.left_of(n) * book.UNIT)
            for n in range(1, lots + 1)
        ),
    )
    connection.executescript(
        "CREATE INDEX lot_fefo ON lot (product, expiry, id) WHERE balance > 0;"
        "CREATE INDEX ledger_lot ON ledger (lot, at); ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)"
    )
    asked, today, number = sessions(seed), book.TODAY.isoformat(), iter(range(10**9))

    def session() -> None:
        one = next(number)
        connection.execute("BEGIN IMMEDIATE")
        ledger, changes = [], []
        for item, dose in next(asked):
            needed = dose
            for lot, held, cost in connection.execute(
                "SELECT id, balance, unit_cost FROM lot WHERE product=? AND balance>0 AND expiry>=? ORDER BY expiry, id",
                (item, today),
            ):
                taken = min(held, needed)
                ledger.append((one, item, lot, -taken, cost, today))
                changes.append((taken, lot, taken))
                needed -= taken
                if not needed:
                    break
        connection.executemany(
            "INSERT INTO ledger (session, product, lot, qty, unit_cost, at) VALUES (?,?,?,?,?,?)", ledger
        )
        connection.executemany("UPDATE lot SET balance=balance-? WHERE id=? AND balance>=?", changes)
        connection.execute("COMMIT")

    return session


def figures(folder: Path, large: Database, lots: int, rounds: int) -> list[Figure]:
    """Ours against the floor at the large size, and against ourselves at a thousand lots."""
    small = book.build(folder, 1_000, 10_000)
    big, base = timing.alternate(ours(large), floor(folder / "floor.sqlite", lots), rounds=rounds)
    again, little = timing.alternate(ours(large, 2), ours(small), rounds=min(rounds, 60))
    return [
        Figure(f"session of 10, FEFO, {lots:,} lots: p50 against bare sqlite3", timing.median(big), timing.median(base), 5),
        Figure(f"session of 10, FEFO, {lots:,} lots: p99 against the floor's p99", timing.p99(big), timing.p99(base), None),
        Figure(f"session of 10, FEFO: p50 at {lots:,} lots against 1,000", timing.median(again), timing.median(little), 2),
    ]
