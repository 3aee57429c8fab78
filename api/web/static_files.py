"""Style, script, icons and typeface: ours from this folder, the others' from the packages that ship them.

Each has an address with a tag of its content, so that a browser asks for it once and never again.
"""

import gzip
import hashlib
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import version

from flask import Response, request
from lucide.jinja import lucide
from markupsafe import Markup
from werkzeug.exceptions import NotFound

YEAR = 31_536_000
HTMX = "491955cd1810747d7d7b9ccb936400afb760e06d25d53e4572b64b6563b2784e"  # sha256, looked at in a test
WEIGHTS = (400, 700)
LETTERS = [
    *range(0x20, 0x7F), *range(0xA0, 0x180),
    0x2009, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026, 0x202F, 0x2032, 0x2033,
    0x20AC, 0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x2248, 0x2260, 0x2264, 0x2265,
]  # fmt: skip
ICONS = (
    "archive", "arrow-left", "arrow-right", "ban", "bell", "boxes", "calendar-clock",
    "calendar-days", "chart-line",
    "check", "chevron-down", "chevron-right", "circle-alert", "circle-check", "clipboard-list", "clock",
    "eye-off", "file-text", "flask-conical", "hand", "house", "info", "key-round", "log-out", "map-pin",
    "menu", "minus", "moon", "octagon-alert", "package-check", "package-open", "package-plus", "pencil",
    "plus", "printer", "receipt-text", "rotate-ccw", "scan-barcode", "search", "settings", "shield-check",
    "shopping-cart", "smartphone", "sun", "sun-moon", "syringe", "test-tube", "trash-2", "triangle-alert",
    "truck", "undo-2", "user", "user-plus", "users", "wallet", "x", "book-open",
    "circle-question-mark", "stethoscope", "download", "history", "lock", "scale", "sliders-horizontal",
    "building-2", "percent", "tag", "external-link", "file-check", "handshake",
    "arrow-left-right", "thermometer", "upload",
)  # fmt: skip


@dataclass(frozen=True)
class Asset:
    """A file as it is sent, and the same compressed."""

    body: bytes
    mimetype: str

    @property
    def tag(self) -> str:
        """A short digest of the content, for the address."""
        return hashlib.sha256(self.body).hexdigest()[:12]


def _ours(name: str, mimetype: str) -> Callable[[], Asset]:
    return lambda: Asset((resources.files("api.web") / "static" / name).read_bytes(), mimetype)


def _htmx() -> Asset:
    body = (resources.files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js").read_bytes()
    return Asset(body, "text/javascript")


def _style() -> Asset:
    css = (resources.files("api.web") / "static" / "vialbook.css").read_text("utf-8")
    return Asset(css.replace("inter.woff2", address("inter.woff2")).encode(), "text/css")


def _icons() -> Asset:
    """All icons in one file; a page names one by its fragment."""
    symbols = []
    for name in ICONS:
        picture = str(lucide(name, size=None))
        parts = picture[picture.index(">") + 1 : picture.rindex("</svg>")]
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{parts.strip()}</symbol>')
    sheet = f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>'
    return Asset(sheet.encode(), "image/svg+xml")


def _typeface() -> Asset:
    """Inter's Latin letters in the weights we use: 31 KB instead of 877."""
    from fontTools import subset
    from fontTools.varLib import instancer

    options = subset.Options()
    options.layout_features = ["kern", "liga", "calt", "tnum", "ccmp", "locl", "mark", "mkmk"]
    options.hinting = False
    source = resources.files("fontpkg_inter") / "files" / "Inter[opsz,wght].ttf"
    with resources.as_file(source) as path:
        font = subset.load_font(str(path), options)
    letters = subset.Subsetter(options)
    letters.populate(unicodes=LETTERS)
    letters.subset(font)
    font = instancer.instantiateVariableFont(font, {"opsz": 14, "wght": WEIGHTS})
    font.flavor = "woff2"
    packed = io.BytesIO()
    font.save(packed)
    return Asset(packed.getvalue(), "font/woff2")


MAKERS: dict[str, Callable[[], Asset]] = {
    "vialbook.css": _style,
    "vialbook.js": _ours("vialbook.js", "text/javascript"),
    "htmx.js": _htmx,
    "icons.svg": _icons,
    "icon.svg": _ours("icon.svg", "image/svg+xml"),
    "inter.woff2": _typeface,
}
MAKERS.update(
    (f"help/{one.name}", _ours(f"help/{one.name}", "image/webp"))
    for one in (resources.files("api.web") / "static" / "help").iterdir()
)
PACKED_ALREADY = ("font/woff2", "image/webp")
_MAKING = threading.Lock()


@cache
def _made(name: str) -> Asset:
    return MAKERS[name]()


def asset(name: str) -> Asset:
    """A file by its name. Raises NotFound."""
    if name not in MAKERS:
        raise NotFound
    with _MAKING:  # the typeface takes a second; two requests need not both make it
        return _made(name)


@cache
def compressed(name: str) -> bytes:
    """The file for browsers that unpack it, as all do."""
    return gzip.compress(asset(name).body, 9, mtime=0)


@cache
def address(name: str) -> str:
    """Where a file is: its name, behind a tag that changes with its content."""
    if name == "inter.woff2":  # its packages say as much as its bytes, without making them
        tag = hashlib.sha256(
            f"{version('fontpkg-inter')} {version('fonttools')} {WEIGHTS} {LETTERS}".encode()
        ).hexdigest()[:12]
    else:
        tag = _made(name).tag
    return f"/static/{tag}/{name}"


def send(tag: str, name: str) -> Response:
    """Send a file; under an earlier tag it is sent too, but not to be kept."""
    found = asset(name)
    packs = found.mimetype not in PACKED_ALREADY and "gzip" in request.headers.get("Accept-Encoding", "")
    answer = Response(compressed(name) if packs else found.body, mimetype=found.mimetype)
    if packs:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    current = address(name) == f"/static/{tag}/{name}"
    answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if current else "no-cache"
    return answer


def icon(name: str, label: str = "") -> Markup:
    """An icon; without a label it is ornament, and screen readers pass it by."""
    assert name in ICONS, name
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {}><use href="{}#{}"></use></svg>').format(
        said, address("icons.svg"), name
    )
