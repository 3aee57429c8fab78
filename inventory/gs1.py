"""GS1 element strings: where each field of a label begins and ends, and whether it is what it claims to be.

biip knows the table of application identifiers (AI). Splitting and checking are ours, because a refusal
must name what is wrong, no date may be read by the machine's clock, and no field may be split by guess (S13).
"""

import calendar
import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from biip import ParseError
from biip.checksums import gs1_standard_check_digit
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

from inventory.errors import Invalid

GS = "\x1d"
"""The separator that ends a field of variable length."""

NAMES = {
    "00": "carton number (SSCC)",
    "01": "product number (GTIN)",
    "02": "product number of the content (GTIN)",
    "10": "lot",
    "11": "production date",
    "15": "best-before date",
    "17": "expiry date",
    "20": "variant",
    "21": "serial number",
    "30": "count",
    "37": "count of the content",
    "9N": "pharmacy product number (PPN)",
}
DATES = frozenset({"11", "12", "13", "15", "16", "17"})
CHECKED = frozenset({"00", "01", "02", "03", "402", "8017", "8018", *(f"41{n}" for n in range(8))})
NATIONAL_NUMBERS = tuple(f"71{n}" for n in range(8))

PRODUCT = frozenset({"01", "03", "9N"})
PRODUCT_OR_CONTENT = PRODUCT | {"02", "8006", "8026"}
NEEDS: Mapping[str, tuple[frozenset[str], ...]] = {
    "02": (frozenset({"37"}),),
    "37": (frozenset({"00"}), frozenset({"02", "8026"})),
    "17": (PRODUCT_OR_CONTENT | {"255"},),
    "21": (PRODUCT | {"8006"},),
    "250": (PRODUCT | {"8006"}, frozenset({"21"})),
    "251": (PRODUCT | {"8006"},),
    "30": (PRODUCT | {"02"},),
    "403": (frozenset({"00"}),),
    "7003": (PRODUCT | {"02"},),
    "7004": (PRODUCT, frozenset({"10"})),
    **dict.fromkeys(("10", "11", "13", "15", "16", "20", "240", "241", "242"), (PRODUCT_OR_CONTENT,)),
    **dict.fromkeys(("22", "235", "243", "8200", *NATIONAL_NUMBERS), (PRODUCT,)),
}
"""What must stand on the same box, as sets of alternatives (GS1 syntax dictionary, `req`)."""

NEVER_TOGETHER = (
    ("01", "02"),
    ("01", "37"),
    ("01", "255"),
    ("01", "8006"),
    ("02", "255"),
    ("02", "8026"),
    ("03", "37"),
    ("21", "235"),
    ("37", "8006"),
)
"""Pairs that contradict each other on one box (GS1 syntax dictionary, `ex`)."""

_FIELD = re.compile(r"(\[\+?)?(?<!\.)([NXYZ])(\.\.)?(\d+)")
_CHARACTERS = {
    "X": re.compile(r'[!"%-?A-Z_a-z]*'),  # GS1 character set 82
    "Y": re.compile(r"[#\-/0-9A-Z]*"),  # GS1 character set 39
    "Z": re.compile(r"[-0-9A-Z_a-z=]*"),  # base64url
}


class UnreadableLabel(Invalid):
    """The label cannot be read, or contradicts itself; `code` says in which way (S13)."""

    def __init__(self, code: str, sentence: str, **facts: object) -> None:
        super().__init__(sentence, code=code, **facts)
        self.code = code


def split(text: str) -> list[tuple[str, str]]:
    """The fields of an element string in order, each checked: `[("01", "0952…"), ("10", "ABC")]`."""
    elements = []
    rest = text.lstrip(GS)
    while rest:
        ai = identifier(rest)
        if ai is None:
            raise UnreadableLabel(
                "E_UNKNOWN_AI",
                f"No field of a GS1 label begins with {_shown(rest[:4])}; a character may have been lost.",
            )
        field = rest[len(ai.ai) :].split(GS, 1)[0]
        if not ai.separator_required:
            field = field[: _lengths(ai)[1]]  # of fixed length: what follows is the next field
        check(ai, field)
        elements.append((ai.ai, field))
        # A needless separator is legal after any field, and some printers end with one.
        rest = rest[len(ai.ai) + len(field) :].lstrip(GS)
    return elements


def identifier(text: str) -> GS1ApplicationIdentifier | None:
    """The application identifier that the text begins with, if there is one."""
    return _identifier(text[:4])


@lru_cache(maxsize=1024)
def _identifier(beginning: str) -> GS1ApplicationIdentifier | None:
    try:
        return GS1ApplicationIdentifier.extract(beginning)
    except ParseError:
        return None


