"""Reading: pages of the list of lots, and what stock was worth on a day past, against the same SQL."""

import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from inventory import history, lot_list
from inventory.history import Valuation
from inventory.lot_list import LotRow
from tests.benchmarks import book, timing
from tests.benchmarks.book import Book
from tests.benchmarks.timing import Figure

PAGE = 100
PAST = book.TODAY - timedelta(days=100)

LOTS = """
    SELECT lots.id, items.sku, items.name, items.unit, lots.number, lots.expires_on, lots.state,
      lots.received_on,
      (SELECT sum(quantity) FROM balances WHERE lot_id = lots.id),
      (SELECT sum(value_left) FROM cost_layers WHERE lot_id = lots.id AND quantity_left > 0)
    FROM lots JOIN items ON items.id = lots.item_id
    WHERE (lots.expires_on, lots.id) > (?, ?) ORDER BY lots.expires_on, lots.id LIMIT ?
"""
VALUATION = """
    SELECT items.sku, lots.item_id, lots.id, lots.number, lots.expires_on, quantity, value
    FROM (SELECT lot_id, sum(direction * quantity) AS quantity, sum(direction * value) AS value
          FROM movements WHERE "on" <= ? GROUP BY lot_id HAVING quantity <> 0 OR value <> 0) AS held
    JOIN lots ON lots.id = held.lot_id JOIN items ON items.id = lots.item_id
    ORDER BY items.sku, lots.expires_on, lots.id
"""

Rows = list[tuple[Any, ...]]


def page(large: Book, after: tuple[date, int] | None) -> Callable[[], list[LotRow]]:
    """A hundred lots by expiry, after one of them."""

    def read() -> list[LotRow]:
        with large.database.read() as db:
            return lot_list.lots(db, after=after, limit=PAGE)

    return read


def page_floor(connection: sqlite3.Connection, after: tuple[date, int] | None) -> Callable[[], Rows]:
    """The same hundred by bare sqlite3."""
    day, lot = after or (date.min, 0)
    asked = (day.isoformat(), lot, PAGE)
    return lambda: connection.execute(LOTS, asked).fetchall()


def valuation(large: Book) -> Callable[[], Valuation]:
    """What every lot held a hundred days ago was worth."""

    def read() -> Valuation:
        with large.database.read() as db:
            return history.valuation(db, on=PAST)

    return read


def valuation_floor(connection: sqlite3.Connection) -> Callable[[], Rows]:
    """The same rows by bare sqlite3."""
    return lambda: connection.execute(VALUATION, (PAST.isoformat(),)).fetchall()


def before_last_page(connection: sqlite3.Connection) -> tuple[date, int]:
    """The lot after which the last hundred of the list come."""
    day, lot = connection.execute(
        "SELECT expires_on, id FROM lots ORDER BY expires_on DESC, id DESC LIMIT 1 OFFSET ?", (PAGE,)
    ).fetchone()
    return date.fromisoformat(day), lot


def figures(large: Book, short: Book, *, rounds: int) -> list[Figure]:
    """The first page and the last, the valuation, and whether the lists grow with the movements."""
    connection = book.bare(large.path)
    last = before_last_page(connection)
    name = f"list of {PAGE} lots of {large.lots:,}"
    final, first = timing.in_turn(page(large, last), page(large, None), rounds=rounds)
    grown, young = timing.in_turn(page(large, None), page(short, None), rounds=rounds)
    found = [
        timing.compared(
            f"{name}: first page", page(large, None), page_floor(connection, None), rounds=rounds, goal=3
        ),
        timing.compared(
            f"{name}: last page", page(large, last), page_floor(connection, last), rounds=rounds, goal=3
        ),
        Figure(f"{name}: last page, and first", timing.middle(final), timing.middle(first), timing.STEADY),
        timing.growth(name, large.movements, short.movements, grown, young),
        timing.compared(
            f"valuation of {large.lots:,} lots on a day past, {large.movements:,} movements",
            valuation(large),
            valuation_floor(connection),
            rounds=max(3, rounds // 20),
            goal=3,
            warm=1,
        ),
    ]
    connection.close()
    return found
