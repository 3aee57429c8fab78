"""Protocols: how many sessions, how far apart, by which technique, and what each step uses (T2, T3, T4)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.catalog import Item
from inventory.clinic import Settings
from inventory.database import QUANTITY, Base, choice, one_of
from inventory.errors import Conflict, Invalid, NotFound
from inventory.measures import ZERO
from pricing import formulations
from pricing.formulations import Formulation, Recipe


class TechniqueFamily(StrEnum):
    """The three ways into the skin (T2); each has its own consumables."""

    FINE_NEEDLE = "fine_needle"
    MESOGUN = "mesogun"
    MICRONEEDLING = "microneedling"


class Step(StrEnum):
    """The steps of a session, in order (T3)."""

    CONSULTATION = "consultation"
    CLEANSING = "cleansing"
    NUMBING = "numbing"
    INJECTION = "injection"
    AFTERCARE = "aftercare"


class Technique(Base):
    """A technique as a formulation or a protocol words it, and the family whose consumables it needs."""

    __tablename__ = "techniques"
    __table_args__ = (one_of("family", TechniqueFamily),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    family: Mapped[TechniqueFamily] = mapped_column(choice(TechniqueFamily))
    source: Mapped[str] = mapped_column(sa.String(500), default="")


class TechniqueStep(Base):
    """So much of one item that a step of a session uses when done by this family of technique."""

    __tablename__ = "technique_steps"
    __table_args__ = (
        sa.UniqueConstraint("family", "position"),
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        one_of("family", TechniqueFamily),
        one_of("step", Step),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    family: Mapped[TechniqueFamily] = mapped_column(choice(TechniqueFamily))
    position: Mapped[int]
    step: Mapped[Step] = mapped_column(choice(Step))
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)  # per session, in the item's unit
    illustrative: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    source: Mapped[str] = mapped_column(sa.String(500), default="")


def _in_order(name: str) -> sa.CheckConstraint:
    low, typical, high = f"{name}_min", f"{name}_typical", f"{name}_max"
    return sa.CheckConstraint(
        f"0 <= {low} AND {low} <= {typical} AND {typical} <= {high}", name=f"{name}_in_order"
    )


class Protocol(Base):
    """How a course of one formulation runs: sessions, interval, minutes, volume, maintenance (T4)."""

    __tablename__ = "protocols"
    __table_args__ = (
        sa.CheckConstraint("sessions_min > 0", name="sessions_positive"),
        sa.CheckConstraint("numbing_minutes >= 0", name="numbing_not_negative"),
        sa.CheckConstraint("depth_mm_min <= depth_mm_max", name="depth_in_order"),
        _in_order("sessions"),
        _in_order("interval_weeks"),
        _in_order("session_minutes"),
        _in_order("volume_ml"),
        _in_order("maintenance_months"),
        sa.Index(None, "formulation_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    concern: Mapped[str] = mapped_column(sa.String(120))
    area: Mapped[str] = mapped_column(sa.String(60))
    technique: Mapped[str] = mapped_column(sa.String(80))
    treatment: Mapped[str] = mapped_column(sa.String(80), default="mesotherapy (general)")  # of price bands
    formulation_id: Mapped[int] = mapped_column(sa.ForeignKey("formulations.id"))
    sessions_min: Mapped[int]
    sessions_typical: Mapped[int]
    sessions_max: Mapped[int]
    interval_weeks_min: Mapped[int]
    interval_weeks_typical: Mapped[int]
    interval_weeks_max: Mapped[int]
    session_minutes_min: Mapped[int]
    session_minutes_typical: Mapped[int]
    session_minutes_max: Mapped[int]
    numbing_minutes: Mapped[int]
    volume_ml_min: Mapped[Decimal] = mapped_column(QUANTITY)
    volume_ml_typical: Mapped[Decimal] = mapped_column(QUANTITY)
    volume_ml_max: Mapped[Decimal] = mapped_column(QUANTITY)
    injection_points_typical: Mapped[int] = mapped_column(default=0)
    depth_mm_min: Mapped[Decimal] = mapped_column(QUANTITY)
    depth_mm_max: Mapped[Decimal] = mapped_column(QUANTITY)
    result_months_min: Mapped[int] = mapped_column(default=0)
    result_months_max: Mapped[int] = mapped_column(default=0)
    maintenance_months_min: Mapped[int]
    maintenance_months_typical: Mapped[int]
    maintenance_months_max: Mapped[int]
    illustrative: Mapped[bool] = mapped_column(default=False)
    source_covers: Mapped[str] = mapped_column(sa.String(200), default="")
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    source: Mapped[str] = mapped_column(sa.String(500), default="")


NUMBING_MINUTES = 20  # T3: 15 to 20 minutes
INJECTION_MINUTES = 40  # T3: 20 to 45 minutes
MOST_SESSIONS = 100
MOST_INTERVAL_WEEKS = 104


@dataclass(frozen=True)
class Plan:
    """How many sessions and how far apart; `reason` is kept where the protocol was left (T4)."""

    sessions: int
    interval_weeks: int
    outside: bool
    reason: str


class UnknownProtocol(NotFound):
    """No protocol has this code."""


class UnknownTechnique(NotFound):
    """No technique is worded so, hence nobody knows its consumables."""


class OutsideProtocol(Conflict):
    """The course leaves the protocol's range and no reason was given (T4)."""


