"""The proof of the books: every invariant of the stock, checked against the raw facts.

`verify` answers what is broken, nothing when all holds. The database does the sums; here is what must be
so of quantities and values, `proof_of_use` has what must be so of those who used them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from inventory import proof_of_counts, proof_of_orders, proof_of_places, proof_of_use, proof_of_values
from inventory.adjustments import ADJUSTMENTS
from inventory.balances import BALANCES
from inventory.clinic import HELD, CostFormula, Place, PlaceKind, settings
from inventory.layers import LAYERS
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.lots import Lot
from inventory.measures import ZERO, plain
from inventory.receiving import Receipt
from inventory.vials import OpenedVial

MOST_SENTENCES = 20  # of one invariant: a broken book breaks everywhere

PLACES = Place.__table__
LOTS = Lot.__table__
VIALS = OpenedVial.__table__
RECEIPTS = Receipt.__table__


@dataclass(frozen=True)
class Breach:
    """One invariant that does not hold, and where."""

    invariant: str
    sentence: str


def verify(db: Session) -> list[Breach]:
    """Check every invariant against the raw facts; an empty list says that the books are sound."""
    db.flush()
    return [
        Breach(invariant, sentence)
        for invariant, check in INVARIANTS.items()
        for sentence in islice(check(db), MOST_SENTENCES)
    ]


def _balances_are_sums(db: Session) -> Iterator[str]:
    """I1, S8: what a place is said to hold of a lot is what came less what went."""
    kept = sa.select(
        BALANCES.c.place_id, BALANCES.c.lot_id, sa.literal(ZERO, BALANCES.c.quantity.type).label("change"),
        BALANCES.c.quantity,
    )  # fmt: skip
    moved = _changes()
    nothing = sa.literal(ZERO, BALANCES.c.quantity.type).label("quantity")
    both = sa.union_all(sa.select(moved.c.place_id, moved.c.lot_id, moved.c.change, nothing), kept).subquery()
    summed, said = sa.func.sum(both.c.change), sa.func.sum(both.c.quantity)
    rows = db.execute(
        sa.select(both.c.place_id, both.c.lot_id, summed, said)
        .group_by(both.c.place_id, both.c.lot_id)
        .having(summed != said)
    )
    for place_id, lot_id, total, balance in rows:
        yield (
            f"Place {place_id} is said to hold {plain(balance)} of lot {lot_id}; "
            f"its movements add up to {plain(total)}."
        )


def _balances_repeat_the_facts(db: Session) -> Iterator[str]:
    """S7, S12: the expiry beside a balance is the lot's, its latest day is the ledger's."""
    rows = db.execute(
        sa.select(BALANCES.c.place_id, LOTS.c.number, BALANCES.c.expires_on, LOTS.c.expires_on)
        .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
        .where(BALANCES.c.expires_on != LOTS.c.expires_on)
    )
    for place_id, number, said, is_so in rows:
        yield f"Place {place_id} says that lot {number} expires on {said}; the lot says {is_so}."
    moved = _changes()
    latest = (
        sa.select(moved.c.place_id, moved.c.lot_id, sa.func.max(moved.c.on).label("on"))
        .group_by(moved.c.place_id, moved.c.lot_id)
        .subquery()
    )
    late = db.execute(
        sa.select(BALANCES.c.place_id, BALANCES.c.lot_id, BALANCES.c.last_on, latest.c.on)
        .join(latest, sa.and_(latest.c.place_id == BALANCES.c.place_id, latest.c.lot_id == BALANCES.c.lot_id))
        .where(BALANCES.c.last_on != latest.c.on)
    )
    for place_id, lot_id, said, is_so in late:
        yield f"Place {place_id} says that lot {lot_id} last moved on {said}; it moved on {is_so}."


def _never_below_zero(db: Session) -> Iterator[str]:
    """I2, S8, S12: no place was ever below zero, neither as recorded nor in the order of the days."""
    for order, words in ((("id",), "as recorded"), (("on", "id"), "by date")):
        moved = _changes()
        running = sa.func.sum(moved.c.change).over(
            partition_by=(moved.c.place_id, moved.c.lot_id), order_by=[moved.c[name] for name in order]
        )
        walk = sa.select(
            moved.c.id, moved.c.place_id, moved.c.lot_id, moved.c.on, running.label("held")
        ).subquery()
        below = sa.select(walk).where(walk.c.held < ZERO).order_by(walk.c.on, walk.c.id)
        for key, place_id, lot_id, on, held in db.execute(below):
            yield (
                f"After movement {key} on {on} ({words}) place {place_id} held {plain(held)} of lot {lot_id}."
            )


def _vials_are_their_movements(db: Session) -> Iterator[str]:
    """I5, S4: what is left in a vial is its content less what was drawn and discarded; closed is empty."""
    into, out = aliased(Place), aliased(Place)
    came = sa.case((into.kind == PlaceKind.OPENED, MOVEMENTS.c.quantity), else_=ZERO)
    went = sa.case((out.kind == PlaceKind.OPENED, MOVEMENTS.c.quantity), else_=ZERO)
    sums = (
        sa.select(
            MOVEMENTS.c.vial_id, sa.func.sum(came).label("came"), sa.func.sum(went).label("went"),
            sa.func.min(MOVEMENTS.c.lot_id).label("lot"), sa.func.max(MOVEMENTS.c.lot_id).label("last_lot"),
        )
        .join(into, into.id == MOVEMENTS.c.target_id)
        .join(out, out.id == MOVEMENTS.c.source_id)
        .where(MOVEMENTS.c.vial_id.isnot(None))
        .group_by(MOVEMENTS.c.vial_id)
        .subquery()
    )  # fmt: skip
    left = sums.c.came - sums.c.went
    rows = db.execute(
        sa.select(VIALS.c.id, VIALS.c.remaining, sums.c.came, sums.c.went, VIALS.c.closed_at)
        .join(sums, sums.c.vial_id == VIALS.c.id, isouter=True)
        .where(
            sa.or_(
                sums.c.vial_id.is_(None),
                left != VIALS.c.remaining,
                sums.c.last_lot != VIALS.c.lot_id,
                sums.c.lot != VIALS.c.lot_id,
                sa.and_(VIALS.c.closed_at.isnot(None), VIALS.c.remaining != ZERO),
            )
        )
    )
    for key, remaining, came_in, went_out, closed_at in rows:
        yield (
            f"Opened vial {key} is said to hold {plain(remaining)}"
            + ("" if closed_at is None else f", though closed at {closed_at:%Y-%m-%d %H:%M}")
            + f"; {plain(came_in or ZERO)} came into it and {plain(went_out or ZERO)} left."
        )


def _opened_places_are_their_vials(db: Session) -> Iterator[str]:
    """I1, S4: what is opened at a site of a lot is what its opened vials hold."""
    held = (
        sa.select(PLACES.c.site_id, BALANCES.c.lot_id, BALANCES.c.quantity.label("change"))
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .where(PLACES.c.kind == PlaceKind.OPENED)
    )
    both = sa.union_all(held, sa.select(VIALS.c.site_id, VIALS.c.lot_id, -VIALS.c.remaining)).subquery()
    over = sa.func.sum(both.c.change)
    rows = db.execute(
        sa.select(both.c.site_id, both.c.lot_id, over)
        .group_by(both.c.site_id, both.c.lot_id)
        .having(over != ZERO)
    )
    for site_id, lot_id, more in rows:
        yield f"Site {site_id} has {plain(more)} more of lot {lot_id} opened than its vials hold."


def _value_moves_at_the_border(db: Session) -> Iterator[str]:
    """S8, C1: a movement's direction is its places', its day its document's; a layer only at the border."""
    source, target = aliased(Place), aliased(Place)
    crossing = sa.case((target.kind.in_(HELD), 1), else_=0) - sa.case((source.kind.in_(HELD), 1), else_=0)
    rows = db.scalars(
        sa.select(MOVEMENTS.c.id)
        .join(source, source.id == MOVEMENTS.c.source_id)
        .join(target, target.id == MOVEMENTS.c.target_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == MOVEMENTS.c.document_id)
        .join(LOTS, LOTS.c.id == MOVEMENTS.c.lot_id)
        .where(
            sa.or_(
                crossing != MOVEMENTS.c.direction,
                DOCUMENTS.c.on != MOVEMENTS.c.on,
                LOTS.c.item_id != MOVEMENTS.c.item_id,
                sa.and_(MOVEMENTS.c.direction != 0, MOVEMENTS.c.layer_id.is_(None)),
                sa.and_(MOVEMENTS.c.direction == 0, MOVEMENTS.c.layer_id.isnot(None)),
            )
        )
    )
    for key in rows:
        yield f"Movement {key} disagrees with its places, lot, document or layer."


