"""Sizing: what a clinic's year takes on the disk, by the demo clinic's book on both databases."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from inventory.ledger import MOVEMENTS
from inventory.treatments import TreatmentSession
from tests import postgres
from tests.benchmarks.timing import Figure

MB = 1024 * 1024
SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}
SQUEEZE = {"sqlite": "VACUUM", "postgresql": "VACUUM FULL"}  # as a server's own cleaning keeps it


def figures() -> list[Figure]:
    """Megabytes of a book with a year in it and of one without, and bytes for each session of the year."""
    with TemporaryDirectory() as folder, postgres.server() as server:
        found = [f"sqlite:///{Path(folder) / name}.sqlite" for name in ("year", "empty")]
        with postgres.database(server, "year") as year, postgres.database(server, "empty") as empty:
            return [*_of(found[0], found[1]), *_of(year, empty)]


def _of(year: str, empty: str) -> Iterator[Figure]:
    name = sa.make_url(year).get_backend_name()
    before, after = _bytes(empty), _bytes(year, "--demo")
    engine = sa.create_engine(year)
    with engine.connect() as connection:
        sessions = connection.scalar(sa.select(sa.func.count(TreatmentSession.id))) or 0
        movements = connection.scalar(sa.select(sa.func.count()).select_from(MOVEMENTS)) or 0
    engine.dispose()
    yield Figure(f"{name}: a book with its reference tables alone", before / MB, unit="MB")
    yield Figure(f"{name}: with {sessions:,} sessions, {movements:,} movements", after / MB, unit="MB")
    yield Figure(
        f"{name}: for each session, all that goes with it", (after - before) / sessions, unit="bytes"
    )


def _bytes(url: str, *words: str) -> int:
    """What a book takes that `vialbook init` makes, without the room that deleted rows leave."""
    with TemporaryDirectory() as home:
        named = {"VIALBOOK_HOME": home, "VIALBOOK_DATABASE_URL": url}
        subprocess.run(
            [sys.executable, "-m", "api.cli", "init", *words],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | named,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        kind = engine.dialect.name
        connection.exec_driver_sql(SQUEEZE[kind])
        found: int = connection.exec_driver_sql(SIZE[kind]).scalar_one()
    engine.dispose()
    return found