class BadPlan(Invalid):
    """No course can have so many sessions, or lie so far apart."""


def protocol(db: Session, code: str) -> Protocol:
    """The protocol with this code. Raises UnknownProtocol."""
    found = db.scalar(sa.select(Protocol).where(Protocol.code == code))
    if found is None:
        raise UnknownProtocol(f"No protocol has the code {code!r}.")
    return found


def recipe(db: Session, subject: Protocol) -> Recipe:
    """The newest version of the formulation that the protocol calls for."""
    return formulations.latest(db, db.get_one(Formulation, subject.formulation_id).code)


def sessions_of(
    subject: Protocol,
    *,
    sessions: int | None = None,
    interval_weeks: int | None = None,
    reason: str = "",
) -> Plan:
    """The plan of a course, typical where nothing was asked for (T4).

    Raises OutsideProtocol when the range is left without a reason, BadPlan beyond any course.
    """
    count = subject.sessions_typical if sessions is None else sessions
    weeks = subject.interval_weeks_typical if interval_weeks is None else interval_weeks
    if not 1 <= count <= MOST_SESSIONS:
        raise BadPlan(f"A course has 1 to {MOST_SESSIONS} sessions, not {count}.")
    if not 1 <= weeks <= MOST_INTERVAL_WEEKS:
        raise BadPlan(f"Sessions are 1 to {MOST_INTERVAL_WEEKS} weeks apart, not {weeks}.")
    left = []
    if not subject.sessions_min <= count <= subject.sessions_max:
        left.append(f"{subject.sessions_min} to {subject.sessions_max} sessions, not {count}")
    if not subject.interval_weeks_min <= weeks <= subject.interval_weeks_max:
        left.append(f"{subject.interval_weeks_min} to {subject.interval_weeks_max} weeks apart, not {weeks}")
    if left and not reason.strip():
        raise OutsideProtocol(
            f"Protocol {subject.code} has {' and '.join(left)}; going outside needs a reason."
        )
    return Plan(count, weeks, outside=bool(left), reason=reason.strip())


def family(db: Session, technique: str) -> TechniqueFamily:
    """The family of a technique as a formulation or a protocol words it. Raises UnknownTechnique."""
    found = db.scalar(sa.select(Technique.family).where(Technique.name == technique))
    if found is None:
        raise UnknownTechnique(f"No technique is called {technique!r}, so its consumables are not known.")
    return found


def consumables(db: Session, technique: str) -> tuple[tuple[Item, Decimal], ...]:
    """What one session by this technique uses, each item once, in the order of the steps (T2, T3).

    Raises UnknownTechnique.
    """
    rows = db.execute(
        sa.select(Item, TechniqueStep.quantity)
        .join(TechniqueStep, TechniqueStep.item_id == Item.id)
        .where(TechniqueStep.family == family(db, technique))
        .order_by(TechniqueStep.position)
    )
    needed: dict[Item, Decimal] = {}
    for item, amount in rows:
        needed[item] = needed.get(item, ZERO) + amount
    return tuple(needed.items())


def labour_minutes(subject: Protocol | None, settings: Settings) -> tuple[tuple[Step, int], ...]:
    """The minutes of each step that a person works, without steps of no length (T3).

    A session without a protocol takes the articles' usual minutes.
    """
    numbing = NUMBING_MINUTES if subject is None else subject.numbing_minutes
    injection = INJECTION_MINUTES if subject is None else subject.session_minutes_typical
    steps = (
        (Step.CONSULTATION, settings.consultation_minutes),
        (Step.NUMBING, numbing),
        (Step.INJECTION, injection),
    )
    return tuple((step, minutes) for step, minutes in steps if minutes)
