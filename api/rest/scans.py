"""JSON: what a barcode says, read by a scanner, typed, or in a photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, request
from marshmallow import ValidationError, fields

from api import photos
from api.bodies import PARSER
from api.errors import Malformed
from api.rest import vial_scans
from api.rest.calls import noun
from api.rest.vial_scans import ScannedVialShape
from api.schemas import Day, Many, Shape, Words
from inventory import boxes, lots, scanning
from inventory.gs1 import UnreadableLabel
from inventory.scanning import DOUBTS, Scan

blueprint = noun("scans", "Reading barcodes")

MOST_LABELS = 8
TEXT = {"type": "string", "minLength": 1, "maxLength": 4096}
PHOTO = {"type": "string", "format": "binary", "contentMediaType": "image/jpeg"}
SCAN_BODY = {
    "required": True,
    "description": "The text of a barcode as `data`, those of one box as `labels`, or a photo of barcodes as "
    "the part `image` of a form.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "data": TEXT,
                    "labels": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": MOST_LABELS},
                },
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
            }
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "image": {"type": "string", "format": "binary", "contentMediaType": "image/jpeg"}
                },
                "required": ["image"],
            }
        },
    },
}


class Label(Words):
    """The text of a barcode as the scanner gave it; GS is U+001D."""

    def __init__(self, **options: Any) -> None:
        super().__init__(4096, keep="\x1d\x1e\x04\t\r\n", **options)


class ScanRequest(Shape):
    """The text of a barcode as the scanner gave it; GS is U+001D. `labels` are all of one box."""

    data = Label()
    labels = Many(Label(), least=1, most=MOST_LABELS)


@dataclass(frozen=True)
class Doubt:
    """Something on the label that a person must look at."""

    code: str
    message: str


class DoubtShape(Shape):
    """Something on the label that a person must look at."""

    code = fields.String()
    message = fields.String()


class UnreadableShape(DoubtShape):
    """A code in the photo that is no label of a box."""

    data = fields.String()


class BoxShape(Shape):
    """What the labels of one box say, and what is on record of it."""

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


class ScanShape(BoxShape):
    """The box; where a photo shows several, they are in `boxes` and nothing stands here."""

    boxes = fields.List(fields.Nested(BoxShape))
    unreadable = fields.List(fields.Nested(UnreadableShape))
    opened_vial = fields.Nested(
        ScannedVialShape,
        allow_none=True,
        metadata={"description": "The opened vial, where it was its own label (S4)"},
    )


@blueprint.post("/scans")
@blueprint.response(200, ScanShape)
@blueprint.doc(requestBody=SCAN_BODY)
def read_scan() -> Any:
    """Read a barcode, or an opened vial's own label (S4, S13); what is unreadable is refused with a code."""
    if request.mimetype == "multipart/form-data":
        return _photo()
    body: dict[str, Any] = PARSER.parse(ScanRequest(), request, location="json")
    if len(body) != 1:
        raise ValidationError({"data": ["Send either `data` or `labels`."]})
    texts = body.get("labels") or [body["data"]]
    if len(texts) == 1 and (vial := vial_scans.found(texts[0])):
        return answer([vial[0]], []) | vial[1]
    scan = boxes.whole([scanning.read(text, on=g.now.date()) for text in texts])
    return answer([scan], [])


def _photo() -> dict[str, Any]:
    """Read every code in a photo; one that is no label is told beside the others."""
    file = request.files.get("image") or request.files.get("file")
    if file is None:
        raise Malformed("The form has no part called `image`.")
    read, unreadable = [], []
    for text in photos.codes(file.read()):
        if vial := vial_scans.found(text):
            return answer([vial[0]], []) | vial[1]
        try:
            read.append(scanning.read(text, on=g.now.date()))
        except UnreadableLabel as label:
            unreadable.append((text, label))
    if not read:
        raise unreadable[0][1]
    told = [{"data": text, "code": label.code, "message": str(label)} for text, label in unreadable]
    return answer([box.scan for box in boxes.in_photo(read)], told)


def answer(scans: Sequence[Scan], unreadable: list[dict[str, str]]) -> dict[str, Any]:
    """What was read, with what is on record of it."""
    found = [shown(scan) for scan in scans]
    one = found[0] if len(found) == 1 else shown(Scan(doubts=("W_SEVERAL_BOXES",)))
    return one | {"boxes": found, "unreadable": unreadable, "opened_vial": None}


def shown(scan: Scan) -> dict[str, Any]:
    """A scan with what is on record of it."""
    item, containers = scanning.find(g.db, scan) or (None, None)
    lot = lots.find(g.db, item, scan.lot) if item and scan.lot else None
    return vars(scan) | {
        "complete": scan.complete,
        "fields_": dict(scan.fields),
        "doubts": scan.doubts,
        "doubt_details": [Doubt(code, DOUBTS[code]) for code in scan.doubts],
        "item": item and item.sku,
        "containers": containers,
        "lot_id": lot and lot.id,
    }
