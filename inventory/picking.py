"""Choosing which containers to use: first expired, first out, over opened vials and sealed lots (S7).

This is the rule itself and touches no database; `shelf` reads what it chooses from.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from inventory.balances import LotFacts
from inventory.errors import Conflict
from inventory.measures import ZERO, fit
from inventory.vials import Product


@dataclass(frozen=True, slots=True)
class Container:
    """An opened vial, or the sealed containers of one lot, that may be drawn from."""

    product: Product
    lot: LotFacts
    lot_number: str
    held: Decimal
    deadline: datetime  # effective: an opened vial's `discard_at`, a sealed lot's expiry
    vial_id: int | None = None
    in_room: bool = False  # an opened vial that entered the treatment room
    last_on: date = date.max  # the latest day on which the place's stock of the lot moved; max: not known
    place_id: int = 0  # the shelf on which it stands; an opened vial stands where its site keeps those

    @property
    def order(self) -> tuple[datetime, bool, date, int, int]:
        """FEFO: by deadline, an opened vial first on a tie, then by receipt, then by keys (S7)."""
        return (self.deadline, self.vial_id is None, self.lot.received_on, self.lot.id, self.place_id)

    @property
    def key(self) -> tuple[int, int, int | None]:
        """What tells it from every other: one lot may stand on several shelves."""
        return (self.lot.id, self.place_id, self.vial_id)


@dataclass(frozen=True, slots=True)
class Draw:
    """What is taken from one container or lot: used, discarded at once, or left in an opened vial."""

    container: Container
    opened: int  # sealed containers opened for it
    used: Decimal
    discarded: Decimal = ZERO
    kept: Decimal = ZERO


@dataclass(frozen=True)
class Need:
    """What a session calls for: an item, or an ingredient in whichever of its items comes first."""

    quantity: Decimal
    product_ids: tuple[int, ...]
    label: str  # the SKU or ingredient code, for sentences
    unit: str
    lot_id: int | None = None
    vial_id: int | None = None
    reason: str = ""

    @property
    def picky(self) -> bool:
        """Whether a lot or an opened vial was named."""
        return self.lot_id is not None or self.vial_id is not None

    def may_take(self, one: Container) -> bool:
        """Whether it is the named one; where none is named, any."""
        return (self.lot_id is None or one.lot.id == self.lot_id) and (
            self.vial_id is None or one.vial_id == self.vial_id
        )


class NotEnoughStock(Conflict):
    """The usable stock cannot supply the whole session; nothing has moved (S7)."""


class NotFirstToExpire(Conflict):
    """Another lot than FEFO's was asked for without a reason (S7)."""


def plan(needed: Decimal, containers: Sequence[Container], *, loss: Decimal) -> tuple[list[Draw], Decimal]:
    """Draw `needed` from containers in FEFO order; answers the draws and what is still missing.

    Single-dose and kit: whole containers, the smallest n with n x (content + overfill) >= dose + loss,
    the rest discarded (S3). Others: by content, the last container opened keeps its rest (S4). `loss` is
    added once for each product that is drawn with a syringe.
    """
    missing, draws, drawn_from = needed, [], set()
    covered: dict[int, Decimal] = defaultdict(Decimal)  # by one-patient product: stock and overfill
    for container in sorted(containers, key=lambda one: one.order):
        if not missing:
            break
        product = container.product
        if product.loses_on_drawing and product.id not in drawn_from:
            missing += loss
        drawn_from.add(product.id)
        if container.vial_id is not None:
            used = min(container.held, missing)
            draws.append(Draw(container, 0, used))
            missing -= used
            continue
        single = product.dose_class.one_patient
        effective = product.content + (product.overfill if single else ZERO)
        count = min(fit(missing, effective), container.held // product.content)
        served = min(missing, count * effective)
        missing -= served
        if single:
            covered[product.id] += served
            draws.append(Draw(container, int(count), ZERO))
        elif count:
            draws.append(Draw(container, int(count), served, kept=count * product.content - served))
    return _share_use(draws, covered), missing


def _share_use(draws: list[Draw], covered: dict[int, Decimal]) -> list[Draw]:
    """Say of each one-patient container how much of its content was used; the rest is discarded (S3).

    Overfill serves the dose only after all the labelled content, whichever lots it came from.
    """
    content: dict[int, Decimal] = defaultdict(Decimal)
    for draw in draws:
        content[draw.container.product.id] += draw.opened * draw.container.product.content
    left = {product: min(served, content[product]) for product, served in covered.items()}
    settled = []
    for draw in draws:
        product = draw.container.product
        if product.id in left:
            whole = draw.opened * product.content
            used = min(left[product.id], whole)
            left[product.id] -= used
            draw = Draw(draw.container, draw.opened, used, whole - used)
        settled.append(draw)
    return settled


def choose(need: Need, containers: Sequence[Container], *, loss: Decimal) -> tuple[list[Draw], Decimal]:
    """FEFO's draws, or those from the lot or vial that the need names with a reason (S7).

    Raises NotFirstToExpire when the named one would do, but is not FEFO's choice and no reason is given.
    """
    if not need.picky:
        return plan(need.quantity, containers, loss=loss)
    named = [one for one in containers if need.may_take(one)]
    draws, missing = plan(need.quantity, named, loss=loss)
    first, _ = plan(need.quantity, containers, loss=loss)
    chosen, due_first = _containers(draws), _containers(first)
    if chosen != due_first and not missing and not need.reason:
        due = ", ".join(dict.fromkeys(draw.container.lot_number for draw in first)) or "none"
        raise NotFirstToExpire(f"{need.label}: lot {due} expires first; taking another needs a reason.")
    return draws, missing


def _containers(draws: Sequence[Draw]) -> list[tuple[int, int | None]]:
    return [(draw.container.lot.id, draw.container.vial_id) for draw in draws]
