"""Privacy: all that the book holds of one patient, to be handed out, and when it may be forgotten (T8).

A recall must find whoever received a lot, so the trace is kept for as long as the clinic's setting says
after the last session; only an admin who says why has it forgotten before. Whose course is running or whose
stock is promised cannot be forgotten at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, forgetting, patients, tracing
from inventory.allocations import Allocation
from inventory.database import Base, table_of
from inventory.errors import Conflict
from inventory.forgetting import Erasure
from inventory.treatments import TreatmentSession
from pricing.course_records import Course, CourseSession

NEVER = frozenset({
    "cost", "floor", "band_low", "band_high", "band_source", "quoted_cost", "body", "actual", "average",
    "replacement", "breakage_rate", "shortages",
})  # fmt: skip
"""What is the clinic's and not the patient's: costs, margins, and pages that were printed."""
BELONGING = {
    "quotes": ("quote_sessions", "quote_overrides", "quote_events", "quote_states"),
    "courses": ("course_sessions", "course_entries", "course_events"),
}
"""What hangs on a row that names a patient."""
SESSIONS = table_of(TreatmentSession)
Row = dict[str, Any]


@dataclass(frozen=True)
class Held:
    """All that the book holds of one patient: the rows of each kind, and until when the trace is kept."""

    patient_ref: str
    kinds: dict[str, list[Row]]
    kept_until: date | None

    @property
    def rows(self) -> int:
        """How many rows that is."""
        return sum(len(rows) for rows in self.kinds.values())


class TraceStillKept(Conflict):
    """The patient received stock so lately that a recall must still find them (S10)."""


class StillTreated(Conflict):
    """The patient has a course running or stock promised."""


def held(db: Session, patient_ref: str) -> Held:
    """All that the book holds of a patient. Raises BadPatientRef, UnknownPatient."""
    patients.check_shape(patient_ref)
    kinds: dict[str, list[Row]] = {}
    for table, name in forgetting.places():
        rows = _rows(db, table, table.c[name] == patient_ref)
        if rows:
            kinds.setdefault(table.name, []).extend(rows)
    for parent, children in BELONGING.items():
        keys = [row["id"] for row in kinds.get(parent, ())]
        for child in children:
            table = Base.metadata.tables[child]
            known = kinds.get(child, [])
            found = _rows(db, table, table.c[f"{parent[:-1]}_id"].in_(keys)) if keys else []
            if new := [row for row in found if row not in known]:
                kinds[child] = known + new
    given = tracing.of_patient(db, patient_ref, with_reversed=True, limit=None)
    if given:
        kinds["lots_received"] = [
            {
                name: getattr(one, name)
                for name in ("session_id", "at", "site", "sku", "name", "maker", "lot_number", "expires_on",
                             "quantity", "unit", "reversed")
            }
            for one in given
        ]  # fmt: skip
    if not kinds:
        raise forgetting.UnknownPatient("The book holds nothing under this chart number.")
    return Held(patient_ref, dict(sorted(kinds.items())), kept_until(db, patient_ref))


def kept_until(db: Session, patient_ref: str) -> date | None:
    """The day until which the trace of what a patient received is kept; none if they received nothing."""
    asked = sa.select(sa.func.max(SESSIONS.c.on)).where(SESSIONS.c.patient_ref == patient_ref)
    last: date | None = db.execute(asked).scalar()
    return None if last is None else years_after(last, clinic.settings(db).trace_years)


def years_after(day: date, years: int) -> date:
    """The same day so many years on; of 29 February the day after."""
    year = min(day.year + years, date.max.year)
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def erase(
    db: Session,
    patient_ref: str,
    *,
    on: date,
    at: datetime,
    by: str,
    reason: str,
    early: bool = False,
    printed: Mapping[str, Sequence[int]] | None = None,
) -> Erasure:
    """Forget a patient: every fact stays, under a word that says nothing. `early` while the trace is kept,
    `printed` as `forgetting.forget` takes it.

    Raises BadPatientRef, UnknownPatient, StillTreated, TraceStillKept.
    """
    patients.check_shape(patient_ref)
    if not forgetting.occurrences(db, patient_ref):
        raise forgetting.UnknownPatient("The book holds nothing under this chart number.")
    _refuse_while_treated(db, patient_ref)
    until = kept_until(db, patient_ref)
    still = until is not None and until >= on
    if still and not early:
        raise TraceStillKept(
            f"What this patient received is kept until {until}, so that a recall finds them "
            f"({clinic.settings(db).trace_years} years after the last session). An admin may forget it "
            "before, and says why."
        )
    kept = until if still else None
    return forgetting.forget(db, patient_ref, at=at, by=by, reason=reason, kept_until=kept, printed=printed)


def erasures(db: Session, *, limit: int = 100) -> Sequence[Erasure]:
    """Who was forgotten, under which words, the latest first."""
    return db.scalars(sa.select(Erasure).order_by(Erasure.id.desc()).limit(limit)).all()


def _refuse_while_treated(db: Session, patient_ref: str) -> None:
    to_come = db.scalar(
        sa.select(sa.func.count())
        .select_from(CourseSession)
        .join(Course, Course.id == CourseSession.course_id)
        .where(
            Course.patient_ref == patient_ref,
            CourseSession.session_id.is_(None),
            CourseSession.settled.is_(None),
        )
    )
    promised = db.scalar(
        sa.select(sa.func.count())
        .select_from(Allocation)
        .where(Allocation.patient_ref == patient_ref, Allocation.ended_at.is_(None))
    )
    if to_come or promised:
        raise StillTreated(
            f"This patient has {to_come} sessions to come, and stock is promised {promised} times: "
            "end the course first."
        )


def _rows(db: Session, table: sa.Table, which: sa.ColumnElement[bool]) -> list[Row]:
    """Rows as they are handed out: without what is the clinic's own, in the order in which they came."""
    columns: Iterable[sa.Column[Any]] = (column for column in table.c if column.name not in NEVER)
    found = db.execute(sa.select(*columns).where(which).order_by(*table.primary_key.columns))
    return [dict(row._mapping) for row in found]
