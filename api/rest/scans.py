"""JSON: what a barcode says."""

from dataclasses import dataclass
from typing import Any

from flask import g
from marshmallow import fields

from api.rest.calls import noun
from api.schemas import Day, Shape, Words
from inventory import lots, scanning
from inventory.scanning import DOUBTS, Scan

blueprint = noun("scans", "Reading barcodes")


class ScanRequest(Shape):
    """The text of a barcode as the scanner gave it; GS is U+001D."""

    data = Words(4096, keep="\x1d\x1e\x04\t\r\n", required=True)


@dataclass(frozen=True)
class Doubt:
    """Something on the label that a person must look at."""

    code: str
    message: str


class DoubtShape(Shape):
    """Something on the label that a person must look at."""

    code = fields.String()
    message = fields.String()


class ScanShape(Shape):
    """What the label says, and what is on record of it."""

    gtin = fields.String(allow_none=True)
    lot = fields.String(allow_none=True)
    expires_on = Day(allow_none=True)
    produced_on = Day(allow_none=True)
    best_before_on = Day(allow_none=True)
    serial = fields.String(allow_none=True)
    quantity = fields.Integer(allow_none=True)
    content_gtin = fields.String(allow_none=True)
    sscc = fields.String(allow_none=True)
    variant = fields.String(allow_none=True)
    pzn = fields.String(allow_none=True)
    ppn = fields.String(allow_none=True)
    fields_ = fields.Dict(data_key="fields", keys=fields.String(), values=fields.String())
    complete = fields.Boolean(metadata={"description": "Item, lot and expiry are all on the label"})
    doubts = fields.List(fields.String())
    doubt_details = fields.List(fields.Nested(DoubtShape))
    item = fields.String(allow_none=True, metadata={"description": "The SKU on record"})
    containers = fields.Integer(
        allow_none=True, metadata={"description": "How many containers the label covers"}
    )
    lot_id = fields.Integer(allow_none=True)


@blueprint.post("/scans")
@blueprint.arguments(ScanRequest)
@blueprint.response(200, ScanShape)
def read_scan(body: dict[str, Any]) -> Any:
    """Read a barcode (S13); a label that cannot be read is refused with a code."""
    scan = scanning.read(body["data"], on=g.now.date())
    found = scanning.find(g.db, scan)
    item, containers = found or (None, None)
    lot = lots.find(g.db, item, scan.lot) if item and scan.lot else None
    return shown(scan, item and item.sku, containers, lot and lot.id)


def shown(scan: Scan, sku: str | None, containers: int | None, lot_id: int | None) -> dict[str, Any]:
    """A scan with what is on record of it."""
    return vars(scan) | {
        "complete": scan.complete,
        "fields_": dict(scan.fields),
        "doubts": scan.doubts,
        "doubt_details": [Doubt(code, DOUBTS[code]) for code in scan.doubts],
        "item": sku,
        "containers": containers,
        "lot_id": lot_id,
    }
