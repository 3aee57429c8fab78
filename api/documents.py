"""Documents: PDFs set by typst from a template in `api/typst/` and plain data.

A document is tagged for screen readers (PDF/UA-1) and the same bytes for the same data and instant. Its
typeface comes from a package; nothing is read from the machine. Letters of scripts that no typeface of ours
has, such as Chinese, are printed as boxes; they can be copied out as they are.
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
    said = json.dumps(data, ensure_ascii=False)
    try:
        return _set(template, said, at, ["ua-1"])
    except RuntimeError as error:  # as typst's errors are
        if "could not be displayed" not in str(error):
            raise
        # A letter of no typeface that we have: its box is better than no paper, but is no PDF/UA.
        return _set(template, said, at, [])


def _set(template: str, said: str, at: datetime, standards: list[str]) -> bytes:
    compiler, made_at = _compiler(template), int(at.timestamp())
    return compiler.compile(
        format="pdf", sys_inputs={"data": said}, pdf_standards=standards, timestamp=made_at
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
