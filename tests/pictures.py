"""Takes pictures of barcodes: what zxing-cpp prints, as a phone would send it."""

from io import BytesIO
from typing import Any

import zxingcpp
from PIL import Image

from inventory import gs1
from tests.calls import Clinic

GS = "\x1d"
KINDS = {"]C1": "Code128", "]e0": "DataBarExp", "]E0": "EAN13"}


def printed(data: str, *, scale: int = 6) -> Image.Image:
    """The barcode that a scanner would read as `data`; without a mark of its kind a plain DataMatrix."""
    kind = getattr(zxingcpp.BarcodeFormat, KINDS.get(data[:3], "DataMatrix"))
    options: dict[str, Any] = {"force_square": True} if kind == zxingcpp.BarcodeFormat.DataMatrix else {}
    text = data[3:] if data.startswith("]") else data
    if data.startswith(("]d2", "]C1", "]e0")):
        options["gs1"] = True
        text = "".join(f"({ai})" + value.replace("(", r"\(") for ai, value in gs1.split(text))
    code = zxingcpp.create_barcode(text, kind, **options)
    return Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=scale, add_quiet_zones=True))


def table(*codes: Image.Image, gap: int = 60) -> Image.Image:
    """Boxes on a table: one picture with the codes below each other."""
    width = max((code.width for code in codes), default=0) + 2 * gap
    height = sum(code.height + gap for code in codes) + gap
    paper, top = Image.new("L", (width, height), 235), gap
    for code in codes:
        paper.paste(code, (gap, top))
        top += code.height + gap
    return paper


def sent(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The file that a phone sends."""
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def scanned(here: Clinic, picture: bytes, name: str = "image") -> Any:
    """The answer to a photo that is sent."""
    return here.post("/scans", data={name: (BytesIO(picture), "photo.jpg")})
