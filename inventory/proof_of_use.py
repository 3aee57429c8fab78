"""The proof of use: who was given what, and whether that was right (S4, S7, S8, B4).

Only the replay that proves FEFO walks the ledger; it remembers no more than what is on the shelves.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from inventory import periods
from inventory.adjustments import CHANGES
from inventory.clinic import Place, PlaceKind
from inventory.ledger import DOCUMENTS, MOVEMENTS, DocumentKind
from inventory.lots import Lot, LotEvent, LotState
from inventory.measures import ZERO, plain
from inventory.rooms import RoomEntry
from inventory.treatments import TreatmentSession
from inventory.vials import OpenedVial, PreparedIn

AT_ONCE = 5_000

LOTS = Lot.__table__
VIALS = OpenedVial.__table__
EVENTS = LotEvent.__table__
SESSIONS = TreatmentSession.__table__
ENTRIES = RoomEntry.__table__


def _nothing_expired_was_used(db: Session) -> Iterator[str]:
    """I3, S7: no patient received what was past its last day, or past its vial's time."""
    rows = db.execute(
        _uses(MOVEMENTS.c.id, MOVEMENTS.c.on, LOTS.c.number, LOTS.c.expires_on)
        .join(LOTS, LOTS.c.id == MOVEMENTS.c.lot_id)
        .where(MOVEMENTS.c.on > LOTS.c.expires_on)
    )
    for key, on, number, expires_on in rows:
        yield f"Movement {key} used lot {number} on {on}; it expired on {expires_on}."
    drawn = db.execute(
        _uses(MOVEMENTS.c.id, DOCUMENTS.c.at, VIALS.c.id, VIALS.c.opened_at, VIALS.c.discard_at)
        .join(VIALS, VIALS.c.id == MOVEMENTS.c.vial_id)
        .where(sa.or_(DOCUMENTS.c.at >= VIALS.c.discard_at, DOCUMENTS.c.at < VIALS.c.opened_at))
    )
    for key, at, vial_id, opened_at, discard_at in drawn:
        yield (
            f"Movement {key} used opened vial {vial_id} at {at:%Y-%m-%d %H:%M} UTC; "
            f"it was good from {opened_at:%Y-%m-%d %H:%M} to {discard_at:%Y-%m-%d %H:%M}."
        )


