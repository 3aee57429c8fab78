"""Treatment rooms: a multi-dose vial that enters one is one patient's until the session ends (S4)."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import ledger, lots, shelf, treatments, vials
from inventory.catalog import DoseClass
from inventory.clinic import Place, PlaceKind, Site
from inventory.database import Base, append_only
from inventory.errors import Conflict, Invalid
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.lots import LotState
from inventory.treatments import TreatmentSession
from inventory.vials import SESSION, Deadline, LotNotUsable, OpenedVial, PreparedIn, VialClosed


class RoomEntry(Base):
    """A vial entered a treatment room, for whom and until when; or the correction that it never did.

    What the vial was before is kept, so that a correction needs to guess nothing.
    """

    __tablename__ = "room_entries"
    __table_args__ = (
        sa.CheckConstraint("ends_at > at", name="ends_after_it_began"),
        sa.Index(None, "vial_id", "id"),
        sa.Index(
            "uq_room_entries_corrects_id",
            "corrects_id",
            unique=True,
            sqlite_where=sa.text("corrects_id IS NOT NULL"),
            postgresql_where=sa.text("corrects_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    vial_id: Mapped[int] = mapped_column(sa.ForeignKey("opened_vials.id"))
    patient_ref: Mapped[str] = mapped_column(sa.String(40))
    room: Mapped[str] = mapped_column(sa.String(40), default="")  # as the clinic calls it
    at: Mapped[datetime]
    ends_at: Mapped[datetime]  # the session's end, as it was foreseen
    recorded_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(500), default="")  # of a correction
    patient_before: Mapped[str | None] = mapped_column(sa.String(40))
    discard_at_before: Mapped[datetime]
    discard_rule_before: Mapped[str] = mapped_column(sa.String(300))
    corrects_id: Mapped[int | None] = mapped_column(sa.ForeignKey("room_entries.id"))


append_only(RoomEntry)


@dataclass(frozen=True)
class Entering:
    """For whom a vial enters which room, when, and when the session is to end."""

    patient_ref: str
    at: datetime
    ends_at: datetime | None = None
    room: str = ""


class StaysInItsPlace(Invalid):
    """Only a multi-dose vial becomes one patient's by entering a treatment room (S4)."""


class NotAtThatTime(Invalid):
    """The vial cannot have entered a room at that time, or the session cannot end then."""


class AnotherPatients(Conflict):
    """The vial is another patient's, or served one since (S4)."""


class InARoom(Conflict):
    """The vial entered a treatment room before."""


class NeverEntered(Conflict):
    """The vial has not entered a treatment room, so there is nothing to correct."""


class UsedThere(Conflict):
    """A session drew from the vial after it entered the room: undo the session first."""


def enter(
    db: Session, opened: OpenedVial, entering: Entering, *, recorded_at: datetime, by: str
) -> RoomEntry:
    """Take an opened vial into a treatment room: it is this patient's alone, until the session ends (S4).

    Its discard time becomes the session's end, or stays if that is sooner. Raises StaysInItsPlace,
    NotAtThatTime, AnotherPatients, InARoom, VialClosed, LotNotUsable, BadPatientRef.
    """
    treatments.check_patient_ref(entering.patient_ref)
    ledger.lock_items(db, [opened.item_id])
    db.refresh(opened)  # it may have served somebody while we waited for the lock
    site = db.get_one(Site, opened.site_id)
    ends_at = _session_end(opened, entering, site, recorded_at)
    _refuse(db, opened, entering, site)
    limit = _limit(db, opened, site, ends_at)
    entry = RoomEntry(
        vial_id=opened.id,
        patient_ref=entering.patient_ref,
        room=entering.room,
        at=entering.at,
        ends_at=ends_at,
        recorded_at=recorded_at,
        by=by,
        patient_before=opened.patient_ref,
        discard_at_before=opened.discard_at,
        discard_rule_before=opened.discard_rule,
    )
    db.add(entry)
    opened.prepared_in, opened.patient_ref = PreparedIn.TREATMENT_ROOM, entering.patient_ref
    if limit.at < opened.discard_at:  # entering never extends a date
        opened.discard_at, opened.discard_rule = limit.at, limit.rule
    db.flush()
    return entry


def take_back(
    db: Session, opened: OpenedVial, *, at: datetime, recorded_at: datetime, by: str, reason: str
) -> RoomEntry:
    """Correct an entry that never was: another vial had been meant (S8). The vial is what it was before.

    Raises NeverEntered, UsedThere, VialClosed.
    """
    ledger.lock_items(db, [opened.item_id])
    db.refresh(opened)
    entry = standing(db, opened.id)
    if entry is None:
        raise NeverEntered(f"Opened vial {opened.id} has not entered a treatment room.")
    if opened.closed_at is not None:
        raise VialClosed(f"Opened vial {opened.id} was closed at {_clock(db, opened, opened.closed_at)}.")
    for session_id, patient_ref, _ in _served(db, opened, since=entry.at):
        raise UsedThere(
            f"Session {session_id} of {patient_ref} drew from opened vial {opened.id} in the room: "
            "undo the session first."
        )
    correction = RoomEntry(
        vial_id=opened.id,
        patient_ref=entry.patient_ref,
        room=entry.room,
        at=entry.at,
        ends_at=entry.ends_at,
        recorded_at=recorded_at,
        by=by,
        reason=reason,
        patient_before=entry.patient_before,
        discard_at_before=entry.discard_at_before,
        discard_rule_before=entry.discard_rule_before,
        corrects_id=entry.id,
    )
    db.add(correction)
    opened.prepared_in, opened.patient_ref = PreparedIn.PREPARATION_AREA, entry.patient_before
    opened.discard_at, opened.discard_rule = entry.discard_at_before, entry.discard_rule_before
    db.flush()
    return correction


