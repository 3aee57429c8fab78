"""Migrations: bring a database of any earlier version to this one, with everything in it.

`python -m api.migrations.write "What changes"` writes the next one. There is no way down: facts would be
lost. To go back is to restore a backup.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from inventory import trail
from inventory.database import Database
from inventory.recording import Signed

VERSIONS = (Path(__file__).parent / "versions",)
ONE_AT_A_TIME = 20_260_101  # any number, as long as every version of the program takes the same


class BrokenByMigration(Exception):
    """A migration would have left a row that points at nothing; it was undone."""


def upgrade(database: Database, *, to: str = "head") -> None:
    """Run the migrations that the database lacks: all of them or, if one fails, none.

    Harmless when there is nothing to do, and when two machines do it at once.
    """
    from alembic import command  # imported late, for it doubles the time every command takes to start

    with database.engine.connect() as connection:
        connection.detach()  # it is changed below, and must not serve others afterwards
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # SQLite alters a table by copying it, and dropping the old one must not touch what points at it.
            # Only outside a transaction can it be told so.
            _driver(connection).execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            if not sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
            command.upgrade(config_of(connection), to)
            if to == "head":
                _begin_trail(connection)
            if sqlite:
                _refuse_broken(connection)


def _begin_trail(connection: sa.Connection) -> None:
    """Have the audit trail of a book that is older than it begin with all that the book has."""
    from api.migrations.tables import every_table
    from api.settings import utc_now

    every_table()
    trail.begin(connection, Signed("vialbook init", utc_now(), "migration"))


def current(database: Database) -> str | None:
    """The revision that the database is at; none if it was never migrated."""
    from alembic.runtime.migration import MigrationContext

    with database.read() as db:
        return MigrationContext.configure(db.connection()).get_current_revision()


def newest() -> str | None:
    """The revision that this version of the program works with."""
    return revisions()[-1] if revisions() else None


def revisions() -> list[str]:
    """Every revision, the first one first."""
    from alembic.script import ScriptDirectory

    walk = ScriptDirectory.from_config(config_of()).walk_revisions()
    return [step.revision for step in walk][::-1]


def config_of(connection: sa.Connection | None = None) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, VERSIONS)))
    config.attributes["connection"] = connection
    return config


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.dbapi_connection


def _refuse_broken(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        table, row, target, _ = broken[0]
        raise BrokenByMigration(
            f"Row {row} of {table} would point at no row of {target}; {len(broken)} such."
        )
