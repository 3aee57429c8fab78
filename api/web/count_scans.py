"""What scanners read while counting: each scan is kept the moment it comes in, counted or with its problem.

A scan that was sent twice is counted once. One that cannot be counted stays on the page until somebody
puts it aside: nothing that was scanned is silently dropped.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import counting
from inventory.counts import Count
from inventory.database import Base
from inventory.errors import Refusal

LONGEST = 4_096
LONGEST_PROBLEM = 400


class CountScan(Base):
    """One scan at a count: the line that it counted, or why it could not be counted."""

    __tablename__ = "count_scans"
    __table_args__ = (sa.UniqueConstraint("count_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    count_id: Mapped[int] = mapped_column(sa.ForeignKey("counts.id"))
    key: Mapped[str] = mapped_column(sa.String(40))
    data: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    line_id: Mapped[int | None] = mapped_column(sa.ForeignKey("count_lines.id"))
    problem: Mapped[str] = mapped_column(sa.String(LONGEST_PROBLEM), default="")
    waiting: Mapped[bool] = mapped_column(default=False)  # its problem has not been put aside


def take(
    db: Session,
    subject: Count,
    *,
    key: str,
    data: str,
    at: datetime,
    by: str,
    place_id: int | None,
    again: bool,
) -> None:
    """Count a scan, or keep it with the sentence that says why it is not counted."""
    data = data.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST]
    seen = sa.select(CountScan.id).where(CountScan.count_id == subject.id, CountScan.key == key[:40])
    if not data.strip() or db.scalar(seen) is not None:
        return
    kept = CountScan(count_id=subject.id, key=key[:40], data=data, at=at, by=by, problem="", waiting=False)
    attempt = db.begin_nested()
    try:
        found = counting.scan(db, subject, data, at=at, by=by, place_id=place_id, again=again)
        attempt.commit()
        kept.line_id = found.line_id
    except Refusal as refused:
        attempt.rollback()
        kept.problem, kept.waiting = str(refused)[:LONGEST_PROBLEM], True
    db.add(kept)
    db.flush()


def waiting(db: Session, subject: Count) -> Sequence[CountScan]:
    """The scans that could not be counted and were not put aside, the latest first."""
    rows = sa.select(CountScan).where(CountScan.count_id == subject.id, CountScan.waiting)
    return db.scalars(rows.order_by(CountScan.id.desc())).all()


def put_aside(db: Session, subject: Count, scan_id: int) -> None:
    """A scan's problem was looked at."""
    db.execute(
        sa.update(CountScan)
        .where(CountScan.count_id == subject.id, CountScan.id == scan_id)
        .values(waiting=False)
    )
