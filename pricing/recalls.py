"""Recalls: what a clinic must know when a maker takes a lot back, and what to do next (S10).

The report is a trace with the planned sessions of accepted courses that would have drawn from the lot.
It names patients by chart number alone (T8) and says nothing of costs (P5).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import tracing
from inventory.allocations import ALLOCATIONS
from inventory.balances import BALANCES
from inventory.catalog import Item
from inventory.clinic import PLACES, PlaceKind
from inventory.database import table_of
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, plain
from inventory.tracing import LOTS, SITES, Trace
from pricing import courses
from pricing.courses import Course, CourseSession
from pricing.formulations import FormulationLine, LineKind

COURSES, PLANNED = table_of(Course), table_of(CourseSession)
LINES = table_of(FormulationLine)


@dataclass(frozen=True, slots=True)
class PlannedUse:
    """A session of an accepted course that would draw from a lot, and whether other stock can serve it."""

    course_id: int
    number: int
    on: date
    site_id: int
    site: str
    patient_ref: str
    quantity: Decimal
    covered: bool


@dataclass(frozen=True)
class RecallReport:
    """All that one page says of a lot: its trace, who was to receive it, and what to do next."""

    at: datetime
    lot: Lot
    item: Item
    trace: Trace
    planned: tuple[PlannedUse, ...]
    steps: tuple[str, ...]


def report(db: Session, lot: Lot, *, at: datetime, with_reversed: bool = False) -> RecallReport:
    """The recall report of a lot as it stands; of a lot that was not recalled, what a recall would reach."""
    item = db.get_one(Item, lot.item_id)
    trace = tracing.trace(db, lot, with_reversed=with_reversed)
    planned = planned_uses(db, trace, item)
    return RecallReport(at, lot, item, trace, planned, next_steps(trace, item, planned))


def planned_uses(db: Session, trace: Trace, item: Item) -> tuple[PlannedUse, ...]:
    """Every planned session that would use the lot, by day (S10).

    That is one at a site that has some of the lot, on a day when the lot would still be in date, which was
    promised the item or whose recipe names it, or names its ingredient and leaves the item to FEFO.
    """
    lot = trace.lot
    sites = sorted({held.site_id for held in trace.held})
    if not sites:
        return ()
    promised = _promised(lot)
    rows: Any = db.execute(
        sa.select(
            PLANNED.c.course_id, PLANNED.c.number, PLANNED.c.planned_on, COURSES.c.site_id, SITES.c.code,
            COURSES.c.patient_ref, sa.func.coalesce(promised, sa.func.sum(LINES.c.quantity)),
        )
        .join(COURSES, COURSES.c.id == PLANNED.c.course_id)
        .join(SITES, SITES.c.id == COURSES.c.site_id)
        .outerjoin(LINES, sa.and_(LINES.c.version_id == COURSES.c.formulation_version_id, _draws(item)))
        .where(
            PLANNED.c.session_id.is_(None),
            PLANNED.c.settled.is_(None),
            PLANNED.c.planned_on <= lot.expires_on,
            COURSES.c.site_id.in_(sites),
            sa.or_(LINES.c.id.is_not(None), promised.is_not(None)),
        )
        .group_by(PLANNED.c.id, COURSES.c.id, SITES.c.id)
        .order_by(PLANNED.c.planned_on, PLANNED.c.course_id, PLANNED.c.number)
    )  # fmt: skip
    return _covered(rows, _other_stock(db, lot, sites))


def _draws(item: Item) -> sa.ColumnElement[bool]:
    """Lines of a recipe that may be served from the item."""
    named = LINES.c.item_id == item.id
    if item.ingredient_id is not None:
        of_ingredient = sa.and_(LINES.c.item_id.is_(None), LINES.c.ingredient_id == item.ingredient_id)
        named = sa.or_(named, of_ingredient)
    return sa.and_(LINES.c.kind == LineKind.PRODUCT, named)


def _promised(lot: Lot) -> sa.ScalarSelect[Decimal]:
    """How much of the lot's item was promised to a planned session; nothing if it was promised none."""
    c = ALLOCATIONS.c
    return (
        sa.select(sa.func.sum(c.quantity))
        .where(c.reference == courses.reference_in_sql(), c.item_id == lot.item_id, c.ended_at.is_(None))
        .correlate(PLANNED)
        .scalar_subquery()
    )


