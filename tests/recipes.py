"""Recipes and protocols that tests write down in one line."""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory.catalog import DoseClass, Ingredient, Item, ItemKind, add_item
from inventory.measures import Unit
from pricing import formulations
from pricing.formulations import Formulation, LineKind, NewLine, Recipe
from pricing.protocols import Protocol

WRITTEN_AT = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
REVISED_AT = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)


def item(db: Session, sku: str, *, unit: Unit = Unit.ML, ingredient: Ingredient | None = None) -> Item:
    return add_item(
        db,
        Item(
            sku=sku,
            name=sku,
            kind=ItemKind.INJECTABLE,
            ingredient_id=None if ingredient is None else ingredient.id,
            unit=unit,
            content=Decimal(5),
            dose_class=DoseClass.SINGLE_DOSE,
        ),
    )


def ingredient(db: Session, code: str) -> Ingredient:
    new = Ingredient(code=code, name=code, category="test", allergen_class=f"{code} class")
    db.add(new)
    db.flush()
    return new


def product(of: Item, quantity: str = "2.5") -> NewLine:
    return NewLine(LineKind.PRODUCT, of.name, item_id=of.id, quantity=Decimal(quantity), unit=of.unit)


def component(name: str) -> NewLine:
    return NewLine(LineKind.COMPONENT, name, declared_amount="trace")


def hydration(total_volume_ml: str = "2.5") -> Formulation:
    return Formulation(
        code="F-90",
        name="Hydration",
        concern="dryness",
        area="full face",
        technique="nappage",
        total_volume_ml=Decimal(total_volume_ml),
    )


def write(db: Session, lines: list[NewLine]) -> Recipe:
    """The first version of F-90 with these lines."""
    return formulations.add_formulation(db, hydration(), lines, at=WRITTEN_AT, by="Mara")


def general_facial(**changes: object) -> Protocol:
    """P-00 as both articles describe it: 3 to 6 sessions, typically 4; 2 to 4 weeks apart, typically 2."""
    numbers = {
        "sessions": (3, 4, 6),
        "interval_weeks": (2, 2, 4),
        "session_minutes": (20, 40, 45),
        "volume_ml": (Decimal(2), Decimal(3), Decimal(4)),
        "maintenance_months": (3, 4, 6),
    }
    spread = {
        f"{name}_{ending}": number
        for name, three in numbers.items()
        for ending, number in zip(("min", "typical", "max"), three, strict=True)
    }
    usual = {"numbing_minutes": 20, "depth_mm_min": Decimal(1), "depth_mm_max": Decimal(4)}
    return Protocol(
        code="P-00",
        concern="general facial (default)",
        area="full face",
        technique="nappage",
        treatment="mesotherapy (general)",
        **{**spread, **usual, **changes},
    )
