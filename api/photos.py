"""Photos: the barcodes in an uploaded picture, as a scanner would have read them (S13).

What is sent is looked at before it is unpacked: its kind, its size, and how many points it claims to have.
"""

import struct
from io import BytesIO
from typing import TYPE_CHECKING, Any

from inventory.errors import Invalid
from inventory.gs1 import UnreadableLabel

if TYPE_CHECKING:
    from PIL.Image import Image

KINDS = ("JPEG", "PNG", "WEBP")
ACCEPT = "image/jpeg,image/png,image/webp"
"""For the file field of a page; a phone that takes others turns them into these."""
MOST_POINTS = {"JPEG": 210_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}
"""A large JPEG is read smaller than it is; the others are unpacked whole."""
LONGEST_SIDE = 2_400
SHORTEST_SIDE = 600
MOST_CODES = 30


class BadPhoto(Invalid):
    """The file is no picture that can be read."""


def codes(data: bytes) -> list[str]:
    """What every barcode in a picture says, with the scanner's mark of its kind, from top to bottom.

    Raises BadPhoto, and UnreadableLabel where none is to be seen.
    """
    picture = _opened(data)
    for look in (_as_it_is, _larger, _calmer):
        found = _read(look(picture))
        if found:
            return found[:MOST_CODES]
    raise UnreadableLabel(
        "E_NO_BARCODE",
        "No barcode can be read in this picture: take it nearer, in good light, with the whole code in it.",
    )


def _opened(data: bytes) -> "Image":
    """The picture in shades of grey, upright, and no larger than a barcode needs."""
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(data), formats=KINDS) as picture:
            kind = str(picture.format)
            _refuse_bomb(kind, picture.width, picture.height)
            picture.draft(
                "L", (LONGEST_SIDE, LONGEST_SIDE)
            )  # a JPEG is unpacked at this size or a little more
            picture.load()
            grey = ImageOps.exif_transpose(_on_white(picture))
            grey.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            return grey
    except Image.DecompressionBombError as bomb:
        raise BadPhoto("The picture claims to have more points than any camera makes.") from bomb
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        IndexError,
        KeyError,
        struct.error,
        OverflowError,
    ) as bad:
        raise BadPhoto("This is no picture that can be read: send a JPEG, PNG or WebP photo.") from bad


def _refuse_bomb(kind: str, width: int, height: int) -> None:
    if width * height > MOST_POINTS[kind]:
        raise BadPhoto(
            f"The picture has {width * height // 1_000_000} million points; at most "
            f"{MOST_POINTS[kind] // 1_000_000} million of a {kind} are read."
        )


def _on_white(picture: "Image") -> "Image":
    """Shades of grey; what is transparent is paper."""
    from PIL import Image

    if picture.mode in ("L", "RGB", "YCbCr", "CMYK", "1"):
        return picture.convert("L")
    clear = picture.convert("RGBA")
    paper = Image.new("RGBA", clear.size, "white")
    paper.alpha_composite(clear)
    return paper.convert("L")


def _as_it_is(picture: "Image") -> "Image":
    return picture


def _larger(picture: "Image") -> "Image":
    """A small picture with a margin around it: codes need a quiet zone and a few points a cell."""
    from PIL import ImageOps

    times = 3 if max(picture.size) < SHORTEST_SIDE else 1
    grown = picture.resize((picture.width * times, picture.height * times))
    return ImageOps.expand(ImageOps.autocontrast(grown), border=40, fill=255)


def _calmer(picture: "Image") -> "Image":
    """Without the grain that bad light makes."""
    from PIL import ImageFilter

    return picture.filter(ImageFilter.MedianFilter(3)).filter(ImageFilter.GaussianBlur(1))


def _read(picture: "Image") -> list[str]:
    """Each code as a scanner sends it: the mark of its kind, then what it says."""
    import zxingcpp

    found = [code for code in zxingcpp.read_barcodes(picture) if code.valid and code.bytes]
    found.sort(key=_place)
    return [code.symbology_identifier + _text(bytes(code.bytes)) for code in found]


def _place(code: Any) -> tuple[int, int]:
    corner = code.position.top_left
    return corner.y, corner.x


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")
