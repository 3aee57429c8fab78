"""Recording: what a transaction writes is noted as it is written, whoever writes it, for the audit trail.

Every way to the database passes here: objects that are flushed, statements that are executed, and the
prepared ones of `database`. What a savepoint takes back is taken off again. `trail` makes the entry.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import Delete, Insert, Update, UpdateBase

from inventory.database import APPEND_ONLY, FOLLOWED, NOTED, Base, Exact

Row = Mapping[str, Any]
NOTES, SIGNED, FLUSHING = "trail_notes", "trail_signed", "trail_flushing"

NOT_FOLLOWED = frozenset(
    {
        "alembic_version", "trail", "trail_head",
        # kept beside the facts, and proven by `verify` to agree with them
        "balances", "cost_layers", "number_series", "quote_states", "allocations", "opened_vials",
        "transfer_lines",
        # what is not done yet, or was only tried
        "waiting_scans", "count_scans", "form_drafts", "sign_in_failures", "first_secrets",
        # what was answered, not what was done
        "request_keys",
    }
)  # fmt: skip
"""Tables whose rows are no facts and no settings."""

FACTS_BESIDE = frozenset({"treatment_sessions", "lots"})
"""Facts without a guard of the database."""
FOLLOWS = {"lots": frozenset({"state", "received_on"})}
"""Columns of facts that follow other facts."""
BY_PARENT = {
    "movements": "document_id",
    "receipts": "document_id",
    "value_adjustments": "document_id",
    "lot_events": "lot_id",
}
"""Rows that are written without asking for their keys: they are found by what they belong to."""
PATIENTS = frozenset({"patient_ref", "patient_before", "from_patient", "to_patient"})
SECRETS = frozenset({"password_hash", "token_hash", "totp_secret", "totp_offered", "secret_hash"})
UNTOLD = {"sign_ins": frozenset({"seen_at"}), "credentials": frozenset({"totp_step"})}
"""Columns whose change tells nothing that a person did."""


@dataclass(frozen=True)
class Signed:
    """Who writes, when, and through which call or command."""

    by: str
    at: datetime
    through: str = ""


@dataclass(slots=True)
class Note:
    """One thing that was written: rows added, or one row changed or removed."""

    table: sa.Table
    rows: Sequence[Row] = ()
    before: Row | None = None
    after: Row | None = None
    key: object = None


@dataclass
class Notes:
    """What one transaction wrote until now, and how much of it each savepoint found."""

    written: list[Note] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)


def notes_of(connection: Connection) -> Notes:
    """The notes of the transaction that a connection is in."""
    found: Notes = connection.info.setdefault(NOTES, Notes())
    return found


def is_fact(name: str) -> bool:
    """Whether a table's rows are facts, each of which has its entry."""
    return (name in APPEND_ONLY or name in FACTS_BESIDE) and name not in NOT_FOLLOWED


@cache
def key_columns(table: sa.Table) -> tuple[str, ...]:
    """By what the rows of a table are found, in the order in which an entry hashes them."""
    if table.name in BY_PARENT:
        return (BY_PARENT[table.name],)
    return tuple(column.name for column in table.primary_key.columns)


@cache
def hashed_columns(table: sa.Table) -> tuple[tuple[str, Callable[[Any], str], str, Any], ...]:
    """The columns of a fact that its hash covers: name, how a value is written, what goes unsaid, and what
    Python gives where nothing is given.

    What a column holds by default goes unsaid, so that a column that is added later changes no hash.
    """
    found = []
    for column in table.columns:
        left_out = column.name in FOLLOWS.get(table.name, ())
        if left_out or (table.name in BY_PARENT and column.name == "id"):
            continue
        default = column.server_default
        words = str(default.arg) if isinstance(default, sa.DefaultClause) else ""
        given = column.default.arg if isinstance(column.default, sa.ColumnDefault) else None
        found.append((column.name, _writer(column.type), words.strip("'"), given))
    return tuple(found)


def line(table: sa.Table, row: Row, commit: Callable[[str], str]) -> str:
    """A fact as it is hashed; `commit` says what stands for a patient."""
    parts = []
    for name, write, unsaid, given in hashed_columns(table):
        value = row.get(name, given)
        if value is None:
            continue
        written = write(value)
        if written in ("", unsaid):
            continue
        parts.append(f"{name}={commit(written) if name in PATIENTS else written}")
    return "\x1f".join(parts)


def _writer(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], str]:
    if isinstance(kind, Exact):
        scale = kind.scale
        return lambda value: str(int(Decimal(value).scaleb(scale)))
    if isinstance(kind, sa.Boolean):
        return lambda value: "true" if value else "false"
    if isinstance(kind, sa.Date):
        return date.isoformat
    # Asked for each column of each movement: what is a number or plain text needs no second look.
    return str if isinstance(kind, sa.Integer | sa.String) and not isinstance(kind, sa.Enum) else plain


