"""Bad input: what a field must never be, the bodies that follow, and what a database has recorded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from api.migrations.tables import every_table
from tests.calls import Clinic

HUGE = "9" * 40
WRONG: dict[str, list[Any]] = {
    "quantity": [
        5, 0.5, "NaN", "Infinity", "-1", "0", "1.00001", "1e3", HUGE, "abc", "", " 1", "1,5", "٣", None, [],
    ],
    "cost": [16, 16.5, "NaN", "-0.01", "1.0000001", "1e3", HUGE, "16.50 USD", "", None, [], True],
    "count": ["5", 1.5, 1.0, -1, 0, 10**12, 10**30, None, [], True],
    "key": ["5", 1.0, -1, 0, 10**30, None, [], True],
    "day": [
        "2026-02-30", "2026-13-01", "01/02/2026", "2026-1-1", "0000-00-00", "9999-12-31", "1066-10-14",
        20260101, "", None,
    ],
    "moment": [
        "2026-01-15T10:00:00", "2026-02-30T10:00:00Z", "2026-01-15", "0001-01-01T00:00:00+14:00", "now", 5,
        "", None,
    ],
    "text": [5, "", "   ", "x" * 600, "A\x00B", "A\x0bB", "A\ud800", "A\u202eB", None, [], True],
    "note": [5, "x" * 600, "A\x00B", "A\ud800", None, [], True],
    "rate": [0.05, 1, "NaN", "-0.1", "1e-2", "5 %", "0.0000001", HUGE, "", None, []],
    "price": [320, 320.5, "NaN", "-1", "0", "0.001", "1e3", HUGE, "", [], True],
    "word": ["sideways", "", 5, None, []],
    "flag": ["true", 1, 0, None, "yes"],
    "lines": [[], {}, "x", None, [5], [{}], [None], [{"sku": "HA-3"}], [{"sku": "HA-3", "quantity": 1}]],
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A call with a body that would succeed, and what each of its fields is."""

    path: str
    body: dict[str, Any]
    kinds: dict[str, str]
    optional: tuple[str, ...] = ()
    refused: list[tuple[str, dict[str, Any], int]] = field(default_factory=list)


def cases(calls: dict[str, Call]) -> Iterator[Any]:
    """Every wrong body of every call, with the status it must be refused with."""
    for name, call in calls.items():
        for one, kind in call.kinds.items():
            for value in WRONG[kind]:
                yield pytest.param(
                    name, call.body | {one: value}, 422, id=f"{name}-{one}-{ascii(value)[:24]}"
                )
            if one not in call.optional:
                missing = {key: value for key, value in call.body.items() if key != one}
                yield pytest.param(name, missing, 422, id=f"{name}-without-{one}")
        yield pytest.param(name, call.body | {"colour": "red"}, 422, id=f"{name}-unknown-field")
        for label, change, status in call.refused:
            yield pytest.param(name, call.body | change, status, id=f"{name}-{label}")


def recorded(there: Clinic) -> list[tuple[str, int]]:
    """How many rows every table has, and how much every balance and layer holds in all."""
    tables = sorted(every_table().tables)
    counts = sa.union_all(
        *(sa.select(sa.literal(name), sa.func.count()).select_from(sa.table(name)) for name in tables)
    )
    held = sa.text("SELECT SUM(quantity) FROM balances UNION ALL SELECT SUM(value_left) FROM cost_layers")
    with there.database.read() as db:
        rows = [(name, count) for name, count in db.execute(counts)]
        return [*rows, *(("held", int(Decimal(amount or 0))) for amount in db.scalars(held))]


def with_keys(value: Any, lots: dict[str, int]) -> Any:
    """Put the key of a lot where its number stands after an @."""
    if isinstance(value, dict):
        return {key: with_keys(part, lots) for key, part in value.items()}
    if isinstance(value, str) and value.startswith("@"):
        return lots[value[1:]]
    return value


def address(call: Call, lots: dict[str, int]) -> str:
    return "/".join(str(with_keys(part, lots)) for part in call.path.split("/"))