def _layers_are_sums(db: Session) -> Iterator[str]:
    """I6, C2: a layer holds the quantity and value that its movements left, and no value without quantity."""
    signed = sa.select(
        MOVEMENTS.c.layer_id,
        _signed(MOVEMENTS.c.quantity).label("quantity"),
        _signed(MOVEMENTS.c.value).label("value"),
    ).where(MOVEMENTS.c.layer_id.isnot(None))
    adjusted = sa.select(ADJUSTMENTS.c.layer_id, ADJUSTMENTS.c.quantity, ADJUSTMENTS.c.value)
    left = sa.select(LAYERS.c.id, -LAYERS.c.quantity_left, -LAYERS.c.value_left)
    both = sa.union_all(signed, adjusted, left).subquery()
    quantity, value = sa.func.sum(both.c.quantity), sa.func.sum(both.c.value)
    rows = db.execute(
        sa.select(both.c.layer_id, quantity, value)
        .group_by(both.c.layer_id)
        .having(sa.or_(quantity != ZERO, value != ZERO))
    )
    for key, more, worth in rows:
        yield (f"The movements of layer {key} leave {plain(more)} and {worth} more than it holds.")
    for key in db.scalars(
        sa.select(LAYERS.c.id).where(LAYERS.c.quantity_left == ZERO, LAYERS.c.value_left != ZERO)
    ):
        yield f"Layer {key} is empty and still has a value."


