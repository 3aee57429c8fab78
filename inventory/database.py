"""The database: exact columns, aware instants, engines for SQLite and PostgreSQL, and the append-only guard.

Whole numbers are stored (quantities 10^-4 of a unit, money in cents, unit costs 10^-6); Python sees
`Decimal`. The domain never commits: whoever opens a session ends it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from hashlib import sha256
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from inventory import at_once
from inventory.turns import take_turns

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLITE_BUSY_MS, LOG_PAGES = 8_000, 1_000  # after so many pages a commit carries the log over
AT_ONCE = 5_000  # rows handed to the driver together: what an insertion holds in memory
LARGEST = 2**63 - 1  # that a database keeps as a whole number


class Exact(sa.types.TypeDecorator[Decimal]):
    """An exact decimal kept as a whole number of 10^-scale units on every database.

    Sum, min, max and comparison are exact in SQL; multiplication and division would rescale
    silently and are refused. Raises TypeError for floats, ValueError for digits that do not fit.
    """

    impl = sa.BigInteger
    cache_ok = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    # Thousands of numbers pass here for one report, so there is one function between the driver and us.
    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], int | None]:
        """Decimals as the database keeps them."""
        return self._whole

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Decimal | None]:
        """What the database keeps as decimals; PostgreSQL sums big integers to numeric, SQLite to an int."""
        shift = -self.scale
        return lambda kept: None if kept is None else Decimal(kept).scaleb(shift)

    def process_literal_param(self, value: Any, dialect: sa.Dialect) -> str:
        """A decimal written out in a statement."""
        return str(self._whole(value))

    def _whole(self, value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, float):
            raise TypeError(f"{value!r} is a float; quantities and money are exact")
        scaled = Decimal(value).scaleb(self.scale)
        whole = int(scaled)
        if whole != scaled or not -LARGEST <= whole <= LARGEST:
            raise ValueError(f"{value} does not fit {self.scale} decimals")
        return whole

    class comparator_factory(sa.types.TypeDecorator.Comparator[Decimal]):  # noqa: N801  (SQLAlchemy's name)
        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            if op.__name__ in {"mul", "truediv", "floordiv", "mod"}:
                raise TypeError("multiply and divide in Python, not in SQL")
            return super().operate(op, *other, **kwargs)


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware moment, kept in UTC; a naive one is refused (SQLite would lose the zone)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"{value} has no time zone")
        return value.astimezone(UTC)

    # Thousands of moments pass here for one report, so there is one function between the driver and us.
    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """What the database keeps as a moment in UTC; SQLite keeps it as text without a zone."""
        return _read_text if dialect.name == "sqlite" else _read_moment


def _read_text(kept: str | None) -> datetime | None:
    if kept is None:
        return None
    moment = datetime.fromisoformat(kept)
    # What we write has no zone; a hand that mended a row with SQL may have written one.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _read_moment(kept: datetime | None) -> datetime | None:
    return None if kept is None else kept.astimezone(UTC)


QUANTITY = Exact(4)
MONEY = Exact(2)
UNIT_COST = Exact(6)
RATE = Exact(6)
KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite numbers only INTEGER keys by itself


class Base(DeclarativeBase):
    """Every table of the clinic's book."""

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's name)
        int: KEY,
        str: sa.Text(),
        date: sa.Date(),
        datetime: Instant(),
        bool: sa.Boolean(create_constraint=False),
    }


def choice(words: type[StrEnum]) -> sa.Enum:
    """A column that holds one of the words, as plain text."""
    return sa.Enum(
        words,
        native_enum=False,
        create_constraint=False,
        length=24,
        values_callable=lambda enum: [word.value for word in enum],
    )


