"""The clinic to which the corpus is sent: something of most that a clinic has, and what it holds in all."""

import hashlib
from typing import Any

import sqlalchemy as sa

from inventory.database import Database
from seed_data import reference
from tests.calls import NOW, Clinic
from tests.test_api_sites import furnished

SIGN_INS = {"sign_ins", "sign_in_failures"}
"""What looking at a page writes: that somebody looked."""


def furnish(found: Clinic) -> dict[str, int]:
    """Something of everything at two sites; answers the keys by which cases call it."""
    with found.database.write.begin() as db:
        reference.load(db, at=NOW)
    for code in ("MAIN", "SOUTH"):
        site = {"code": code, "name": code.title(), "country": "US", "region": "North America"}
        found.made("/sites", site | {"time_zone": "America/New_York"})
    keys = furnished(found)
    found.made("/sites/MAIN/places", {"code": "DRAWER", "name": "Drawer", "temperature": "room"})
    keys["count"] = found.made("/counts", {"site": "SOUTH"})["id"]
    return keys


def digest(database: Database) -> dict[str, str]:
    """A digest of every row of every table."""
    found = {}
    with database.read() as db:
        for name in sorted(sa.inspect(database.engine).get_table_names()):
            if name not in SIGN_INS:
                every = sa.select(sa.literal_column("*")).select_from(sa.table(name))
                rows = sorted(repr(tuple(row)) for row in db.execute(every))
                found[name] = hashlib.sha256("\n".join(rows).encode("utf-8", "replace")).hexdigest()
    return found


def with_keys(value: Any, keys: dict[str, int]) -> Any:
    """A body with the keys of what it names, and with its long texts written out."""
    if isinstance(value, dict) and "repeat" in value:
        return "".join(piece * times for piece, times in value["repeat"])
    if isinstance(value, dict):
        return {name: with_keys(part, keys) for name, part in value.items()}
    if isinstance(value, list):
        return [with_keys(part, keys) for part in value]
    if isinstance(value, str) and value.startswith("@") and value[1:] in keys:
        return keys[value[1:]]
    return value


def address(path: str, keys: dict[str, int]) -> str:
    """An address with the keys of what it names."""
    for name in sorted(keys, key=len, reverse=True):
        path = path.replace(f"/@{name}", f"/{keys[name]}")
    return path
