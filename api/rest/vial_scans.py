"""JSON: an opened vial that was found by the label on it (S4, S13)."""

from typing import Any

from flask import g
from marshmallow import fields

from api import where
from api.schemas import Moment, Quantity, Shape
from inventory import lots, vial_labels, vial_list, vials
from inventory.scanning import Scan


class ScannedVialShape(Shape):
    """An opened vial that was found by its label."""

    id = fields.Integer()
    site = fields.String()
    left = Quantity()
    opened_at = Moment()
    discard_at = Moment()
    discard_rule = fields.String()
    usable = fields.Boolean(metadata={"description": "Still open, in date, and of a lot that is released"})
    patient_ref = fields.String(allow_none=True, metadata={"description": "Whose it is, if one patient's"})
    closed_at = Moment(allow_none=True)


def found(data: str) -> tuple[Scan, dict[str, Any]] | None:
    """The opened vial whose label was scanned, with its lot as a box would tell it; none for other labels.

    Raises UnreadableLabel, UnknownVial, UnknownSite.
    """
    vial_id = vial_labels.read(data)
    if vial_id is None:
        return None
    site = where.of(vials.vial(g.db, vial_id).site_id)
    row = vial_list.opened(g.db, keys=[vial_id])[0]
    lot = lots.lot(g.db, row.lot_id)
    named = ("id", "opened_at", "discard_at", "discard_rule", "patient_ref", "closed_at")
    vial = {name: getattr(row, name) for name in named} | {
        "site": site.code,
        "left": row.remaining,
        "usable": row.usable(g.now),
    }
    scan = Scan(lot=lot.number, expires_on=lot.expires_on, read_on=site.day(g.now))
    return scan, {"item": row.sku, "lot_id": lot.id, "opened_vial": vial, "complete": True}