def plain(value: object) -> str:
    """A value as it is written in an entry, the same on every database."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return f"{value.timestamp():.6f}" if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return sha256(value).hexdigest()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, sort_keys=True, default=str)
    return str(value)


# Noting.


def added(connection: Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Note rows that were added."""
    if table.name in NOT_FOLLOWED:
        return
    found = is_fact(table.name) and key_columns(table)[0]
    # A fact whose key nobody knows could not be found again: `add_rows` asks for the keys.
    assert not found or all(found in row for row in rows), f"rows of {table.name} have no {found}"
    notes_of(connection).written.append(Note(table, rows=rows))


def _before_flush(db: Session, _context: Any, _instances: Any) -> None:
    db.connection().info[FLUSHING] = True


def _after_flush(db: Session, _context: Any) -> None:
    connection = db.connection()
    connection.info.pop(FLUSHING, None)
    written = notes_of(connection).written
    for one in db.new:
        table = _table(one)
        if table.name not in NOT_FOLLOWED:
            written.append(Note(table, rows=[_values(one)]))
    for one in db.dirty:
        table = _table(one)
        if table.name in NOT_FOLLOWED or is_fact(table.name):
            continue
        before, after = _changes(one, UNTOLD.get(table.name, frozenset()))
        if after:
            written.append(Note(table, before=before, after=after, key=_key(table, one)))
    for one in db.deleted:
        table = _table(one)
        if table.name not in NOT_FOLLOWED:
            written.append(Note(table, before=_values(one), key=_key(table, one)))


def _table(one: Any) -> sa.Table:
    table = sa.inspect(one).mapper.local_table
    assert isinstance(table, sa.Table)
    return table


def _values(one: Any) -> Row:
    state = sa.inspect(one)
    return {
        state.mapper.columns[name].name: value
        for name, value in state.dict.items()
        if name in state.mapper.column_attrs
    }


def _key(table: sa.Table, one: Any) -> object:
    values = _values(one)
    found = [values.get(column.name) for column in table.primary_key.columns]
    return found[0] if len(found) == 1 else found


def _changes(one: Any, untold: frozenset[str]) -> tuple[Row, Row]:
    state = sa.inspect(one)
    before, after = {}, {}
    for attribute in state.mapper.column_attrs:
        history = state.attrs[attribute.key].history
        name = state.mapper.columns[attribute.key].name
        if history.added and name not in untold:
            after[name] = history.added[0]
            before[name] = history.deleted[0] if history.deleted else None
    return before, after


def _before_execute(
    connection: Connection, statement: Any, several: Any, one: Any, options: Mapping[str, Any]
) -> None:
    if not isinstance(statement, UpdateBase) or NOTED in options or FLUSHING in connection.info:
        return
    table = statement.table
    # A migration writes by tables of its own, at a moment when there may be no trail.
    if not isinstance(table, sa.Table) or table.name in NOT_FOLLOWED or table.metadata is not Base.metadata:
        return
    given: list[Row] = list(several) or ([one] if one else [])
    if isinstance(statement, Insert):
        added(connection, table, given or [_said(statement, table)])
    elif isinstance(statement, Update | Delete):
        after = _said(statement, table) if isinstance(statement, Update) else None
        if after is not None and after.keys() <= UNTOLD.get(table.name, frozenset()):
            return
        notes_of(connection).written.append(Note(table, before={}, after=after))


def _said(statement: UpdateBase, table: sa.Table) -> Row:
    """The values that a statement itself says."""
    return {name: value for name, value in statement.compile().params.items() if name in table.c}


def _savepoint(connection: Connection, _name: None) -> None:
    notes = notes_of(connection)
    notes.marks.append(len(notes.written))


def _release_savepoint(connection: Connection, _name: str, _context: None) -> None:
    notes_of(connection).marks.pop()


def _rollback_savepoint(connection: Connection, _name: str, _context: None) -> None:
    if connection.invalidated:
        return
    notes = notes_of(connection)
    connection.info.pop(FLUSHING, None)
    del notes.written[notes.marks.pop() :]


def forget(connection: Connection) -> None:
    """The transaction is over: nothing of it is noted any more."""
    if connection.invalidated:  # a connection that was lost has lost its notes
        return
    for name in (NOTES, FLUSHING):
        connection.info.pop(name, None)


def sign(db: Session, signed: Signed) -> None:
    """Say who writes in a session from now on."""
    db.info[SIGNED] = signed


def _after_begin(db: Session, _transaction: Any, connection: Connection) -> None:
    if not connection.in_nested_transaction():
        forget(connection)
        connection.info[SIGNED] = db.info.get(SIGNED)


def install() -> None:
    """Follow every engine and every session of the program."""
    FOLLOWED.append(added)
    event.listen(Session, "before_flush", _before_flush)
    event.listen(Session, "after_flush", _after_flush)
    event.listen(Session, "after_begin", _after_begin)
    event.listen(Engine, "before_execute", _before_execute)
    event.listen(Engine, "savepoint", _savepoint)
    event.listen(Engine, "release_savepoint", _release_savepoint)
    event.listen(Engine, "rollback_savepoint", _rollback_savepoint)
    event.listen(Engine, "rollback", forget)


def tables() -> Iterable[sa.Table]:
    """Every table that is followed, by name."""
    return [table for name, table in sorted(Base.metadata.tables.items()) if name not in NOT_FOLLOWED]
