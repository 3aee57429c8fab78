"""Repeated: what of a list is on record already, as the same file or as the same row of another one."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from api import import_records
from api.columns import Kind
from api.entries import Entry, RecipeRow
from api.import_records import Import
from inventory.catalog import Item, Offer
from inventory.clinic import Site
from inventory.ledger import DOCUMENTS, Movement
from inventory.lots import Lot
from inventory.opening import Held
from inventory.receiving import Receipt
from pricing.formulations import Formulation, FormulationLine, FormulationVersion, LineKind, NewLine

OFFER = ("item_id", "supplier_id", "pack_price", "pack_containers", "minimum_packs", "lead_days",
         "preferred", "price_breaks", "list_price", "list_currency")  # fmt: skip
ITEM = ("name", "maker", "kind", "category", "ingredient_id", "unit", "content", "overfill", "container_form",
        "dose_class", "in_use_hours", "sterile", "prescription_only", "storage", "shelf_life_months",
        "pack_containers", "gtin", "pack_gtin", "note")  # fmt: skip


def whole_file(db: Session, kind: Kind, fingerprint: str, *, site: Site) -> Import | None:
    """The import that took over every row of this very file, and still stands."""
    for one in import_records.standing(db, kind, site=site):
        if one.fingerprint == fingerprint and one.imported + one.repeated == one.total:
            return one
    return None


def rows(db: Session, kind: Kind, entries: Sequence[Entry], *, site: Site) -> dict[int, str]:
    """Which rows are on record, by their number, and the sentence that says so."""
    return FINDERS[kind](db, entries, site)


def _opening_stock(db: Session, entries: Sequence[Entry], site: Site) -> dict[int, str]:
    """Lines that an earlier import brought and nobody reversed; so many of the same as it brought."""
    standing = import_records.standing(db, Kind.OPENING_STOCK, site=site)
    earlier: Counter[Any] = Counter()
    source: dict[Any, str] = {}
    for one in standing:
        for line in db.execute(_lines(one)):
            earlier[line] += 1
            source[line] = f"import {one.id} of {one.at:%Y-%m-%d}"
    if not earlier:
        return {}
    found = {}
    for entry in entries:
        held: Held = entry.subject
        supplier = None if held.supplier is None else held.supplier.id
        line = (held.item.id, held.lot_number, held.expires_on, held.containers, held.unit_cost, supplier)
        if earlier[line] > 0:
            earlier[line] -= 1
            found[entry.row] = f"Brought in by {source[line]} already; not added again."
    return found


def _lines(one: Import) -> sa.Select[Any]:
    undone = aliased(Movement)
    return (
        sa.select(
            Receipt.item_id, Lot.number, Lot.expires_on, Receipt.containers, Receipt.unit_cost,
            Receipt.supplier_id,
        )
        .join(DOCUMENTS, DOCUMENTS.c.id == Receipt.document_id)
        .join(Lot, Lot.id == Receipt.lot_id)
        .join(Movement, Movement.document_id == Receipt.document_id)
        .outerjoin(undone, undone.corrects_id == Movement.id)
        .where(
            Receipt.document_id.between(one.first_document or 0, one.last_document or 0),
            DOCUMENTS.c.reference == import_records.source_of(one.id),
            undone.id.is_(None),
        )
    )  # fmt: skip


def _items(db: Session, entries: Sequence[Entry], _site: Site) -> dict[int, str]:
    """Items that are on record with all that the row says."""
    on_record = {item.sku: item for item in db.scalars(sa.select(Item))}
    found = {}
    for entry in entries:
        known = on_record.get(entry.subject.sku)
        said = vars(entry.subject)  # a list leaves out what it does not know
        if known is not None and all(getattr(known, one) == said[one] for one in ITEM if one in said):
            found[entry.row] = f"{known.sku} is on record just so; not added again."
    return found


def _offers(db: Session, entries: Sequence[Entry], _site: Site) -> dict[int, str]:
    on_record: dict[Any, set[date]] = defaultdict(set)
    for offer in db.scalars(sa.select(Offer)):
        on_record[tuple(getattr(offer, one) for one in OFFER)].add(offer.valid_from)
    found = {}
    for entry in entries:
        since = on_record.get(tuple(getattr(entry.subject, one) for one in OFFER), set())
        if entry.subject.valid_from in since or (since and entry.implied):
            found[entry.row] = f"This offer is on record since {max(since)}; not added again."
    return found


def _formulations(db: Session, entries: Sequence[Entry], _site: Site) -> dict[int, str]:
    """Formulations whose newest recipe is, line by line, what the rows say."""
    newest = (
        sa.select(FormulationVersion.formulation_id, sa.func.max(FormulationVersion.id).label("version"))
        .group_by(FormulationVersion.formulation_id)
        .subquery()
    )
    on_record: dict[str, list[Any]] = defaultdict(list)
    for code, line in db.execute(
        sa.select(Formulation.code, FormulationLine)
        .join(newest, newest.c.formulation_id == Formulation.id)
        .join(FormulationLine, FormulationLine.version_id == newest.c.version)
        .where(Formulation.active)
        .order_by(Formulation.code, FormulationLine.line_no)
    ):
        on_record[code].append(_line(line))
    written: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        recipe: RecipeRow = entry.subject
        written[recipe.code].append(entry)
    found = {}
    for code, lines in written.items():
        if on_record.get(code) == [_line(entry.subject.line) for entry in lines]:
            for entry in lines:
                found[entry.row] = f"{code} is on record with this recipe; not added again."
    return found


def _line(line: FormulationLine | NewLine) -> tuple[Any, ...]:
    unit = line.unit if line.kind is LineKind.PRODUCT else None
    amount = (line.quantity, unit, line.declared_amount)
    return (line.kind, line.item_id, line.ingredient_id, line.name, *amount)


FINDERS: dict[Kind, Callable[[Session, Sequence[Entry], Site], dict[int, str]]] = {
    Kind.ITEMS: _items,
    Kind.OFFERS: _offers,
    Kind.OPENING_STOCK: _opening_stock,
    Kind.FORMULATIONS: _formulations,
}
