"""The audit trail: one entry for each transaction that wrote something, chained by hashes (I13 to I15).

An entry says who, when, through what and why; what was changed, before and after; and for every fact a
digest of the fact itself. It carries the hash of the entry before it, so that none can be changed, taken
out or put in between unnoticed. It is the last statement before the commit: on PostgreSQL it locks the
head of the chain, and so briefly. A patient's reference never stands in it: the digest covers a hash of the
reference and of a random salt, which is kept beside the entry and can be forgotten with the patient.
"""

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import recording
from inventory.database import Base, append_only, table_of
from inventory.recording import NOTES, PATIENTS, SECRETS, SIGNED, Note, Row, Signed, plain

GENESIS = sha256(b"vialbook").hexdigest()  # what the first entry has before it
AT_ONCE = 5_000
MOST_ROWS = 12  # of one table that an entry tells of one by one
LONGEST = {"by": 80, "kind": 40, "subject": 200, "why": 500}
WHO = ("by", "closed_by", "created_by", "accepted_by", "opened_by", "begun_by", "added_by")
WHEN = ("recorded_at", "at", "closed_at", "created_at", "accepted_at", "begun_at", "made_at", "changed_at")
WHY = ("reason", "note", "late_reason")
NAMED = ("sku", "code", "number", "key", "name", "month", "account")
BELONGS_TO = ("quote_id", "course_id", "order_id", "lot_id", "count_id", "document_id", "person_id")
WORDS = {
    "periods": "closing", "period_reopenings": "reopening", "people": "person", "person_sites": "sites of",
    "credentials": "password", "sign_ins": "sign-in", "quote_events": "quote", "quote_overrides": "override",
    "course_entries": "payment", "course_events": "course", "lot_events": "lot", "count_entries": "count",
    "purchase_order_events": "order", "purchase_orders": "order", "list_prices": "list price",
    "clinic_marks": "clinic's mark", "access_rules": "access rules", "import_undos": "import taken back",
}  # fmt: skip
DETAILS = frozenset({
    "movements", "course_lines", "quote_lines", "quote_sessions", "quote_stages", "formulation_lines",
    "session_changes", "period_lots", "period_accounts", "count_lines", "purchase_order_lines",
    "value_adjustments", "quote_documents", "transfer_steps", "course_sessions",
})  # fmt: skip
"""Rows that belong to one that says more."""


