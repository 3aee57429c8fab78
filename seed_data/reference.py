"""Loading the reference tables into a clinic's book: what is missing is added, what is there is left alone.

A row on record is known by its code and never touched, so a clinic's own edits survive every later load.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from inventory.catalog import Ingredient, Item, Offer, Supplier
from inventory.database import add_rows
from inventory.vials import VialRule
from pricing.chart import Account
from pricing.formulations import Formulation, FormulationLine, FormulationVersion
from pricing.policies import CancellationPolicy
from pricing.price_list import PractitionerLevel, PriceBand, TaxRule
from pricing.protocols import Protocol, Technique, TechniqueStep
from seed_data import read, rows


@dataclass(frozen=True)
class Loaded:
    """How many rows of each table were added; all zero when everything was on record."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def load(db: Session, *, at: datetime, by: str = "vialbook") -> Loaded:
    """Add every reference row that is not on record yet; a second load adds nothing and changes nothing."""
    counts = {
        "ingredients": _add_missing(db, Ingredient.code, map(rows.ingredient, read("ingredients"))),
        "suppliers": _add_missing(db, Supplier.code, map(rows.supplier, read("suppliers"))),
        "items": _items(db),
        "offers": _offers(db),
        "vial_rules": _add_missing(db, VialRule.code, map(rows.vial_rule, read("vial_rules"))),
    }
    counts |= _formulations(db, at=at, by=by)
    counts |= {
        "protocols": _protocols(db),
        "techniques": _add_missing(db, Technique.name, map(rows.technique, read("techniques"))),
        "technique_steps": _technique_steps(db),
        "practitioner_levels": _add_missing(
            db, PractitionerLevel.code, map(rows.level, read("practitioner_levels"))
        ),
        # A price without a currency is no price; the row stays in the table for reading.
        "price_bands": _add_missing(
            db, PriceBand.code, (rows.price_band(row) for row in read("price_bands") if row["currency"])
        ),
        "tax_rules": _add_missing(db, TaxRule.code, map(rows.tax_rule, read("tax_rules"))),
        "cancellation_policies": _add_missing(
            db, CancellationPolicy.code, map(rows.policy, read("cancellation_policies"))
        ),
        "accounts": _add_missing(db, Account.code, map(rows.account, read("chart_of_accounts"))),
    }
    return Loaded(counts)


def _items(db: Session) -> int:
    ingredients = _keys(db, Ingredient.code)
    products = (
        rows.product(row) | {"ingredient_id": ingredients[row["primary_ingredient_code"]]}
        for row in read("products")
    )
    consumables = (rows.consumable(row) | {"ingredient_id": None} for row in read("consumables"))
    return _add_missing(db, Item.sku, [*products, *consumables])


def _offers(db: Session) -> int:
    """One offer per item from its table's supplier, unless the supplier has offered it before."""
    items, suppliers = _keys(db, Item.sku), _keys(db, Supplier.code)
    known = {(item, supplier) for item, supplier in db.execute(sa.select(Offer.item_id, Offer.supplier_id))}
    offers = []
    for row in (*read("products"), *read("consumables")):
        item_id, supplier_id = items[row.get("sku") or row["code"]], suppliers[row["supplier_code"]]
        if (item_id, supplier_id) not in known:
            offers.append(rows.offer(row) | {"item_id": item_id, "supplier_id": supplier_id})
    return _insert(db, Offer, offers)


def _formulations(db: Session, *, at: datetime, by: str) -> dict[str, int]:
    """Formulations with a first version each; one on record keeps the versions it has."""
    known = _keys(db, Formulation.code)
    added = [rows.formulation(row) for row in read("formulations") if row["formulation_code"] not in known]
    _insert(db, Formulation, added)

    keys = _keys(db, Formulation.code)
    versions = [
        {"formulation_id": keys[row["code"]], "number": 1, "at": at, "by": by, "reason": "reference tables"}
        for row in added
    ]
    _insert(db, FormulationVersion, versions)

    version_ids = _pairs(db, FormulationVersion.formulation_id, FormulationVersion.id)
    items, ingredients = _keys(db, Item.sku), _keys(db, Ingredient.code)
    lines = [
        rows.formulation_line(row)
        | {
            "version_id": version_ids[keys[row["formulation_code"]]],
            "item_id": items[row["sku"]] if row["sku"] else None,
            "ingredient_id": ingredients[row["ingredient_code"]] if row["ingredient_code"] else None,
        }
        for row in read("formulation_lines")
        if row["formulation_code"] not in known
    ]
    return {"formulations": len(added), "formulation_lines": _insert(db, FormulationLine, lines)}


def _protocols(db: Session) -> int:
    formulations = _keys(db, Formulation.code)
    protocols = (
        rows.protocol(row) | {"formulation_id": formulations[row["formulation_code"]]}
        for row in read("protocols")
    )
    return _add_missing(db, Protocol.code, protocols)


def _technique_steps(db: Session) -> int:
    """The steps of each family that has none; a family that the clinic has edited stays as it is."""
    items, known = _keys(db, Item.sku), set(db.scalars(sa.select(TechniqueStep.family)))
    steps = [
        rows.technique_step(row) | {"position": position, "item_id": items[row["sku"]]}
        for position, row in enumerate(read("technique_steps"), start=1)
    ]
    return _insert(db, TechniqueStep, [step for step in steps if step["family"] not in known])


def _add_missing(db: Session, code: InstrumentedAttribute[str], wanted: Iterable[rows.Values]) -> int:
    known = set(db.scalars(sa.select(code)))
    return _insert(db, code.class_, [row for row in wanted if row[code.key] not in known])


def _insert(db: Session, table: Any, new: list[rows.Values]) -> int:
    facts = table.__table__
    if new and "id" in facts.c:
        add_rows(db, facts, new)  # which asks for their keys: the audit trail finds facts by them
    elif new:
        db.execute(sa.insert(table), new)
    return len(new)


def _keys(db: Session, code: InstrumentedAttribute[str]) -> dict[str, int]:
    return _pairs(db, code, code.class_.id)


def _pairs(db: Session, key: Any, value: Any) -> dict[Any, int]:
    return dict(db.execute(sa.select(key, value)).all())
