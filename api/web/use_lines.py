"""The lines of a session as they stand in a form: what is used, how much, of which lot, what is scanned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from api import where
from api.schemas import Quantity, Shape, Words, key_of
from api.web import formats, forms, shelves
from api.web.drafts import Values
from inventory import catalog, dry_run, scanning, treatments, vial_labels, vial_list, vials
from inventory.catalog import Ingredient, Item, ItemKind
from inventory.clinic import Site
from inventory.dry_run import Foreseen
from inventory.errors import NotFound, Refusal
from inventory.lots import LotState
from inventory.measures import plain
from inventory.picking import Need
from inventory.treatments import Line, Visit
from inventory.vial_list import OpenedRow

COUNT = "lines"  # the field that says how many there are
FIELDS = ("sku", "ingredient", "quantity", "from", "reason", "out")
MOST = treatments.MOST_LINES
REASON = 200


class LotNotHere(NotFound):
    """The lot that a label names cannot be used here."""


class LineShape(Shape):
    """One line as it is typed."""

    sku = Words(40)
    ingredient = Words(20)
    quantity = Quantity(required=True, positive=True)
    reason = Words(REASON)


@dataclass
class LineView:
    """A line ready to show."""

    index: int
    title: str
    detail: str
    unit: str
    product: bool  # not a consumable
    choices: list[tuple[str, str]]
    will: list[str] = field(default_factory=list)
    wrong: bool = False


@dataclass
class Preview:
    """What the lines would use; or why they cannot be used."""

    views: list[LineView]
    discards: list[str] = field(default_factory=list)
    keeps: list[str] = field(default_factory=list)
    problem: str = ""
    errors: dict[str, str] = field(default_factory=dict)


def first_values(lines: Iterable[Line]) -> Values:
    """The fields of lines that a recipe gives."""
    found: Values = {}
    for index, line in enumerate(lines):
        found |= {
            f"sku-{index}": line.sku or "",
            f"ingredient-{index}": line.ingredient or "",
            f"quantity-{index}": plain(line.quantity),
            f"from-{index}": "",
        }
        found[COUNT] = str(index + 1)
    return found


def count(values: Mapping[str, str]) -> int:
    """How many lines a form has."""
    text = values.get(COUNT, "")
    return min(int(text), MOST) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def lines_of(values: Mapping[str, str]) -> list[tuple[int, Line]]:
    """The lines that are used, each with its number in the form. Raises ValidationError, by field."""
    found, wrong = [], {}
    for index in range(count(values)):
        typed = {name: values.get(f"{name}-{index}", "") for name in FIELDS}
        if typed["out"]:
            continue
        shown = {name: typed[name] for name in LineShape().fields if typed[name].strip()}
        try:
            body: dict[str, Any] = LineShape().load(shown)
        except ValidationError as bad:
            wrong |= {f"{name}-{index}": [words] for name, words in forms.by_field(bad).items()}
            continue
        lot, vial = _chosen(typed["from"])
        found.append(
            (
                index,
                Line(
                    quantity=body["quantity"],
                    sku=body.get("sku"),
                    ingredient=body.get("ingredient") if "sku" not in body else None,
                    lot_id=lot,
                    vial_id=vial,
                    reason=body.get("reason", "") if lot or vial else "",
                ),
            )
        )
    if wrong:
        raise ValidationError(wrong)
    return found


def _chosen(text: str) -> tuple[int | None, int | None]:
    """The lot or the opened vial that a line names; neither: whatever expires first."""
    kind, _, named = text.partition(":")
    key = key_of(named)
    return (key, None) if kind == "lot" else (None, key) if kind == "vial" else (None, None)


def preview(db: Session, values: Values, visit: Visit, *, site: Site, now: datetime) -> Preview:
    """What the lines in the form would use now; nothing is refused aloud."""
    found = Preview(views(db, values, site=site, now=now))
    try:
        numbered = lines_of(values)
    except ValidationError as wrong:
        found.errors = forms.by_field(wrong)
        found.problem = "Some quantities need another look."
        return found
    try:
        uses = dry_run.foresee(db, visit, [line for _, line in numbered], site=site, recorded_at=now)
    except Refusal as refusal:
        found.problem = str(refusal)
        for index, line in numbered:
            label = line.sku or line.ingredient or "?"
            by_index(found.views, index).wrong = f"{label}:" in found.problem
        return found
    said: set[Need] = set()
    for index, line in numbered:
        view = by_index(found.views, index)
        mine = [use for use in uses if _is_for(use.need, line) and use.need not in said]
        said |= {use.need for use in mine}
        view.will = [_will(use, site, now) for use in mine] or ["with the line above"]
    found.discards = [_amount(use, use.discarded) for use in uses if use.discarded]
    found.keeps = [
        f"{_amount(use, use.kept)}, until {formats.short_moment(use.kept_until, site.time_zone, now)}"
        for use in uses
        if use.kept and use.kept_until is not None and use.kind is not ItemKind.CONSUMABLE
    ]
    return found


def by_index(found: Sequence[LineView], index: int) -> LineView:
    """The view of a line by its number in the form."""
    return next(view for view in found if view.index == index)


def _is_for(need: Need, line: Line) -> bool:
    same = need.label == (line.sku or line.ingredient)
    return same and (need.lot_id, need.vial_id, need.reason) == (line.lot_id, line.vial_id, line.reason)


def _amount(use: Foreseen, much: Decimal) -> str:
    return f"{formats.quantity(much, use.unit)} of {use.name}"


def _will(use: Foreseen, site: Site, now: datetime) -> str:
    """What a line will take, in a few words."""
    words = "Opened vial, lot" if use.vial_id is not None else "Lot"
    parts = [f"{words} {use.lot_number}, expires {formats.day(use.expires_on)}"]
    if use.discarded:
        parts.append(f"discards {formats.quantity(use.discarded, use.unit)}")
    if use.kept:
        parts.append(f"keeps {formats.quantity(use.kept, use.unit)} open")
    return " · ".join(parts)


def views(db: Session, values: Mapping[str, str], *, site: Site, now: datetime) -> list[LineView]:
    """The lines of the form with their names and the lots that they may be drawn from."""
    numbers = range(count(values))
    skus = {values.get(f"sku-{n}", "") for n in numbers} - {""}
    codes = {values.get(f"ingredient-{n}", "") for n in numbers} - {""}
    rows = db.execute(
        sa.select(Item, Ingredient.code, Ingredient.name)
        .outerjoin(Ingredient, Ingredient.id == Item.ingredient_id)
        .where(sa.or_(Item.sku.in_(sorted(skus)), sa.and_(Ingredient.code.in_(sorted(codes)), Item.active)))
        .order_by(Item.name)
    ).all()
    choices = _choices(db, [row.Item for row in rows], site=site, now=now)
    found = []
    for n in numbers:
        sku, code = values.get(f"sku-{n}", ""), values.get(f"ingredient-{n}", "")
        mine = [row for row in rows if row.Item.sku == sku] or [
            row for row in rows if code and row.code == code
        ]
        first = mine[0] if mine else None
        title = (first.Item.name if sku else first.name) if first else sku or code or "An unknown item"
        found.append(
            LineView(
                index=n,
                title=title,
                detail=sku or (f"{code} in whichever item expires first" if code else ""),
                unit="" if first is None or first.Item.unit == "each" else first.Item.unit.value,
                product=first is None or first.Item.kind is ItemKind.INJECTABLE,
                choices=[one for row in mine for one in choices.get(row.Item.id, ())],
            )
        )
    return found


def _choices(
    db: Session, items: Sequence[Item], *, site: Site, now: datetime
) -> dict[int, list[tuple[str, str]]]:
    """The opened vials and the lots of items that could be drawn from, the first to expire first."""
    today = site.day(now)
    units = {item.id: item.unit.value for item in items}
    skus = {item.sku: item.id for item in items}
    found: dict[int, list[tuple[str, str]]] = {key: [] for key in units}
    for vial in shelves.vials(db, site=site) if items else ():
        if vial.sku in skus and vial.discard_at > now:
            left = formats.quantity(vial.remaining, vial.unit)
            until = formats.short_moment(vial.discard_at, site.time_zone, now)
            words = f"Opened, lot {vial.lot_number}: {left} left until {until}"
            found[skus[vial.sku]].append((f"vial:{vial.id}", words))
    for key, lots in (shelves.lots_by_item(db, list(units), site=site) if units else {}).items():
        for lot in lots:
            if lot.sealed and not lot.held_back and lot.expires_on >= today:
                held = formats.quantity(lot.quantity, units[key])
                words = f"Lot {lot.number}, expires {formats.day(lot.expires_on)}: {held}"
                found[key].append((f"lot:{lot.id}", words))
    return found


def scanned(db: Session, values: Values, data: str, *, site: Site, now: datetime) -> str:
    """Put what was scanned into the form: its lot on the item's line, or a line more. Answers what was done.

    Raises catalog.UnknownItem, scanning.UnreadableLabel, LotNotHere, UnknownVial.
    """
    vial_id = vial_labels.read(data)
    if vial_id is not None:
        return _vial_scanned(db, values, vial_id, site=site, now=now)
    item = db.scalar(sa.select(Item).where(sa.func.lower(Item.sku) == data.strip().lower(), Item.active))
    if item is not None:
        _add(values, item)
        return f"Added a line for {item.name}."
    scan = scanning.read(data, on=site.day(now))
    known = scanning.find(db, scan)
    if known is None:
        number = scan.content_gtin or scan.gtin or scan.pzn or data.strip()
        raise catalog.UnknownItem(f"No item has the barcode number {number}: type its own number instead.")
    item = known[0]
    choice = _choice_of(db, item, scan.lot or "", site=site, now=now)
    return _put(db, values, item, choice, f"lot {scan.lot or 'not on the label'}")


def _vial_scanned(db: Session, values: Values, vial_id: int, *, site: Site, now: datetime) -> str:
    """Put the opened vial of a label on its item's line. Raises UnknownVial, UnknownSite, LotNotHere."""
    where.of(vials.vial(db, vial_id).site_id)
    row = vial_list.opened(db, keys=[vial_id])[0]
    if row.site_id != site.id:
        raise LotNotHere(f"Vial {vial_id} of {row.name} is at another site than {site.name}.")
    if not row.usable(now):
        why = "was used up or discarded" if row.closed_at else f"was good until {_until(row, site, now)}"
        if row.lot_state is not LotState.RELEASED:
            why = f"is of lot {row.lot_number}, which is {row.lot_state}"
        raise LotNotHere(f"Vial {vial_id} of {row.name} {why}; it cannot be used.")
    item = db.scalars(sa.select(Item).where(Item.sku == row.sku)).one()
    return _put(db, values, item, f"vial:{vial_id}", f"opened vial {vial_id} of lot {row.lot_number}")


