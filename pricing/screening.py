"""Screening before a quote: what a patient said, against what the session holds (T6).

Patients write as they speak, so words are compared, not strings: a false alarm costs a practitioner's
reason, a missed one may cost more.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.catalog import Ingredient, Item
from pricing.formulations import Recipe


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
    about: str = ""  # what the patient named: the allergy that somebody may override


SAID = {
    "pregnant": "Pregnant or breast-feeding: not treated unless a practitioner decides otherwise.",
    "autoimmune": "Autoimmune disease: ask the practitioner, and the prescriber where medicines are taken.",
    "skin_infection": "Skin infection: no injection into or near infected skin; wait until it has healed.",
    "nsaids": "Takes NSAIDs or aspirin: ask your prescriber about bruising before the session.",
}
"""The sentence for each yes; it never says to stop a medicine (T6)."""

NO_ALLERGY = re.compile(
    r"[-–./\s]*|no|nil|none( known)?|n/?a|nkd?a|no (known )?(drug )?allerg(y|ies)", re.IGNORECASE
)
SAME = (("sulph", "sulf"), ("aesthe", "esthe"), ("oestr", "estr"))  # as the English and Americans write it
SAYS_LITTLE = re.compile(
    "acids?|allerg(y|ies|ic)|anaphylaxis|and|base|brands?|compounds?|contact|cream|cross|drugs?|extract|"
    "family|gel|injection|known|local|mild|none|origin|patients|products?|proteins?|rare|reaction|"
    "residue|sensitive|severe|sodium|solution|some|stings?|the|vehicle|vitamins?|with"
)
"""Words that many ingredients share: alone they do not make two things the same."""
SHORTEST_WORD = 3


def screen(db: Session, answers: Screening, recipe: Recipe, item_ids: Iterable[int]) -> tuple[Caution, ...]:
    """Warn of every yes, and block on an allergy to anything the session would use (T6)."""
    said = [one.strip() for one in answers.allergies if not NO_ALLERGY.fullmatch(one.strip())]
    found = []
    if said:
        items = db.scalars(sa.select(Item).where(Item.id.in_(sorted(set(item_ids)))).order_by(Item.id)).all()
        ingredients = _ingredients(db, recipe, items)
        found = [_allergy(db, one, ingredients, items) for one in said]
    found += [Caution(code, text) for code, text in SAID.items() if getattr(answers, code)]
    return tuple(found)


def classes(text: str) -> frozenset[str]:
    """The allergen classes in a cell such as `amide anaesthetic, methylparaben`; none for `none known`."""
    words = (word.strip().casefold() for word in re.split(r"[,;/+()]", text))
    return frozenset(word for word in words if not NO_ALLERGY.fullmatch(word))


def concerns(said: str, ingredient: Ingredient) -> bool:
    """Whether an allergy in a patient's words may be one to an ingredient: by its class, name or code."""
    spoken = _plain(said)
    held = {_plain(one) for one in (*classes(ingredient.allergen_class), ingredient.name, ingredient.code)}
    if spoken in held or any(_within(spoken, one) for one in held):
        return True
    telling = _telling(spoken)
    return any(_alike(one, other) for one in telling for text in held for other in _telling(text))


def _allergy(db: Session, said: str, ingredients: Sequence[Ingredient], items: Sequence[Item]) -> Caution:
    matching = [one.name for one in ingredients if concerns(said, one)]
    matching += [item.name for item in items if _named(said, item)]
    if matching:
        return Caution(
            "allergen_match",
            f"Allergy to {said}: the session uses {', '.join(dict.fromkeys(matching))}. "
            "The quote cannot be issued until a practitioner overrides this with a reason.",
            blocks=True,
            about=said,
        )
    if any(concerns(said, one) for one in db.scalars(sa.select(Ingredient))):
        return Caution("allergy_noted", f"Allergy to {said}: nothing in this session is classed so.")
    return Caution(
        "unknown_allergen",
        f"Allergy to {said}: no ingredient on record is classed so; a practitioner must judge it.",
    )


def _ingredients(db: Session, recipe: Recipe, items: Sequence[Item]) -> Sequence[Ingredient]:
    """Every ingredient that touches the patient: the recipe's, its components', and the technique's."""
    keys = {item.ingredient_id for item in items if item.ingredient_id is not None}
    used = db.scalars(sa.select(Ingredient).where(Ingredient.id.in_(sorted(keys))).order_by(Ingredient.id))
    return tuple({one.id: one for one in (*recipe.ingredients, *used)}.values())


def _named(said: str, item: Item) -> bool:
    """Whether an item without an ingredient on record carries the word: a chlorhexidine applicator."""
    if item.ingredient_id is not None:
        return False
    spoken = " ".join(word for word in _words(_plain(said)) if not SAYS_LITTLE.fullmatch(word))
    return len(spoken) >= SHORTEST_WORD and _within(spoken, _plain(item.name))


def _plain(text: str) -> str:
    """The text in small letters and one spelling."""
    plain = text.casefold()
    for english, american in SAME:
        plain = plain.replace(english, american)
    return plain


def _within(phrase: str, text: str) -> bool:
    """Whether a phrase of some length stands in the text in whole words."""
    return len(phrase) >= SHORTEST_WORD and re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) is not None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _telling(text: str) -> list[str]:
    return [one for one in _words(text) if len(one) >= SHORTEST_WORD and not SAYS_LITTLE.fullmatch(one)]


def _alike(one: str, other: str) -> bool:
    """Whether two words are the same but for a short ending: wasp and wasps, soy and soya."""
    shorter, longer = sorted((one, other), key=len)
    if shorter.isdigit() or not longer.startswith(shorter):
        return False
    return len(longer) - len(shorter) <= (2 if len(shorter) > SHORTEST_WORD else 1)
