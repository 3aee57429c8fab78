"""Migrations: a database of any earlier version becomes this one's, with everything in it."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from api import migrations
from api.migrations import write
from api.migrations.tables import every_table
from inventory.database import Database

SOMETHING = {
    int: 1,
    str: "something",
    bytes: b"something",
    bool: False,
    object: ["something"],  # JSON
    date: date(2026, 1, 15),
    datetime: datetime(2026, 1, 15, 9, 0, tzinfo=UTC),
}
A_LATER_MIGRATION = '''
"""Ask every setting for a key, and keep a colour with each site."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9001", "{newest}"

def upgrade():
    with op.batch_alter_table("sites") as sites:
        sites.add_column(sa.Column("colour", sa.String(20), nullable=False, server_default="grey"))
        sites.create_check_constraint("colour_known", "colour IN ('grey', 'green')")
    {then}
'''


def test_a_migrated_database_is_the_one_that_the_tables_declare(empty_database, new_database):
    with empty_database() as migrated, new_database() as declared:
        migrations.upgrade(migrated)

        assert schema(migrated) == schema(declared)
        assert guards(migrated) == guards(declared)
        assert guards(migrated)


def test_there_is_no_migration_left_to_write(empty_database):
    with empty_database() as migrated:
        migrations.upgrade(migrated)

        with migrated.engine.connect() as connection:
            assert write.differences(connection, every_table()) == []


def test_upgrading_twice_is_harmless(empty_database):
    with empty_database() as book:
        assert migrations.current(book) is None
        migrations.upgrade(book)
        filled = fill(book)

        migrations.upgrade(book)

        assert migrations.current(book) == migrations.newest()
        assert rows(book, filled) == filled


@pytest.mark.parametrize("revision", migrations.revisions())
def test_a_book_of_any_earlier_version_keeps_its_rows(empty_database, revision):
    with empty_database() as book:
        migrations.upgrade(book, to=revision)
        filled = fill(book)

        migrations.upgrade(book)

        assert migrations.current(book) == migrations.newest()
        assert {"sites", "places", "settings", "items", "suppliers", "offers"} <= set(filled)
        assert rows(book, filled) == filled
        with book.write() as db, pytest.raises(sa.exc.DatabaseError, match="only added, never changed"):
            db.execute(sa.text("UPDATE settings SET value = 'another'"))


def test_a_table_that_others_point_at_is_altered_with_its_rows_in_it(empty_database, later_migration):
    with empty_database() as book:
        migrations.upgrade(book)
        filled = fill(book)
        later_migration(then="pass")

        migrations.upgrade(book)

        assert migrations.current(book) == "9001"
        assert rows(book, filled) == filled
        with book.write() as db:
            assert db.scalar(sa.text("SELECT colour FROM sites")) == "grey"
            with pytest.raises(sa.exc.IntegrityError):
                db.execute(sa.text("UPDATE sites SET colour = 'blue'"))


def test_a_migration_that_fails_leaves_everything_as_it_was(empty_database, later_migration):
    with empty_database() as book:
        migrations.upgrade(book)
        before = schema(book)
        later_migration(then="op.execute('SELECT no_such_column FROM sites')")

        with pytest.raises(sa.exc.DatabaseError, match="no_such_column"):
            migrations.upgrade(book)

        assert schema(book) == before
        assert migrations.current(book) != "9001"


def test_a_migration_may_not_leave_a_row_that_points_at_nothing(empty_database, later_migration):
    with empty_database() as book:
        migrations.upgrade(book)
        filled = fill(book)
        later_migration(then="op.execute('DELETE FROM sites')")

        with pytest.raises((migrations.BrokenByMigration, sa.exc.IntegrityError)):
            migrations.upgrade(book)

        assert rows(book, filled) == filled


def test_what_is_written_spells_types_and_guards_out(tmp_path):
    with Database(f"sqlite:///{tmp_path}/empty.sqlite3").engine.connect() as connection:
        changes = write.differences(connection, every_table())
        statements = write.missing_triggers(connection, changes)

        code = write.spelled_out(changes)

    assert "sa.Column('content', sa.BigInteger(), nullable=False)" in code
    assert "sa.Column('dose_class', sa.String(24), nullable=False)" in code
    assert "sa.Column('at', sa.DateTime(timezone=True), nullable=False)" in code
    assert "inventory" not in code
    assert any("settings_no_update" in statement for statement in statements["sqlite"])
    assert any("settings_only_added" in statement for statement in statements["postgresql"])


def test_a_constraint_that_changed_only_its_words_is_noticed(tmp_path):
    with Database(f"sqlite:///{tmp_path}/empty.sqlite3").engine.connect() as connection:
        colours("'grey'").create_all(connection)

        changes = write.differences(connection, colours("'grey', 'green'"))

        assert "colour IN ('grey', 'green')" in write.spelled_out(changes)
        assert write.differences(connection, colours("'grey'")) == []


@pytest.fixture
def later_migration(tmp_path, monkeypatch):
    """Adds a migration after the newest one, for the length of a test."""
    newest = migrations.newest()
    monkeypatch.setattr(migrations, "VERSIONS", (*migrations.VERSIONS, tmp_path))

    def add(*, then: str) -> None:
        Path(tmp_path, "9001_later.py").write_text(A_LATER_MIGRATION.format(newest=newest, then=then))

    return add


def colours(words: str) -> sa.MetaData:
    """One table with one constraint in it."""
    metadata = sa.MetaData(naming_convention=every_table().naming_convention)
    known = sa.CheckConstraint(f"colour IN ({words})", name="colour_known")
    sa.Table("walls", metadata, sa.Column("colour", sa.String(20)), known)
    return metadata


def schema(database: Database) -> dict[str, object]:
    """All that the database itself says of its tables; of CHECKs too, which Alembic compares by name only."""
    inspector = sa.inspect(database.engine)
    return {
        table: (
            # By name: what a migration adds stands last, wherever it is declared, and nothing goes by place.
            sorted(
                (c["name"], str(c["type"]), c["nullable"], str(c["default"]))
                for c in inspector.get_columns(table)
            ),
            inspector.get_pk_constraint(table),
            _sorted(inspector.get_foreign_keys(table)),
            _sorted(inspector.get_unique_constraints(table)),
            _sorted(inspector.get_check_constraints(table)),
            _sorted(inspector.get_indexes(table)),
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def _sorted(constraints: list) -> list[str]:
    # A partial index carries its condition as an object that equals only itself.
    for constraint in constraints:
        options = constraint.get("dialect_options", {})
        constraint["dialect_options"] = {name: str(option) for name, option in options.items()}
    return sorted(map(str, constraints))


def guards(database: Database) -> dict[str, str]:
    """The triggers of the database in its own words."""
    with database.engine.connect() as connection:
        return write.triggers(connection)


def fill(database: Database) -> dict[str, int]:
    """Put a row into every table that takes one made of nothing particular; how many rows each now has."""
    filled: dict[str, int] = {}
    with database.engine.begin() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            needed = {key.column.table.name for key in table.foreign_keys if not key.parent.nullable}
            if table.name == "alembic_version" or not needed <= set(filled):
                continue
            try:
                with connection.begin_nested():
                    connection.execute(table.insert().values(_something(connection, table)))
            except sa.exc.IntegrityError:
                continue  # a row of this table must make sense
            filled[table.name] = 1
    return filled


def _something(connection: sa.Connection, table: sa.Table) -> dict[str, object]:
    words = {
        check["name"]: re.search(r"'(\w+)'", check["sqltext"])
        for check in sa.inspect(connection).get_check_constraints(table.name)
    }
    row: dict[str, object] = {}
    for column in table.columns:
        word = words.get(f"ck_{table.name}_{column.name}_known")
        if column.foreign_keys and not column.nullable:
            (key,) = column.foreign_keys
            row[column.name] = connection.scalar(sa.select(sa.func.min(key.column)))
        elif word:
            row[column.name] = word[1]
        elif not column.nullable and column is not table.autoincrement_column:
            row[column.name] = SOMETHING[column.type.python_type]
            if isinstance(column.type, sa.String) and column.type.length:
                row[column.name] = "something"[: column.type.length]
    return row


def rows(database: Database, tables: dict[str, int]) -> dict[str, int]:
    """How many rows each table has."""
    with database.engine.connect() as connection:
        return {
            table: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table)))
            for table in tables
        }
