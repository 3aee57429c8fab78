"""The clinic in River Street, whose first days the stories tell, and its workbook as people read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import openpyxl

from inventory import catalog
from inventory.catalog import Item
from inventory.database import Database
from inventory.measures import Unit
from pricing import formulations
from pricing.formulations import LineKind, NewLine
from seed_data import reference
from tests.calls import Clinic, opened


@dataclass
class Story:
    """The clinic in River Street, and what its people have to remember from one step to the next."""

    clinic: Clinic
    lots: dict[str, int] = field(default_factory=dict)
    vial: int = 0
    mean_cost: Decimal = Decimal(0)
    quote: int = 0
    course: int = 0
    workbook: bytes = b""

    def it_is(self, day: int, hour: int, minute: int = 0) -> None:
        """Set the clock in January 2026, New York time."""
        self.clinic.clock.now = datetime(2026, 1, day, hour + 5, minute, tzinfo=UTC)

    def stock(self, sku: str) -> Any:
        [row] = self.clinic.seen(f"/stock?site=RIVER&sku={sku}")["items"]
        return row

    def orders(self) -> dict[str, Any]:
        """What the reorder list says to order, by SKU."""
        listed = self.clinic.seen("/reorder-advice?site=RIVER&limit=500")["items"]
        return {row["sku"]: row for row in listed if row["order_packs"]}


@contextmanager
def river_street(database: Database) -> Iterator[Story]:
    """A site in New York, the reference tables, and the clinic's own way with F-01: 2.5 mL and lidocaine."""
    with database.write.begin() as db:
        reference.load(db, at=datetime(2026, 1, 5, 14, tzinfo=UTC))
        formulations.revise(
            db,
            formulations.formulation(db, "F-01"),
            [
                _drawn(catalog.item(db, "MP-001"), "2.5", "base"),
                _drawn(catalog.item(db, "RX-021"), "1", "anaesthetic"),
            ],
            at=datetime(2026, 1, 5, 14, tzinfo=UTC),
            by="Dr Reed",
            reason="less volume, and lidocaine against the sting",
        )
    with opened(database, stocked=False) as clinic:
        site = {"code": "RIVER", "name": "River Street", "country": "US", "region": "North America"}
        clinic.made("/sites", site | {"tax_region": "NY", "time_zone": "America/New_York"})
        yield Story(clinic)


def _drawn(item: Item, millilitres: str, role: str) -> NewLine:
    return NewLine(
        kind=LineKind.PRODUCT,
        item_id=item.id,
        ingredient_id=item.ingredient_id,
        name=item.name,
        quantity=Decimal(millilitres),
        unit=Unit.ML,
        role=role,
    )


def body(book: openpyxl.Workbook, sheet: str) -> list[tuple[Any, ...]]:
    """The rows below the header."""
    return list(book[sheet].iter_rows(min_row=2, values_only=True))


def total(book: openpyxl.Workbook, sheet: str, title: str) -> Decimal:
    """What the last row says of a column, in cents."""
    [place] = [cell.column - 1 for cell in book[sheet][1] if cell.value == title]
    return round(Decimal(body(book, sheet)[-1][place]), 2)
