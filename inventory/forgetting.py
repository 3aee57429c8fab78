"""Forgetting: a patient's reference gives way, wherever it stands, to a word that says nothing (T8).

Every fact, quantity and amount stays as it is: the word is the same everywhere, so that what belongs
together still does. That it was done, by whom and why stays on record, but not what was forgotten. The
guards of facts are lifted for it inside the transaction; nothing else in the program lifts them.
"""

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import Base, append_only
from inventory.errors import NotFound

REFERENCES = frozenset({"patient_ref", "patient_before", "from_patient", "to_patient"})
"""What columns are called that hold the reference of a patient, in every table."""
WORDS = frozenset(
    {"reason", "note", "plan_reason", "price_override", "message", "discard_rule", "late_reason"}
)
"""What columns are called in which a person may have written one."""
SHORTEST_WORD = (
    3  # a reference of fewer letters is not looked for among other words: it would be found in any
)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's, which nobody misreads
PREFIX, LETTERS = "ERASED-", 16  # 80 random bits
REASON = 500


class Erasure(Base):
    """A patient was forgotten: under which word their facts stand now, who did it, when and why."""

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(sa.String(40), unique=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(REASON))
    rows: Mapped[int]
    kept_until: Mapped[date | None]  # the trace should have been kept so long; none: it was over
    touched: Mapped[str]  # JSON: facts whose words were changed besides the reference, by table


append_only(Erasure)


class UnknownPatient(NotFound):
    """The book holds nothing under this reference."""


def places() -> list[tuple[sa.Table, str]]:
    """Every column that holds a reference."""
    return [
        (table, column.name)
        for table in sorted(Base.metadata.tables.values(), key=lambda one: one.name)
        for column in table.c
        if column.name in REFERENCES
    ]


def occurrences(db: Session, patient_ref: str) -> dict[str, int]:
    """How many rows of each table name a reference; none where the book holds nothing under it."""
    found: dict[str, int] = {}
    for table, name in places():
        asked = sa.select(sa.func.count()).select_from(table).where(table.c[name] == patient_ref)
        if count := db.execute(asked).scalar_one():
            found[table.name] = found.get(table.name, 0) + count
    return found


def new_word() -> str:
    """A word that stands for nobody, and for nobody else."""
    return PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))


def forget(
    db: Session,
    patient_ref: str,
    *,
    at: datetime,
    by: str,
    reason: str,
    kept_until: date | None,
    printed: Mapping[str, Sequence[int]] | None = None,
) -> Erasure:
    """Put a new word in the place of a reference, everywhere, and keep that on record. Raises UnknownPatient.

    `printed` are the facts that hold the reference in a picture of a page, by table: their keeper replaces
    them with `replace_file`.
    """
    if not occurrences(db, patient_ref):
        raise UnknownPatient("The book holds nothing under this chart number.")
    db.flush()
    word, rows = new_word(), 0
    touched: dict[str, list[Any]] = {table: list(keys) for table, keys in (printed or {}).items() if keys}
    for table, name in places():
        with unguarded(db, table.name):
            done = _execute(db, table, f"SET {name} = :word WHERE {name} = :ref", word=word, ref=patient_ref)
            rows += done
    for table, name in _written_words():
        if keys := _reword(db, table, name, patient_ref, word):
            touched.setdefault(table.name, []).extend(keys)
    rows += _reword_answers(db, patient_ref, word)
    if entries := _forget_in_the_trail(db, patient_ref, word):
        touched["trail"] = entries
    db.expire_all()
    erasure = Erasure(
        word=word, at=at, by=by, reason=reword(reason, patient_ref, word), rows=rows,
        kept_until=kept_until, touched=json.dumps(touched),
    )  # fmt: skip
    db.add(erasure)
    db.flush()
    return erasure


def replace_file(db: Session, table: str, body: bytes, **which: Any) -> None:
    """Put a page that was printed anew in the place of the one that told who it was for."""
    where = " AND ".join(f"{name} = :{name}" for name in which)
    with unguarded(db, table):
        _execute(db, Base.metadata.tables[table], f"SET body = :body WHERE {where}", body=body, **which)


def reword(text: str, patient_ref: str, word: str) -> str:
    """A text in which the reference gave way, where it stands for itself and is no part of a longer one."""
    return _standing_alone(patient_ref).sub(word, text)


def _standing_alone(patient_ref: str) -> re.Pattern[str]:
    joined = "[._/#-]"
    return re.compile(
        rf"(?<![A-Za-z0-9])(?<![A-Za-z0-9]{joined}){re.escape(patient_ref)}(?!{joined}?[A-Za-z0-9])"
    )


