"""Posting a count: all its differences become one document with who and why, or none does (S11, B1).

The document is dated when the last line was counted. What is missing goes out by the cost formula, what was
found comes in as a layer of its own at the lot's last known cost, so that a reversal can give and take back
exactly. Afterwards a place holds what was counted there and what has come and gone since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import balances, clinic, count_book, counts, differences, layers, ledger, stocktake
from inventory.balances import LotFacts
from inventory.clinic import CostFormula, PlaceKind, Site
from inventory.counts import LINES, Count, CountState
from inventory.database import MONEY, QUANTITY
from inventory.differences import Difference, Differences
from inventory.errors import Conflict, Invalid
from inventory.layers import Share, Want
from inventory.ledger import Act, DocumentKind, Move
from inventory.lots import LotState
from inventory.measures import ZERO, plain
from inventory.vials import OpenedVial


@dataclass(frozen=True)
class Posted:
    """What a posted count has done."""

    count: Count
    document_id: int
    differences: Differences


class NotAllCounted(Conflict):
    """Some lines of the sheet have no number."""


class SecondCountNeeded(Conflict):
    """A large difference is counted a second time before it is posted."""


class MovedWhileCounted(Conflict):
    """Stock moved between the first and the last container of a line: nobody knows on which side."""


class DifferencesChanged(Conflict):
    """The differences are others than those that were looked at."""


class CountOutdated(Conflict):
    """What is missing by the count has gone by the book since."""


class NoReasonGiven(Invalid):
    """A count is posted with a reason."""


def post(
    db: Session,
    subject: Count,
    *,
    at: datetime,
    by: str,
    reason: str,
    leave_uncounted: bool = False,
    seen: str | None = None,
) -> Posted:
    """Post the differences of a count as one document, and end it.

    `seen` is the digest of the differences that were looked at. Lines without a number are left as they are
    where `leave_uncounted` says so. Raises CountEnded, NotAllCounted, SecondCountNeeded, MovedWhileCounted,
    DifferencesChanged, CountOutdated, NoReasonGiven, periods.PeriodClosed (B4),
    balances.WouldHaveBeenNegative (S12).
    """
    if not reason.strip():
        raise NoReasonGiven("Say why the count is posted: it is kept with who posted it.")
    counts.refuse_ended(db, subject)
    ledger.lock_items(db, [spot.item_id for spot in count_book.spots(db, subject.id).values()])
    db.expire_all()  # what was read before the lock may have moved since
    found = differences.differences(db, subject)
    _refuse(found, leave_uncounted=leave_uncounted, seen=seen)
    site = db.get_one(Site, subject.site_id)
    counted_at = max((line.counted_at for line in found.lines if line.counted_at), default=at)
    act = Act(
        site.id, site.day(counted_at), counted_at, at, by, reference=f"count {subject.id}", note=reason[:500]
    )
    document_id = ledger.open_document(db, DocumentKind.COUNT, act)
    _settle_vials(db, found.differing, at=counted_at)
    if moves := _moves(db, site, found, reason[:200]):
        ledger.post(db, document_id, act.on, moves, held=frozenset(clinic.held_places(db)))
    _keep(db, found)
    stocktake.end(subject, CountState.POSTED, at=at, by=by, reason=reason[:500])
    subject.document_id = document_id
    db.flush()
    return Posted(subject, document_id, found)


def _refuse(found: Differences, *, leave_uncounted: bool, seen: str | None) -> None:
    left = found.uncounted
    if len(left) == len(found.lines) and left:
        raise NotAllCounted("Nothing is counted yet.")
    if left and not leave_uncounted:
        raise NotAllCounted(
            f"{len(left)} of {len(found.lines)} lines have no number, the first is lot {left[0].lot_number} "
            f"of {left[0].sku} at {left[0].place}: count them, or say what becomes of them."
        )
    if found.unsteady:
        line = found.unsteady[0]
        raise MovedWhileCounted(
            f"Lot {line.lot_number} of {line.sku} at {line.place} moved while it was being counted: "
            "count it again."
        )
    if found.outdated:
        raise CountOutdated(_gone(found.outdated[0]))
    if found.again:
        first = found.again[0]
        raise SecondCountNeeded(
            f"{len(found.again)} differences are so large that they are counted a second time, the first is "
            f"{_spoken(first)}."
        )
    if seen is not None and seen != found.digest:
        raise DifferencesChanged(
            "Something was counted or recorded since you looked: the differences are others now. "
            "Look at them again."
        )


def _gone(one: Difference) -> str:
    line = one.line
    what = f"opened vial {line.vial_id}" if line.vial_id is not None else f"lot {line.lot_number}"
    return (
        f"{plain(abs(one.change))} {line.unit} {'more' if one.change > 0 else 'less'} than the book was "
        f"counted of {what} of {line.sku} at {line.place}, and since then it was used up or moved by the "
        "book: count it again, or take its number back."
    )


def _spoken(one: Difference) -> str:
    line = one.line
    more = "more" if one.change > 0 else "less"
    return f"lot {line.lot_number} of {line.sku}: {plain(abs(one.change))} {line.unit} {more} than the book"


@dataclass
class _Desk:
    """What a posting is put together with: who has how much of each lot while it is being written."""

    site: Site
    places: dict[PlaceKind, int]
    facts: Mapping[int, LotFacts]
    held: dict[tuple[int, int], Decimal]  # by place and lot, sealed
    reason: str
    moves: list[Move]

    def give(self, one: Difference, quantity: Decimal) -> list[tuple[int, Decimal]]:
        """From which places so much of a line goes: its own, and where its lot was held back to since."""
        line = one.line
        if not line.sealed:
            return [(line.place_id, quantity)]
        parts, missing = [], quantity
        for place_id in (line.place_id, self.places[PlaceKind.QUARANTINE]):
            part = min(missing, self.held[place_id, line.lot_id])
            if part:
                self.held[place_id, line.lot_id] -= part
                parts.append((place_id, part))
                missing -= part
        if missing:
            raise CountOutdated(_gone(one))
        return parts

    def goal(self, one: Difference) -> int:
        """Where what was found goes: what is held back is not put among what may be used (S10)."""
        if one.line.sealed and one.line.lot_state is not LotState.RELEASED:
            return self.places[PlaceKind.QUARANTINE]
        return one.line.place_id

    def move(self, one: Difference, source_id: int, target_id: int, quantity: Decimal, **more: Any) -> None:
        """Add a movement of a line's lot."""
        facts = self.facts[one.line.lot_id]
        self.moves.append(Move(facts, source_id, target_id, quantity, reason=self.reason, **more))