class Entry(Base):
    """What one transaction did. `text` is what is hashed; the columns before it repeat it for searching.

    `salts` are not hashed: who forgets a patient takes theirs out.
    """

    __tablename__ = "trail"
    __table_args__ = (
        sa.Index(None, "at"),
        sa.Index(None, "kind", "number"),
        sa.Index(None, "by", "number"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    previous: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime | None]
    by: Mapped[str] = mapped_column(sa.String(LONGEST["by"]))
    kind: Mapped[str] = mapped_column(sa.String(LONGEST["kind"]))
    subject: Mapped[str] = mapped_column(sa.String(LONGEST["subject"]))
    why: Mapped[str] = mapped_column(sa.String(LONGEST["why"]))
    text: Mapped[str]
    salts: Mapped[str]


class Head(Base):
    """The end of the chain; PostgreSQL's writers wait for each other here, SQLite's did so before."""

    __tablename__ = "trail_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    previous: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))


append_only(Entry)
TRAIL = table_of(Entry)
COLUMNS = '"number", previous, hash, at, "by", kind, subject, why, text, salts'
APPEND = {
    "sqlite": """
        INSERT INTO trail (:COLUMNS)
        SELECT coalesce(max(number), 0) + 1, coalesce(max(last), ':GENESIS'),
          vialbook_sha256(coalesce(max(last), ':GENESIS') || :text),
          :at, :by, :kind, :subject, :why, :text, :salts
        FROM (SELECT number, hash AS last FROM trail ORDER BY number DESC LIMIT 1)
    """.replace(":COLUMNS", COLUMNS).replace(":GENESIS", GENESIS),
    "postgresql": """
        WITH head AS (
          UPDATE trail_head SET number = number + 1, previous = hash,
            hash = encode(sha256(convert_to(hash || %(text)s, 'UTF8')), 'hex')
          WHERE id = 1 RETURNING number, previous, hash
        )
        INSERT INTO trail (:COLUMNS)
        SELECT number, previous, hash,
          %(at)s, %(by)s, %(kind)s, %(subject)s, %(why)s, %(text)s, %(salts)s
        FROM head
    """.replace(":COLUMNS", COLUMNS),
}
BEGIN = """
    INSERT INTO trail_head (id, number, previous, hash) VALUES (1, 0, ':GENESIS', ':GENESIS')
    ON CONFLICT (id) DO NOTHING
""".replace(":GENESIS", GENESIS)


class Salts:
    """What stands for each patient in one entry: the hash of their reference and of a salt of their own."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[str, str]] = {}

    def commit(self, reference: str) -> str:
        """What stands for a patient."""
        if reference not in self.made:
            salt = secrets.token_hex(16)
            self.made[reference] = salt, committed(salt, reference)
        return self.made[reference][1]

    def kept(self) -> str:
        """What is kept beside the entry."""
        return json.dumps({hidden: salt for salt, hidden in self.made.values()}) if self.made else ""


def committed(salt: str, reference: str) -> str:
    """What stands for a patient's reference in a digest; forgotten, the row itself has it in its place."""
    return "~" + sha256(f"{salt}{reference}".encode()).hexdigest()[:32]


def seal(connection: Connection) -> None:
    """Write the entry of a transaction that wrote something: the last thing before it is committed."""
    notes = connection.info.get(NOTES)
    if notes is None or not notes.written:
        return
    written, notes.written = notes.written, []
    salts = Salts()
    append(connection, _entry(written, connection.info.get(SIGNED), salts), salts)


def append(connection: Connection, entry: dict[str, Any], salts: Salts) -> None:
    """Add an entry to the end of the chain."""
    at = entry["at"]
    text = json.dumps(entry | {"at": at and at.isoformat()}, sort_keys=True, separators=(",", ":"))
    sqlite = connection.dialect.name == "sqlite"
    moment = at and (at.replace(tzinfo=None).isoformat(" ", "microseconds") if sqlite else at)
    columns = {name: str(entry[name]) for name in LONGEST} | {"at": moment, "text": text}
    values = columns | {"salts": salts.kept()}
    done = connection.exec_driver_sql(APPEND[connection.dialect.name], values)
    if not done.rowcount:  # the first entry of a book on PostgreSQL
        connection.exec_driver_sql(BEGIN)
        connection.exec_driver_sql(APPEND[connection.dialect.name], values)


def _entry(written: Sequence[Note], signed: Signed | None, salts: Salts) -> dict[str, Any]:
    facts: dict[str, list[tuple[sa.Table, Row]]] = defaultdict(list)
    changes: list[dict[str, Any]] = []
    told: dict[str, int] = defaultdict(int)
    for note in written:
        name = note.table.name
        if note.rows and recording.is_fact(name):
            facts[name].extend((note.table, row) for row in note.rows)
            continue
        told[name] += max(1, len(note.rows))
        if told[name] <= MOST_ROWS:
            changes += _told(note, salts)
    head = _head([note for note in written if note.table.name not in DETAILS] or written, signed)
    return head | {
        "facts": {
            name: _digest(found[0][0], [row for _, row in found], salts) for name, found in facts.items()
        },
        "changes": changes,
        "more": {name: count for name, count in told.items() if count > MOST_ROWS},
    }


def _head(written: Sequence[Note], signed: Signed | None) -> dict[str, Any]:
    rows = [row for note in written for row in (*note.rows, note.after or {})]
    at = signed.at if signed else _first(rows, WHEN)
    kinds, subjects = _kinds(written)
    return {
        "by": (signed.by if signed else str(_first(rows, WHO) or "unsigned"))[: LONGEST["by"]],
        "at": at.astimezone(UTC) if isinstance(at, datetime) else None,
        "through": signed.through if signed else "",
        "why": str(_first(rows, WHY) or "")[: LONGEST["why"]],
        "kind": kinds[0][: LONGEST["kind"]],
        "subject": _listed(subjects),
    }


def _listed(subjects: Sequence[str]) -> str:
    """The subjects, as many of them as there is room for."""
    said, more = "", ", and more"
    for subject in subjects:
        longer = f"{said}, {subject}" if said else subject
        if len(longer) > LONGEST["subject"] - len(more):
            return said + more if said else subject[: LONGEST["subject"]]
        said = longer
    return said


def _first(rows: Iterable[Row], names: Sequence[str]) -> Any:
    return next((row[name] for row in rows for name in names if row.get(name)), None)


def _kinds(written: Sequence[Note]) -> tuple[list[str], list[str]]:
    """What was done and to what: a document's kind says more than any row that belongs to it."""
    kinds: dict[str, None] = {}
    subjects: dict[str, None] = {}
    for note in sorted(written, key=lambda note: note.table.name != "documents"):
        noun = word(note.table.name)
        for row in note.rows[:MOST_ROWS] or (note.after or note.before or {},):
            kind = plain(row["kind"]).replace("_", " ") if note.table.name == "documents" else noun
            kinds[kind] = None
            subjects[_subject(noun, row, note.key)] = None
    return list(kinds), list(subjects)[:MOST_ROWS]


def _subject(noun: str, row: Row, key: object) -> str:
    name = next((plain(row[one]) for one in NAMED if row.get(one)), "")
    if not name and key is None:
        parent = next((one for one in BELONGS_TO if row.get(one) and "id" not in row), None)
        key = row[parent] if parent else row.get("id", "")
    return f"{noun} {name or key or ''}".strip()


def word(table: str) -> str:
    """What one row of a table is called."""
    return WORDS.get(table) or table.replace("_", " ").removesuffix("s")


def _told(note: Note, salts: Salts) -> list[dict[str, Any]]:
    about = {"what": word(note.table.name)}
    if note.rows:
        return [about | {"added": _shown(row, salts)} for row in note.rows[:MOST_ROWS]]
    said = {"key": note.key} if note.key is not None else {}
    if note.before:
        said["before"] = _shown(note.before, salts)
    if note.after is None:
        return [about | said | {"removed": True}]
    return [about | said | {"after": _shown(note.after, salts)}]


def _shown(row: Row, salts: Salts) -> dict[str, Any]:
    """A row as an entry tells it: no patient in clear, no secret at all."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or value == "":
            continue
        if name in SECRETS:
            shown[name] = "not shown"
        elif name in PATIENTS:
            shown[name] = salts.commit(plain(value))
        else:
            shown[name] = (
                value if isinstance(value, bool | int) and not isinstance(value, Enum) else plain(value)
            )
    return shown


def _digest(table: sa.Table, rows: list[Row], salts: Salts) -> dict[str, Any]:
    """By what the facts are found, and the SHA-256 of them in that order."""
    names = recording.key_columns(table)
    rows.sort(key=lambda row: tuple(row[name] for name in names))
    digest = sha256()
    for row in rows:
        digest.update(recording.line(table, row, salts.commit).encode() + b"\n")
    return {"keys": ranges([row[names[0]] for row in rows]), "digest": digest.hexdigest()}


def ranges(keys: Sequence[Any]) -> list[list[Any]]:
    """Ascending keys in short: first, last, and how many rows each of them has."""
    counted: dict[Any, int] = defaultdict(int)
    for key in keys:
        counted[key] += 1
    found: list[list[Any]] = []
    for key, count in counted.items():
        last = found[-1] if found else None
        if last and isinstance(key, int) and key == last[1] + 1 and count == last[2]:
            last[1] = key
        else:
            found.append([key, key, count])
    return found


def rows_of(db: Session | Connection, table: sa.Table) -> Iterator[Row]:
    """Every row of a table of facts, in the order in which digests take them, a few at a time."""
    order = list(recording.key_columns(table))
    if table.name in recording.BY_PARENT:
        order.append("id")
    found = db.execute(
        sa.select(table).order_by(*(table.c[name] for name in order)).execution_options(yield_per=AT_ONCE)
    )
    for row in found:
        yield dict(row._mapping)


def begin(connection: Connection, signed: Signed) -> None:
    """Begin the trail of a book that has facts already: its first entry is about all of them."""
    if connection.scalar(sa.select(TRAIL.c.number).limit(1)) is not None:
        return
    salts, facts, there = Salts(), {}, set(sa.inspect(connection).get_table_names())
    for table in recording.tables():
        if recording.is_fact(table.name) and table.name in there:
            digest, keys = sha256(), []
            for row in rows_of(connection, table):
                keys.append(row[recording.key_columns(table)[0]])
                digest.update(recording.line(table, row, salts.commit).encode() + b"\n")
            if keys:
                facts[table.name] = {"keys": ranges(keys), "digest": digest.hexdigest()}
    if facts:
        told = {"kind": "beginning", "subject": "everything until then", "why": "The trail begins here"}
        head = {"by": signed.by, "at": signed.at.astimezone(UTC), "through": signed.through}
        append(connection, head | told | {"facts": facts, "changes": [], "more": {}}, salts)


def head(db: Session) -> tuple[int, str]:
    """The number and the hash of the last entry: what is kept outside to be compared later (I14)."""
    last = db.execute(
        sa.select(TRAIL.c.number, TRAIL.c.hash).order_by(TRAIL.c.number.desc()).limit(1)
    ).first()
    return (last.number, last.hash) if last else (0, GENESIS)


recording.install()
event.listen(Engine, "commit", seal)
