"""What a session used otherwise than its course was sold with: added, left out, changed, and why (P5)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.catalog import Ingredient, Item, ItemKind
from inventory.database import QUANTITY, Base, append_only, choice, one_of
from inventory.errors import Invalid
from inventory.measures import ZERO, plain
from inventory.treatments import Line


class ChangeKind(StrEnum):
    """How a product differs from what was sold."""

    ADDED = "added"
    LEFT_OUT = "left_out"
    CHANGED = "changed"


class SessionChange(Base):
    """One product that a session used otherwise than its course was sold with."""

    __tablename__ = "session_changes"
    __table_args__ = (one_of("kind", ChangeKind),)

    session_id: Mapped[int] = mapped_column(sa.ForeignKey("treatment_sessions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ChangeKind] = mapped_column(choice(ChangeKind))
    code: Mapped[str] = mapped_column(sa.String(40))  # the SKU, or the ingredient where that was sold
    sold: Mapped[Decimal] = mapped_column(QUANTITY)
    used: Mapped[Decimal] = mapped_column(QUANTITY)
    reason: Mapped[str] = mapped_column(sa.String(500))


append_only(SessionChange)


@dataclass(frozen=True)
class Change:
    """A product whose amount is not the one that was sold."""

    code: str
    sold: Decimal
    used: Decimal
    reason: str

    @property
    def kind(self) -> ChangeKind:
        """Whether it came on top, was left out, or is another amount."""
        if not self.sold:
            return ChangeKind.ADDED
        return ChangeKind.CHANGED if self.used else ChangeKind.LEFT_OUT


class ChangeNeedsReason(Invalid):
    """A session that uses other products or amounts than were sold says why."""


def changes(db: Session, sold: Sequence[Line], used: Sequence[Line], *, reason: str = "") -> list[Change]:
    """How the products used differ from those sold; consumables are nobody's choice and are left aside.

    Raises ChangeNeedsReason where neither the call nor the product's own line says why.
    """
    items = _injectables(db, [line.sku for line in (*sold, *used) if line.sku])
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    given: dict[str, Decimal] = defaultdict(Decimal)
    reasons: dict[str, str] = {}
    for line in sold:
        if line.sku is None or line.sku in items:
            wanted[line.sku or line.ingredient or ""] += line.quantity
    for line in used:
        if line.sku is not None and line.sku not in items:
            continue
        code = _code(line, wanted, items)
        given[code] += line.quantity
        if line.reason.strip():
            reasons.setdefault(code, line.reason.strip())
    found = [
        Change(code, wanted.get(code, ZERO), given.get(code, ZERO), reason.strip() or reasons.get(code, ""))
        for code in dict.fromkeys((*wanted, *given))
        if wanted.get(code, ZERO) != given.get(code, ZERO)
    ]
    if silent := [one for one in found if not one.reason]:
        told = "; ".join(
            f"{one.code}: {plain(one.used)} instead of {plain(one.sold)}"
            if one.sold
            else f"{one.code}: {plain(one.used)} besides"
            for one in silent
        )
        raise ChangeNeedsReason(f"This differs from what the course was sold with ({told}): say why.")
    return found


def keep(db: Session, session_id: int, found: Sequence[Change]) -> None:
    """Keep how a session differed from what was sold."""
    db.add_all(
        SessionChange(
            session_id=session_id,
            position=position,
            kind=one.kind,
            code=one.code,
            sold=one.sold,
            used=one.used,
            reason=one.reason[:500],
        )
        for position, one in enumerate(found, start=1)
    )
    db.flush()


def of_session(db: Session, session_id: int) -> Sequence[SessionChange]:
    """How a session differed from what was sold, in the order of its products."""
    return db.scalars(
        sa.select(SessionChange)
        .where(SessionChange.session_id == session_id)
        .order_by(SessionChange.position)
    ).all()


def _injectables(db: Session, skus: Sequence[str]) -> dict[str, str]:
    """The items among these that are injected, each with its ingredient."""
    rows = db.execute(
        sa.select(Item.sku, Ingredient.code)
        .outerjoin(Ingredient, Ingredient.id == Item.ingredient_id)
        .where(Item.sku.in_(sorted(set(skus))), Item.kind == ItemKind.INJECTABLE)
    )
    return {sku: code or "" for sku, code in rows}


def _code(line: Line, wanted: Mapping[str, Decimal], items: Mapping[str, str]) -> str:
    """Under which product that was sold a line counts; an item serves for the ingredient that it holds."""
    if line.sku is None:
        return line.ingredient or ""
    ingredient = items[line.sku]
    return ingredient if line.sku not in wanted and ingredient in wanted else line.sku
