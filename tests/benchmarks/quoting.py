"""Quoting: a course of ten ingredients and six sessions, costed on three bases, priced and saved."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import sqlalchemy as sa

from inventory import catalog, clinic
from pricing import formulations, quotes
from pricing.formulations import Formulation, LineKind, NewLine
from pricing.price_list import ANY_AREA, GENERAL_TREATMENT, PractitionerLevel, PriceBand
from pricing.protocols import Technique, TechniqueFamily
from pricing.quotes import Request
from tests import recipes
from tests.benchmarks import book, timing
from tests.benchmarks.book import UNIT, Book
from tests.benchmarks.timing import Figure

INGREDIENTS, SESSIONS, DOSE = 10, 6, Decimal("1.5")
TABLES = ("quotes", "quote_stages", "quote_sessions", "quote_lines", "quote_states")
STARTS_ON = book.TODAY + timedelta(days=7)
DATES = [(STARTS_ON + timedelta(weeks=2 * number)).isoformat() for number in range(SESSIONS)]
VIALS = 2  # that a dose takes (S3)
FEFO = """
    SELECT balances.lot_id, balances.quantity, quantity_left, value_left
    FROM balances JOIN cost_layers ON cost_layers.lot_id = balances.lot_id
    WHERE balances.item_id = ? AND place_id = ? AND balances.quantity > 0 AND expires_on >= ?
    ORDER BY expires_on, balances.received_on, balances.lot_id
"""


def offer_course(large: Book) -> None:
    """Put on the menu what the quote is for: a formulation of ten items, six sessions two weeks apart."""
    with large.database.write.begin() as db:
        formulation = Formulation(
            code="F-90",
            name="Ten",
            concern="dryness",
            area="full face",
            technique="nappage",
            total_volume_ml=Decimal(3),
        )
        lines = [
            NewLine(LineKind.PRODUCT, one.name, item_id=one.id, quantity=DOSE, unit=one.unit)
            for one in (catalog.item(db, book.sku(number)) for number in range(1, INGREDIENTS + 1))
        ]
        db.add_all(
            [
                Technique(name="nappage", family=TechniqueFamily.FINE_NEEDLE),
                PractitionerLevel(
                    code="L2", name="Nurse", labour_rate=Decimal("45.00"), multiplier=Decimal(1)
                ),
                PriceBand(
                    code="PB-01",
                    region="North America",
                    country="US",
                    currency="USD",
                    treatment="Mesotherapy facial",
                    family=GENERAL_TREATMENT,
                    area=ANY_AREA,
                    unit="session",
                    low=Decimal(250),
                    high=Decimal(600),
                    valid_from=date(2021, 1, 1),
                    source="benchmark",
                ),
            ]
        )
        formulations.add_formulation(db, formulation, lines, at=book.NOW, by="bench")
        db.add(recipes.general_facial(formulation_id=formulation.id))


def ours(large: Book) -> Callable[[], int]:
    """One quote drafted and committed; answers its key."""
    request = Request(protocol="P-00", level="L2", starts_on=STARTS_ON, patient_ref="P-1", sessions=SESSIONS)

    def draft() -> int:
        with large.database.write() as db:
            quote = quotes.draft(db, request, site=clinic.site(db, "MAIN"), at=book.NOW, by="bench")
            key = quote.id
            db.commit()
        return key

    return draft


def floor(connection: sqlite3.Connection, large: Book, quote: int) -> Callable[[], int]:
    """By bare sqlite3: read the lots that the sessions would draw and their costs, write the quote's rows.

    The rows are those that ours wrote for a quote, under a key of their own. Answers the cost in cents.
    """
    with sqlite3.connect(large.path) as written:
        rows = {
            table: written.execute(
                f"SELECT * FROM {table} WHERE {'id' if table == 'quotes' else 'quote_id'} = ?",  # noqa: S608
                (quote,),
            ).fetchall()
            for table in TABLES
        }
    written.close()
    inserts = {
        table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[table][0]))})"  # noqa: S608
        for table in TABLES
    }
    keys = iter(range(1_000_000, 2_000_000))

    def draft() -> int:
        connection.execute("BEGIN IMMEDIATE")
        cost = _cost(lambda *asked: connection.execute(FEFO, asked))
        key = next(keys)
        for table in TABLES:
            connection.executemany(inserts[table], [(key, *row[1:]) for row in rows[table]])
        connection.execute("COMMIT")
        return cost

    return draft


def reading(large: Book) -> Callable[[], int]:
    """By bare Core: read the lots that the sessions would draw and their costs, and write nothing."""
    asked = sa.text(FEFO.replace("?", ":item", 1).replace("?", ":place", 1).replace("?", ":day", 1))

    def read() -> int:
        with large.database.engine.connect() as connection:
            return _cost(
                lambda item, place, on: connection.execute(asked, {"item": item, "place": place, "day": on})
            )

    return read


def _cost(ask: Callable[[int, int, str], Iterable[Any]]) -> int:
    """What the vials had cost that the sessions would draw: each day the soonest to expire of each item."""
    gone: dict[int, int] = defaultdict(int)
    cost = 0
    for on, item in product(DATES, range(1, INGREDIENTS + 1)):
        missing = VIALS * UNIT
        for lot, held, quantity, value in ask(item, book.SHELF, on):
            taken = min(held - gone[lot], missing)
            gone[lot] += taken
            cost += value * taken // quantity
            missing -= taken
            if not missing:
                break
    return cost


def figures(large: Book, short: Book, *, rounds: int) -> list[Figure]:
    """Ours against the floor, and whether a quote grows with the movements."""
    for each in (large, short):
        offer_course(each)
    first = ours(large)()
    ours(short)()
    connection = book.copy(large, "quotes")
    name = f"quote of {INGREDIENTS} x {SESSIONS}, {large.lots:,} lots"
    against = timing.compared(
        f"{name}: costed and saved", ours(large), floor(connection, large, first), rounds=rounds, goal=20
    )
    connection.close()
    to_core = timing.compared(
        f"{name}: against reading its lots by bare Core", ours(large), reading(large), rounds=rounds, goal=10
    )
    grown, young = timing.in_turn(ours(large), ours(short), rounds=rounds)
    return [against, to_core, timing.growth(name, large.movements, short.movements, grown, young)]
