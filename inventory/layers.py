"""Cost layers: what stock cost, and which cost leaves with a quantity (C1, C2).

A receipt makes a layer of whole cents. `specific` draws the layers of the very lot, `fifo` the item's
oldest, `weighted_average` keeps one pool an item. Picking says which vial; layers say which cost.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.clinic import CostFormula
from inventory.database import MONEY, QUANTITY, Base, Prepared, add_rows, sql_list, table_of
from inventory.errors import Conflict
from inventory.measures import ZERO, plain, value_of_part
from inventory.questions import Question


class CostLayer(Base):
    """A quantity of an item and what it is worth: of one receipt, or the item's whole pool."""

    __tablename__ = "cost_layers"
    __table_args__ = (
        sa.CheckConstraint("quantity_left >= 0", name="quantity_not_negative"),
        sa.CheckConstraint("value_left >= 0", name="value_not_negative"),
        sa.CheckConstraint("quantity_left > 0 OR value_left = 0", name="no_value_without_stock"),
        sa.Index(None, "lot_id"),  # of all: one of live layers alone would be written at every draw
        sa.Index(
            "ix_cost_layers_item_id_left",
            "item_id",
            "received_on",
            "id",
            "quantity_left",
            "value_left",
            sqlite_where=sa.text("quantity_left > 0"),
            postgresql_where=sa.text("quantity_left > 0"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    lot_id: Mapped[int | None] = mapped_column(sa.ForeignKey("lots.id"))  # none: the item's pool
    received_on: Mapped[date]
    quantity_left: Mapped[Decimal] = mapped_column(QUANTITY)
    value_left: Mapped[Decimal] = mapped_column(MONEY)


LAYERS = table_of(CostLayer)


@dataclass(frozen=True, slots=True)
class Want:
    """So much of one lot is about to leave the clinic."""

    item_id: int
    lot_id: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Share:
    """What one layer gives to a want."""

    layer_id: int
    quantity: Decimal
    value: Decimal


class LayersRunOut(Conflict):
    """The cost layers hold less than the shelf: the books must be verified."""


class LayerSpent(Conflict):
    """What a receipt brought was used already, so the receipt cannot be taken back."""


def add(
    db: Session, formula: CostFormula, brought: Sequence[tuple[Want, Decimal]], *, received_on: date
) -> list[int]:
    """Add received quantities and their values to the layers; answers each one's layer."""
    if formula is CostFormula.WEIGHTED_AVERAGE:
        return [_add_to_pool(db, want, value, received_on) for want, value in brought]
    return add_rows(db, LAYERS, [_row(want, want.lot_id, value, received_on) for want, value in brought])


def _add_to_pool(db: Session, want: Want, value: Decimal, received_on: date) -> int:
    pool = db.scalar(
        sa.select(LAYERS.c.id).where(LAYERS.c.item_id == want.item_id, LAYERS.c.lot_id.is_(None))
    )
    if pool is None:
        return add_rows(db, LAYERS, [_row(want, None, value, received_on)])[0]
    give_back(db, [Share(pool, want.quantity, value)])
    return int(pool)


def _row(want: Want, lot_id: int | None, value: Decimal, received_on: date) -> dict[str, object]:
    return {
        "item_id": want.item_id,
        "lot_id": lot_id,
        "received_on": received_on,
        "quantity_left": want.quantity,
        "value_left": value,
    }


def take(db: Session, formula: CostFormula, wants: Sequence[Want]) -> list[tuple[Share, ...]]:
    """Draw each want from its layers by the formula, each share by rule C2; in the order of the wants.

    Raises LayersRunOut when the layers hold less than is wanted, which no balanced book does.
    """
    taken, drained = _drawn(db, formula, wants)
    _write(db, drained.values())
    return taken


def foretell(db: Session, formula: CostFormula, wants: Sequence[Want]) -> list[tuple[Share, ...]]:
    """What `take` would draw now, without drawing it."""
    return _drawn(db, formula, wants)[0]


def _drawn(
    db: Session, formula: CostFormula, wants: Sequence[Want]
) -> tuple[list[tuple[Share, ...]], dict[int, Share]]:
    """The shares of each want, and what is left of every layer that gives one."""
    queues = _queues(db, formula, wants)
    taken: list[tuple[Share, ...]] = []
    drained: dict[int, Share] = {}
    for want in wants:
        missing, shares = want.quantity, []
        queue = queues[_queue_key(formula, want.item_id, want.lot_id)]
        while missing:
            if not queue:
                raise LayersRunOut(
                    f"The layers lack {plain(missing)} of {plain(want.quantity)} for lot {want.lot_id}."
                )
            layer = queue[0]
            part = min(missing, layer.quantity)
            share = Share(layer.layer_id, part, value_of_part(layer.value, part, layer.quantity))
            shares.append(share)
            missing -= part
            left = Share(layer.layer_id, layer.quantity - part, layer.value - share.value)
            drained[left.layer_id] = left
            if left.quantity:
                queue[0] = left
            else:
                queue.pop(0)
        taken.append(tuple(shares))
    return taken, drained


@dataclass(frozen=True, slots=True)
class Worth:
    """What a stock is worth on hand."""

    quantity: Decimal
    value: Decimal

    @property
    def unit_cost(self) -> Decimal:
        """Per content unit, unrounded."""
        return self.value / self.quantity


def worth_of_lots(db: Session, lot_ids: Iterable[int]) -> dict[int, Worth]:
    """What each lot's own layers hold; empty for lots whose cost is in their item's pool."""
    return _worth(db, LAYERS.c.lot_id, lot_ids)


def worth_of_items(db: Session, item_ids: Iterable[int]) -> dict[int, Worth]:
    """What each item's layers hold together: its average cost is value over quantity (C4)."""
    return _worth(db, LAYERS.c.item_id, item_ids)


def _worth(db: Session, column: sa.ColumnElement[int], keys: Iterable[int]) -> dict[int, Worth]:
    rows = db.execute(
        sa.select(column, sa.func.sum(LAYERS.c.quantity_left), sa.func.sum(LAYERS.c.value_left))
        .where(column.in_(sql_list(keys)), LAYERS.c.quantity_left > sa.literal_column("0"))
        .group_by(column)
    )
    return {key: Worth(quantity, value) for key, quantity, value in rows}


def give_back(db: Session, shares: Iterable[Share]) -> None:
    """Return to the layers exactly what a reversed movement took from them."""
    db.execute(
        sa.update(LAYERS)
        .where(LAYERS.c.id == sa.bindparam("key"))
        .values(
            quantity_left=LAYERS.c.quantity_left
            + sa.bindparam("quantity", type_=LAYERS.c.quantity_left.type),
            value_left=LAYERS.c.value_left + sa.bindparam("value", type_=LAYERS.c.value_left.type),
        ),
        [{"key": share.layer_id, "quantity": share.quantity, "value": share.value} for share in shares],
        execution_options={"synchronize_session": False},
    )


def take_exactly(db: Session, share: Share) -> None:
    """Take back what a receipt brought. Raises LayerSpent when some of it was used."""
    layer = db.execute(
        sa.select(LAYERS.c.quantity_left, LAYERS.c.value_left).where(LAYERS.c.id == share.layer_id)
    ).one()
    quantity, value = layer.quantity_left - share.quantity, layer.value_left - share.value
    if quantity < 0 or value < 0 or (not quantity and value):
        raise LayerSpent(
            f"The receipt brought {plain(share.quantity)} for {share.value} and only "
            f"{plain(layer.quantity_left)} for {layer.value_left} of it is left. Write off or count instead."
        )
    _write(db, [Share(share.layer_id, quantity, value)])


def standing(
    db: Session, formula: CostFormula, layer_id: int, *, item_id: int, lot_id: int, received_on: date
) -> int:
    """The layer in which the cost of what a layer once gave or got is kept under the formula of today (C1).

    It is that layer itself, unless the formula changed since; none is left: an empty one is added.
    """
    key = found(db, formula, layer_id, item_id=item_id, lot_id=lot_id)
    if key is not None:
        return key
    wanted = None if formula is CostFormula.WEIGHTED_AVERAGE else lot_id
    return of_lot(db, item_id=item_id, lot_id=wanted, received_on=received_on)


def found(db: Session, formula: CostFormula, layer_id: int, *, item_id: int, lot_id: int) -> int | None:
    """What `standing` answers, where there is such a layer."""
    own = db.execute(sa.select(LAYERS.c.lot_id).where(LAYERS.c.id == layer_id)).one().lot_id
    wanted = None if formula is CostFormula.WEIGHTED_AVERAGE else lot_id
    if own == wanted or (formula is CostFormula.FIFO and own is not None):
        return layer_id
    return _of_lot(db, item_id, wanted)


def _of_lot(db: Session, item_id: int, lot_id: int | None) -> int | None:
    mine = sa.select(LAYERS.c.id).where(
        LAYERS.c.item_id == item_id, LAYERS.c.lot_id.is_not_distinct_from(lot_id)
    )
    return db.scalar(mine.order_by((LAYERS.c.quantity_left > ZERO).desc(), LAYERS.c.id.desc()).limit(1))


def of_lot(db: Session, *, item_id: int, lot_id: int | None, received_on: date) -> int:
    """A lot's layer that holds stock, else its newest, else a new one without stock; no lot: the pool."""
    key = _of_lot(db, item_id, lot_id)
    if key is not None:
        return key
    empty = {"item_id": item_id, "lot_id": lot_id, "received_on": received_on}
    return add_rows(db, LAYERS, [empty | {"quantity_left": ZERO, "value_left": ZERO}])[0]


def split(shares: Sequence[Share], first: Decimal) -> tuple[list[Share], list[Share]]:
    """Divide the shares into the first so much and the rest, without making or losing a cent."""
    before, after, missing = [], [], first
    for share in shares:
        part = min(missing, share.quantity)
        if part:
            value = value_of_part(share.value, part, share.quantity)
            before.append(Share(share.layer_id, part, value))
            missing -= part
        else:
            value = ZERO
        if part < share.quantity:
            after.append(Share(share.layer_id, share.quantity - part, share.value - value))
    assert not missing, (first, shares)
    return before, after


def _queue_key(formula: CostFormula, item_id: int, lot_id: int) -> int:
    return lot_id if formula is CostFormula.SPECIFIC else item_id


_LIVE = sa.select(LAYERS.c.id, LAYERS.c.quantity_left, LAYERS.c.value_left).where(
    LAYERS.c.quantity_left > sa.literal_column("0")
)
OLDEST_FIRST = (LAYERS.c.received_on, LAYERS.c.id)
OF_LOTS = Question(
    _LIVE.add_columns(LAYERS.c.lot_id)
    .where(LAYERS.c.lot_id.in_(sa.bindparam("lots", expanding=True)))
    .order_by(*OLDEST_FIRST)
)
OF_ITEM = {
    CostFormula.FIFO: _LIVE.where(
        LAYERS.c.item_id == sa.bindparam("item"), LAYERS.c.lot_id.is_not(None)
    ).order_by(*OLDEST_FIRST),
    CostFormula.WEIGHTED_AVERAGE: _LIVE.where(
        LAYERS.c.item_id == sa.bindparam("item"), LAYERS.c.lot_id.is_(None)
    ),
}
LEAVE = Prepared(
    sa.update(LAYERS)
    .where(LAYERS.c.id == sa.bindparam("key"))
    .values(
        quantity_left=sa.bindparam("quantity", type_=QUANTITY), value_left=sa.bindparam("value", type_=MONEY)
    ),
    ("key", "quantity", "value"),
)


def _queues(db: Session, formula: CostFormula, wants: Sequence[Want]) -> dict[int, list[Share]]:
    """The layers that wants may draw, oldest first, by lot or by item."""
    queues: dict[int, list[Share]] = defaultdict(list)
    if formula is CostFormula.SPECIFIC:
        for key, quantity, value, lot_id in OF_LOTS.ask(db, lots=sql_list(want.lot_id for want in wants)):
            queues[lot_id].append(Share(key, quantity, value))
        return queues
    needed: dict[int, Decimal] = defaultdict(Decimal)
    for want in wants:
        needed[want.item_id] += want.quantity
    for item_id, quantity in needed.items():
        held = ZERO
        # A lot has few receipts, an item may have thousands: stop reading when there is enough.
        with db.execute(OF_ITEM[formula], {"item": item_id}) as rows:
            for row in rows:
                queues[item_id].append(Share(*row))
                held += row.quantity_left
                if held >= quantity:
                    break
    return queues


def _write(db: Session, layers: Iterable[Share]) -> None:
    if rows := [(left.layer_id, left.quantity, left.value) for left in layers]:
        LEAVE.run(db, rows)
