"""Write the next migration: `python -m api.migrations.write "What changes"`.

It compares the tables as declared with a database at the newest revision, and spells out what it finds:
a migration imports nothing of ours, for what it imports would change under it.
"""

import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from api.migrations import config_of, newest, upgrade
from api.migrations.tables import every_table
from inventory.database import APPEND_ONLY, KEY, Database, Exact, Instant, append_only_ddl


class NothingToWrite(Exception):
    """The tables as declared are the tables as migrated."""


def write(message: str) -> Path:
    """Write the migration from the newest revision to the tables as declared. Raises NothingToWrite."""
    metadata = every_table()
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/newest.sqlite3")
        upgrade(database, to=newest() or "head")  # not further: no trail begins
        with database.engine.connect() as connection:
            changes = differences(connection, metadata)
            triggers = missing_triggers(connection, changes)
        database.engine.dispose()
    if not changes and not any(triggers.values()):
        raise NothingToWrite("The tables as declared are the tables as migrated.")

    script = ScriptDirectory.from_config(config_of()).generate_revision(
        f"{int(newest() or 0) + 1:04}",
        message.rstrip("."),
        head="head",
        upgrades=spelled_out(changes),
        triggers=triggers,
    )
    assert script is not None
    path = Path(script.path)
    subprocess.run([sys.executable, "-m", "ruff", "check", "--fix-only", "--quiet", path], check=False)
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", path], check=False)
    return path


def differences(connection: sa.Connection, metadata: sa.MetaData) -> list[Any]:
    """What must be done to the database so that it has the tables as declared; triggers apart."""
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": True,
            "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
        },
    )
    found = produce_migrations(context, metadata).upgrade_ops
    return [*(found.ops if found else ()), *_changed_checks(connection, metadata)]


def spelled_out(changes: Iterable[Any]) -> str:
    """The changes as Python, in Alembic's words and the database's types."""
    code = render_python_code(ops.UpgradeOps(list(changes)), render_as_batch=True, render_item=_type)
    return "\n".join(line for line in code.splitlines() if not line.lstrip().startswith("# ###")).strip()


def _type(kind: str, subject: Any, _context: Any) -> str | bool:
    """Our own column types as what they are to the database."""
    if kind != "type":
        return False
    if isinstance(subject, Exact):
        return "sa.BigInteger()"
    if isinstance(subject, Instant):
        return "sa.DateTime(timezone=True)"
    if isinstance(subject, sa.Enum):
        return f"sa.String({subject.length})"
    if isinstance(subject, sa.BigInteger) and subject._variant_mapping == KEY._variant_mapping:
        return "KEY"
    return False


def _changed_checks(connection: sa.Connection, metadata: sa.MetaData) -> Iterable[Any]:
    """Constraints that kept their name and changed their words: Alembic compares names only."""
    if connection.dialect.name != "sqlite":
        return  # PostgreSQL keeps constraints in words of its own
    inspector = sa.inspect(connection)
    for table in sorted(set(inspector.get_table_names()) & set(metadata.tables)):
        recorded = {check["name"]: check["sqltext"] for check in inspector.get_check_constraints(table)}
        for check in metadata.tables[table].constraints:
            if not isinstance(check, sa.CheckConstraint):
                continue
            name = str(connection.dialect.identifier_preparer.format_constraint(check))
            if name in recorded and recorded[name] != str(check.sqltext):
                drop = ops.DropConstraintOp(name, table, type_="check")
                yield ops.ModifyTableOps(table, [drop, ops.AddConstraintOp.from_constraint(check)])


def missing_triggers(connection: sa.Connection, changes: Iterable[Any]) -> dict[str, list[str]]:
    """The statements that guard new tables of facts, and those that copying a table has dropped."""
    guarded = {name for name in APPEND_ONLY if f"{name}_no_update" in triggers(connection)}
    copied = {change.table_name for change in changes if isinstance(change, ops.ModifyTableOps)}
    written: dict[str, list[str]] = {"sqlite": [], "postgresql": []}
    for name in sorted(APPEND_ONLY):
        for dialect, statements in append_only_ddl(name).items():
            if name not in guarded:
                written[dialect] += statements
            elif name in copied and dialect == "sqlite":
                written[dialect] += [
                    text.replace("TRIGGER", "TRIGGER IF NOT EXISTS", 1) for text in statements
                ]
    return written


def triggers(connection: sa.Connection) -> dict[str, str]:
    """Every trigger of the database by its name, as it is recorded there."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT tgname, pg_get_triggerdef(t.oid) || pg_get_functiondef(tgfoid) "
            "FROM pg_trigger t WHERE NOT tgisinternal"
        )
    return {name: words for name, words in connection.exec_driver_sql(query)}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(textwrap.dedent(__doc__))
    try:
        write(sys.argv[1])
    except NothingToWrite as nothing:
        sys.exit(str(nothing))
