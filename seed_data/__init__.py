"""The tables a clinic starts from: CSV files, each row with its source, read from where they are installed.

`read` gives the rows of one table; `reference.load` puts them into a clinic's book and `demo.load` adds a
year in the life of a clinic. `SOURCES.md` says where each table comes from and what is illustrative.
"""

import csv
from importlib import resources

from inventory.errors import NotFound


class UnknownTable(NotFound):
    """No table of that name is shipped."""


def read(name: str) -> list[dict[str, str]]:
    """The rows of one table by column name, all text. Raises UnknownTable."""
    table = resources.files(__package__) / f"{name}.csv"
    if not table.is_file():
        raise UnknownTable(f"No seed table is called {name!r}.")
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines(keepends=True)))