def check(ai: GS1ApplicationIdentifier, value: str) -> None:
    """Refuse a value that its application identifier does not allow."""
    name = name_of(ai.ai)
    least, most = _lengths(ai)
    if not value:
        raise UnreadableLabel("E_EMPTY", f"The label announces the {name} and leaves it empty.", ai=ai.ai)
    _check_characters(ai, value)
    if len(value) < least:
        raise UnreadableLabel(
            "E_TRUNCATED",
            f"The {name} has {len(value)} characters and needs {least}: it was cut short. Scan it again.",
            ai=ai.ai,
        )
    if len(value) > most:
        raise UnreadableLabel(
            "E_TOO_LONG",
            f"The {name} has {len(value)} characters and may have {most}. The scanner may be dropping the "
            "separators between fields.",
            ai=ai.ai,
        )
    if ai.ai in CHECKED and not check_digit_fits(value):
        hint = " A product number needs 14 digits: put a zero before 13." if len(value) == 14 else ""
        raise UnreadableLabel(
            "E_CHECK_DIGIT",
            f"The {name} {value} is misread or misprinted: its last digit does not fit.{hint}",
            ai=ai.ai,
        )
    if ai.ai in DATES:
        day(value, on=date(2000, 1, 1), name=name)
    elif re.fullmatch(ai.pattern, ai.ai + value) is None:
        raise UnreadableLabel("E_BAD_VALUE", f"{_shown(value)} cannot be the {name} (AI {ai.ai}).", ai=ai.ai)


def _check_characters(ai: GS1ApplicationIdentifier, value: str) -> None:
    name, start, fields = name_of(ai.ai), 0, _fields(ai.format)
    for number, (kind, _, most) in enumerate(fields, start=1):
        part = value[start:] if number == len(fields) else value[start : start + most]
        start += most
        if kind == "N" and part and not is_number(part) and not _signed(ai, part):
            wrong = next(character for character in part if not is_number(character))
            hint = " A letter O is no zero." if wrong in "oO" else ""
            raise UnreadableLabel(
                "E_NON_DIGIT",
                f"The {name} {_shown(value)} has {_shown(wrong)} where a digit belongs.{hint}",
                ai=ai.ai,
            )
        if kind != "N" and not _CHARACTERS[kind].fullmatch(part):
            wrong = next(character for character in part if not _CHARACTERS[kind].fullmatch(character))
            raise UnreadableLabel(
                "E_CHARSET",
                f"The {name} {_shown(value)} has {_shown(wrong)}, which no GS1 label may carry.",
                ai=ai.ai,
            )


def _signed(ai: GS1ApplicationIdentifier, part: str) -> bool:
    """Temperatures below zero end with a hyphen."""
    return ai.format.endswith("[-]") and part.endswith("-") and is_number(part[:-1])


@lru_cache(maxsize=1024)
def _fields(layout: str) -> tuple[tuple[str, int, int], ...]:
    """Kind, least and greatest length of each part of an AI's layout, such as `N3+N3+X..9`."""
    parts = []
    for optional, kind, upto, length in _FIELD.findall(layout)[1:]:  # the first part is the AI itself
        least = 0 if optional else 1 if upto else int(length)
        parts.append((kind, least, int(length)))
    return tuple(parts)


def _lengths(ai: GS1ApplicationIdentifier) -> tuple[int, int]:
    fields = _fields(ai.format)
    sign = 1 if ai.format.endswith("[-]") else 0
    return sum(least for _, least, _ in fields), sum(most for _, _, most in fields) + sign


def day(yymmdd: str, *, on: date, name: str) -> date:
    """The date of a label as seen on a day, which decides the century; day 00 is the month's last (S9)."""
    year, month, number = int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:])
    present = on.year % 100
    ahead = year - present
    # GS1 General Specifications 7.12: from 49 years past to 50 years ahead.
    year += on.year - present + (-100 if ahead >= 51 else 100 if ahead <= -50 else 0)
    if 1 <= month <= 12 and number == 0:
        number = calendar.monthrange(year, month)[1]
    try:
        return date(year, month, number)
    except ValueError:
        raise UnreadableLabel(
            "E_BAD_DATE", f"The {name} {yymmdd} (year, month, day) is not a day of the calendar."
        ) from None


def check_pairs(ais: Iterable[str]) -> None:
    """Refuse fields that contradict each other on one box."""
    present = set(ais)
    for one, other in NEVER_TOGETHER:
        if one in present and other in present:
            hint = " A count beside a product number is AI 30." if (one, other) == ("01", "37") else ""
            raise UnreadableLabel(
                "E_INVALID_PAIR",
                f"A label cannot carry the {name_of(one)} and the {name_of(other)} together "
                f"(AI {one} and AI {other}).{hint}",
            )


def unmet(ais: Iterable[str]) -> list[tuple[str, frozenset[str]]]:
    """Each field whose companion is missing, with the companions that would do."""
    present = set(ais)
    return [
        (ai, alternatives)
        for ai in sorted(present)
        for alternatives in NEEDS.get(ai, ())
        if not alternatives & present
    ]


def name_of(ai: str) -> str:
    """What people call the field."""
    known = identifier(ai)
    return NAMES.get(ai) or (f"field {known.data_title or ai}" if known else f"field {ai}")


def is_number(text: str) -> bool:
    """Plain digits only: `²` and `٣` are digits to Python and not to a label."""
    return text.isascii() and text.isdecimal()


def check_digit_fits(digits: str) -> bool:
    """Whether the last digit is the GS1 check digit of those before it."""
    return gs1_standard_check_digit(digits[:-1]) == int(digits[-1])


def with_check_digit(digits: str) -> str:
    """The digits and their GS1 check digit."""
    return f"{digits}{gs1_standard_check_digit(digits)}"


def _shown(text: str) -> str:
    """Text safe to print in a sentence: what cannot be seen is written out, what is long is cut."""
    return ascii(text if len(text) <= 30 else f"{text[:30]}…")
