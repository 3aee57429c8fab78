"""The fields of requests and answers: numbers travel as text, never as floats, and nothing is rounded.

A field that refuses says why in words; what a field accepts is the same in the OpenAPI document,
for both are written here. The shapes made of these fields stand beside the calls, in `api.rest`.
"""

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask import g, has_request_context
from marshmallow import Schema, ValidationError, fields

from inventory.measures import plain

EARLIEST, LATEST = date(1990, 1, 1), date(2199, 12, 31)
DAY = re.compile(r"(199[0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
NUMBER = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?")
INVISIBLE = frozenset({"Cc", "Cs"})  # control characters; halves of characters
BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Shape(Schema):
    """What a request or an answer looks like; a field that is not in it is refused."""

    class Meta:
        """Fields come in the order in which they are written."""

        ordered = True


class Exact(fields.Field[Decimal]):
    """A decimal number as a JSON string, with so many digits and no more; never rounded, never a float."""

    before, after = 9, 4

    def __init__(self, *, positive: bool = False, signed: bool = False, below: str = "", **options: Any):
        super().__init__(**options)
        self.positive, self.signed, self.below = positive, signed, below

    def openapi(self) -> dict[str, Any]:
        """What this field accepts, for the document."""
        sign = "-?" if self.signed else ""
        return {
            "type": "string",
            "format": "decimal",
            "pattern": rf"^{sign}[0-9]{{1,{self.before}}}(\.[0-9]{{1,{self.after}}})?$",
        }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Decimal:
        if not isinstance(value, str):
            raise ValidationError('Must be a decimal number as a string, such as "12.50".')
        match = NUMBER.fullmatch(value)
        if match is None:
            raise ValidationError("Not a decimal number.")
        sign, whole, rest = match.groups()
        if sign and not self.signed:
            raise ValidationError("Must not be negative.")
        if len(whole.lstrip("0")) > self.before:
            raise ValidationError(f"At most {self.before} digits before the point.")
        if len((rest or "").rstrip("0")) > self.after:
            raise ValidationError(f"At most {self.after} decimals; nothing is rounded.")
        number = Decimal(value)
        if self.positive and not number > 0:
            raise ValidationError("Must be more than zero.")
        if self.below and not number < Decimal(self.below):
            raise ValidationError(f"Must be below {self.below}.")
        return number

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        return None if value is None else self.text(value)

    def text(self, value: Decimal) -> str:
        """The number as it travels."""
        return plain(value)


class Quantity(Exact):
    """A quantity of stock in the item's content unit, at most four decimals (S1)."""


class Rate(Exact):
    """A fraction of one: 0.21, not 21."""

    before, after = 3, 6


class Money(Exact):
    """An amount in whole cents."""

    before, after = 10, 2

    def text(self, value: Decimal) -> str:
        """The amount with its cents: `12.50`."""
        return format(value, ".2f")


class UnitCost(Exact):
    """What one unit or container costs, at most six decimals."""

    before, after = 9, 6

    def text(self, value: Decimal) -> str:
        """The cost with at least its cents: `12.50`, `0.0825`."""
        return max(format(value, ".2f"), plain(value), key=len)


def may_see_costs() -> bool:
    """Whether whoever asks sees costs (P5); on the command line everybody does."""
    if not has_request_context():
        return True
    caller = g.get("caller")
    return caller is not None and bool(caller.sees_costs)


class Cost(Money):
    """A cost or a value in the books: null for those who see prices and feasibility only (P5)."""

    def openapi(self) -> dict[str, Any]:
        """An amount, or null."""
        return super().openapi() | {"type": ["string", "null"]}

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        return super()._serialize(value, attr, obj) if may_see_costs() else None


class ContainerCost(UnitCost):
    """What one container cost: null for those who do not see costs (P5)."""

    def openapi(self) -> dict[str, Any]:
        """A cost, or null."""
        return super().openapi() | {"type": ["string", "null"]}

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        return super()._serialize(value, attr, obj) if may_see_costs() else None


class Words(fields.Field[str]):
    """Text that people read: no control characters, which spreadsheets and databases cannot keep."""

    def __init__(
        self, longest: int, *, shortest: int = 1, lines: bool = False, keep: str = "", **options: Any
    ):
        super().__init__(**options)
        self.longest, self.shortest = longest, shortest
        self.allowed = frozenset(keep) | (frozenset("\n\r\t") if lines else frozenset())

    def openapi(self) -> dict[str, Any]:
        """What this field accepts, for the document."""
        return {"type": "string", "minLength": self.shortest, "maxLength": self.longest}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Must be text.")
        if len(value) > self.longest:
            raise ValidationError(f"At most {self.longest} characters.")
        wrong = unreadable(value) - self.allowed
        if wrong:
            raise ValidationError(f"Holds a character that cannot be kept: U+{ord(min(wrong)):04X}.")
        text = value if self.allowed else value.strip()
        if len(text) < self.shortest:
            raise ValidationError("Must not be empty." if self.shortest == 1 else "Too short.")
        return text


def unreadable(text: str) -> set[str]:
    """The characters that are no text: controls, halves of characters, reversals of direction."""
    return {
        letter
        for letter in text
        if unicodedata.category(letter) in INVISIBLE
        or letter in BIDIRECTIONAL
        or (ord(letter) & 0xFFFE) == 0xFFFE
    }


class Whole(fields.Field[int]):
    """A whole number; in an address it is text, in JSON a number without a point."""

    def __init__(self, *, least: int = 0, most: int = 1_000_000, in_address: bool = False, **options: Any):
        super().__init__(**options)
        self.least, self.most, self.in_address = least, most, in_address

    def openapi(self) -> dict[str, Any]:
        """What this field accepts, for the document."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> int:
        if self.in_address and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("Must be a whole number.")
        if not self.least <= value <= self.most:
            raise ValidationError(f"Must be from {self.least} to {self.most}.")
        return value


class Id(Whole):
    """The key of a record."""

    def __init__(self, **options: Any) -> None:
        super().__init__(least=1, most=10**18 - 1, **options)


def key_of(text: str) -> int | None:
    """The key of a record in an address or a form that was not checked; none where it cannot be one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


class Flag(fields.Field[bool]):
    """True or false; nothing that merely looks like it."""

    def __init__(self, *, in_address: bool = False, **options: Any):
        super().__init__(**options)
        self.in_address = in_address

    def openapi(self) -> dict[str, Any]:
        """What this field accepts, for the document."""
        return {"type": "boolean"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> bool:
        if self.in_address and value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value


class Day(fields.Field[date]):
    """A calendar day: 2026-12-01."""

    def openapi(self) -> dict[str, Any]:
        """What this field accepts, for the document."""
        return {"type": "string", "format": "date", "examples": ["2026-12-01"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValidationError("Must be a date such as 2026-12-01.")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValidationError(f"There is no day {value}.") from None
        if not EARLIEST <= day <= LATEST:
            raise ValidationError(f"Must be from {EARLIEST} to {LATEST}.")
        return day

    def _serialize(self, value: date | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        return None if value is None else value.isoformat()


class Moment(fields.Field[datetime]):
    """An instant as RFC 3339 writes it, with its offset: 2026-12-01T09:30:00+01:00."""

    def openapi(self) -> dict[str, Any]:
        """What this field accepts, for the document."""
        return {"type": "string", "format": "date-time", "examples": ["2026-12-01T09:30:00+01:00"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> datetime:
        if not isinstance(value, str) or not MOMENT.fullmatch(value):
            raise ValidationError("Must be an instant with its offset, such as 2026-12-01T09:30:00+01:00.")
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            raise ValidationError(f"There is no instant {value}.") from None
        if not EARLIEST.year < moment.year <= LATEST.year:
            raise ValidationError(f"Must be from {EARLIEST.year + 1} to {LATEST.year}.")
        return moment.astimezone(UTC)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat()


class Many(fields.List):
    """A list with a limit, looked at before its parts are: a million wrong parts are one error."""

    def __init__(self, part: Any, *, most: int = 100, least: int = 0, **options: Any):
        super().__init__(part, **options)
        self.most, self.least = most, least

    def openapi(self) -> dict[str, Any]:
        """How long the list may be; its parts are documented by the library."""
        return {"maxItems": self.most, "minItems": self.least}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError("Must be a list.")
        if not self.least <= len(value) <= self.most:
            raise ValidationError(f"Must have from {self.least} to {self.most} parts.")
        return super()._deserialize(value, attr, data, **options)


class OneWord(fields.Enum):
    """One word of a list, as people write it: `beyond use` and `Beyond-use` are `beyond_use`."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            listed = {word.value.casefold(): word.value for word in self.enum}
            written = re.sub(r"[ -]", "_", value.strip()).casefold()
            value = listed.get(written, listed.get(value.strip().casefold(), value))
        return super()._deserialize(value, *args, **kwargs)


def one_word(words: Any, **options: Any) -> OneWord:
    """A field that holds one word of a list."""
    return OneWord(words, by_value=fields.String, **options)


def openapi_properties(_converter: Any, field: fields.Field, **so_far: Any) -> dict[str, Any]:
    """Tell the OpenAPI converter what our own fields accept."""
    describe = getattr(field, "openapi", None)
    if describe is None:
        return {}
    found: dict[str, Any] = describe()
    if field.allow_none and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found
