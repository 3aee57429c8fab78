"""The proof of the audit trail: the chain is whole, every fact is the one that its entry is about (I13-I15).

What was cut off the end of the chain shows only against an anchor: a number and a hash kept elsewhere.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import recording, trail
from inventory.database import Base
from inventory.errors import Invalid
from inventory.proof import MOST_SENTENCES, Breach
from inventory.trail import GENESIS, LONGEST, TRAIL, Head

Waiting = dict[Any, list[list[int]]]


class BadAnchor(Invalid):
    """An anchor is a number and a hash, as they were exported."""


@dataclass
class _Said:
    """What the entries say of the facts: of each table which entry has which keys, and the digests."""

    keys: dict[str, Waiting] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    digests: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    salts: dict[int, dict[str, str]] = field(default_factory=dict)

    def add(self, number: int, entry: dict[str, Any], salts: str) -> None:
        """Take one entry into account."""
        for table, facts in entry.get("facts", {}).items():
            self.digests[table][number] = facts["digest"]
            for first, last, count in facts["keys"]:
                for key in [first] if first == last else range(first, last + 1):
                    self.keys[table][key].append([number, count])
        if salts:
            self.salts[number] = json.loads(salts)


def _the_chain_is_whole(db: Session) -> Iterator[str]:
    """I13, I14: entries are numbered without gaps, and each has the hash of itself and of the one before."""
    number, last, reworded = 0, GENESIS, _reworded(db, TRAIL)
    for entry in _entries(db):
        number += 1
        if entry.number != number:
            yield f"After entry {number - 1} of the trail comes entry {entry.number}."
            number = entry.number
        if entry.previous != last:
            yield f"Entry {entry.number} of the trail does not follow on the one before it."
        last = entry.hash
        hashed = sha256(f"{entry.previous}{entry.text}".encode()).hexdigest()
        if hashed != entry.hash and str(entry.number) not in reworded:
            yield f"Entry {entry.number} of the trail is not what was hashed."
        elif _repeats(entry) != json.loads(entry.text, parse_float=str):
            yield f"The columns of entry {entry.number} of the trail are not what it says."
    kept = db.execute(sa.select(Head.number, Head.hash)).first()
    if kept is not None and kept != (number, last):
        yield f"The trail ends with entry {number}; its head says {kept.number}."


def _repeats(entry: Any) -> dict[str, Any]:
    """What an entry says, with the columns in the place of what they repeat."""
    said: dict[str, Any] = json.loads(entry.text, parse_float=str)
    moment = entry.at.isoformat() if entry.at else None
    return said | {name: getattr(entry, name) for name in LONGEST} | {"at": moment}


def _every_fact_has_its_entry(db: Session) -> Iterator[str]:
    """I13, I15: each fact is in one entry as it was written; no entry is about a fact that is not there."""
    said = _Said()
    for entry in _entries(db):
        try:
            said.add(entry.number, json.loads(entry.text), entry.salts)
        except (ValueError, KeyError, TypeError, AttributeError):
            yield f"Entry {entry.number} of the trail cannot be read."
    for table in recording.tables():
        if recording.is_fact(table.name):
            yield from _of_table(db, table, said)


def _of_table(db: Session, table: sa.Table, said: _Said) -> Iterator[str]:
    key_name = recording.key_columns(table)[0]
    keys = said.keys[table.name]
    found: dict[int, Any] = defaultdict(sha256)
    commits: dict[int, Callable[[str], str]] = {}
    reworded, excused = _reworded(db, table), set()
    for row in trail.rows_of(db, table):
        waiting = keys.get(row[key_name], [])
        while waiting and not waiting[0][1]:
            del waiting[0]
        if not waiting:
            yield f"A row of {table.name} ({key_name} {row[key_name]}) has no entry in the trail."
            continue
        waiting[0][1] -= 1
        number = waiting[0][0]
        if str(row[table.primary_key.columns[0].name]) in reworded:
            excused.add(number)
        if number not in commits:
            commits[number] = _commit(said.salts.get(number, {}))
        found[number].update(recording.line(table, row, commits[number]).encode() + b"\n")
    for key, waiting in keys.items():
        for number, left in waiting:
            if left:
                yield f"Entry {number} of the trail is about {table.name} ({key_name} {key}): not there."
    for number, digest in said.digests[table.name].items():
        if number in found and number not in excused and found[number].hexdigest() != digest:
            yield f"What entry {number} of the trail says of {table.name} is not what stands there now."


def _reworded(db: Session, table: sa.Table) -> set[str]:
    """The rows out of whose words a patient was taken: what an erasure says of them, which is a fact too."""
    erasures = Base.metadata.tables.get("erasures")
    if erasures is None:
        return set()
    said = (json.loads(touched) for touched in db.scalars(sa.select(erasures.c.touched)))
    return {str(key) for one in said for key in one.get(table.name, ())}


def _commit(salts: dict[str, str]) -> Callable[[str], str]:
    """What stands for a patient in one entry; who was forgotten has it in place of the reference."""
    known: dict[str, str] = {}

    def commit(reference: str) -> str:
        if reference not in known:
            hidden = (
                one
                for one, salt in salts.items()
                if salt == f"={reference}" or trail.committed(salt, reference) == one
            )
            known[reference] = next(hidden, "~")
        return known[reference]

    return commit


def _entries(db: Session) -> Iterator[Any]:
    asked = sa.select(TRAIL).order_by(TRAIL.c.number).execution_options(yield_per=trail.AT_ONCE)
    yield from db.execute(asked)


def anchored(db: Session, anchor: str) -> str:
    """What is wrong with the trail by an anchor, `NUMBER:HASH`; nothing if it still holds (I14).

    Raises BadAnchor.
    """
    number, _, kept = anchor.strip().partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 18 and len(kept) == len(GENESIS)):
        raise BadAnchor("An anchor is a number, a colon and 64 digits, as it was exported.")
    if not int(number):
        return "" if kept == GENESIS else "The anchor is not of this program."
    now = db.scalar(sa.select(TRAIL.c.hash).where(TRAIL.c.number == int(number)))
    if now is None:
        last, _ = trail.head(db)
        return (
            f"The anchor is entry {number}; the trail ends with {last}: its end was cut off, or it is older."
        )
    return "" if now == kept else f"Entry {number} is not the one of the anchor: the trail was written anew."


def verify(db: Session) -> list[Breach]:
    """Check the trail against every fact that is committed; an empty list says that it is whole."""
    return [
        Breach(invariant, sentence)
        for invariant, check in INVARIANTS.items()
        for sentence in islice(check(db), MOST_SENTENCES)
    ]


INVARIANTS: dict[str, Callable[[Session], Iterator[str]]] = {
    "the audit trail is one chain": _the_chain_is_whole,
    "every fact has its entry": _every_fact_has_its_entry,
}
