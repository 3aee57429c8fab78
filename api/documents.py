"""Documents: PDFs set by typst from a template in `api/typst/` and plain data.

A document is tagged for screen readers (PDF/UA-1) and the same bytes for the same data and instant. Its
typeface comes from a package; nothing is read from the machine.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from io import BytesIO
from typing import TYPE_CHECKING, Any

import segno

if TYPE_CHECKING:
    import typst


def pdf(template: str, data: Mapping[str, Any], *, at: datetime) -> bytes:
    """The PDF of `api/typst/{template}.typ` filled with `data` (what JSON can say), made at the instant.

    Templates read their data with `json(bytes(sys.inputs.data))` and share `house.typ`. Text is set as it
    stands: typst never reads markup from data.
    """
    return _compiler(template).compile(
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards=["ua-1"],
        timestamp=int(at.timestamp()),
    )


def qr(text: str) -> str:
    """A QR code as SVG text, for a template's `image(bytes(...), format: "svg", alt: ...)`."""
    out = BytesIO()
    segno.make_qr(text, error="m").save(out, kind="svg", border=2, scale=4)
    return out.getvalue().decode()


def paper(country: str) -> str:
    """What paper a country prints on: letter in North America and a few others, A4 elsewhere (CLDR)."""
    return "us-letter" if country in LETTER else "a4"


LETTER = frozenset(["US", "CA", "MX", "PH", "CL", "CO", "CR", "GT", "NI", "PA", "PR", "SV", "VE"])


@cache
def _compiler(template: str) -> "typst.Compiler":
    import typst  # a fifth of a second that only who prints waits for

    folder = resources.files("api") / "typst"
    inter = resources.files("fontpkg_inter") / "files"
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(inter)])
    return typst.Compiler(str(folder / f"{template}.typ"), root=str(folder), font_paths=fonts)
