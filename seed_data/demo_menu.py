"""What the demo clinic treats with: its formulations by popularity, and what a session of each draws."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from random import Random

from sqlalchemy.orm import Session

from inventory import clinic
from inventory.catalog import Item
from inventory.measures import ZERO
from inventory.treatments import Line
from pricing import formulations, protocols
from pricing.formulations import Recipe

POPULARITY = (
    *("F-01", "F-03", "F-16", "F-05", "F-27", "F-02", "F-10", "F-06", "F-25", "F-30"),
    *("F-07", "F-20", "F-08", "F-26", "F-04", "F-28", "F-13", "F-18", "F-09", "F-11"),
    *("F-14", "F-12", "F-15", "F-19", "F-24", "F-17", "F-21", "F-29", "F-22"),
)
"""All active formulations, the most asked for first (the order is invented)."""

LIDOCAINE = "RX-021"
NUMBED_AREAS = {"scalp": Decimal("1.5"), "thighs (both)": Decimal("2"), "abdomen": Decimal("2")}
"""Where the clinic adds lidocaine from a multi-dose vial, mL a session (illustrative)."""


@dataclass(frozen=True)
class Treatment:
    """One formulation as the clinic performs it: its recipe, and every line that a session draws."""

    recipe: Recipe
    lines: tuple[Line, ...]

    @property
    def label(self) -> str:
        return f"{self.recipe.code} version {self.recipe.version}"


@dataclass(frozen=True)
class Menu:
    """Every formulation on offer with how often it is asked for."""

    treatments: Mapping[str, Treatment]  # the most popular first

    @property
    def weights(self) -> list[int]:
        """The n-th is asked for 1/n as often as the first (Zipf)."""
        return [10_000 // rank for rank in range(1, len(self.treatments) + 1)]

    def choose(self, chance: Random) -> Treatment:
        """One formulation, the popular ones more often."""
        return chance.choices(list(self.treatments.values()), self.weights)[0]


def menu(db: Session, codes: Iterable[str] = POPULARITY) -> Menu:
    """The menu from the formulations on record and the consumables of their techniques (T2, T3)."""
    recipes = [formulations.latest(db, code) for code in codes]
    return Menu({one.code: Treatment(one, lines_of(db, one, one.technique)) for one in recipes})


def lines_of(db: Session, recipe: Recipe, technique: str) -> tuple[Line, ...]:
    """Every line of a session: products, what the technique uses, and lidocaine where it hurts most."""
    lines = [Line(line.quantity, sku=line.item.sku) for line in recipe.products if line.item]
    lines += [Line(amount, sku=item.sku) for item, amount in protocols.consumables(db, technique)]
    if recipe.area in NUMBED_AREAS:
        lines.append(Line(NUMBED_AREAS[recipe.area], sku=LIDOCAINE, reason="numbs where it hurts most"))
    return tuple(lines)


def weekly_use(
    db: Session, on_offer: Menu, items: Mapping[str, Item], *, sessions: int
) -> dict[str, Decimal]:
    """How much of each item so many sessions a week use; single-dose by whole containers (S3)."""
    loss = clinic.settings(db).draw_loss_ml
    weights = on_offer.weights
    use: dict[str, Decimal] = {}
    for treatment, weight in zip(on_offer.treatments.values(), weights, strict=True):
        share = Decimal(sessions * weight) / sum(weights)
        for line in treatment.lines:
            assert line.sku is not None, line
            use[line.sku] = use.get(line.sku, ZERO) + share * _stock(items[line.sku], line.quantity, loss)
    return dict(sorted(use.items()))


def _stock(item: Item, dose: Decimal, loss: Decimal) -> Decimal:
    if not item.dose_class.one_patient:
        return dose
    needed = dose + (loss if item.loses_on_drawing else ZERO)
    return item.content * (needed / (item.content + item.overfill)).to_integral_value(ROUND_CEILING)
