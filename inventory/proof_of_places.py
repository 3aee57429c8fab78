"""The proof of places: whole containers in each, none in those given up, and what is on the way (S1, S8)."""

from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from inventory.balances import BALANCES
from inventory.catalog import Item
from inventory.clinic import PLACES, Place, PlaceKind
from inventory.database import table_of
from inventory.ledger import MOVEMENTS
from inventory.lots import Lot
from inventory.measures import ZERO, plain
from inventory.transfers import LINES, STEPS, Transfer

SEALED = (PlaceKind.SHELF, PlaceKind.QUARANTINE, PlaceKind.TRANSIT)
LOTS, TRANSFERS = table_of(Lot), table_of(Transfer)
NOTHING = sa.literal(ZERO, BALANCES.c.quantity.type)


def _sealed_is_whole(db: Session) -> Iterator[str]:
    """S1: what is sealed is a whole number of containers."""
    content = sa.type_coerce(Item.content, sa.BigInteger)
    rows = db.execute(
        sa.select(PLACES.c.code, LOTS.c.number, BALANCES.c.quantity, Item.content)
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
        .join(Item, Item.id == BALANCES.c.item_id)
        .where(
            PLACES.c.kind.in_(SEALED),
            BALANCES.c.quantity > ZERO,
            sa.type_coerce(BALANCES.c.quantity, sa.BigInteger) % content != 0,
        )
    )
    for place, number, held, whole in rows:
        yield f"{place} holds {plain(held)} of lot {number}, not whole containers of {plain(whole)}."
    source, target = aliased(Place), aliased(Place)
    opened = db.execute(
        sa.select(MOVEMENTS.c.id, MOVEMENTS.c.quantity, Item.content)
        .join(source, source.id == MOVEMENTS.c.source_id)
        .join(target, target.id == MOVEMENTS.c.target_id)
        .join(Item, Item.id == MOVEMENTS.c.item_id)
        .where(source.kind.in_(SEALED), target.kind == PlaceKind.OPENED, MOVEMENTS.c.quantity != Item.content)
    )
    for key, quantity, whole in opened:
        yield f"Movement {key} opened {plain(quantity)}, not one container of {plain(whole)}."


def _nothing_is_in_a_place_given_up(db: Session) -> Iterator[str]:
    """S8: a place is given up when it is empty, and nothing is put there afterwards."""
    rows = db.execute(
        sa.select(PLACES.c.code, LOTS.c.number, BALANCES.c.quantity)
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
        .where(BALANCES.c.quantity > ZERO, ~PLACES.c.active)
        .order_by(PLACES.c.id, LOTS.c.id)
    )
    for place, number, held in rows:
        yield f"{place} was given up and holds {plain(held)} of lot {number}."


def _transit_is_what_is_on_the_way(db: Session) -> Iterator[str]:
    """S8: what a site's transit holds of a lot is what its transfers have not delivered yet."""
    held = (
        sa.select(PLACES.c.site_id, BALANCES.c.lot_id, BALANCES.c.quantity.label("change"))
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .where(PLACES.c.kind == PlaceKind.TRANSIT)
    )
    open_lines = sa.select(TRANSFERS.c.from_site_id, LINES.c.lot_id, -LINES.c.left_quantity).join(
        TRANSFERS, TRANSFERS.c.id == LINES.c.transfer_id
    )
    both = sa.union_all(held, open_lines).subquery()
    over = sa.func.sum(both.c.change)
    rows = db.execute(
        sa.select(both.c.site_id, both.c.lot_id, over)
        .group_by(both.c.site_id, both.c.lot_id)
        .having(over != ZERO)
    )
    for site_id, lot_id, more in rows:
        yield f"Site {site_id} has {plain(more)} more of lot {lot_id} in transit than its transfers say."


def _transfers_are_their_movements(db: Session) -> Iterator[str]:
    """S8: what was sent, and what is left of it on the way, is what the movements of its steps add up to."""
    source, target = PLACES.alias("source"), PLACES.alias("target")
    transit = PlaceKind.TRANSIT
    change = sa.case((target.c.kind == transit, MOVEMENTS.c.quantity), else_=NOTHING) - sa.case(
        (source.c.kind == transit, MOVEMENTS.c.quantity), else_=NOTHING
    )
    first = MOVEMENTS.c.document_id == TRANSFERS.c.document_id
    moved = (
        sa.select(
            STEPS.c.transfer_id,
            MOVEMENTS.c.lot_id,
            change.label("left"),
            sa.case((first, MOVEMENTS.c.quantity), else_=NOTHING).label("sent"),
        )
        .join(MOVEMENTS, MOVEMENTS.c.document_id == STEPS.c.document_id)
        .join(TRANSFERS, TRANSFERS.c.id == STEPS.c.transfer_id)
        .join(source, source.c.id == MOVEMENTS.c.source_id)
        .join(target, target.c.id == MOVEMENTS.c.target_id)
    )
    said = sa.select(LINES.c.transfer_id, LINES.c.lot_id, -LINES.c.left_quantity, -LINES.c.sent_quantity)
    both = sa.union_all(moved, said).subquery()
    left, sent = sa.func.sum(both.c.left), sa.func.sum(both.c.sent)
    rows = db.execute(
        sa.select(both.c.transfer_id, both.c.lot_id, left, sent)
        .group_by(both.c.transfer_id, both.c.lot_id)
        .having(sa.or_(left != ZERO, sent != ZERO))
    )
    for key, lot_id, more_left, more_sent in rows:
        yield (
            f"Of lot {lot_id} the movements of transfer {key} sent {plain(more_sent)} more and leave "
            f"{plain(more_left)} more on the way than it says."
        )


def _what_is_in_transit_belongs_to_a_transfer(db: Session) -> Iterator[str]:
    """S8: nothing enters or leaves transit but by a step of a transfer."""
    step = sa.exists().where(STEPS.c.document_id == MOVEMENTS.c.document_id)
    source, target = aliased(Place), aliased(Place)
    rows = db.scalars(
        sa.select(MOVEMENTS.c.id)
        .join(source, source.id == MOVEMENTS.c.source_id)
        .join(target, target.id == MOVEMENTS.c.target_id)
        .where(sa.or_(source.kind == PlaceKind.TRANSIT, target.kind == PlaceKind.TRANSIT), ~step)
        .order_by(MOVEMENTS.c.id)
    )
    for key in rows:
        yield f"Movement {key} passed through transit and belongs to no transfer."


INVARIANTS: dict[str, Callable[[Session], Iterator[str]]] = {
    "sealed stock is whole containers": _sealed_is_whole,
    "places given up are empty": _nothing_is_in_a_place_given_up,
    "what is in transit is on the way": _transit_is_what_is_on_the_way,
    "transfers are their movements": _transfers_are_their_movements,
    "transit belongs to transfers": _what_is_in_transit_belongs_to_a_transfer,
}
"""Each invariant by the words that a breach names it with."""
