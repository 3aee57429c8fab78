"""Opens a clinic for business in a few lines: recipes, a technique, a level, a band, offers, quotes.

counter = Counter(db)
counter.clinic.add_items("HA 3 mL single_dose +0.15")
counter.offer("HA", "10 x 165.00")
recipe = counter.recipe("HA 2.5")
quote = counter.draft(starts_on=date(2026, 1, 20))
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.catalog import Offer, Supplier
from inventory.clinic import Site
from inventory.measures import Unit
from pricing import costing, formulations, price_list, quote_life, quotes
from pricing.costing import CourseCost
from pricing.courses import Course
from pricing.formulations import Formulation, NewLine, Recipe
from pricing.formulations import LineKind as RecipeLineKind
from pricing.price_list import PractitionerLevel, PriceBand, TaxRule
from pricing.protocols import Step, Technique, TechniqueFamily, TechniqueStep
from pricing.quote_records import Quote
from pricing.quotes import Request
from pricing.screening import Screening
from pricing.sheets import Line
from tests import recipes
from tests.shelf import BY, NOW, TODAY, Clinic

STARTS_ON = date(2026, 1, 20)


@dataclass
class Counter:
    """A clinic that can cost and sell: level L2 at 45.00 an hour, a band of 250 to 600, no tax."""

    db: Session
    share_opened_vials: bool = False
    clinic: Clinic = field(init=False)

    def __post_init__(self) -> None:
        self.clinic = Clinic(self.db, share_opened_vials=self.share_opened_vials)
        self.db.add_all(
            [
                Technique(name="nappage", family=TechniqueFamily.FINE_NEEDLE),
                Supplier(code="SUP", name="Supplier", lead_days=7),
            ]
        )
        self.level("L2", "45.00")
        self.band("250", "600")
        self.db.flush()

    @property
    def site(self) -> Site:
        return self.clinic.site

    def level(self, code: str, labour_rate: str, multiplier: str = "1") -> PractitionerLevel:
        new = PractitionerLevel(
            code=code, name="Nurse", labour_rate=Decimal(labour_rate), multiplier=Decimal(multiplier)
        )
        self.db.add(new)
        self.db.flush()
        return new

    def band(self, low: str, high: str, code: str = "PB-01", valid_from: date = date(2021, 1, 1)) -> None:
        self.db.add(
            PriceBand(
                code=code,
                region="North America",
                country="US",
                currency="USD",
                treatment="Mesotherapy facial",
                family=price_list.GENERAL_TREATMENT,
                area=price_list.ANY_AREA,
                unit="session",
                low=Decimal(low),
                high=Decimal(high),
                valid_from=valid_from,
                source="test",
            )
        )
        self.db.flush()

    def tax(self, rate: str, *, inclusive: bool = False) -> None:
        self.db.add(
            TaxRule(
                code="TX-TEST",
                country="US",
                name="Sales tax",
                supply=price_list.COSMETIC_SERVICE,
                rate=Decimal(rate),
                effective_from=date(2020, 1, 1),
                inclusive=inclusive,
            )
        )
        self.db.flush()

    def offer(self, sku: str, picture: str, *, valid_from: date = date(2025, 1, 1), **more: Any) -> None:
        """A supplier's offer: `10 x 165.00` is a pack of ten for 165.00; a week to deliver."""
        containers, _, price = picture.split()
        supplier = self.db.scalars(sa.select(Supplier).where(Supplier.code == "SUP")).one()
        facts = {"lead_days": 7, **more}
        self.db.add(
            Offer(
                item_id=self.clinic.item(sku).id,
                supplier_id=supplier.id,
                pack_containers=int(containers),
                pack_price=Decimal(price),
                valid_from=valid_from,
                **facts,
            )
        )
        self.db.flush()

    def uses(self, *pictures: str) -> None:
        """What a session by the technique uses besides the recipe: `"NEEDLE 4"`."""
        for position, picture in enumerate(pictures, start=1):
            sku, quantity = picture.split()
            self.db.add(
                TechniqueStep(
                    family=TechniqueFamily.FINE_NEEDLE,
                    position=position,
                    step=Step.INJECTION,
                    item_id=self.clinic.item(sku).id,
                    quantity=Decimal(quantity),
                )
            )
        self.db.flush()

    def recipe(self, *pictures: str, protocol: str = "P-00", **other: Any) -> Recipe:
        """A recipe and its protocol: `"HA 2.5"` of an item, `"of lidocaine 3 mL"` of an ingredient.

        One word alone is a component that the maker declares.
        """
        code = other.pop("code", "F-90")
        new = Formulation(
            code=code, name=code, concern="dryness", area="full face", technique="nappage",
            total_volume_ml=Decimal("2.5"), **other,
        )  # fmt: skip
        written = formulations.add_formulation(
            self.db, new, [self.recipe_line(one) for one in pictures], at=NOW, by=BY
        )
        general = recipes.general_facial(formulation_id=new.id)
        general.code = protocol
        self.db.add(general)
        self.db.flush()
        return written

    def recipe_line(self, picture: str) -> NewLine:
        words = picture.split()
        if words[0] == "of":
            code, quantity, unit = words[1:]
            return NewLine(
                RecipeLineKind.PRODUCT,
                code,
                ingredient_id=self.clinic.ingredient(code).id,
                quantity=Decimal(quantity),
                unit=Unit(unit),
            )
        if len(words) == 1:
            ingredient = self.clinic.ingredient(words[0])
            return NewLine(RecipeLineKind.COMPONENT, words[0], ingredient_id=ingredient.id)
        return recipes.product(self.clinic.item(words[0]), words[1])

    def cost(self, recipe: Recipe, *dates: date, **other: Any) -> CourseCost:
        """What sessions of a recipe cost on dates, by level L2 and without a protocol."""
        facts = {"level": price_list.level(self.db, "L2"), "today": TODAY, **other}
        return costing.cost_course(self.db, recipe, site=self.site, dates=dates or (STARTS_ON,), **facts)

    def request(self, **changes: Any) -> Request:
        """Four sessions of P-00 by L2 for patient P-1, unless changed."""
        usual = {"protocol": "P-00", "level": "L2", "starts_on": STARTS_ON, "patient_ref": "P-1"}
        return Request(**{**usual, **changes})

    def draft(self, *, at: datetime = NOW, **changes: Any) -> Quote:
        return quotes.draft(self.db, self.request(**changes), site=self.site, at=at, by=BY)

    def issued(self, *, at: datetime = NOW, **changes: Any) -> Quote:
        quote = self.draft(at=at, **changes)
        quote_life.issue(self.db, quote, site=self.site, at=at, by=BY)
        return quote

    def accepted(self, *, at: datetime = NOW, **changes: Any) -> tuple[Quote, Course]:
        quote = self.issued(at=at, **changes)
        return quote, quote_life.accept(self.db, quote, site=self.site, at=at, by=BY)


def facial(db: Session, **other: Any) -> Counter:
    """A counter that sells P-00: 2.5 mL of HA and four needles; HA costs 16.50 a vial."""
    counter = Counter(db, **other)
    counter.clinic.add_items("HA 3 mL single_dose +0.15 of hyaluronate\nNEEDLE 1 each none consumable")
    counter.offer("HA", "10 x 165.00")
    counter.offer("NEEDLE", "100 x 22.00")
    counter.uses("NEEDLE 4")
    counter.recipe("HA 2.5")
    return counter


def allergic_to(*said: str) -> Screening:
    return Screening(allergies=said)


def line_of(cost: CourseCost, code: str, session: int = 1) -> Line:
    """The line of an item or a step in a session's cost sheet."""
    (found,) = [one for one in cost.sessions[session - 1].lines if one.code == code]
    return found
