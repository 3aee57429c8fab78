"""Transfers: sealed containers leave one site's shelves, are on the way, and are received at another (S8).

What is on the way is the clinic's, in the valuation, and of use to nobody until it is received. Every
document of a transfer is one of its steps, so what is left on the way is what its movements say.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import catalog, clinic, layers, ledger, lots, moving, places
from inventory.balances import LotFacts
from inventory.catalog import Item
from inventory.clinic import PlaceKind, Site
from inventory.database import QUANTITY, Base, append_only, table_of
from inventory.errors import Conflict, NotFound
from inventory.layers import Want
from inventory.ledger import Act, Document, DocumentKind, Move, Movement, WasteReason
from inventory.lots import Lot, LotState
from inventory.measures import ZERO, plain, quantity
from inventory.moving import Load, NothingToMove, SamePlace
from inventory.vials import LotNotUsable


class Transfer(Base):
    """Stock that was sent from a site to another; its document says who sent it and when."""

    __tablename__ = "transfers"
    __table_args__ = (
        sa.UniqueConstraint("document_id"),
        sa.CheckConstraint("from_site_id <> to_site_id", name="goes_elsewhere"),
        sa.Index(None, "from_site_id", "id"),
        sa.Index(None, "to_site_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    from_site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    to_site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))


class TransferLine(Base):
    """How much of one lot was sent, and how much of it is still on the way: kept beside the movements."""

    __tablename__ = "transfer_lines"
    __table_args__ = (
        sa.CheckConstraint("sent_quantity > 0", name="sent_positive"),
        sa.CheckConstraint("left_quantity >= 0", name="left_not_negative"),
        sa.CheckConstraint("left_quantity <= sent_quantity", name="left_of_what_was_sent"),
        sa.Index(None, "lot_id"),
    )

    transfer_id: Mapped[int] = mapped_column(sa.ForeignKey("transfers.id"), primary_key=True)
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    sent_quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    left_quantity: Mapped[Decimal] = mapped_column(QUANTITY)


class TransferStep(Base):
    """A document that belongs to a transfer: sent, received, cancelled, held back, or corrected."""

    __tablename__ = "transfer_steps"
    __table_args__ = (sa.Index(None, "transfer_id"),)

    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"), primary_key=True)
    transfer_id: Mapped[int] = mapped_column(sa.ForeignKey("transfers.id"))


append_only(Transfer)
append_only(TransferStep)
LINES, STEPS = table_of(TransferLine), table_of(TransferStep)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of one lot: so much to a shelf, and so much that did not arrive as it should have."""

    lot: Lot
    received: Decimal
    missing: Decimal = ZERO
    reason: WasteReason | None = None
    place: str = ""  # the code of the shelf; none: the first that the label allows


class UnknownTransfer(NotFound):
    """No transfer has this key."""


class NotOnTheWay(Conflict):
    """It arrived already, came back, or was never sent with this transfer."""


def send(
    db: Session, loads: Sequence[Load], *, source: Site, target: Site, at: datetime, recorded_at: datetime,
    by: str, note: str = "",
) -> Transfer:  # fmt: skip
    """Send sealed containers to another site; until they are received there they are on the way.

    Raises SamePlace, NothingToMove, NotOnTheShelf, vials.LotNotUsable for what is expired or held back,
    places.WrongTemperature where the target has no shelf for it, and what `moving.move` raises.
    """
    if source.id == target.id:
        raise SamePlace(f"{target.code} is where it is: a transfer goes to another site.")
    items = moving.ready(db, loads, to=target.code)
    places.shelf_for(db, target, list(items.values()))
    on = source.day(at)
    _refuse_unusable(db, loads, items, on=on, at=at, backdated=at < recorded_at)
    taken = moving.take(db, loads, clinic.shelves(db, source.id), site=source)
    act = Act(source.id, on, at, recorded_at, by, reference=f"to {target.code}", note=note)
    document_id = ledger.open_document(db, DocumentKind.TRANSFER, act)
    transit = clinic.places(db, source.id)[PlaceKind.TRANSIT]
    moves = [Move(one.lot, one.place_id, transit, one.quantity) for one in taken]
    ledger.post(db, document_id, on, moves, held=frozenset(clinic.held_places(db)))
    sent = Transfer(document_id=document_id, from_site_id=source.id, to_site_id=target.id)
    db.add(sent)
    db.flush()
    db.add(TransferStep(document_id=document_id, transfer_id=sent.id))
    whole: dict[LotFacts, Decimal] = defaultdict(Decimal)
    for one in taken:
        whole[one.lot] += one.quantity
    db.add_all(
        TransferLine(
            transfer_id=sent.id,
            lot_id=facts.id,
            item_id=facts.item_id,
            sent_quantity=much,
            left_quantity=much,
        )
        for facts, much in whole.items()
    )
    db.flush()
    return sent


