"""The lines of a delivery on the page: filled in from labels, offers and the order; what is asked of each.

What is short-dated, was not ordered, or is more than was, is taken only with a reason that a person types.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP
from typing import Any

from flask import g
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from api.schemas import Day, Shape, UnitCost, Whole, Words
from api.web import drafts, formats, forms
from api.web.forms import Form
from api.web.scans import Line
from inventory import catalog, clinic, places, purchasing, receiving
from inventory.catalog import Item, Replacement
from inventory.clinic import Place
from inventory.errors import Refusal
from inventory.measures import ZERO, plain
from inventory.order_views import SIX, OrderView
from inventory.order_views import LineView as OrderLineView
from inventory.places import LONGEST_CODE
from inventory.receiving import Delivery

SAY_WHY = "Say why it is taken all the same."


class LineShape(Shape):
    """One line: so many containers of one lot."""

    sku = Words(40, required=True)
    lot_number = Words(20, required=True)
    expires_on = Day(required=True)
    produced_on = Day(load_default=None)
    containers = Whole(least=1, most=receiving.MOST_CONTAINERS, in_address=True, required=True)
    unit_cost = UnitCost(required=True)
    reason = Words(500, load_default="")
    place = Words(LONGEST_CODE, load_default="")


SKU = LineShape(only=["sku"])


class Seen(LineShape):
    """A line as far as it is filled in, to look at before it is sent."""

    unit_cost = UnitCost(load_default=ZERO)


@dataclass(frozen=True)
class LineView:
    """A line ready to show: what the labels say of it, what is still to be typed, what is asked."""

    id: int
    title: str
    detail: str
    problem: str
    doubts: Sequence[str]
    asks: Sequence[str]
    known: bool
    was: str
    cost_hint: str
    shelves: Sequence[tuple[str, str]]  # on which it may be put, where there is a choice


@dataclass(frozen=True)
class Awaited:
    """One line of the order beside what was scanned of it so far."""

    line: OrderLineView
    here: int

    @property
    def left(self) -> int:
        return max(0, self.line.open - self.here)


def items(lines: Sequence[Line], form: Form) -> dict[int, Item]:
    """What each line is of, as its labels say, else as was typed; without those of which nobody knows it."""
    found = {line.id: line.item for line in lines if line.item is not None}
    for line in lines:
        if line.item is None:
            with suppress(ValidationError, Refusal):
                sku = SKU.load(_given(SKU, form.values, f"-{line.id}"))["sku"]
                found[line.id] = catalog.item(g.db, sku)
    return found


def fill_in(
    lines: Sequence[Line],
    form: Form,
    of_lines: Mapping[int, Item],
    offers: Mapping[int, Replacement],
    of: OrderView | None,
) -> dict[int, dict[str, str]]:
    """Put into each line's fields what the labels say now, unless somebody typed something else meanwhile."""
    told = {}
    for line in lines:
        says = told[line.id] = _says(line, of_lines.get(line.id), offers, of)
        was = drafts.unpack(form.value(f"was-{line.id}"))
        for name, text in says.items():
            typed = form.values.get(f"{name}-{line.id}")
            if typed is None or typed == was.get(name):
                form.values[f"{name}-{line.id}"] = text
    return told


def _says(
    line: Line, item: Item | None, offers: Mapping[int, Replacement], of: OrderView | None
) -> dict[str, str]:
    """What stands in a line's fields by the labels, the order and the offer alone."""
    scan = line.scan
    return {
        "sku": line.item.sku if line.item is not None else "",
        "lot_number": (scan.lot or "") if scan else "",
        "expires_on": str(scan.expires_on or "") if scan else "",
        "produced_on": str(scan.produced_on or "") if scan else "",
        "containers": str(line.containers) if scan else "",
        "unit_cost": _cost(item, offers, of)[0],
    }


def _cost(item: Item | None, offers: Mapping[int, Replacement], of: OrderView | None) -> tuple[str, str]:
    """What one container costs by the order, else by the offer in force; and which it was."""
    if item is None:
        return "", ""
    if of is not None and (asked := of.line(item.id)) is not None:
        return plain(asked.container_cost), f"from {of.number}"
    offer = offers.get(item.id)
    if offer is None:
        return "", ""
    cost = plain(offer.container_cost.quantize(SIX, ROUND_HALF_UP))
    return cost, f"from the offer of {offer.supplier_name}"


