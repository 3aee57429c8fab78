"""Cost variance: what a session took against what its quote reckoned, split into price and usage (C6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.catalog import Ingredient, Item, ItemKind
from inventory.ledger import MOVEMENTS
from inventory.measures import ZERO, to_cents
from inventory.treatments import TreatmentSession
from pricing import course_records, quote_records
from pricing.course_records import Course, CourseSession, SessionState
from pricing.quote_records import Quote


@dataclass(frozen=True)
class Variance:
    """One product of a session: what the quote reckoned, what it took, and why the two differ."""

    code: str
    name: str
    unit: str
    quoted_quantity: Decimal  # with what is discarded, in the content unit
    quoted: Decimal
    actual_quantity: Decimal
    actual: Decimal
    price: Decimal  # what it cost more by the unit, for all that was taken
    usage: Decimal  # what was taken more, at the unit cost of the quote

    @property
    def total(self) -> Decimal:
        """Actual less quoted: price and usage together."""
        return self.price + self.usage


@dataclass(frozen=True)
class SessionVariance:
    """All products of a session; each figure is the sum of theirs."""

    number: int
    lines: tuple[Variance, ...]
    quoted: Decimal
    actual: Decimal
    price: Decimal
    usage: Decimal

    @property
    def total(self) -> Decimal:
        """Actual less quoted."""
        return self.price + self.usage


@dataclass(frozen=True)
class _Amount:
    """So much of a product, and what it cost."""

    key: tuple[str, int]
    code: str
    name: str
    unit: str
    quantity: Decimal
    cost: Decimal


def split(
    quoted_quantity: Decimal, quoted: Decimal, actual_quantity: Decimal, actual: Decimal
) -> tuple[Decimal, Decimal]:
    """Price and usage variance, in whole cents that add up to actual less quoted.

    Usage is the quantity beyond the quote at the quote's unit cost; price is the unit cost beyond the quote's
    for all that was taken. What was not quoted has no unit cost to compare with: all of it is usage.
    """
    if not quoted_quantity:
        return ZERO, actual - quoted
    usage = to_cents((actual_quantity - quoted_quantity) * quoted / quoted_quantity)
    return actual - quoted - usage, usage


def of_session(db: Session, subject: Course, session: CourseSession) -> SessionVariance | None:
    """The variance of one session of a course; none while it is to come, or where it never took place."""
    return next((one for one in of_course(db, subject) if one.number == session.number), None)


def of_course(db: Session, subject: Course) -> tuple[SessionVariance, ...]:
    """The variance of each session that took place, in their order; labour and overhead are no stock."""
    quote = db.get_one(Quote, subject.quote_id)
    quoted = _quoted(db, quote)
    listed = course_records.sessions(db, subject)
    taken = _taken(db, [one.session_id for one in listed if one.session_id is not None])
    return tuple(
        _compared(one.number, quoted.get(one.number, []), taken.get(one.session_id or 0, []))
        for one in listed
        if one.state in (SessionState.PERFORMED, SessionState.WITHOUT_STOCK)
    )


def together(sessions: Sequence[SessionVariance]) -> SessionVariance | None:
    """All sessions of a course in one; none while none took place."""
    if not sessions:
        return None
    return _summed(0, tuple(line for one in sessions for line in one.lines))


def _compared(number: int, quoted: Iterable[_Amount], taken: Iterable[_Amount]) -> SessionVariance:
    """Products by what they are: one item serves for another of the same ingredient."""
    before, after = _merged(quoted), _merged(taken)
    lines = []
    for key in sorted(before.keys() | after.keys(), key=lambda one: (before | after)[one].name):
        known = after.get(key) or before[key]
        was, is_ = before.get(key), after.get(key)
        amounts = (
            was.quantity if was else ZERO,
            was.cost if was else ZERO,
            is_.quantity if is_ else ZERO,
            is_.cost if is_ else ZERO,
        )
        lines.append(Variance(known.code, known.name, known.unit, *amounts, *split(*amounts)))
    return _summed(number, tuple(lines))


def _summed(number: int, lines: tuple[Variance, ...]) -> SessionVariance:
    return SessionVariance(
        number=number,
        lines=lines,
        quoted=sum((one.quoted for one in lines), ZERO),
        actual=sum((one.actual for one in lines), ZERO),
        price=sum((one.price for one in lines), ZERO),
        usage=sum((one.usage for one in lines), ZERO),
    )


def _merged(amounts: Iterable[_Amount]) -> dict[tuple[str, int], _Amount]:
    found: dict[tuple[str, int], _Amount] = {}
    for one in amounts:
        like = found.get(one.key)
        found[one.key] = (
            one
            if like is None
            else _Amount(
                like.key, like.code, like.name, like.unit, like.quantity + one.quantity, like.cost + one.cost
            )
        )
    return found


FIELDS = (
    Item.id, Item.sku, Item.name, Item.unit, Item.kind, Item.ingredient_id, Ingredient.name.label("holds"),
)  # fmt: skip


def _amount(row: Any, quantity: Decimal, cost: Decimal) -> _Amount:
    if row.kind is ItemKind.INJECTABLE and row.ingredient_id is not None:
        key = (f"ingredient {row.unit}", row.ingredient_id)
        return _Amount(key, row.sku, row.holds, row.unit.value, quantity, cost)
    return _Amount(("item", row.id), row.sku, row.name, row.unit.value, quantity, cost)


def _quoted(db: Session, quote: Quote) -> dict[int, list[_Amount]]:
    """What the quote reckoned for each session."""
    lines = [one for one in quote_records.lines_of(db, quote) if one.item_id is not None]
    items = {
        row.id: row
        for row in db.execute(
            sa.select(*FIELDS)
            .outerjoin(Ingredient, Ingredient.id == Item.ingredient_id)
            .where(Item.id.in_(sorted({one.item_id for one in lines if one.item_id is not None})))
        )
    }
    found: dict[int, list[_Amount]] = {}
    for line in lines:
        much = line.quantity + line.discarded
        found.setdefault(line.session, []).append(_amount(items[line.item_id], much, line.actual))
    return found


def _taken(db: Session, session_ids: Sequence[int]) -> dict[int, list[_Amount]]:
    """What each session took from stock, with what it discarded, less what was taken back of it (S8)."""
    undone = MOVEMENTS.alias("undone")
    rows = db.execute(
        sa.select(
            TreatmentSession.id.label("session"),
            *FIELDS,
            sa.func.sum(MOVEMENTS.c.quantity).label("quantity"),
            sa.func.sum(MOVEMENTS.c.value).label("value"),
        )
        .join(MOVEMENTS, MOVEMENTS.c.document_id == TreatmentSession.document_id)
        .join(Item, Item.id == MOVEMENTS.c.item_id)
        .outerjoin(Ingredient, Ingredient.id == Item.ingredient_id)
        .outerjoin(undone, undone.c.corrects_id == MOVEMENTS.c.id)
        .where(TreatmentSession.id.in_(session_ids), MOVEMENTS.c.direction < 0, undone.c.id.is_(None))
        .group_by(TreatmentSession.id, *FIELDS[:-1], Ingredient.name)
    )
    found: dict[int, list[_Amount]] = {}
    for row in rows:
        found.setdefault(row.session, []).append(_amount(row, row.quantity, row.value))
    return found