def receive(
    db: Session, subject: Transfer, arrivals: Sequence[Arrival], *, at: datetime, recorded_at: datetime,
    by: str, note: str = "",
) -> int:  # fmt: skip
    """Put what arrived on shelves of the target site, and write off what did not; answers the document.

    What is not named stays on the way. Raises NotOnTheWay, NothingToMove, places.WrongTemperature,
    places.NotAShelf, catalog.NotWholeContainers, balances.WouldHaveBeenNegative.
    """
    lines, target = lines_of(db, subject), db.get_one(Site, subject.to_site_id)
    if not arrivals:
        raise NothingToMove("Say how much of each lot arrived, or did not.")
    sent = db.get_one(Document, subject.document_id)
    if at < sent.at:
        raise NotOnTheWay(f"Transfer {subject.id} was sent on {sent.on}; it cannot have arrived before that.")
    gone: dict[int, Decimal] = defaultdict(Decimal)
    for arrival in arrivals:
        _check_arrival(db, arrival)
        gone[arrival.lot.id] += arrival.received + arrival.missing
    _refuse_what_is_not_on_the_way(db, subject, lines, gone)
    on = max(target.day(at), sent.on)  # west of the sender it may still be yesterday
    moves = [one for arrival in arrivals for one in _arrive(db, subject, arrival, target=target, on=on)]
    act = Act(target.id, on, at, recorded_at, by, reference=f"transfer {subject.id}", note=note)
    document_id = ledger.open_document(db, DocumentKind.TRANSFER, act)
    ledger.post(db, document_id, on, moves, held=frozenset(clinic.held_places(db)))
    take_off(db, subject, lines, gone, document_id)
    return document_id


def cancel(
    db: Session, subject: Transfer, *, at: datetime, recorded_at: datetime, by: str, reason: str = ""
) -> int:
    """Take what is still on the way back to the shelves that it left; answers the document.

    Raises NotOnTheWay when nothing is.
    """
    lines, source = lines_of(db, subject), db.get_one(Site, subject.from_site_id)
    sent = db.get_one(Document, subject.document_id)
    left = {key: line.left_quantity for key, line in lines.items() if line.left_quantity}
    if not left or at < sent.at:
        raise NotOnTheWay(f"Of transfer {subject.id} nothing is on the way that could come back.")
    on = max(source.day(at), sent.on)
    act = Act(source.id, on, at, recorded_at, by, reference=f"transfer {subject.id}", note=reason)
    document_id = ledger.open_document(db, DocumentKind.TRANSFER, act)
    moves = [
        Move(facts, transit, shelf_id, part, reason=reason[:200] or None)
        for facts, transit, shelf_id, part in _way_back(db, subject, source, left)
    ]
    ledger.post(db, document_id, on, moves, held=frozenset(clinic.held_places(db)))
    take_off(db, subject, lines, left, document_id)
    return document_id


def lines_of(db: Session, subject: Transfer) -> dict[int, TransferLine]:
    """The transfer's lines by lot, locked and read anew: somebody else may have received them."""
    items = db.scalars(sa.select(LINES.c.item_id).where(LINES.c.transfer_id == subject.id)).all()
    ledger.lock_items(db, items)
    found = db.scalars(
        sa.select(TransferLine)
        .where(TransferLine.transfer_id == subject.id)
        .order_by(TransferLine.lot_id)
        .execution_options(populate_existing=True)
    )
    return {line.lot_id: line for line in found}


def take_off(
    db: Session,
    subject: Transfer,
    lines: Mapping[int, TransferLine],
    gone: Mapping[int, Decimal],
    document_id: int,
) -> None:
    """Record a step of a transfer, and how much of each lot is no longer on the way after it."""
    _refuse_what_is_not_on_the_way(db, subject, lines, gone)
    for lot_id, much in gone.items():
        lines[lot_id].left_quantity -= much
    db.add(TransferStep(document_id=document_id, transfer_id=subject.id))
    db.flush()


def transfer(db: Session, key: int) -> Transfer:
    """The transfer with this key. Raises UnknownTransfer."""
    found = db.get(Transfer, key)
    if found is None:
        raise UnknownTransfer(f"No transfer has the key {key}.")
    return found


