"""JSON: what a call would change, where `?dry_run=true` asks for that instead of the change (S12)."""

from collections.abc import Callable
from typing import Any

from flask import Response, g, jsonify
from marshmallow import fields

from api.rest.stock import MovementShape
from api.schemas import Cost, Day, Flag, Quantity, Shape, one_word
from inventory.clinic import PlaceKind
from inventory.lots import LotState
from inventory.preview import preview


class DryRun(Shape):
    """Whether to keep nothing, and answer what would change."""

    dry_run = Flag(in_address=True, load_default=False)


class SpotShape(Shape):
    """A lot in a place, and what is there without the act and with it."""

    site = fields.String(attribute="spot.site")
    place = fields.String(attribute="spot.place")
    kind = one_word(PlaceKind, attribute="spot.kind")
    sku = fields.String(attribute="spot.sku")
    unit = fields.String(attribute="spot.unit")
    lot = fields.Integer(attribute="spot.lot_id")
    lot_number = fields.String(attribute="spot.lot_number")
    before = Quantity()
    after = Quantity()


class SpotDayShape(SpotShape):
    """The same at the end of a day."""

    on = Day()


class ValueDayShape(Shape):
    """What all stock of an item is worth at the end of a day without the act and with it."""

    on = Day()
    sku = fields.String()
    before = Cost(allow_none=True)
    after = Cost(allow_none=True)


class VialChangeShape(Shape):
    """What an opened vial holds without the act and with it; `before` is null where the act opens it."""

    id = fields.Integer(attribute="vial_id")
    sku = fields.String()
    lot_number = fields.String()
    before = Quantity(allow_none=True)
    after = Quantity()


class LotChangeShape(Shape):
    """A lot whose state the act would change."""

    lot = fields.Integer(attribute="lot_id")
    lot_number = fields.String()
    before = one_word(LotState)
    after = one_word(LotState)


class AddedShape(MovementShape):
    """A movement that would be added; it has no key yet."""

    class Meta(Shape.Meta):
        """The rest of a movement."""

        exclude = ("id", "document")


class PreviewShape(Shape):
    """What an act would add and change; nothing of it was kept."""

    dry_run = fields.Boolean()
    movements = fields.List(fields.Nested(AddedShape))
    balances = fields.List(fields.Nested(SpotShape))
    days = fields.List(fields.Nested(SpotDayShape))
    values = fields.List(fields.Nested(ValueDayShape))
    value_change = Cost(signed=True, allow_none=True)
    opened = fields.List(fields.Nested(VialChangeShape), attribute="vials")
    lots = fields.List(fields.Nested(LotChangeShape))


LISTS = ("movements", "balances", "days", "values", "value_change", "vials", "lots")


def foretold(act: Callable[[], Any]) -> Response:
    """What an act would change; it refuses what the act would refuse. Its request key is not kept."""
    found = preview(g.db, act, recorded_at=g.now, by=g.caller.name)
    g.asked = None
    shown = {name: getattr(found, name) for name in LISTS} | {"dry_run": True}
    return jsonify(PreviewShape().dump(shown))