def _nothing_held_was_used(db: Session) -> Iterator[str]:
    """I3, S7, S10: no patient received what was in quarantine or recalled at that moment."""
    latest = (
        sa.select(EVENTS.c.id)
        .where(EVENTS.c.lot_id == MOVEMENTS.c.lot_id, EVENTS.c.at < DOCUMENTS.c.at)
        .order_by(EVENTS.c.at.desc(), EVENTS.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    used = (
        _uses(MOVEMENTS.c.id, DOCUMENTS.c.at, MOVEMENTS.c.lot_id, latest.label("event_id"))
        .where(MOVEMENTS.c.lot_id.in_(sa.select(EVENTS.c.lot_id)))
        .subquery()
    )
    rows = db.execute(
        sa.select(used.c.id, used.c.at, EVENTS.c.state, EVENTS.c.at, used.c.lot_id, LOTS.c.number)
        .join(LOTS, LOTS.c.id == used.c.lot_id)
        .join(EVENTS, EVENTS.c.id == used.c.event_id)
        .where(EVENTS.c.state != LotState.RELEASED)
    ).all()
    for key, at, state, since, lot_id, number in rows:
        if _was_held(db, key, lot_id, since):
            yield f"Movement {key} used lot {number} at {at:%Y-%m-%d %H:%M} UTC, when it was {state}."


def _was_held(db: Session, key: int, lot_id: int, since: datetime) -> bool:
    """Whether a lot was held when a movement took of it by the order of the ledger, too, which knows who was
    first whatever the clocks said (I24): what is held goes into quarantine, what is released out of it."""
    source = aliased(Place)
    carried = db.execute(
        sa.select(MOVEMENTS.c.id, DOCUMENTS.c.at, source.kind)
        .join(DOCUMENTS, DOCUMENTS.c.id == MOVEMENTS.c.document_id)
        .join(source, source.id == MOVEMENTS.c.source_id)
        .where(MOVEMENTS.c.lot_id == lot_id, DOCUMENTS.c.kind == DocumentKind.HOLD)
        .order_by(MOVEMENTS.c.id)
    ).all()
    first = next((number for number, at, _ in carried if at == since), None)
    if first is None:  # nothing was carried: the moment decides
        return True
    between = [kind for number, _, kind in carried if first <= number < key]
    return bool(between) and between[-1] is not PlaceKind.QUARANTINE


def _no_vial_was_ever_below_zero(db: Session) -> Iterator[str]:
    """I2, I5, S12: by date too, no opened vial ever gave more than was in it."""
    source, target = aliased(Place), aliased(Place)
    change = sa.case((target.kind == PlaceKind.OPENED, MOVEMENTS.c.quantity), else_=-MOVEMENTS.c.quantity)
    held = sa.func.sum(change).over(
        partition_by=MOVEMENTS.c.vial_id, order_by=[MOVEMENTS.c.on, MOVEMENTS.c.id]
    )
    walk = (
        sa.select(MOVEMENTS.c.id, MOVEMENTS.c.on, MOVEMENTS.c.vial_id, held.label("held"))
        .join(source, source.id == MOVEMENTS.c.source_id)
        .join(target, target.id == MOVEMENTS.c.target_id)
        .where(
            MOVEMENTS.c.vial_id.isnot(None),
            sa.or_(source.kind == PlaceKind.OPENED, target.kind == PlaceKind.OPENED),
        )
        .subquery()
    )
    below = sa.select(walk).where(walk.c.held < ZERO).order_by(walk.c.on, walk.c.id)
    for key, on, vial_id, left in db.execute(below):
        yield f"After movement {key} on {on} opened vial {vial_id} held {plain(left)}."


def _one_patients_vial_served_one(db: Session) -> Iterator[str]:
    """S4: once a vial is one patient's it serves nobody else; before that it may have been shared."""
    used = (
        _uses(MOVEMENTS.c.id, MOVEMENTS.c.vial_id, SESSIONS.c.patient_ref, VIALS.c.patient_ref.label("owner"))
        .join(VIALS, VIALS.c.id == MOVEMENTS.c.vial_id)
        .join(SESSIONS, SESSIONS.c.document_id == MOVEMENTS.c.document_id)
        .where(VIALS.c.patient_ref.isnot(None))
        .subquery()
    )
    by_owner = used.alias("by_owner")
    own = sa.exists().where(
        by_owner.c.vial_id == used.c.vial_id,
        by_owner.c.patient_ref == by_owner.c.owner,
        by_owner.c.id < used.c.id,
    )
    for key, vial_id, patient_ref, owner in db.execute(
        sa.select(used).where(used.c.patient_ref != used.c.owner, own)
    ):
        yield f"Movement {key} gave {patient_ref} from opened vial {vial_id}, which is {owner}'s."


def _rooms_kept_their_patients(db: Session) -> Iterator[str]:
    """S4: a vial that entered a room served nobody else from then on, and not beyond the session."""
    corrected = sa.select(ENTRIES.c.corrects_id).where(ENTRIES.c.corrects_id.isnot(None))
    stands = sa.and_(ENTRIES.c.corrects_id.is_(None), ENTRIES.c.id.notin_(corrected))
    served = db.execute(
        _uses(MOVEMENTS.c.id, MOVEMENTS.c.vial_id, SESSIONS.c.patient_ref, ENTRIES.c.patient_ref)
        .join(SESSIONS, SESSIONS.c.document_id == MOVEMENTS.c.document_id)
        .join(ENTRIES, ENTRIES.c.vial_id == MOVEMENTS.c.vial_id)
        .where(stands, DOCUMENTS.c.at >= ENTRIES.c.at, SESSIONS.c.patient_ref != ENTRIES.c.patient_ref)
    )
    for key, vial_id, patient_ref, owner in served:
        yield f"Movement {key} gave {patient_ref} from opened vial {vial_id}, which was in {owner}'s room."
    kept = sa.and_(
        VIALS.c.prepared_in == PreparedIn.TREATMENT_ROOM,
        VIALS.c.patient_ref == ENTRIES.c.patient_ref,
        VIALS.c.discard_at <= ENTRIES.c.ends_at,
        VIALS.c.discard_at <= ENTRIES.c.discard_at_before,
    )
    rows = db.execute(
        sa.select(VIALS.c.id, ENTRIES.c.patient_ref)
        .join(ENTRIES, ENTRIES.c.vial_id == VIALS.c.id)
        .where(stands, sa.not_(kept))
    )
    for vial_id, owner in rows:
        yield f"Opened vial {vial_id} entered the room of {owner} and is not said to be theirs alone."


def _reversals_mirror(db: Session) -> Iterator[str]:
    """S8: a correction moves back exactly what it corrects, once, and not before it."""
    first = MOVEMENTS.alias("first")
    came_from, went_to, taken_from, back_at = (aliased(Place) for _ in range(4))
    same = [
        MOVEMENTS.c[name].is_not_distinct_from(first.c[name])
        for name in ("item_id", "lot_id", "quantity", "value", "vial_id")
    ]
    if db.scalar(sa.select(CHANGES.c.id).limit(1)) is None:  # else the cost is kept in another layer (C1)
        same.append(MOVEMENTS.c.layer_id.is_not_distinct_from(first.c.layer_id))
    mirrors = sa.and_(
        *same, _stands_for(back_at, came_from), _stands_for(taken_from, went_to),
        MOVEMENTS.c.direction == -first.c.direction, MOVEMENTS.c.on >= first.c.on,
        first.c.corrects_id.is_(None),
    )  # fmt: skip
    rows = db.execute(
        sa.select(MOVEMENTS.c.id, first.c.id)
        .join(first, first.c.id == MOVEMENTS.c.corrects_id)
        .join(came_from, came_from.id == first.c.source_id)
        .join(went_to, went_to.id == first.c.target_id)
        .join(taken_from, taken_from.id == MOVEMENTS.c.source_id)
        .join(back_at, back_at.id == MOVEMENTS.c.target_id)
        .where(sa.not_(mirrors))
    )
    for key, corrected in rows:
        yield f"Movement {key} corrects movement {corrected} and is not its mirror."
    twice = db.scalars(
        sa.select(MOVEMENTS.c.corrects_id)
        .where(MOVEMENTS.c.corrects_id.isnot(None))
        .group_by(MOVEMENTS.c.corrects_id)
        .having(sa.func.count() > 1)
    )
    for key in twice:
        yield f"Movement {key} was corrected more than once."


def _stands_for(now: Any, then: Any) -> sa.ColumnElement[bool]:
    """Whether sealed stock of one place may be kept in another by now: held back, released, moved on."""
    sealed = (PlaceKind.SHELF, PlaceKind.QUARANTINE)
    within = sa.and_(then.kind.in_(sealed), now.kind.in_(sealed), now.site_id == then.site_id)
    on_the_way = sa.and_(then.kind == PlaceKind.TRANSIT, now.kind == PlaceKind.QUARANTINE)
    return sa.or_(now.id == then.id, within, on_the_way)


def _closed_months_stayed_closed(db: Session) -> Iterator[str]:
    """B4: nothing was recorded in a month after it was closed."""
    for closing in periods.history(db):
        closed = sa.and_(DOCUMENTS.c.on <= closing.until, DOCUMENTS.c.recorded_at > closing.at)
        if closing.reopened_at is not None:
            closed = sa.and_(closed, DOCUMENTS.c.recorded_at <= closing.reopened_at)
        for key, on in db.execute(sa.select(DOCUMENTS.c.id, DOCUMENTS.c.on).where(closed)):
            yield (f"Document {key} is dated {on} and was recorded after {closing.month:%Y-%m} was closed.")


@dataclass
class _Shelves:
    """What each shelf held of each item as the ledger went, and which lots were held back when."""

    expires: Mapping[int, tuple[str, date]]
    events: Mapping[int, list[tuple[datetime, LotState]]]
    beside: Mapping[int, Sequence[int]]  # the shelves of each shelf's site
    stock: dict[tuple[int, int], dict[int, Decimal]] = field(default_factory=lambda: defaultdict(dict))
    since: dict[tuple[int, int], date] = field(default_factory=dict)

    def change(self, place_id: int, item_id: int, lot_id: int, change: Decimal, on: date) -> None:
        row = self.stock[place_id, item_id]
        row[lot_id] = row.get(lot_id, ZERO) + change
        if not row[lot_id]:
            del row[lot_id]
        if change > 0:
            self.since[place_id, lot_id] = min(on, self.since.get((place_id, lot_id), on))

    def passed_over(
        self, place_id: int, item_id: int, taken: int, *, on: date, moments: tuple[datetime, datetime]
    ) -> list[str]:
        """The lots that were usable at both moments, expire before the one taken, and are still there."""
        last = self.expires[taken][1]
        return [
            self.expires[lot_id][0]
            for shelf_id in self.beside[place_id]
            for lot_id in self.stock[shelf_id, item_id]
            if on <= self.expires[lot_id][1] < last
            and self.since[shelf_id, lot_id] <= on
            and all(self._released(lot_id, at) for at in moments)
        ]

    def _released(self, lot_id: int, at: datetime) -> bool:
        state = LotState.RELEASED
        for since, becomes in self.events.get(lot_id, ()):
            if since <= at:
                state = becomes
        return state is LotState.RELEASED


def _first_expired_went_first(db: Session) -> Iterator[str]:
    """I4, S7: without a reason no session took a sealed lot while one that expires sooner stayed."""
    kinds: dict[int, PlaceKind] = dict(db.execute(sa.select(Place.id, Place.kind)).all())
    events: dict[int, list[tuple[datetime, LotState]]] = defaultdict(list)
    for lot_id, at, state in db.execute(
        sa.select(EVENTS.c.lot_id, EVENTS.c.at, EVENTS.c.state).order_by(EVENTS.c.at, EVENTS.c.id)
    ):
        events[lot_id].append((at, state))
    lots = db.execute(sa.select(LOTS.c.id, LOTS.c.number, LOTS.c.expires_on))
    shelves = _Shelves({key: (number, expires) for key, number, expires in lots}, events, _beside(db))
    for _, rows in groupby(_replay(db), key=lambda row: row.document_id):
        movements = list(rows)
        for row in movements:
            for place_id, change in ((row.source_id, -row.quantity), (row.target_id, row.quantity)):
                if kinds[place_id] is PlaceKind.SHELF:
                    shelves.change(place_id, row.item_id, row.lot_id, change, row.on)
        if movements[0].kind is DocumentKind.SESSION:
            yield from _judge(shelves, movements, kinds)


def _beside(db: Session) -> dict[int, list[int]]:
    """The shelves of the same site, itself included, by shelf: FEFO is the site's, not the cupboard's."""
    sites: dict[int, list[int]] = defaultdict(list)
    for key, site_id in db.execute(sa.select(Place.id, Place.site_id).where(Place.kind == PlaceKind.SHELF)):
        sites[site_id].append(key)
    return {key: keys for keys in sites.values() for key in keys}


def _judge(shelves: _Shelves, movements: list[Any], kinds: Mapping[int, PlaceKind]) -> Iterator[str]:
    excused = {row.lot_id for row in movements if row.reason and kinds[row.target_id] is PlaceKind.PATIENT}
    taken = {
        row.lot_id: row
        for row in movements
        if kinds[row.source_id] is PlaceKind.SHELF and row.lot_id not in excused
    }
    for lot_id, row in taken.items():
        # What was held back then could not be used then, nor what was by the time it was recorded.
        moments = (row.at, row.recorded_at)
        sooner = shelves.passed_over(row.source_id, row.item_id, lot_id, on=row.on, moments=moments)
        if sooner:
            yield (
                f"Document {row.document_id} took lot {shelves.expires[lot_id][0]} on {row.on} without "
                f"a reason; lot {', '.join(sooner)} expires sooner and stayed."
            )


def _replay(db: Session) -> Iterator[Any]:
    """Every movement with its document, in the order in which acts were recorded."""
    statement = (
        sa.select(
            MOVEMENTS.c.document_id, MOVEMENTS.c.on, MOVEMENTS.c.item_id, MOVEMENTS.c.lot_id,
            MOVEMENTS.c.source_id, MOVEMENTS.c.target_id, MOVEMENTS.c.quantity, MOVEMENTS.c.reason,
            DOCUMENTS.c.kind, DOCUMENTS.c.at, DOCUMENTS.c.recorded_at,
        )
        .join(DOCUMENTS, DOCUMENTS.c.id == MOVEMENTS.c.document_id)
        .order_by(MOVEMENTS.c.document_id, MOVEMENTS.c.id)
    )  # fmt: skip
    return iter(db.execute(statement, execution_options={"yield_per": AT_ONCE}))


def _uses(*columns: Any) -> sa.Select[Any]:
    """Select columns of movements to patients, with their documents; what was reversed is left out."""
    undone = MOVEMENTS.alias("undone")
    return (
        sa.select(*columns)
        .select_from(MOVEMENTS)
        .join(Place, Place.id == MOVEMENTS.c.target_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == MOVEMENTS.c.document_id)
        .where(
            Place.kind == PlaceKind.PATIENT,
            ~sa.exists().where(undone.c.corrects_id == MOVEMENTS.c.id),
        )
    )


INVARIANTS: dict[str, Callable[[Session], Iterator[str]]] = {
    "nothing past its date was used": _nothing_expired_was_used,
    "nothing held back was used": _nothing_held_was_used,
    "no opened vial was ever below zero": _no_vial_was_ever_below_zero,
    "one patient's vial served one patient": _one_patients_vial_served_one,
    "a vial in a treatment room stayed its patient's": _rooms_kept_their_patients,
    "reversals mirror what they correct": _reversals_mirror,
    "closed months stayed closed": _closed_months_stayed_closed,
    "first expired went first": _first_expired_went_first,
}
"""Each invariant by the words that a breach names it with."""
