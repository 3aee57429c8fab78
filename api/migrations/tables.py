"""Every table of the book in one place, for migrations and for tests."""

from importlib import import_module
from pathlib import Path

import sqlalchemy as sa

from inventory.database import Base

ROOT = Path(__file__).resolve().parents[2]


def every_table() -> sa.MetaData:
    """All tables and what holds them together, after importing each module that declares one.

    Modules are found by reading them, not listed: a table that nobody listed would never be made.
    """
    for package in ("inventory", "pricing", "api"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.parent != Path(__file__).parent and "    __tablename__ = " in path.read_text("utf-8"):
                import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return Base.metadata