def _written_words() -> Iterator[tuple[sa.Table, str]]:
    for table in sorted(Base.metadata.tables.values(), key=lambda one: one.name):
        if table.name not in ("erasures", "trail"):
            yield from ((table, column.name) for column in table.c if column.name in WORDS)


def _reword(db: Session, table: sa.Table, name: str, patient_ref: str, word: str) -> list[Any]:
    """Take the reference out of what people wrote; answers the first key of each row that changed."""
    if len(patient_ref) < SHORTEST_WORD:
        return []
    keys = list(table.primary_key.columns)
    asked = sa.select(*keys, table.c[name]).where(table.c[name].contains(patient_ref, autoescape=True))
    changed = []
    for row in db.execute(asked).all():
        said = reword(row[-1], patient_ref, word)
        if said != row[-1]:
            which = " AND ".join(f"{key.name} = :key{place}" for place, key in enumerate(keys))
            values = {f"key{place}": _plain(row[place]) for place in range(len(keys))}
            with unguarded(db, table.name):
                _execute(db, table, f"SET {name} = :said WHERE {which}", said=said, **values)
            changed.append(row[0])
    return changed


def _reword_answers(db: Session, patient_ref: str, word: str) -> int:
    """Take the reference out of the answers that are kept for requests sent twice."""
    table = Base.metadata.tables.get("request_keys")
    if table is None:
        return 0
    sqlite = db.get_bind().dialect.name == "sqlite"
    holds = "instr(body, :sought) > 0" if sqlite else "position(:sought in body) > 0"
    asked = sa.select(table.c.id, table.c.body).where(sa.text(holds))
    changed = 0
    for key, body in db.execute(asked, {"sought": patient_ref.encode()}).all():
        said = reword(body.decode("latin-1"), patient_ref, word).encode("latin-1")
        if said != body:
            with unguarded(db, table.name):
                changed += _execute(db, table, "SET body = :said WHERE id = :key", said=said, key=key)
    return changed


def _forget_in_the_trail(db: Session, patient_ref: str, word: str) -> list[int]:
    """Take the reference out of the audit trail; answers the entries whose words were changed.

    The trail has a salted hash of it. The salts, by which it could be asked for the reference, give way to
    the word, so that it can still be proven; so do the words of a reason in which somebody wrote it.
    """
    table = Base.metadata.tables.get("trail")
    if table is None:
        return []
    from inventory import trail

    changed = []
    c = table.c
    long_enough = len(patient_ref) >= SHORTEST_WORD
    named = c.text.contains(patient_ref, autoescape=True) if long_enough else sa.false()
    asked = sa.select(c.number, c.subject, c.why, c.text, c.salts).where((c.salts != "") | named)
    for entry in db.execute(asked).all():
        salts = json.loads(entry.salts or "{}")
        hidden = {one for one, salt in salts.items() if trail.committed(salt, patient_ref) == one}
        said = [entry.subject, entry.why, entry.text]
        new = [reword(text, patient_ref, word) for text in said] if long_enough else said
        if not hidden and new == said:
            continue
        values = dict(zip(("subject", "why", "text"), new, strict=True))
        if hidden:
            values["salts"] = json.dumps(salts | dict.fromkeys(hidden, f"={word}"))
        which = ", ".join(f"{name} = :{name}" for name in values)
        with unguarded(db, table.name):
            _execute(db, table, f"SET {which} WHERE number = :number", number=entry.number, **values)
        if new != said:
            changed.append(int(entry.number))
    return changed


def _execute(db: Session, table: sa.Table, change: str, **values: Any) -> int:
    """Change rows without the audit trail, which would keep what is to be forgotten; it keeps the erasure."""
    statement = sa.text(f'UPDATE "{table.name}" {change}')
    done = db.connection().execute(statement, values)
    return int(done.rowcount)


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


@contextmanager
def unguarded(db: Session, table: str) -> Iterator[None]:
    """Lift the guard of a table of facts within this transaction; nobody else ever sees it lifted."""
    connection = db.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f'ALTER TABLE "{table}" DISABLE TRIGGER USER'))
        yield
        connection.execute(sa.text(f'ALTER TABLE "{table}" ENABLE TRIGGER USER'))
        return
    asked = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    guards = connection.execute(asked, {"table": table}).all()
    for guard in guards:
        connection.exec_driver_sql(f'DROP TRIGGER "{guard.name}"')
    yield
    for guard in guards:
        connection.exec_driver_sql(guard.sql)