def _layers_hold_the_stock(db: Session) -> Iterator[str]:
    """I6, C1: an item's layers hold what its places hold; a lot's too, where every cost is the receipt's."""
    by_item = [(LAYERS.c.item_id, BALANCES.c.item_id, "item")]
    pooled = settings(db).cost_formula is not CostFormula.SPECIFIC
    by_lot = [] if pooled else [(LAYERS.c.lot_id, BALANCES.c.lot_id, "lot")]
    for layer_key, balance_key, word in by_item + by_lot:
        both = sa.union_all(
            sa.select(layer_key.label("key"), LAYERS.c.quantity_left.label("change")),
            sa.select(balance_key, -BALANCES.c.quantity),
        ).subquery()
        over = sa.func.sum(both.c.change)
        rows = db.execute(sa.select(both.c.key, over).group_by(both.c.key).having(over != ZERO))
        for key, more in rows:
            yield f"The layers of {word} {key} hold {plain(more)} more than its places."


def _value_is_conserved(db: Session) -> Iterator[str]:
    """I8, B3: receipts ± adjustments = used + wasted + returned + on hand, for each item, to the cent."""
    source = aliased(Place)
    crossed = (
        sa.select(MOVEMENTS.c.item_id, _signed(MOVEMENTS.c.value).label("value"))
        .join(source, source.id == MOVEMENTS.c.source_id)
        .where(MOVEMENTS.c.direction != 0, source.kind != PlaceKind.SUPPLIER)
    )
    both = sa.union_all(
        sa.select(RECEIPTS.c.item_id, RECEIPTS.c.value.label("value")),
        crossed,
        sa.select(ADJUSTMENTS.c.item_id, ADJUSTMENTS.c.value),
        sa.select(LAYERS.c.item_id, -LAYERS.c.value_left),
    ).subquery()
    lost = sa.func.sum(both.c.value)
    rows = db.execute(sa.select(both.c.item_id, lost).group_by(both.c.item_id).having(lost != ZERO))
    for item_id, amount in rows:
        yield f"Item {item_id}: receipts exceed what was used, wasted, returned and is on hand by {amount}."


def _receipts_are_their_movements(db: Session) -> Iterator[str]:
    """S9: a receipt and its one movement say the same."""
    same = sa.and_(
        MOVEMENTS.c.document_id == RECEIPTS.c.document_id,
        MOVEMENTS.c.lot_id == RECEIPTS.c.lot_id,
        MOVEMENTS.c.quantity == RECEIPTS.c.quantity,
        MOVEMENTS.c.value == RECEIPTS.c.value,
        MOVEMENTS.c.layer_id == RECEIPTS.c.layer_id,
        MOVEMENTS.c.direction == 1,
        MOVEMENTS.c.on == RECEIPTS.c.received_on,
    )
    found = sa.func.count(MOVEMENTS.c.id)
    rows = db.execute(
        sa.select(RECEIPTS.c.id, found)
        .join(MOVEMENTS, same, isouter=True)
        .group_by(RECEIPTS.c.id)
        .having(found != 1)
    )
    for key, count in rows:
        yield f"Receipt {key} has {count} movements that say the same; it has one."


def _changes() -> Any:
    """Every change of what a held place has of a lot: +quantity where it came, -quantity whence it went."""
    sides = [
        sa.select(
            MOVEMENTS.c.id,
            MOVEMENTS.c.on,
            place.label("place_id"),
            MOVEMENTS.c.lot_id,
            change.label("change"),
        )
        .join(PLACES, PLACES.c.id == place)
        .where(PLACES.c.kind.in_(HELD))
        for place, change in (
            (MOVEMENTS.c.target_id, MOVEMENTS.c.quantity),
            (MOVEMENTS.c.source_id, -MOVEMENTS.c.quantity),
        )
    ]
    return sa.union_all(*sides).subquery()


def _signed(amount: sa.ColumnElement[Decimal]) -> sa.ColumnElement[Decimal]:
    """The amount as the clinic's stock feels it: what left is negative."""
    return sa.case((MOVEMENTS.c.direction > 0, amount), else_=-amount)


INVARIANTS: dict[str, Callable[[Session], Iterator[str]]] = {
    "balances are the sums of movements": _balances_are_sums,
    "balances repeat the facts": _balances_repeat_the_facts,
    "no place was ever below zero": _never_below_zero,
    "opened vials are their movements": _vials_are_their_movements,
    "opened places are their vials": _opened_places_are_their_vials,
    "value moves at the border": _value_moves_at_the_border,
    "layers are the sums of movements": _layers_are_sums,
    "layers hold the stock": _layers_hold_the_stock,
    "value is conserved": _value_is_conserved,
    "receipts are their movements": _receipts_are_their_movements,
    **proof_of_places.INVARIANTS,
    **proof_of_use.INVARIANTS,
    **proof_of_orders.INVARIANTS,
    **proof_of_counts.INVARIANTS,
    **proof_of_values.INVARIANTS,
}
"""Each invariant by the words that a breach names it with."""
