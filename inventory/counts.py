"""Counts on record: a sheet, its lines, and every number that was written down of each (S11)."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.clinic import PlaceKind
from inventory.database import MONEY, QUANTITY, Base, append_only, choice, one_of, table_of
from inventory.errors import Conflict, NotFound
from inventory.ledger import DOCUMENTS, MOVEMENTS

COUNTABLE = (PlaceKind.SHELF, PlaceKind.OPENED, PlaceKind.QUARANTINE)
"""Kinds of place that a person can stand before; what is on its way is counted where it arrives."""
SEALED = (PlaceKind.SHELF, PlaceKind.QUARANTINE)
MOST_KEYS = 900  # that a statement names at once


class CountState(StrEnum):
    """Where a count stands."""

    OPEN = "open"
    POSTED = "posted"
    ABANDONED = "abandoned"


class Count(Base):
    """One stocktake: of what, who began it and when, and how it ended."""

    __tablename__ = "counts"
    __table_args__ = (one_of("state", CountState), sa.Index(None, "site_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    place_id: Mapped[int | None] = mapped_column(sa.ForeignKey("places.id"))  # none: every place
    subject: Mapped[str] = mapped_column(sa.String(200))  # of what, in words
    narrowed: Mapped[bool]  # to some items: others that lie there too are not its business
    blind: Mapped[bool]  # whoever counts does not see what the book says
    begun_at: Mapped[datetime]
    begun_by: Mapped[str] = mapped_column(sa.String(80))
    state: Mapped[CountState] = mapped_column(choice(CountState), default=CountState.OPEN)
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(sa.String(80), default="")
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("documents.id"), unique=True)


class CountLine(Base):
    """What is to be counted: a lot's sealed containers in a place, or the content of an opened vial.

    `change` and `value` say what the posting did; before it they are empty.
    """

    __tablename__ = "count_lines"
    __table_args__ = (
        sa.Index(
            "uq_count_lines_sealed",
            "count_id",
            "place_id",
            "lot_id",
            unique=True,
            sqlite_where=sa.text("vial_id IS NULL"),
            postgresql_where=sa.text("vial_id IS NULL"),
        ),
        sa.UniqueConstraint("count_id", "vial_id"),
        sa.Index(None, "lot_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    count_id: Mapped[int] = mapped_column(sa.ForeignKey("counts.id"))
    place_id: Mapped[int] = mapped_column(sa.ForeignKey("places.id"))
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"))
    vial_id: Mapped[int | None] = mapped_column(sa.ForeignKey("opened_vials.id"))
    added_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(sa.String(80))
    change: Mapped[Decimal | None] = mapped_column(QUANTITY)
    value: Mapped[Decimal | None] = mapped_column(MONEY)


class CountEntry(Base):
    """What was found of a line, when and by whom; the latest stands, the earlier ones are its history.

    `book` is what the ledger said was there at that instant, `mark` the last movement it knew of then.
    Scanning adds up: `began_at` is the first container of the sum. No quantity: the count is taken back.
    """

    __tablename__ = "count_entries"
    __table_args__ = (
        sa.CheckConstraint("quantity IS NULL OR quantity >= 0", name="quantity_not_negative"),
        sa.CheckConstraint("round IN (1, 2)", name="round_known"),
        sa.Index(None, "line_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(sa.ForeignKey("count_lines.id"))
    round: Mapped[int] = mapped_column(sa.SmallInteger)  # 2: counted again
    quantity: Mapped[Decimal | None] = mapped_column(QUANTITY)
    book: Mapped[Decimal] = mapped_column(QUANTITY)
    mark: Mapped[int]
    began_at: Mapped[datetime]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    serial: Mapped[str | None] = mapped_column(sa.String(40))  # of the container that was scanned


append_only(CountEntry)

COUNTS, LINES, ENTRIES = table_of(Count), table_of(CountLine), table_of(CountEntry)


class UnknownCount(NotFound):
    """No count has this key."""


class UnknownLine(NotFound):
    """The count has no such line."""


class CountEnded(Conflict):
    """The count was posted or abandoned."""


def count(db: Session, key: int) -> Count:
    """The count with this key. Raises UnknownCount."""
    found = db.get(Count, key)
    if found is None:
        raise UnknownCount(f"No count has the key {key}.")
    return found


def counts(
    db: Session,
    *,
    site_ids: Iterable[int] | None = None,
    state: CountState | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> Sequence[Count]:
    """The counts, the latest first; `before` is the last key of the page before."""
    query = sa.select(Count).order_by(Count.id.desc()).limit(limit)
    if site_ids is not None:
        query = query.where(Count.site_id.in_(sorted(site_ids)))
    if state is not None:
        query = query.where(Count.state == state)
    if before is not None:
        query = query.where(Count.id < before)
    return db.scalars(query).all()


def refuse_ended(db: Session, subject: Count) -> None:
    """Raises CountEnded unless the count is open; holds it until the transaction ends."""
    db.refresh(subject, with_for_update=True)
    if subject.state is not CountState.OPEN:
        raise CountEnded(f"Count {subject.id} was {subject.state} by {subject.ended_by}: begin a new one.")


def last_counted(db: Session, *, on: date, site_id: int | None = None) -> dict[int, date]:
    """The day of the latest posted count of each lot up to a day (B5); of one site or of all.

    What was reversed by then does not count: neither a line by itself nor a whole count.
    """
    moved, undoing = MOVEMENTS.c, MOVEMENTS.alias("undoing").c
    undone = sa.and_(undoing.corrects_id == moved.id, undoing.on <= on)
    wholly = (
        sa.select(COUNTS.c.document_id)
        .join(MOVEMENTS, moved.document_id == COUNTS.c.document_id)
        .outerjoin(undoing.id.table, undone)
        .group_by(COUNTS.c.document_id)
        .having(sa.func.count() == sa.func.count(undoing.id))
    )
    by_itself = sa.exists().where(
        undone,
        moved.document_id == DOCUMENTS.c.id,
        moved.lot_id == LINES.c.lot_id,
        sa.or_(moved.source_id == LINES.c.place_id, moved.target_id == LINES.c.place_id),
        moved.vial_id.is_not_distinct_from(LINES.c.vial_id),
    )
    query = (
        sa.select(LINES.c.lot_id, sa.func.max(DOCUMENTS.c.on))
        .join(COUNTS, COUNTS.c.id == LINES.c.count_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == COUNTS.c.document_id)
        .where(DOCUMENTS.c.on <= on, LINES.c.change.isnot(None), DOCUMENTS.c.id.not_in(wholly), ~by_itself)
        .group_by(LINES.c.lot_id)
    )
    if site_id is not None:
        query = query.where(COUNTS.c.site_id == site_id)
    return dict(db.execute(query).all())
