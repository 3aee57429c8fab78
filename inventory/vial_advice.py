"""What the law and the label say of an opened container: what counts by itself, and what people must heed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from inventory import vials
from inventory.catalog import DoseClass, Ingredient, Item, ItemKind
from inventory.clinic import Site
from inventory.vials import VialRule


@dataclass(frozen=True)
class Said:
    """One rule in force here that speaks of an item; `counts` says that it limits the time by itself."""

    code: str
    jurisdiction: str
    text: str
    environment: str
    counts: bool
    status: str
    source: str


def of_item(db: Session, item: Item, *, site: Site, on: date) -> tuple[Said, ...]:
    """The rules in force at a site on a date that speak of an item, those that count by themselves first."""
    ingredient = None if item.ingredient_id is None else db.get_one(Ingredient, item.ingredient_id)
    code = "" if ingredient is None else ingredient.code
    rules = [rule for rule in vials.rules_here(db, site, on) if speaks_of(rule, item, ingredient_code=code)]
    return tuple(_said(rule) for rule in _first_those_that_count(rules))


def speaks_of(rule: VialRule, item: Item, *, ingredient_code: str) -> bool:
    """Whether a rule is about an item: its class, its container, and its ingredient where it names one.

    A kit is single-dose to the rules (S3). A country's rule of no class speaks of every injectable; those of
    no country and no class are about vaccines, and speak of nothing here.
    """
    if item.kind is ItemKind.CONSUMABLE:
        return False
    if rule.container_form not in ("", item.container_form):
        return False
    if rule.ingredient_code not in ("", ingredient_code):
        return False
    if not rule.dose_class:
        return rule.country != vials.EVERYWHERE and item.kind is ItemKind.INJECTABLE
    if rule.dose_class == DoseClass.SINGLE_DOSE:
        return item.dose_class.one_patient
    return rule.dose_class == item.dose_class


def _first_those_that_count(rules: Sequence[VialRule]) -> list[VialRule]:
    return sorted(rules, key=lambda rule: (not rule.automatic, rule.code))


def _said(rule: VialRule) -> Said:
    return Said(
        code=rule.code,
        jurisdiction=rule.jurisdiction,
        text=rule.text,
        environment=rule.environment,
        counts=rule.automatic,
        status=rule.status,
        source=rule.source,
    )
