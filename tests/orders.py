"""Draws what a reorder rule is given: an item's shelf, plans and use as short pictures; and terms."""

from datetime import date
from decimal import Decimal

from inventory import reordering
from inventory.catalog import Replacement
from inventory.clinic import Settings
from inventory.reordering import Advice
from inventory.usage import Batch, ItemFacts
from tests.shelf import TODAY

WEEKLY = Settings(reorder_review_days=7, service_level=Decimal("0.95"))


def offer(*, pack: int = 10, price: str = "165.00", minimum: int = 1, lead: int = 10) -> Replacement:
    return Replacement(1, "SUP-01", "Northfield", pack, Decimal(price), minimum, lead)


def facts(
    shelf: str = "",
    *,
    planned: str = "",
    use: tuple[str, int] = ("0", 0),
    days: int = 90,
    content: str = "3",
    keeps: int | None = 18,
) -> ItemFacts:
    """An item whose shelf is drawn as `2026-03-31 30, 2026-09-30 15`: the last day and how much.

    Planned sessions alike; `use` is how much was used on how many days of the window.
    """
    much, often = use
    return ItemFacts(
        item_id=1,
        sku="HA",
        name="HA 2 %",
        unit="mL",
        content=Decimal(content),
        shelf_life_months=keeps,
        batches=tuple(Batch(day, held) for day, held in drawn(shelf)),
        planned=tuple(drawn(planned)),
        daily=(Decimal(much),) * often,
        days=days,
    )


def drawn(picture: str) -> list[tuple[date, Decimal]]:
    pairs = [part.split() for part in picture.split(",") if part.strip()]
    return [(date.fromisoformat(day), Decimal(held)) for day, held in pairs]


def advice(item: ItemFacts, terms: Replacement | None) -> Advice:
    return reordering.propose(item, terms, on=TODAY, settings=WEEKLY)[0]
