"""Questions: statements that read, put together once for each kind of database; rows come as plain tuples.

SQLAlchemy looks a statement up and dresses every row at each call, which takes longer than a short answer.
A list goes along as one value, so that the statement is the same however long the list is.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from inventory import at_once

Convert = Callable[[Any], Any]
Made = tuple[str, Callable[[Mapping[str, Any]], Any], dict[int, Convert]]


A_LIST = re.compile(r"IN \(__\[POSTCOMPILE_(\w+)[^\]]*\]\)")


class Question:
    """One statement with named parameters; those of `IN` are lists of keys or of words, `expanding` ones."""

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement
        self._made: dict[str, Made] = {}

    def ask(self, db: Session, **asked: Any) -> list[tuple[Any, ...]]:
        """The rows of the answer."""
        connection = db.connection()
        dialect = connection.dialect
        if dialect.name not in self._made:
            self._made[dialect.name] = self._make(dialect)
        text, arrange, readers = self._made[dialect.name]
        rows = connection.exec_driver_sql(text, arrange(asked)).all()
        return _read(rows, readers) if rows and readers else list(map(tuple, rows))

    def _make(self, dialect: sa.Dialect) -> Made:
        made = self.statement.compile(dialect=dialect)
        assert isinstance(made, SQLCompiler), made
        keep = {
            name: as_kept
            for bound, name in made.bind_names.items()
            if not bound.expanding
            and (as_kept := bound.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        fixed = {name: bound.value for bound, name in made.bind_names.items() if not bound.required}
        names = list(made.bind_names.values()) if made.positiontup is None else made.positiontup
        text, listed = _with_lists(made, dialect)

        def arrange(asked: Mapping[str, Any]) -> Any:
            values = {name: fixed[name] if name in fixed else asked[name] for name in names}
            for name, as_kept in keep.items():
                values[name] = as_kept(values[name])
            for name, write in listed.items():
                values[name] = write(values[name])
            return tuple(values[name] for name in names) if made.positional else values

        readers: dict[int, Convert] = {
            place: read
            for place, column in enumerate(self.statement.selected_columns)
            if (read := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        }
        return text, arrange, readers


def _with_lists(made: SQLCompiler, dialect: sa.Dialect) -> tuple[str, dict[str, Convert]]:
    """The text with each list as one value, and how the lists are written for the database."""
    kinds = {name: bound.type for bound, name in made.bind_names.items() if bound.expanding}
    if dialect.name != "postgresql":
        return A_LIST.sub("IN (SELECT value FROM json_each(?))", str(made)), dict.fromkeys(kinds, json.dumps)

    def any_of(found: re.Match[str]) -> str:
        name = found[1]
        kind = "TEXT" if isinstance(kinds[name], sa.String) else "BIGINT"
        # A question within the question: knowing the list, PostgreSQL would plan anew for each.
        return f"= ANY ((SELECT CAST(%({name})s::VARCHAR AS {kind}[]))::{kind}[])"

    return A_LIST.sub(any_of, str(made)), dict.fromkeys(kinds, at_once.text_of_list)


def _read(rows: Iterable[Iterable[Any]], readers: Mapping[int, Convert]) -> list[tuple[Any, ...]]:
    """The rows with what the database keeps turned into what we say, column by column."""
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for place, read in readers.items():
        columns[place] = map(read, columns[place])
    return list(zip(*columns, strict=True))