def _refuse_unusable(
    db: Session, loads: Sequence[Load], items: Mapping[int, Item], *, on: date, at: datetime, backdated: bool
) -> None:
    held_then = lots.held_at(db, [load.lot.id for load in loads], at) if backdated else set()
    for load in loads:
        lot, sku = load.lot, items[load.lot.item_id].sku
        if lot.state is not LotState.RELEASED or lot.id in held_then:
            state = lot.state if lot.state is not LotState.RELEASED else "held back then"
            raise LotNotUsable(f"Lot {lot.number} of {sku} is {state}; it stays where it is.")
        if lot.expires_on < on:
            raise LotNotUsable(
                f"Lot {lot.number} of {sku} expired on {lot.expires_on}; write it off instead."
            )


def _check_arrival(db: Session, arrival: Arrival) -> None:
    item = db.get_one(Item, arrival.lot.item_id)
    lot, much = arrival.lot, arrival.received + arrival.missing
    for part in (arrival.received, arrival.missing):
        if quantity(part) < 0:
            raise NothingToMove(f"Of lot {lot.number} {plain(part)} cannot have arrived.")
        catalog.whole_containers(item, part)
    if not much:
        raise NothingToMove(f"Of lot {lot.number} nothing arrived and nothing is missing: leave it out.")
    if arrival.missing and arrival.reason in (None, WasteReason.SINGLE_DOSE_REMAINDER):
        raise NothingToMove(f"{plain(arrival.missing)} of lot {lot.number} did not arrive: say why.")


def _arrive(db: Session, subject: Transfer, arrival: Arrival, *, target: Site, on: date) -> list[Move]:
    """The moves of one lot that arrived: to its shelf, and what is missing to waste with its cost."""
    db.refresh(arrival.lot)
    lot, item = arrival.lot, db.get_one(Item, arrival.lot.item_id)
    there = clinic.places(db, target.id)
    transit = clinic.places(db, subject.from_site_id)[PlaceKind.TRANSIT]
    facts = LotFacts(lot.id, lot.item_id, lot.expires_on, on)  # it was not there before
    moves = []
    if arrival.received:
        if lot.state is not LotState.RELEASED:
            to = there[PlaceKind.QUARANTINE]
        elif arrival.place:
            to = places.shelf(db, target, arrival.place, items=[item]).id
        else:
            to = places.shelf_for(db, target, [item])[item.id]
        moves.append(Move(facts, transit, to, arrival.received))
    if arrival.missing:
        assert arrival.reason is not None, arrival
        formula = clinic.settings(db).cost_formula
        (shares,) = layers.take(db, formula, [Want(lot.item_id, lot.id, arrival.missing)])
        moves += [
            Move(
                facts, transit, there[PlaceKind.WASTE], share.quantity, direction=-1, value=share.value,
                layer_id=share.layer_id, reason=arrival.reason.value,
            )
            for share in shares
        ]  # fmt: skip
    return moves


def _way_back(
    db: Session, subject: Transfer, source: Site, left: Mapping[int, Decimal]
) -> list[tuple[LotFacts, int, int, Decimal]]:
    """For each lot on the way: from the transit to which of the shelves that it left, and how much."""
    there = clinic.places(db, source.id)
    shelves = clinic.shelves(db, source.id)
    came = db.execute(
        sa.select(Movement.lot_id, Movement.source_id, Movement.quantity)
        .where(Movement.document_id == subject.document_id)
        .order_by(Movement.id)
    ).all()
    back = []
    for lot_id, missing in left.items():
        lot = lots.lot(db, lot_id)
        db.refresh(lot)
        facts = LotFacts(lot.id, lot.item_id, lot.expires_on, lot.received_on)
        for _, shelf_id, sent in [row for row in came if row.lot_id == lot_id]:
            part = min(missing, sent)
            if not part:
                continue
            if lot.state is not LotState.RELEASED:
                shelf_id = there[PlaceKind.QUARANTINE]
            elif shelf_id not in shelves:
                shelf_id = there[PlaceKind.SHELF]
            places.hold(db, [shelf_id])
            back.append((facts, there[PlaceKind.TRANSIT], shelf_id, part))
            missing -= part
    return back


def _refuse_what_is_not_on_the_way(
    db: Session, subject: Transfer, lines: Mapping[int, TransferLine], gone: Mapping[int, Decimal]
) -> None:
    for lot_id, much in gone.items():
        line = lines.get(lot_id)
        left = line.left_quantity if line else ZERO
        if much > left or (line is not None and left - much > line.sent_quantity):
            raise NotOnTheWay(
                f"Transfer {subject.id} has {plain(left)} of lot {lots.lot(db, lot_id).number} on the way, "
                f"not {plain(much)}."
            )
