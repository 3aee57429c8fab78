"""Loading: the demo clinic's year, through the public functions."""

import time
from pathlib import Path

from api import starting
from api.migrations.tables import every_table
from inventory.database import Database
from seed_data import demo
from seed_data.demo import DAYS
from tests.benchmarks import book
from tests.benchmarks.timing import Figure


def demo_year(folder: Path, days: int = DAYS) -> tuple[float, float]:
    """The seconds that the reference tables and the demo clinic's days take."""
    database = Database(f"sqlite:///{folder}/demo.sqlite")
    every_table().create_all(database.engine)
    start = time.perf_counter()
    starting.load_reference(database, now=book.NOW)
    middle = time.perf_counter()
    with database.write.begin() as db:
        demo.load(db, now=book.NOW, days=days)
    end = time.perf_counter()
    database.engine.dispose()
    return middle - start, end - middle


def figures(folder: Path, *, days: int) -> list[Figure]:
    """Seconds, as information."""
    tables, year = demo_year(folder, days)
    return [
        Figure("reference tables loaded", tables, unit="s"),
        Figure(f"demo clinic loaded, {days} days of it", year, unit="s"),
    ]