def _moves(db: Session, site: Site, found: Differences, reason: str) -> list[Move]:
    """What lay elsewhere first, then what is missing, then what was found."""
    lot_ids = [one.line.lot_id for one in found.differing]
    desk = _Desk(
        site=site,
        places=clinic.places(db, site.id),
        facts=balances.lot_facts(db, lot_ids),
        held=count_book.places_hold(db, lot_ids),
        reason=reason,
        moves=[],
    )
    formula = clinic.settings(db).cost_formula
    _carry_misplaced(desk, found.differing)
    _take_missing(db, desk, found.differing, formula)
    _bring_found(db, desk, found.differing, formula)
    return desk.moves


def _carry_misplaced(desk: _Desk, differing: Sequence[Difference]) -> None:
    """Carry a lot from where it is missing to where it was found; nothing crosses the border."""
    room = {one.line.id: one.moved for one in differing if one.moved > 0}
    for one in differing:
        left = -one.moved
        for there in differing:
            part = min(left, room.get(there.line.id, ZERO))
            if part <= 0 or there.line.lot_id != one.line.lot_id:
                continue
            goal = desk.goal(there)
            for source, share in desk.give(one, part):
                desk.held[goal, one.line.lot_id] += share
                if source != goal:
                    desk.move(one, source, goal, share)
            room[there.line.id] -= part
            left -= part


def _take_missing(db: Session, desk: _Desk, differing: Sequence[Difference], formula: CostFormula) -> None:
    """What is nowhere goes out, layer by layer."""
    missing = [one for one in differing if one.crossing < 0]
    wants = [Want(one.line.item_id, one.line.lot_id, -one.crossing) for one in missing]
    for one, taken in zip(missing, layers.take(db, formula, wants), strict=True):
        assert taken == one.shares, (taken, one.shares)
        rest: Sequence[Share] = taken
        for source, part in desk.give(one, -one.crossing):
            mine, rest = layers.split(rest, part)
            for share in mine:
                desk.move(
                    one,
                    source,
                    desk.places[PlaceKind.COUNT],
                    share.quantity,
                    direction=-1,
                    value=share.value,
                    layer_id=share.layer_id,
                    vial_id=one.line.vial_id,
                )


def _bring_found(db: Session, desk: _Desk, differing: Sequence[Difference], formula: CostFormula) -> None:
    """What was found comes in as a layer of the age of its lot's last receipt."""
    for one in differing:
        if one.crossing <= 0:
            continue
        assert one.layer_from is not None, one
        want = Want(one.line.item_id, one.line.lot_id, one.crossing)
        (layer_id,) = layers.add(db, formula, [(want, one.value)], received_on=one.layer_from)
        desk.move(
            one,
            desk.places[PlaceKind.COUNT],
            desk.goal(one),
            one.crossing,
            direction=1,
            value=one.value,
            layer_id=layer_id,
            vial_id=one.line.vial_id,
        )


def _settle_vials(db: Session, differing: Sequence[Difference], *, at: datetime) -> None:
    """Carry the opened vials along; one of which nothing is left is closed."""
    for one in differing:
        line = one.line
        if line.vial_id is None:
            continue
        vial = db.get_one(OpenedVial, line.vial_id, populate_existing=True)
        vial.remaining += one.change
        vial.closed_at = None if vial.remaining else at
    db.flush()


def _keep(db: Session, found: Differences) -> None:
    """Write beside each counted line what its posting did; one without a difference changed nothing."""
    values = {one.line.id: one.value for one in found.differing}
    rows = [
        {"key": line.id, "was": line.change, "worth": values.get(line.id, ZERO)}
        for line in found.lines
        if line.change is not None
    ]
    if rows:
        db.connection().execute(
            sa.update(LINES)
            .where(LINES.c.id == sa.bindparam("key"))
            .values(change=sa.bindparam("was", type_=QUANTITY), value=sa.bindparam("worth", type_=MONEY)),
            rows,
        )