def _other_stock(db: Session, lot: Lot, sites: Sequence[int]) -> dict[int, list[tuple[date, Decimal]]]:
    """What else of the item is on the shelves of each site, by its last day, the soonest first."""
    rows = db.execute(
        sa.select(PLACES.c.site_id, LOTS.c.expires_on, sa.func.sum(BALANCES.c.quantity))
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
        .where(
            BALANCES.c.item_id == lot.item_id,
            BALANCES.c.quantity > tracing.NOTHING,
            LOTS.c.id != lot.id,
            LOTS.c.state == LotState.RELEASED,
            PLACES.c.kind == PlaceKind.SHELF,
            PLACES.c.site_id.in_(sites),
        )
        .group_by(PLACES.c.site_id, LOTS.c.expires_on)
        .order_by(LOTS.c.expires_on)
    )
    found: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    for site_id, last_day, quantity in rows:
        found[site_id].append((last_day, quantity))
    return found


def _covered(rows: Any, stock: dict[int, list[tuple[date, Decimal]]]) -> tuple[PlannedUse, ...]:
    """Let other stock serve the sessions in the order of their days; who finds too little is not covered."""
    planned = []
    for course_id, number, on, site_id, site, patient_ref, quantity in rows:
        there = [(last_day, left) for last_day, left in stock.get(site_id, ()) if last_day >= on]
        covered = sum((left for _, left in there), ZERO) >= quantity
        if covered:
            stock[site_id] = _less(there, quantity)
        use = PlannedUse(course_id, number, on, site_id, site, patient_ref, quantity, covered)
        planned.append(use)
    return tuple(planned)


def _less(there: Sequence[tuple[date, Decimal]], quantity: Decimal) -> list[tuple[date, Decimal]]:
    rest, missing = [], quantity
    for last_day, left in there:
        taken = min(left, missing)
        missing -= taken
        if left > taken:
            rest.append((last_day, left - taken))
    return rest


def next_steps(trace: Trace, item: Item, planned: Sequence[PlannedUse]) -> tuple[str, ...]:
    """What to do next, each step with its numbers; a clinician reviews the list before it is followed."""
    lot, unit = trace.lot, item.unit
    steps = []
    if lot.state is not LotState.RECALLED:
        steps.append(f"Lot {lot.number} is {lot.state}, not recalled: recall it to hold it back for good.")
    for site, places in groupby(trace.held, key=lambda held: held.site):
        row = list(places)
        sealed = [one for one in row if one.kind in (PlaceKind.SHELF, PlaceKind.QUARANTINE)]
        if sealed:
            much = plain(sum((one.quantity for one in sealed), ZERO))
            steps.append(f"{site}: find {much} {unit} sealed, count it, and keep it apart from usable stock.")
        steps.extend(
            f"{site}: {plain(one.quantity)} {unit} is on its way; keep it apart on arrival."
            for one in row
            if one.kind is PlaceKind.TRANSIT
        )
    if trace.opened:
        left = plain(sum((vial.remaining for vial in trace.opened), ZERO))
        steps.append(f"Discard {_count(len(trace.opened), 'opened vial')} with {left} {unit} left.")
    if trace.patients:
        received = sum(not one.reversed for one in trace.sessions)
        steps.append(
            f"Tell the practitioner in charge: {_count(len(trace.patients), 'patient')} received the lot in "
            f"{_count(received, 'session')}."
        )
    else:
        steps.append("No patient has received any of it.")
    if planned:
        bare = sum(not one.covered for one in planned)
        rest = f"order for {bare} of them, or move them" if bare else "other lots on the shelf serve them"
        steps.append(f"{_count(len(planned), 'planned session')} would have drawn from it: {rest}.")
    steps.append("Ask maker or supplier how to send it back; write off what is destroyed, with its reason.")
    steps.append("Report to the authority where your law asks for it.")
    return tuple(steps)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
