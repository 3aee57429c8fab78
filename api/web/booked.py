"""Planned sessions: who comes when, for what, and what of their vials is not there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.web import formats
from inventory import stock
from inventory.allocations import Allocation
from inventory.catalog import Item
from inventory.clinic import Site
from inventory.measures import ZERO
from pricing import courses
from pricing.courses import Course, CourseSession
from pricing.protocols import Protocol
from pricing.quote_records import Quote


@dataclass(frozen=True)
class Booked:
    """A session that is planned; `missing` is what those before it leave of its vials too little of."""

    course_id: int
    number: int
    of: int
    patient_ref: str
    on: date
    concern: str
    area: str
    missing: tuple[str, ...]


def booked(db: Session, *, site: Site, until: date, at: datetime) -> list[Booked]:
    """The sessions planned at a site until a day, with what each lacks after those before it."""
    rows: Any = db.execute(
        sa.select(
            CourseSession.course_id, CourseSession.number, CourseSession.planned_on, Course.patient_ref,
            Protocol.concern, Protocol.area, Quote.sessions,
        )
        .join(Course, Course.id == CourseSession.course_id)
        .join(Quote, Quote.id == Course.quote_id)
        .join(Protocol, Protocol.id == Quote.protocol_id)
        .where(
            Course.site_id == site.id, courses.still_to_come(), CourseSession.planned_on <= until
        )
        .order_by(CourseSession.planned_on, CourseSession.course_id, CourseSession.number)
    ).all()  # fmt: skip
    references = [courses.reference(row.course_id, row.number) for row in rows]
    needs = _needs(db, site, references)
    left = _usable(db, site, {need.item_id for needed in needs.values() for need in needed}, at)
    return [
        Booked(
            course_id=row.course_id,
            number=row.number,
            of=row.sessions,
            patient_ref=row.patient_ref,
            on=row.planned_on,
            concern=row.concern,
            area=row.area,
            missing=_missing(needs.get(reference, ()), left),
        )
        for row, reference in zip(rows, references, strict=True)
    ]


def _needs(db: Session, site: Site, references: Iterable[str]) -> dict[str, list[Any]]:
    """What was promised to each session, by its reference."""
    found: dict[str, list[Any]] = {}
    for row in db.execute(
        sa.select(Allocation.reference, Allocation.item_id, Allocation.quantity, Item.name, Item.unit)
        .join(Item, Item.id == Allocation.item_id)
        .where(
            Allocation.site_id == site.id,
            Allocation.ended_at.is_(None),
            Allocation.reference.in_(list(references)),
        )
        .order_by(Allocation.id)
    ):
        found.setdefault(row.reference, []).append(row)
    return found


def _missing(needs: Sequence[Any], left: dict[int, Decimal]) -> tuple[str, ...]:
    missing = []
    for need in needs:
        there = left.get(need.item_id, ZERO)
        if there < need.quantity:
            missing.append(f"{formats.quantity(need.quantity - there, need.unit)} of {need.name}")
        left[need.item_id] = max(ZERO, there - need.quantity)
    return tuple(missing)


def _usable(db: Session, site: Site, item_ids: set[int], at: datetime) -> dict[int, Decimal]:
    return stock.usable(db, sorted(item_ids), site=site, at=at) if item_ids else {}