def standing(db: Session, vial_id: int) -> RoomEntry | None:
    """The entry of a vial that stands: made, and not corrected."""
    corrected = sa.select(RoomEntry.corrects_id).where(RoomEntry.corrects_id.isnot(None))
    return db.scalar(
        sa.select(RoomEntry)
        .where(RoomEntry.vial_id == vial_id, RoomEntry.corrects_id.is_(None), RoomEntry.id.notin_(corrected))
        .order_by(RoomEntry.id.desc())
        .limit(1)
    )


def history(db: Session, vial_id: int) -> list[RoomEntry]:
    """Every entry and correction of a vial, in the order in which they were recorded."""
    return list(db.scalars(sa.select(RoomEntry).where(RoomEntry.vial_id == vial_id).order_by(RoomEntry.id)))


def _session_end(opened: OpenedVial, entering: Entering, site: Site, recorded_at: datetime) -> datetime:
    """When the session ends: as it was said, else after the time that is booked for one (T3)."""
    if not opened.opened_at <= entering.at <= recorded_at:
        raise NotAtThatTime(
            f"Opened vial {opened.id} was opened at {_at(opened.opened_at, site)}; it cannot have entered a "
            f"room at {_at(entering.at, site)}."
        )
    night = site.end_of(site.day(entering.at))
    if entering.ends_at is None:
        return min(entering.at + SESSION, night)
    if not entering.at < entering.ends_at <= night:
        raise NotAtThatTime(
            f"A session that begins at {_at(entering.at, site)} ends later on that day, not at "
            f"{_at(entering.ends_at, site)}."
        )
    return entering.ends_at


def _refuse(db: Session, opened: OpenedVial, entering: Entering, site: Site) -> None:
    product = shelf.products(db, item_ids=[opened.item_id])[opened.item_id]
    if product.dose_class is not DoseClass.MULTI_DOSE:
        raise StaysInItsPlace(
            f"{product.sku} is no multi-dose vial: entering a treatment room does not make it one patient's."
        )
    if opened.closed_at is not None or not opened.remaining:
        raise VialClosed(f"Opened vial {opened.id} is used up or was discarded.")
    if opened.prepared_in is PreparedIn.TREATMENT_ROOM:
        raise InARoom(f"Opened vial {opened.id} is in a treatment room already, for {opened.patient_ref}.")
    if opened.patient_ref not in (None, entering.patient_ref):
        raise AnotherPatients(
            f"Opened vial {opened.id} is {opened.patient_ref}'s; it cannot enter a room for "
            f"{entering.patient_ref}."
        )
    for _, patient_ref, at in _served(db, opened, since=entering.at):
        if patient_ref != entering.patient_ref:
            raise AnotherPatients(
                f"{patient_ref} was served from opened vial {opened.id} at {_at(at, site)}: it was not in a "
                f"room with {entering.patient_ref} by then."
            )
    lot = lots.lot(db, opened.lot_id)
    if lot.state is not LotState.RELEASED:
        raise LotNotUsable(f"Opened vial {opened.id} is of lot {lot.number}, which is {lot.state}.")
    if opened.discard_at <= entering.at:
        raise LotNotUsable(
            f"Opened vial {opened.id} of lot {lot.number} was to be discarded by "
            f"{_at(opened.discard_at, site)}; it enters no room."
        )


def _limit(db: Session, opened: OpenedVial, site: Site, ends_at: datetime) -> Deadline:
    """The strictest limit of the vial in a treatment room, by the rules of the day it was opened."""
    return vials.discard_at(
        shelf.products(db, item_ids=[opened.item_id])[opened.item_id],
        expires_on=lots.lot(db, opened.lot_id).expires_on,
        opened_at=opened.opened_at,
        prepared_in=PreparedIn.TREATMENT_ROOM,
        site=site,
        rules=vials.rules_in_force(db, site, site.day(opened.opened_at)),
        session_ends_at=ends_at,
    )


def _served(db: Session, opened: OpenedVial, *, since: datetime) -> list[tuple[int, str, datetime]]:
    """The sessions that drew from a vial at or after an instant: key, patient, when; undone ones left out."""
    undone = sa.select(MOVEMENTS.c.corrects_id).where(
        MOVEMENTS.c.vial_id == opened.id, MOVEMENTS.c.corrects_id.isnot(None)
    )
    rows = db.execute(
        sa.select(TreatmentSession.id, TreatmentSession.patient_ref, DOCUMENTS.c.at)
        .join(DOCUMENTS, DOCUMENTS.c.id == TreatmentSession.document_id)
        .join(MOVEMENTS, MOVEMENTS.c.document_id == DOCUMENTS.c.id)
        .join(Place, Place.id == MOVEMENTS.c.target_id)
        .where(
            MOVEMENTS.c.vial_id == opened.id,
            Place.kind == PlaceKind.PATIENT,
            DOCUMENTS.c.at >= since,
            MOVEMENTS.c.id.notin_(undone),
        )
        .order_by(DOCUMENTS.c.at, TreatmentSession.id)
    )
    return [(key, patient_ref, at) for key, patient_ref, at in rows]


def _at(instant: datetime, site: Site) -> str:
    return f"{instant.astimezone(ZoneInfo(site.time_zone)):%Y-%m-%d %H:%M}"


def _clock(db: Session, opened: OpenedVial, instant: datetime) -> str:
    return _at(instant, db.get_one(Site, opened.site_id))