def views(
    lines: Sequence[Line],
    form: Form,
    told: Mapping[int, dict[str, str]],
    offers: Mapping[int, Replacement],
    of: OrderView | None,
    asks: Mapping[int, Sequence[str]],
    shelves: Sequence[Place],
    of_lines: Mapping[int, Item],
) -> list[LineView]:
    """The lines ready to show."""
    found = []
    for line in lines:
        title, detail = _named(line)
        found.append(
            LineView(
                id=line.id,
                title=title,
                detail=detail,
                problem=line.problem,
                doubts=line.doubts,
                asks=asks.get(line.id, ()),
                known=line.item is not None,
                was=drafts.pack(told[line.id]),
                cost_hint=_cost(of_lines.get(line.id), offers, of)[1],
                shelves=_allowed(line.item, shelves),
            )
        )
    return found


def _allowed(item: Item | None, shelves: Sequence[Place]) -> list[tuple[str, str]]:
    """The shelves that an item's label allows, the one first on which it is put if nobody says another.

    Where exactly one is right there is nothing to choose; which item it is may still be unknown.
    """
    fit = [one for one in shelves if item is None or places.allows(item.storage, one.temperature)]
    return [(one.code, one.name) for one in fit] if len(fit) > 1 else []


def _named(line: Line) -> tuple[str, str]:
    item, scan = line.item, line.scan
    if item is not None:
        return item.name, f"{item.sku} · {formats.quantity(item.content, item.unit)} each"
    number = (scan.content_gtin or scan.gtin or scan.pzn) if scan else None
    if number:
        return f"Item {number}", "not in the catalogue"
    if scan is not None:
        return "Part of a box's labels", "the product is on another label of the box"
    return "A line by hand" if line.by_hand else "A label that cannot be read", ""


def as_far_as_filled_in(lines: Sequence[Line], form: Form) -> dict[int, Delivery]:
    """The lines that can be read as they stand; the others are still being typed."""
    found = {}
    for line in lines:
        try:
            body = Seen().load(_given(Seen(), form.values, f"-{line.id}"))
            found[line.id] = delivery(g.db, body)
        except (ValidationError, Refusal):
            continue
    return found


def load(shape: Shape, typed: Mapping[str, str], suffix: str, form: Form) -> dict[str, Any]:
    """The fields of a line by their shape; what is wrong with them goes into the form."""
    try:
        found: dict[str, Any] = shape.load(_given(shape, typed, suffix))
    except ValidationError as wrong:
        form.errors |= {name + suffix: words for name, words in forms.by_field(wrong).items()}
        return {}
    return found


def _given(shape: Shape, typed: Mapping[str, str], suffix: str) -> dict[str, str]:
    given = {name: typed.get(name + suffix, "") for name in shape.fields}
    return {name: text for name, text in given.items() if text.strip()}


def delivery(db: Session, body: Mapping[str, Any], **papers: Any) -> Delivery:
    """A line as the domain takes it. Raises UnknownItem."""
    return Delivery(
        item=catalog.item(db, body["sku"]),
        lot_number=body["lot_number"],
        expires_on=body["expires_on"],
        containers=body["containers"],
        unit_cost=body["unit_cost"],
        produced_on=body["produced_on"],
        reason=body["reason"],
        place=body["place"],
        **papers,
    )


def asked(deliveries: Mapping[int, Delivery], of: OrderView | None, *, on: date) -> dict[int, list[str]]:
    """What must be confirmed with a reason, by line: what is short-dated, and what was not waited for."""
    least = clinic.settings(g.db).least_life_left_rate
    found: dict[int, list[str]] = {}
    for key, one in deliveries.items():
        if sentence := receiving.short_dated(one, on=on, least=least):
            found.setdefault(key, []).append(sentence)
    if of is not None:
        keys = {id(one): key for key, one in deliveries.items()}
        for beyond in purchasing.surplus(of, list(deliveries.values())):
            found.setdefault(keys[id(beyond.delivery)], []).append(beyond.sentence(of))
    return found


def awaited(of: OrderView | None, deliveries: Mapping[int, Delivery]) -> list[Awaited]:
    """What an order still waits for, beside what is in this delivery so far."""
    if of is None:
        return []
    here: dict[int, int] = {}
    for one in deliveries.values():
        here[one.item.id] = here.get(one.item.id, 0) + one.containers
    return [Awaited(line, here.get(line.item_id, 0)) for line in of.lines if line.open > 0]
