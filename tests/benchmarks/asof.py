"""As of a past day: what stock was worth, and the roll-forward of its month, against the same by bare SQL.

The floor reads every movement up to the day, and answers the same rows. Ours does so where no month was
closed; after a closing it begins with what the closing kept.
"""

import sqlite3
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from inventory import history, periods, snapshots
from pricing import reports
from tests.benchmarks import book, timing
from tests.benchmarks.book import Book
from tests.benchmarks.timing import Figure

PAST = book.TODAY - timedelta(days=100)
MONTH = PAST.replace(day=1)
CLOSED = MONTH - timedelta(days=1)  # the last day of the month before
GOAL = 2

VALUATION = """
    SELECT items.sku, lots.item_id, lots.id, lots.number, lots.expires_on, quantity, value
    FROM (SELECT lot_id, sum(direction * quantity) AS quantity, sum(direction * value) AS value
          FROM movements WHERE "on" <= ? GROUP BY lot_id HAVING quantity <> 0 OR value <> 0) AS held
    JOIN lots ON lots.id = held.lot_id JOIN items ON items.id = lots.item_id
    ORDER BY items.sku, lots.expires_on, lots.id
"""
OPENING = """
    SELECT item_id, sum(direction * quantity), sum(direction * value) FROM movements
    WHERE "on" < ? GROUP BY item_id
"""
FLOWS = """
    SELECT item_id, source_id, target_id, reason, corrects_id IS NOT NULL,
      sum(direction * quantity), sum(direction * value)
    FROM movements WHERE "on" BETWEEN ? AND ? AND direction <> 0 GROUP BY 1, 2, 3, 4, 5
"""

Rows = list[tuple[Any, ...]]


def valuation(large: Book) -> Callable[[], history.Valuation]:
    """What every lot held at the end of the day was worth."""

    def read() -> history.Valuation:
        with large.database.read() as db:
            return history.valuation(db, on=PAST)

    return read


def roll_forward(large: Book) -> Callable[[], tuple[reports.RollForwardRow, ...]]:
    """Every item from the beginning of the month to the day."""

    def read() -> tuple[reports.RollForwardRow, ...]:
        with large.database.read() as db:
            return reports.roll_forward(db, since=MONTH, until=PAST)

    return read


def valuation_floor(connection: sqlite3.Connection) -> Callable[[], Rows]:
    """The same rows by bare sqlite3."""
    return lambda: connection.execute(VALUATION, (PAST.isoformat(),)).fetchall()


def roll_forward_floor(connection: sqlite3.Connection) -> Callable[[], Rows]:
    """The same sums by bare sqlite3."""
    first, last = MONTH.isoformat(), PAST.isoformat()

    def read() -> Rows:
        opening = connection.execute(OPENING, (first,)).fetchall()
        return opening + connection.execute(FLOWS, (first, last)).fetchall()

    return read


def close(large: Book, until: date) -> None:
    """Close the month that ends on a day, and keep what its lots hold."""
    after = datetime.combine(until + timedelta(days=1), book.NOW.timetz())
    with large.database.write.begin() as db:
        closed = periods.close(db, until, at=after, by="bench", facts="0" * 64)
        snapshots.keep(db, closed.id, until=until)


def figures(large: Book, *, rounds: int) -> list[Figure]:
    """Both reports, before any month is closed and after the month before was."""
    connection = book.bare(large.path)
    floors = valuation_floor(connection), roll_forward_floor(connection)
    found = _compared(large, floors, "no month closed", rounds)
    close(large, CLOSED)
    found += _compared(large, floors, "after a closing", rounds)
    connection.close()
    return found


def _compared(large: Book, floors: tuple[Any, Any], when: str, rounds: int) -> list[Figure]:
    names = "valuation on a day past", "roll-forward of its month"
    return [
        timing.compared(
            f"{name}, {large.movements:,} movements, {when}", ours(large), floor,
            rounds=rounds, goal=GOAL, warm=1,
        )
        for name, ours, floor in zip(names, (valuation, roll_forward), floors, strict=True)
    ]  # fmt: skip
