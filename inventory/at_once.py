"""At once: one statement that writes many rows, put together as each kind of database takes them fastest.

SQLAlchemy puts the values of every row together by name, which takes longer than the database takes to write
the row. Here a row gives its values in the order of some names. SQLite runs a statement again for each row,
in no time; PostgreSQL is given every column as one list, and runs it once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler

Rows = Sequence[Sequence[object]]
Made = tuple[str, Callable[[Rows], Any]]
"""The text of a statement, and how rows become what the driver takes with it."""
Writes = sa.Insert | sa.Update
AsKept = Callable[[Any], Any]


def made(statement: Writes, names: Sequence[str], dialect: sa.Dialect) -> Made:
    """The statement for a kind of database; its rows are given by the values of `names`.

    No two rows may be about the same row of the table.
    """
    whole = _listed(statement, names, dialect) if dialect.name == "postgresql" else statement
    compiled = whole.compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler), compiled
    # After the values of a row come those that the statement itself has.
    fixed = {
        name: _as_kept(bound, dialect)(bound.value)
        for name, bound in compiled.binds.items()
        if name not in names
    }
    if dialect.name == "postgresql":
        return str(compiled), _lists(names, _keepers(statement, names, dialect), fixed)
    keep = {place: keeper for place, keeper in enumerate(_keepers(statement, names, dialect)) if keeper}
    every = [*names, *fixed]
    assert compiled.positiontup is not None, dialect.name
    places = [every.index(name) for name in compiled.positiontup]
    order: AsKept = itemgetter(*places) if len(places) > 1 else tuple  # of one place it would be no row

    def arrange(row: Sequence[object]) -> Any:
        values = [*row, *fixed.values()]
        for place, as_kept in keep.items():
            values[place] = as_kept(values[place])
        return order(values)

    return str(compiled), lambda rows: [arrange(row) for row in rows]


def _keepers(statement: Writes, names: Sequence[str], dialect: sa.Dialect) -> list[AsKept | None]:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler), compiled
    kinds = [compiled.binds[name].type for name in names]
    return [kind.dialect_impl(dialect).bind_processor(dialect) for kind in kinds]


def _as_kept(bound: sa.BindParameter[Any], dialect: sa.Dialect) -> AsKept:
    keeper: AsKept | None = bound.type.dialect_impl(dialect).bind_processor(dialect)
    return keeper or (lambda value: value)


def _listed(statement: Writes, names: Sequence[str], dialect: sa.Dialect) -> Writes:
    """The statement with a column of given rows wherever it has a value of one row."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler), compiled
    kinds = {name: compiled.binds[name].type for name in names}
    # Cast to its length a text would be cut off in silence; the column itself refuses it.
    lists = [
        sa.cast(sa.bindparam(name, type_=sa.Text), ARRAY(sa.Text() if _is_text(kind, dialect) else kind))
        for name, kind in kinds.items()
    ]
    columns = [sa.column(name, kind) for name, kind in kinds.items()]
    given = sa.func.unnest(*lists).table_valued(*columns, name="given").render_derived()
    if isinstance(statement, sa.Insert):
        return statement.from_select(list(names), sa.select(given), include_defaults=False)

    def replaced(element: Any, **_: Any) -> Any:
        is_given = isinstance(element, sa.BindParameter) and element.key in kinds
        return given.c[element.key] if is_given else None

    whole = visitors.replacement_traverse(statement, {}, replaced)
    assert isinstance(whole, sa.Update), whole
    return whole


def _is_text(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> bool:
    return isinstance(kind.dialect_impl(dialect), sa.String)


def _lists(names: Sequence[str], keep: Sequence[AsKept | None], fixed: Mapping[str, object]) -> Any:
    def arrange(rows: Rows) -> dict[str, object]:
        values = dict(fixed)
        for name, as_kept, column in zip(names, keep, zip(*rows, strict=True), strict=True):
            values[name] = text_of_list(column if as_kept is None else map(as_kept, column))
        return values

    return arrange


def text_of_list(values: Iterable[object]) -> str:
    """Values as PostgreSQL reads a list of them."""
    return "{" + ",".join(map(_text, values)) + "}"


def _text(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "t" if value else "f"
        case int():
            return str(value)
        case date():  # a moment too
            return f'"{value.isoformat()}"'
        case bytes():
            return f'"\\\\x{value.hex()}"'
    quoted = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
