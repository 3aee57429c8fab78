"""Scanning: the text of a barcode becomes item, lot and expiry, or a refusal that says what is wrong (S13).

GS1 element strings from DataMatrix, GS1-128, QR, DataBar and DotCode, typed brackets, EAN and UPC, and the
German PPN are read; HIBC is recognised and refused. What is uncertain is said as a doubt, never decided.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from inventory import catalog, gs1
from inventory.catalog import Item
from inventory.gs1 import GS, UnreadableLabel

__all__ = ["DOUBTS", "Scan", "UnreadableLabel", "find", "join", "read"]

LONGEST = 4_096
RS, EOT = "\x1e", "\x04"

DOUBTS = {
    "W_NO_SYMBOLOGY_ID": "The scanner does not say what kind of barcode this is; check what was read.",
    "W_HRI_INPUT": "Typed from the print beside the barcode; check it against the box.",
    "W_SEPARATOR_TYPED": "The scanner writes separators as visible text; check where each field ends.",
    "W_NOT_GS1_IFA_PPN": "A German pharmacy code (PPN), not GS1: the product number is the PZN.",
    "W_NEED_GTIN": "The product number is missing: scan the other barcode of this box, or choose the item.",
    "W_NEED_SSCC": "The carton number (SSCC) is missing: scan the other barcode of this carton.",
    "W_POSSIBLE_MISSING_GS": "The lot or serial number ends like a date; a separator may be missing.",
    "W_EXPIRY_BEFORE_PRODUCTION": "The expiry is before the production date; one of them is wrong.",
    "W_ZERO_QUANTITY": "The label counts zero containers.",
    "W_SEVERAL_BOXES": "The picture shows more than one box; look at each.",
}

# On a flat carrier a box has one barcode; a linear one is often printed in two halves.
ONE_BARCODE = frozenset({"d2", "Q3", "J1"})
MAYBE_TWO_BARCODES = frozenset({"C1", "e0", "e1", "e2"})
RETAIL = {"E0": (13, 12), "E3": (13, 15, 18), "E4": (8,), "I0": (14,), "I1": (14,)}
SEPARATORS_AS_TEXT = ("{GS}", "<GS>", "^]", "\N{SYMBOL FOR GROUP SEPARATOR}")

_BRACKETS = re.compile(r"\((\d{2,4})\)", re.ASCII)
_HIBC = re.compile(r"\*?\+[A-Z0-9$]", re.ASCII)
_SWALLOWED_DATE = re.compile(r"(?=.(?:11|15|17)(\d{6})(?:$|10|17|21))", re.ASCII)
_PHARMACY_FIELDS = {"9N": "9N", "1T": "10", "D": "17", "S": "21", "8P": "01", "16D": "11"}


@dataclass(frozen=True)
class Scan:
    """What one box says of itself. `doubts` are the codes of `DOUBTS` that a person must look at."""

    gtin: str | None = None
    lot: str | None = None
    expires_on: date | None = None
    produced_on: date | None = None
    best_before_on: date | None = None
    serial: str | None = None
    quantity: int | None = None
    content_gtin: str | None = None
    sscc: str | None = None
    variant: str | None = None
    nhrn: tuple[tuple[str, str], ...] = ()  # national numbers by their AI: ("715", the NDC)
    pzn: str | None = None
    ppn: str | None = None
    other: tuple[tuple[str, str], ...] = ()
    doubts: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    read_on: date = date.min

    @property
    def complete(self) -> bool:
        """Whether item, lot and expiry are all on the label, so that nothing need be typed."""
        return None not in (self.gtin or self.content_gtin or self.pzn, self.lot, self.expires_on)

    @property
    def quantity_ai(self) -> str | None:
        """Where the quantity stands: 37 counts a carton's content, 30 a product's."""
        if self.quantity is None:
            return None
        return "37" if self.content_gtin else "30"


def read(data: str, *, on: date) -> Scan:
    """Read a barcode's text as it came from the scanner or the keyboard on a day.

    Raises UnreadableLabel. A field that looks as if it had swallowed another is doubted, never split.
    """
    if len(data) > LONGEST:
        raise UnreadableLabel("E_TOO_LONG", f"{len(data)} characters are too many for a barcode.")
    text = data.strip(" \t\r\n")  # scanners end with Enter or Tab; a bare strip() would eat separators too
    carrier = ""
    if text.startswith("]"):
        carrier, text = text[1:3], text[3:]
    if not text.strip(GS):
        raise UnreadableLabel("E_EMPTY", "Nothing was read: the barcode is empty.")
    _refuse_other_schemes(text, carrier)
    if text.startswith("[)>"):
        return _read_envelope(text, on=on)
    if carrier in RETAIL:
        return _scan([("01", _retail_number(text, RETAIL[carrier]))], on=on)
    if _BRACKETS.match(text.lstrip(GS)):
        return _scan(_typed(text), on=on, doubts=["W_HRI_INPUT"])
    doubts = [] if carrier else ["W_NO_SYMBOLOGY_ID"]
    if not carrier and gs1.is_number(text) and len(text) in (12, 13, 14) and gs1.check_digit_fits(text):
        return _scan([("01", text.zfill(14))], on=on, doubts=doubts)
    for shown in SEPARATORS_AS_TEXT:
        if shown in text:
            text, doubts = text.replace(shown, GS), [*doubts, "W_SEPARATOR_TYPED"]
    if not carrier and gs1.identifier(text.lstrip(GS)) is None:
        raise UnreadableLabel("E_NOT_GS1", "This is not a GS1 label: type the item, lot and expiry by hand.")
    return _scan(gs1.split(text), on=on, doubts=doubts, alone=carrier in ONE_BARCODE)


def join(first: Scan, second: Scan) -> Scan:
    """Two barcodes of one box as one: the lot beside the product, the carton beside its content.

    Raises UnreadableLabel where they contradict each other. Doubts of either remain, except for what
    was missing and is now there.
    """
    doubts = [doubt for doubt in (*first.doubts, *second.doubts) if not doubt.startswith("W_NEED_")]
    return _scan([*first.fields, *second.fields], on=max(first.read_on, second.read_on), doubts=doubts)


def find(db: Session, scan: Scan) -> tuple[Item, int] | None:
    """The item on record and how many of its containers the label covers; None if the label names none.

    A carton is its content times the count. A PPN is found by the GTIN made of the same PZN (NTIN).
    """
    gtin = scan.content_gtin or scan.gtin
    if gtin is None and scan.pzn is not None:
        gtin = gs1.with_check_digit(f"04150{scan.pzn}")
    found = catalog.item_by_gtin(db, gtin) if gtin else None
    if found is None:
        return None
    item, containers = found
    return item, containers * (1 if scan.quantity is None else scan.quantity)


def _scan(
    elements: Iterable[tuple[str, str]], *, on: date, doubts: Iterable[str] = (), alone: bool = False
) -> Scan:
    """Put the fields of a box together; refuse contradictions, doubt what is odd."""
    fields = _without_repeats(elements)
    gs1.check_pairs(fields)
    days = {ai: gs1.day(fields[ai], on=on, name=gs1.name_of(ai)) for ai in ("11", "15", "17") if ai in fields}
    gtin, ppn, count = fields.get("01"), fields.get("9N"), fields.get("37", fields.get("30"))
    named = {"00", "01", "02", "10", "11", "15", "17", "20", "21", "30", "37", "9N", *gs1.NATIONAL_NUMBERS}
    raised = [
        *doubts,
        *_missing(fields, alone=alone),
        *(["W_POSSIBLE_MISSING_GS"] if _may_have_swallowed_a_date(fields, on) else []),
        *(["W_EXPIRY_BEFORE_PRODUCTION"] if days.get("17", date.max) < days.get("11", date.min) else []),
        *(["W_ZERO_QUANTITY"] if count is not None and int(count) == 0 else []),
    ]
    return Scan(
        gtin=gtin,
        lot=fields.get("10"),
        expires_on=days.get("17"),
        produced_on=days.get("11"),
        best_before_on=days.get("15"),
        serial=fields.get("21"),
        quantity=None if count is None else int(count),
        content_gtin=fields.get("02"),
        sscc=fields.get("00"),
        variant=fields.get("20"),
        nhrn=tuple((ai, value) for ai, value in fields.items() if ai in gs1.NATIONAL_NUMBERS),
        pzn=_pzn(gtin, ppn),
        ppn=ppn,
        other=tuple((ai, value) for ai, value in fields.items() if ai not in named),
        doubts=tuple(doubt for doubt in DOUBTS if doubt in raised),
        fields=tuple(fields.items()),
        read_on=on,
    )


def _without_repeats(elements: Iterable[tuple[str, str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for ai, value in elements:
        if fields.setdefault(ai, value) != value:
            raise UnreadableLabel(
                "E_DUPLICATE_CONFLICT",
                f"The {gs1.name_of(ai)} is {fields[ai]} in one place and {value} in another: "
                "this cannot be one box.",
                ai=ai,
            )
    return fields


def _missing(fields: Mapping[str, str], *, alone: bool) -> list[str]:
    """What the other barcode of the box must tell; refuses where there can be no other."""
    doubts = []
    for ai, companions in gs1.unmet(fields):
        if not alone and "01" in companions:
            doubts.append("W_NEED_GTIN")
        elif not alone and "00" in companions:
            doubts.append("W_NEED_SSCC")
        else:
            wanted = min(companions)
            raise UnreadableLabel(
                "E_REQUIRED_AI",
                f"The label has the {gs1.name_of(ai)} without the {gs1.name_of(wanted)} that belongs to it "
                f"(AI {ai} needs AI {wanted}).",
                ai=ai,
            )
    return doubts


def _may_have_swallowed_a_date(fields: Mapping[str, str], on: date) -> bool:
    """Whether a lot or serial number ends like `17280831` on a label without expiry (S13)."""
    if "17" in fields:
        return False
    for ai in ("10", "21"):
        for found in _SWALLOWED_DATE.finditer(fields.get(ai, "")):
            try:
                gs1.day(found[1], on=on, name="")
            except UnreadableLabel:
                continue
            return True
    return False


def _refuse_other_schemes(text: str, carrier: str) -> None:
    if _HIBC.match(text):
        raise UnreadableLabel(
            "E_NOT_GS1_HIBC", "This is an HIBC label, not GS1: type the item, lot and expiry by hand."
        )
    if text.lower().startswith(("http://", "https://")):
        raise UnreadableLabel("E_NOT_GS1", "This code is a web address: scan the other code on the box.")
    in_envelope = text.startswith("[)>")
    if carrier and not in_envelope and carrier not in ONE_BARCODE | MAYBE_TWO_BARCODES | RETAIL.keys():
        raise UnreadableLabel(
            "E_NOT_GS1",
            f"This is a plain barcode (kind {carrier!a}), not a GS1 label: type the item, lot and "
            "expiry by hand.",
        )


def _typed(text: str) -> list[tuple[str, str]]:
    """Fields typed with brackets; brackets inside a lot stay there unless they enclose digits."""
    pieces = _BRACKETS.split(text.strip(GS))
    elements = []
    for number, typed in zip(pieces[1::2], pieces[2::2], strict=True):
        ai = gs1.identifier(number)
        if ai is None or ai.ai != number:
            raise UnreadableLabel("E_UNKNOWN_AI", f"({number}) is not a field of a GS1 label.")
        value = typed.strip(f" \t{GS}")
        spaceless = value.replace(" ", "")
        value = spaceless if gs1.is_number(spaceless) else value  # people type 0 9521234 54321 3
        gs1.check(ai, value)
        elements.append((number, value))
    return elements


def _retail_number(text: str, lengths: tuple[int, ...]) -> str:
    """The digits of an EAN, UPC or ITF-14 barcode as a GTIN of 14 digits; an add-on is left out."""
    if not gs1.is_number(text):
        raise UnreadableLabel("E_NON_DIGIT", f"The product number {text[:30]!a} must be digits only.")
    if len(text) not in lengths:
        short = len(text) < min(lengths)
        raise UnreadableLabel(
            "E_TRUNCATED" if short else "E_TOO_LONG",
            f"The product number has {len(text)} digits and needs {lengths[0]}. Scan it again.",
        )
    number = text[: lengths[0]]
    if not gs1.check_digit_fits(number):
        raise UnreadableLabel(
            "E_CHECK_DIGIT",
            f"The product number {number} is misread or misprinted: its last digit does not fit.",
        )
    return number.zfill(14)


def _read_envelope(text: str, *, on: date) -> Scan:
    """An ISO/IEC 15434 envelope: format 05 holds GS1 fields, format 06 those of the German PPN."""
    body = text.removeprefix("[)>").lstrip(RS).rstrip(EOT).rstrip(RS)
    layout, _, rest = body.partition(GS)
    if layout == "05":
        return _scan(gs1.split(rest), on=on, alone=True)
    if layout != "06":
        raise UnreadableLabel(
            "E_NOT_GS1",
            "This label is neither GS1 nor PPN, or the scanner drops its separators: type the item, lot and "
            "expiry by hand.",
        )
    elements = []
    for piece in filter(None, rest.split(GS)):
        found = re.match(r"(\d{0,3}[A-Z])(.*)", piece, re.ASCII | re.DOTALL)
        if found is None:
            raise UnreadableLabel("E_UNKNOWN_AI", f"{piece[:30]!a} is not a field of a PPN label.")
        elements.append(_pharmacy_field(found[1], found[2]))
    if "9N" not in dict(elements):
        raise UnreadableLabel("E_NOT_GS1", "This label has no PPN: type the item, lot and expiry by hand.")
    return _scan(elements, on=on, doubts=["W_NOT_GS1_IFA_PPN"])


def _pharmacy_field(code: str, value: str) -> tuple[str, str]:
    """A field of a PPN label under the GS1 identifier of the same meaning, checked alike."""
    ai = _PHARMACY_FIELDS.get(code)
    if ai is None:
        if not (value.isascii() and value.isprintable()):
            raise UnreadableLabel("E_CHARSET", f"The field {code} {value[:30]!a} has unprintable characters.")
        return code, value
    if ai == "9N":
        _check_ppn(value)
        return ai, value
    if code == "16D" and len(value) == 8:
        value = value[2:]  # written with its century
    known = gs1.identifier(ai)
    assert known is not None, ai
    gs1.check(known, value)
    return ai, value


def _check_ppn(ppn: str) -> None:
    """The last two digits check the rest: characters times 2, 3, 4 … modulo 97 (IFA)."""
    if not re.fullmatch(r"[0-9A-Z]{3,20}[0-9]{2}", ppn):
        raise UnreadableLabel("E_CHARSET", f"{ppn[:30]!a} is no pharmacy product number.", ai="9N")
    total = sum(ord(character) * weight for weight, character in enumerate(ppn[:-2], start=2))
    if total % 97 != int(ppn[-2:]):
        raise UnreadableLabel(
            "E_CHECK_DIGIT",
            f"The PPN {ppn} is misread or misprinted: its last two digits do not fit.",
            ai="9N",
        )


def _pzn(gtin: str | None, ppn: str | None) -> str | None:
    """The German pharmacy number in a PPN (11 + PZN + check) or an NTIN (4150 + PZN + check digit)."""
    if ppn is not None and ppn.startswith("11") and len(ppn) == 12:
        number = ppn[2:10]
    elif gtin is not None and gtin.startswith("04150"):
        number = gtin[5:13]
    else:
        return None
    if not gs1.is_number(number):
        return None
    total = sum(int(digit) * weight for weight, digit in enumerate(number[:7], start=1))
    return number if total % 11 == int(number[7]) else None
