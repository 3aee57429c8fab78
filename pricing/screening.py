"""Screening before a quote: what a patient said, against what the session holds (T6)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.catalog import Ingredient, Item
from pricing.formulations import Recipe

SHORTEST_ALLERGY = 3


@dataclass(frozen=True)
class Screening:
    """What the patient answered; allergies in their own words or by allergen class."""

    allergies: tuple[str, ...] = ()
    pregnant: bool = False  # or breast-feeding
    autoimmune: bool = False
    skin_infection: bool = False
    nsaids: bool = False  # or aspirin


@dataclass(frozen=True)
class Caution:
    """One thing to look at; a blocking one stops the issue until a practitioner overrides it."""

    code: str
    message: str
    blocks: bool = False


SAID = {
    "pregnant": "Pregnant or breast-feeding: not treated unless a practitioner decides otherwise.",
    "autoimmune": "Autoimmune disease: ask the practitioner, and the prescriber where medicines are taken.",
    "skin_infection": "Skin infection: no injection into or near infected skin; wait until it has healed.",
    "nsaids": "Takes NSAIDs or aspirin: ask your prescriber about bruising before the session.",
}
"""The sentence for each yes; it never says to stop a medicine (T6)."""


def screen(db: Session, answers: Screening, recipe: Recipe, item_ids: Iterable[int]) -> tuple[Caution, ...]:
    """Warn of every yes, and block on an allergy to anything the session would use (T6)."""
    ingredients = _ingredients(db, recipe, item_ids)
    found = [_allergy(db, said.strip(), ingredients) for said in answers.allergies if said.strip()]
    found += [Caution(code, text) for code, text in SAID.items() if getattr(answers, code)]
    return tuple(found)


def classes(text: str) -> frozenset[str]:
    """The allergen classes in a cell such as `amide anaesthetic, methylparaben`."""
    words = (word.strip().casefold() for word in re.split(r"[,;/]", text))
    return frozenset(word for word in words if len(word) >= SHORTEST_ALLERGY)


def _allergy(db: Session, said: str, ingredients: Sequence[Ingredient]) -> Caution:
    matching = [one.name for one in ingredients if _matches(said, one)]
    if matching:
        return Caution(
            "allergen_match",
            f"Allergy to {said}: the session uses {', '.join(matching)}. "
            "It cannot be issued until a practitioner overrides this with a reason.",
            blocks=True,
        )
    known = any(_matches(said, one) for one in db.scalars(sa.select(Ingredient)))
    if known:
        return Caution("allergy_noted", f"Allergy to {said}: nothing in this session is classed so.")
    return Caution(
        "unknown_allergen",
        f"Allergy to {said}: no ingredient on record is classed so; a practitioner must judge it.",
    )


def _matches(said: str, ingredient: Ingredient) -> bool:
    word = said.casefold()
    if len(word) < SHORTEST_ALLERGY:
        return False
    held = classes(ingredient.allergen_class) | {ingredient.name.casefold(), ingredient.code.casefold()}
    return any(word in one or (one in word and len(one) > SHORTEST_ALLERGY) for one in held)


def _ingredients(db: Session, recipe: Recipe, item_ids: Iterable[int]) -> Sequence[Ingredient]:
    """Every ingredient that touches the patient: the recipe's, its components', and the technique's."""
    used = db.scalars(
        sa.select(Ingredient)
        .join(Item, Item.ingredient_id == Ingredient.id)
        .where(Item.id.in_(sorted(set(item_ids))))
        .order_by(Ingredient.id)
    )
    return tuple({one.id: one for one in (*recipe.ingredients, *used)}.values())