def _until(row: OpenedRow, site: Site, now: datetime) -> str:
    return formats.short_moment(row.discard_at, site.time_zone, now)


def _put(db: Session, values: Values, item: Item, choice: str, what: str) -> str:
    """Put a choice on the first line of its item that has none, else on a line of its own."""
    for n in range(count(values)):
        if not values.get(f"from-{n}") and _holds(db, values, n, item):
            values[f"from-{n}"] = choice
            return f"{item.name}, {what}: put on its line."
    _add(values, item, choice)
    return f"Added a line for {item.name}, {what}."


def _add(values: Values, item: Item, choice: str = "") -> None:
    n = count(values)
    if n >= MOST:
        return
    values |= {
        f"sku-{n}": item.sku,
        f"ingredient-{n}": "",
        f"quantity-{n}": "1" if item.unit == "each" else "",
        f"from-{n}": choice,
        COUNT: str(n + 1),
    }


def _holds(db: Session, values: Mapping[str, str], n: int, item: Item) -> bool:
    """Whether a line asks for the item, or for the ingredient that it holds."""
    if values.get(f"sku-{n}"):
        return values[f"sku-{n}"] == item.sku
    code = values.get(f"ingredient-{n}")
    if not code or item.ingredient_id is None:
        return False
    return db.get_one(Ingredient, item.ingredient_id).code == code


def _choice_of(db: Session, item: Item, number: str, *, site: Site, now: datetime) -> str:
    """The opened vial, else the lot, that a label names. Raises LotNotHere."""
    if not number:
        return ""
    for vial in shelves.vials(db, site=site, sku=item.sku):
        if vial.lot_number == number and vial.discard_at > now:
            return f"vial:{vial.id}"
    for lot in shelves.lots_by_item(db, [item.id], site=site)[item.id]:
        if lot.number == number and lot.sealed and not lot.held_back:
            return f"lot:{lot.id}"
    raise LotNotHere(f"Lot {number} of {item.name} is not on the shelf at {site.name}, or is held back.")
