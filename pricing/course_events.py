"""Events of a course besides its money: sessions moved, missed, done otherwise, passed on (P5)."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import MONEY, Base, append_only, choice, one_of


class CourseEventKind(StrEnum):
    """What happened to a course or to one of its sessions."""

    MOVED = "moved"
    MISSED = "missed"  # and is to come all the same; one that is used up has an entry in the book, too
    TRANSFERRED = "transferred"
    WITHOUT_STOCK = "without_stock"  # completed, and nothing was drawn
    OUT_OF_ORDER = "out_of_order"  # performed before an earlier one
    TAKEN_BACK = "taken_back"  # a miss or a completion that was recorded by mistake
    ENDED = "ended"


class CourseEvent(Base):
    """One step in the life of a course: what, from where to where, who, when, why, and the fee it costs."""

    __tablename__ = "course_events"
    __table_args__ = (
        one_of("kind", CourseEventKind),
        sa.CheckConstraint("fee >= 0", name="fee_not_negative"),
        sa.Index(None, "course_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(sa.ForeignKey("courses.id"))
    number: Mapped[int | None]  # of the session; none: of the whole course
    kind: Mapped[CourseEventKind] = mapped_column(choice(CourseEventKind))
    on: Mapped[date]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(500))
    from_on: Mapped[date | None]
    to_on: Mapped[date | None]
    from_patient: Mapped[str] = mapped_column(sa.String(40), default="")
    to_patient: Mapped[str] = mapped_column(sa.String(40), default="")
    notice_hours: Mapped[int | None]  # that were given
    fee: Mapped[Decimal] = mapped_column(MONEY)  # as the policy proposes it; what was paid is an entry


append_only(CourseEvent)


def events(db: Session, course_id: int) -> Sequence[CourseEvent]:
    """What happened to a course besides its money, in the order in which it was recorded."""
    return db.scalars(
        sa.select(CourseEvent).where(CourseEvent.course_id == course_id).order_by(CourseEvent.id)
    ).all()
