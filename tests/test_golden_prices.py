"""Prices worked by hand: each row of `golden/prices.csv` through the stages and the tax table (P1 to P3).

An empty cell is the default: target 50 %, least margin 20 %, level 1, step 5.00, band 250 to 600, 4 sessions,
no tax (New York). The column `working` is the arithmetic; nothing in the table came out of the program.
"""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from inventory.database import Database
from pricing import price_list, stages
from pricing.price_list import TaxRule
from pricing.stages import BadTerms, CoursePrice, NoPrice
from seed_data import read, rows
from tests.conftest import NewDatabase
from tests.prices import band

Row = dict[str, str]
WITHOUT_TAX = ("US", "NY", "2026-01-15")
REFUSALS = {"NoPrice": NoPrice, "BadTerms": BadTerms}


def golden() -> list[Row]:
    with (Path(__file__).parent / "golden" / "prices.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def taxed(new_database: NewDatabase) -> Iterator[Database]:
    """A book with the tax rules of the reference tables."""
    with new_database() as database:
        with database.write.begin() as db:
            db.execute(sa.insert(TaxRule), [rows.tax_rule(row) for row in read("tax_rules")])
        yield database


def priced(row: Row, database: Database) -> CoursePrice:
    def number(name: str, default: str) -> Decimal:
        return Decimal(row[name] or default)

    country, region, on = (row["country"], row["region"], row["on"]) if row["country"] else WITHOUT_TAX
    with database.read() as db:
        tax = price_list.tax_for(db, country=country, region=region, on=date.fromisoformat(on))
    return stages.price_course(
        cost=Decimal(row["cost"]),
        multiplier=number("multiplier", "1"),
        target_margin_rate=number("target", "0.50"),
        least_margin_rate=number("least", "0.20"),
        list_price=Decimal(row["list"]) if row["list"] else None,
        step=number("step", "5.00"),
        band=band(row["low"] or "250", row["high"] or "600"),
        discount_rate=number("discount", "0"),
        free_sessions=int(row["free"] or 0),
        sessions=int(row["sessions"] or 4),
        tax=tax,
        override=row["override"],
    )


def parts(text: str) -> list[Decimal]:
    """`333.34x2+333.33x4` one by one."""
    found: list[Decimal] = []
    for one in text.split("+"):
        price, _, count = one.partition("x")
        found += [Decimal(price)] * int(count)
    return found


@pytest.mark.parametrize("row", golden(), ids=lambda row: row["case"])
def test_a_price_is_what_was_worked_out_by_hand(row: Row, taxed: Database):
    if row["refused"]:
        with pytest.raises(REFUSALS[row["refused"]]):
            priced(row, taxed)
        return

    found = priced(row, taxed)

    said = {stage.name: stage.amount for stage in found.stages}
    assert {
        "price": said["band"],
        "floor": found.floor,
        "subtotal": found.subtotal,
        "given": found.discount,
        "tax": found.tax,
        "total": found.total,
    } == {name: Decimal(row[name]) for name in ("price", "floor", "subtotal", "given", "tax", "total")}
    assert list(found.session_prices) == parts(row["shares"])


def test_the_table_is_whole():
    listed = golden()

    assert len(listed) >= 60
    assert len({row["case"] for row in listed}) == len(listed)
    assert {int(row["sessions"] or 4) for row in listed} >= set(range(1, 13))
    assert all(row["working"] and row["shows"] for row in listed)
