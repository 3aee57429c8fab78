"""The audit trail as people read it: entries by person, kind, time and subject, the latest first (I15)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.errors import NotFound
from inventory.trail import AT_ONCE, TRAIL


@dataclass(frozen=True)
class Wanted:
    """Which entries; what is empty does not matter."""

    by: str = ""
    kind: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None  # before this instant


@dataclass(frozen=True)
class Said:
    """One entry as it is read: who, when, through what, what, why, and the details."""

    number: int
    at: datetime | None
    by: str
    kind: str
    subject: str
    why: str
    through: str
    facts: dict[str, int]  # how many of each kind
    changes: tuple[dict[str, Any], ...]
    more: dict[str, int]
    previous: str
    hash: str


class UnknownEntry(NotFound):
    """The audit trail has no entry of this number."""


def entries(
    db: Session, wanted: Wanted, *, before: int | None = None, limit: int | None = None
) -> Iterator[Said]:
    """Entries from the latest back; `before` is the number of the last one seen."""
    query = sa.select(TRAIL).order_by(TRAIL.c.number.desc()).execution_options(yield_per=AT_ONCE)
    if wanted.by:
        query = query.where(TRAIL.c.by == wanted.by)
    if wanted.kind:
        query = query.where(TRAIL.c.kind == wanted.kind)
    if wanted.subject:
        query = query.where(sa.func.lower(TRAIL.c.subject).contains(wanted.subject.lower(), autoescape=True))
    if wanted.since is not None:
        query = query.where(TRAIL.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(TRAIL.c.at < wanted.until)
    if before is not None:
        query = query.where(TRAIL.c.number < before)
    for row in db.execute(query.limit(limit)):
        yield _said(row)


def entry(db: Session, number: int) -> Said:
    """One entry. Raises UnknownEntry."""
    row = db.execute(sa.select(TRAIL).where(TRAIL.c.number == number)).one_or_none()
    if row is None:
        raise UnknownEntry(f"The audit trail has no entry {number}.")
    return _said(row)


def people(db: Session) -> list[str]:
    """Everybody who is in the trail."""
    return list(db.scalars(sa.select(TRAIL.c.by).distinct().order_by(TRAIL.c.by)))


def kinds(db: Session) -> list[str]:
    """Everything that was ever done."""
    return list(db.scalars(sa.select(TRAIL.c.kind).distinct().order_by(TRAIL.c.kind)))


def _said(row: Any) -> Said:
    told = json.loads(row.text)
    return Said(
        number=row.number,
        at=row.at,
        by=row.by,
        kind=row.kind,
        subject=row.subject,
        why=row.why,
        through=told["through"],
        facts={
            name.replace("_", " "): sum((last - first + 1) * each for first, last, each in one["keys"])
            if isinstance(one["keys"][0][0], int)
            else sum(each for _, _, each in one["keys"])
            for name, one in told["facts"].items()
        },
        changes=tuple(told["changes"]),
        more={name.replace("_", " "): count for name, count in told["more"].items()},
        previous=row.previous,
        hash=row.hash,
    )