def one_of(column: str, words: type[StrEnum]) -> sa.CheckConstraint:
    """The constraint beside a `choice` column; in `__table_args__`, so that migrations see it."""
    listed = ", ".join(f"'{word.value}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


FOLLOWED: list[Callable[[sa.Connection, sa.Table, Sequence[Mapping[str, Any]]], None]] = []
"""Who is told of rows that are added past the objects, with their keys; see `recording`."""
NOTED = "vialbook_noted"  # the option of a statement of which they were told
TOLD = {NOTED: True}

APPEND_ONLY: set[str] = set()
"""The tables of facts, as `append_only` was told of them; migrations write their triggers out."""


def table_of(model: type[Base]) -> sa.Table:
    """The table of a model, for statements that build no objects."""
    table = model.__table__
    assert isinstance(table, sa.Table), model
    return table


def add_row(db: Session, table: sa.Table, **values: Any) -> int:
    """Insert one row and answer its key."""
    connection = db.connection()
    added = connection.execute(_insert(table), values, execution_options=TOLD)
    assert added.inserted_primary_key is not None, table
    key = int(added.inserted_primary_key[0])
    _tell(connection, table, [{**values, "id": key}])
    return key


def add_rows(db: Session, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows in as few statements as the driver allows; answers their keys in the order given."""
    if len(rows) < 2:
        return [add_row(db, table, **row) for row in rows]
    insert = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
    connection = db.connection()
    keys = [int(key) for key in connection.execute(insert, list(rows), execution_options=TOLD).scalars()]
    _tell(connection, table, [{**row, "id": key} for row, key in zip(rows, keys, strict=True)])
    return keys


def _tell(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    for follow in FOLLOWED:
        follow(connection, table, rows)


@cache
def _insert(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


class Prepared:
    """A statement that writes many rows, put together once for each kind of database; see `at_once`."""

    def __init__(self, statement: at_once.Writes, names: Sequence[str]) -> None:
        self.statement = statement
        self.names = tuple(names)
        self._made: dict[str, at_once.Made] = {}

    def run(self, db: Session, rows: Iterable[Sequence[object]]) -> int:
        """Run the statement for each row; answers how many rows of the table were written."""
        connection = db.connection()
        dialect = connection.dialect
        if dialect.name not in self._made:
            self._made[dialect.name] = at_once.made(self.statement, self.names, dialect)
        text, arrange = self._made[dialect.name]
        rows = list(rows)
        if isinstance(self.statement, sa.Insert) and isinstance(self.statement.table, sa.Table):
            _tell(connection, self.statement.table, [dict(zip(self.names, row, strict=True)) for row in rows])
        return connection.exec_driver_sql(text, arrange(rows)).rowcount


def reserve_keys(db: Session, table: sa.Table, count: int) -> range | list[int]:
    """Keys that nobody else will be given, ascending: what points at rows can then be written with them.

    A writer on SQLite is alone, and the rows of these tables are never deleted.
    """
    if db.get_bind().dialect.name == "postgresql":
        sequence = sa.func.nextval(sa.func.pg_get_serial_sequence(table.name, "id"))
        drawn = sa.select(sequence).select_from(sa.func.generate_series(1, count).alias("n"))
        return sorted(db.connection().execute(drawn).scalars())
    last = db.connection().execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
    return range(last + 1, last + 1 + count)


def add_many(db: Session, table: sa.Table, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows given by the values of some columns; the other columns take their defaults."""
    insert, defaults = _add_many(table, tuple(names))
    for part in batched(((*row, *defaults) for row in rows), AT_ONCE):
        insert.run(db, part)


def batched(rows: Iterable[Sequence[object]], size: int) -> Iterator[list[Sequence[object]]]:
    """The rows in lists of at most so many."""
    left = iter(rows)
    while part := list(islice(left, size)):
        yield part


@cache
def _add_many(table: sa.Table, names: tuple[str, ...]) -> tuple[Prepared, tuple[object, ...]]:
    # A prepared statement does not know the defaults that Python gives.
    defaults = {
        column.name: column.default.arg
        for column in table.c
        if column.name not in names and isinstance(column.default, sa.ColumnDefault)
    }
    return Prepared(sa.insert(table).inline(), (*names, *defaults)), tuple(defaults.values())


def append_only(model: type[Base]) -> None:
    """Have the database itself refuse to change or delete rows of the table (facts are only added)."""
    table = table_of(model)
    APPEND_ONLY.add(table.name)
    for dialect, statements in append_only_ddl(table.name).items():
        for statement in statements:
            trigger = sa.DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", trigger.execute_if(dialect=dialect))


def append_only_ddl(table: str) -> dict[str, list[str]]:
    """The trigger statements by dialect, for `create_all` and for migrations alike."""
    refusal = f"{table} are only added, never changed"
    sqlite = [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        for verb in ("UPDATE", "DELETE")
    ]
    postgresql = [
        f"CREATE OR REPLACE FUNCTION {table}_only_added() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$",
        f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_only_added()",
    ]
    return {"sqlite": sqlite, "postgresql": postgresql}


class Database:
    """One organisation's book: sessions that write and sessions that only read."""

    def __init__(self, url: str, *, log_pages: int = LOG_PAGES, **engine_options: Any) -> None:
        self.engine = sa.create_engine(url, **engine_options)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", lambda connection, _: _prepare_sqlite(connection, log_pages))
            self.turns = take_turns(self.engine, SQLITE_BUSY_MS / 1000)
            event.listen(self.engine, "begin", _begin_sqlite)
        self.write: sessionmaker[Session] = sessionmaker(self.engine)
        # A report that asks twice must be answered from one moment; SQLite's readers are so by themselves.
        steady = {} if self.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self.reading = self.engine.execution_options(vialbook_reads=True, **steady)
        self.read: sessionmaker[Session] = sessionmaker(self.reading)


def _prepare_sqlite(connection: Any, log_pages: int) -> None:
    connection.isolation_level = None  # transactions begin below, not behind our back
    connection.create_function("vialbook_sha256", 1, lambda text: sha256(text.encode()).hexdigest())
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={SQLITE_BUSY_MS}",
        f"wal_autocheckpoint={log_pages}",
        "mmap_size=1073741824",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer that begins by reading cannot be promoted while another writes: take the lock at once.
    reads = connection.get_execution_options().get("vialbook_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def sql_list(values: Iterable[int]) -> list[int]:
    """Sorted distinct keys: rows are always locked in one fixed order."""
    return sorted(set(values))
