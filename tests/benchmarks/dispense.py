"""Dispensing: a session of ten ingredients by FEFO, in process, against the least that SQL must do."""

import random
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

from inventory import clinic, treatments
from inventory.treatments import Line, Visit
from tests.benchmarks import book, timing
from tests.benchmarks.book import UNIT, Book
from tests.benchmarks.timing import Figure

LOSS, EFFECTIVE = Decimal("0.10"), Decimal("1.05")  # in the syringe; of a vial with its overfill (S3)
MOST_SESSIONS = 1_000
LotsTaken = list[tuple[int, int]]  # the lot and how many ten-thousandths of a mL, in the order of taking

FLOOR_TABLES = """
    CREATE TABLE lot (id INTEGER PRIMARY KEY, product INTEGER NOT NULL, code TEXT NOT NULL,
      expiry TEXT NOT NULL, unit_cost BIGINT NOT NULL, balance BIGINT NOT NULL CHECK (balance >= 0));
    CREATE TABLE ledger (id INTEGER PRIMARY KEY, session BIGINT NOT NULL, product INTEGER NOT NULL,
      lot INTEGER NOT NULL REFERENCES lot(id), qty BIGINT NOT NULL, unit_cost BIGINT NOT NULL,
      at TEXT NOT NULL);
"""
FLOOR_INDEXES = """
    CREATE INDEX lot_fefo ON lot (product, expiry, id) WHERE balance > 0;
    CREATE INDEX ledger_lot ON ledger (lot, at);
    ANALYZE;
    PRAGMA wal_checkpoint(TRUNCATE);
"""


@dataclass(frozen=True)
class Dose:
    """So much of one of the fifty items, and the whole vials that it takes."""

    item: int
    volume: Decimal

    @property
    def vials(self) -> int:
        """The smallest number that covers the dose and what stays in the syringe (S3)."""
        return int(((self.volume + LOSS) / EFFECTIVE).to_integral_value(ROUND_CEILING))


def sessions(seed: int) -> list[list[Dose]]:
    """Ten different items and a dose of 0.5 to 3.0 mL of each, always the same for a seed."""
    chance = random.Random(seed)
    return [
        [
            Dose(item, Decimal(chance.randint(500, 3000)) / 1000)
            for item in chance.sample(range(1, book.ITEMS + 1), 10)
        ]
        for _ in range(MOST_SESSIONS)
    ]


def ours(large: Book, seed: int = 1) -> Callable[[], LotsTaken]:
    """One session through the domain, committed; whoever calls knows the site, as `treat` asks."""
    with large.database.read() as db:
        site = clinic.site(db, "MAIN")
    asked = iter([[Line(dose.volume, sku=book.sku(dose.item)) for dose in doses] for doses in sessions(seed)])

    def session() -> LotsTaken:
        with large.database.write() as db:
            treated = treatments.treat(
                db,
                Visit("P-1", book.NOW),
                next(asked),
                site=site,
                recorded_at=book.NOW,
                by="bench",
            )
            db.commit()
        return [(use.lot_id, int((use.quantity + use.discarded) * UNIT)) for use in treated.uses]

    return session


def floor(folder: Path, large: Book, seed: int = 1) -> Callable[[], LotsTaken]:
    """The same by bare sqlite3: ten selects by FEFO, one insert and one update of many, a commit.

    Its two tables hold the same lots and movements, and no more than FEFO needs to know of them.
    """
    connection = _floor_book(folder / f"floor-{large.path.name}", large)
    asked = enumerate([[(dose.item, dose.vials * UNIT) for dose in doses] for doses in sessions(seed)])
    today = book.TODAY.isoformat()

    def session() -> LotsTaken:
        number, needs = next(asked)
        return bare_session(connection, number, needs, today)

    return session


def bare_session(
    connection: sqlite3.Connection, number: int, needs: Sequence[tuple[int, int]], today: str
) -> LotsTaken:
    """Ten selects by FEFO, one insert and one update of many, a commit, by bare sqlite3."""
    connection.execute("BEGIN IMMEDIATE")
    ledger, changes = [], []
    for item, needed in needs:
        for lot, held, cost in connection.execute(
            "SELECT id, balance, unit_cost FROM lot"
            " WHERE product=? AND balance>0 AND expiry>=? ORDER BY expiry, id",
            (item, today),
        ):
            taken = min(held, needed)
            ledger.append((number, item, lot, -taken, cost, today))
            changes.append((taken, lot, taken))
            needed -= taken
            if not needed:
                break
    connection.executemany(
        "INSERT INTO ledger (session, product, lot, qty, unit_cost, at) VALUES (?,?,?,?,?,?)", ledger
    )
    connection.executemany("UPDATE lot SET balance=balance-? WHERE id=? AND balance>=?", changes)
    connection.execute("COMMIT")
    return [(lot, taken) for taken, lot, _ in changes]


def _floor_book(path: Path, large: Book) -> sqlite3.Connection:
    connection = book.bare(path)
    connection.executescript(FLOOR_TABLES)
    connection.execute("BEGIN")
    for lot in book.lot_lines(large.lots, large.movements):
        connection.execute(
            "INSERT INTO lot VALUES (?, ?, ?, ?, ?, ?)",
            (lot.id, lot.item, f"L{lot.id:07}", lot.expires_on.isoformat(), lot.unit_cost, lot.left * UNIT),
        )
        moved = [(lot.received_on, lot.received * UNIT), *((day, -UNIT) for day in lot.used_on)]
        connection.executemany(
            "INSERT INTO ledger (session, product, lot, qty, unit_cost, at) VALUES (?, ?, ?, ?, ?, ?)",
            [(0, lot.item, lot.id, quantity, lot.unit_cost, day.isoformat()) for day, quantity in moved],
        )
    connection.execute("COMMIT")
    connection.executescript(FLOOR_INDEXES)
    return connection


def figures(folder: Path, large: Book, short: Book, small: Book, *, rounds: int) -> list[Figure]:
    """Ours against the floor in the large book, and against ourselves in a short and in a small one."""
    name = f"session of 10 by FEFO, {large.lots:,} lots"
    taken, least = timing.in_turn(ours(large), floor(folder, large), rounds=rounds)
    grown, young = timing.in_turn(ours(large, 2), ours(short, 2), rounds=rounds // 2)
    big, little = timing.in_turn(ours(large, 3), ours(small, 3), rounds=min(rounds // 2, small.lots // 20))
    return [
        Figure(f"{name}: median", timing.middle(taken), timing.middle(least), goal=5),
        Figure(f"{name}: 99 of 100", timing.tail(taken), timing.tail(least)),
        Figure(f"{name}, and at {small.lots:,}", timing.middle(big), timing.middle(little), goal=2),
        timing.growth(name, large.movements, short.movements, grown, young),
    ]
