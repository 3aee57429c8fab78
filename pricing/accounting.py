"""The books: the chart of accounts, and the journal that the stock ledger's movements make (B1, B3).

No entry is ever written down: each is reckoned from the movements of one document by one table, so that
journal and stock cannot disagree. Sales and payments will be further sources of `journal`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.catalog import Item, ItemKind
from inventory.clinic import HELD, Place, PlaceKind
from inventory.database import Base, choice, one_of
from inventory.ledger import DOCUMENTS, MOVEMENTS, DocumentKind, WasteReason
from inventory.measures import ZERO

CHUNK = 500  # documents read at a time: what a journal of any length holds in memory


class AccountKind(StrEnum):
    """What an account collects."""

    ASSET = "asset"
    CONTRA_ASSET = "contra asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    REVENUE = "revenue"
    CONTRA_REVENUE = "contra revenue"
    COST_OF_SALES = "cost of sales"
    EXPENSE = "expense"


class Side(StrEnum):
    """The column of a journal line."""

    DEBIT = "debit"
    CREDIT = "credit"


class Statement(StrEnum):
    """The report in which an account stands."""

    BALANCE_SHEET = "balance sheet"
    PROFIT_AND_LOSS = "profit and loss"


class Account(Base):
    """One account of the clinic's chart, and what other software calls its type (B6)."""

    __tablename__ = "accounts"
    __table_args__ = (
        one_of("kind", AccountKind),
        one_of("normal_balance", Side),
        one_of("statement", Statement),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(10), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[AccountKind] = mapped_column(choice(AccountKind))
    normal_balance: Mapped[Side] = mapped_column(choice(Side))
    statement: Mapped[Statement] = mapped_column(choice(Statement))
    xero_type: Mapped[str] = mapped_column(sa.String(40), default="")
    qbo_type: Mapped[str] = mapped_column(sa.String(60), default="")
    tax_default: Mapped[str] = mapped_column(sa.String(20), default="")
    description: Mapped[str] = mapped_column(sa.String(300), default="")
    illustrative: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(sa.String(500), default="")


GRNI = "2050"
DISCARD = "5020"
EXPIRED = "5100"
WRITTEN_OFF = "5110"
DIFFERENCES = "5120"

INVENTORY = {
    ItemKind.INJECTABLE: "1200",
    ItemKind.CONSUMABLE: "1210",
    ItemKind.TOPICAL: "1210",
    ItemKind.RETAIL: "1220",
}
TREATMENT = {
    ItemKind.INJECTABLE: "5000",
    ItemKind.CONSUMABLE: "5010",
    ItemKind.TOPICAL: "5010",
    ItemKind.RETAIL: "5030",
}
"""Retail goods leave by sale; used in a session they are still the cost of goods for retail."""

INVENTORY_ACCOUNTS = frozenset(INVENTORY.values())
TREATMENT_ACCOUNTS = frozenset(TREATMENT.values())


class Flow(StrEnum):
    """Why stock came or went, as the roll-forward has it in columns (B3)."""

    RECEIVED = "received"
    USED = "used"
    DISCARDED = "discarded"
    WASTED = "wasted"
    RETURNED = "returned"
    COUNTED = "counted"
    WITHIN = "within"


@dataclass(frozen=True)
class Posting:
    """What a movement across the border means: debit and credit, by the item's kind where it matters."""

    debit: str | Mapping[ItemKind, str]
    credit: str | Mapping[ItemKind, str]
    flow: Flow

    def accounts(self, kind: ItemKind, *, mirrored: bool) -> tuple[str, str]:
        """Debit and credit for an item; a reversal takes back what its original wrote (S8)."""
        debit, credit = (side if isinstance(side, str) else side[kind] for side in (self.debit, self.credit))
        return (credit, debit) if mirrored else (debit, credit)


SHELF = PlaceKind.SHELF  # stands for every place whose stock is the clinic's own

POSTINGS: dict[tuple[PlaceKind, PlaceKind, WasteReason | None], Posting] = {
    (PlaceKind.SUPPLIER, SHELF, None): Posting(INVENTORY, GRNI, Flow.RECEIVED),
    (SHELF, PlaceKind.SUPPLIER, None): Posting(GRNI, INVENTORY, Flow.RETURNED),
    (SHELF, PlaceKind.PATIENT, None): Posting(TREATMENT, INVENTORY, Flow.USED),
    (SHELF, PlaceKind.WASTE, WasteReason.SINGLE_DOSE_REMAINDER): Posting(DISCARD, INVENTORY, Flow.DISCARDED),
    (SHELF, PlaceKind.WASTE, WasteReason.BEYOND_USE): Posting(DISCARD, INVENTORY, Flow.DISCARDED),
    (SHELF, PlaceKind.WASTE, WasteReason.EXPIRED): Posting(EXPIRED, INVENTORY, Flow.WASTED),
    (SHELF, PlaceKind.WASTE, None): Posting(WRITTEN_OFF, INVENTORY, Flow.WASTED),  # every other reason
    (SHELF, PlaceKind.COUNT, None): Posting(DIFFERENCES, INVENTORY, Flow.COUNTED),
    (PlaceKind.COUNT, SHELF, None): Posting(INVENTORY, DIFFERENCES, Flow.COUNTED),
}
"""From where to where, and why, to debit and credit: the stock journal is these rows and no other (B1)."""

WORDS = {
    DocumentKind.RECEIPT: "Goods received",
    DocumentKind.OPENING: "Vial opened",
    DocumentKind.SESSION: "Treatment session",
    DocumentKind.DISCARD: "Opened vial discarded",
    DocumentKind.WRITE_OFF: "Stock written off",
    DocumentKind.HOLD: "Lot held or released",
    DocumentKind.REVERSAL: "Reversal",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One account of an entry; either debit or credit is zero."""

    account: str
    name: str
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """What one document means to the books; its lines balance. `key` is where a list of entries goes on."""

    id: str
    on: date
    description: str
    lines: tuple[Line, ...]
    key: tuple[date, int]

    @property
    def amount(self) -> Decimal:
        """The sum of the debits, which is that of the credits."""
        return sum((line.debit for line in self.lines), ZERO)


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """What an account had before a period, what the period wrote on each side, and what it has after."""

    account: str
    name: str
    opening: Decimal  # debit positive
    debit: Decimal
    credit: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debit - self.credit


def entry_id(document_id: int) -> str:
    """The name of the entry that a stock document makes; other sources will have other letters."""
    return f"ST-{document_id}"


def posting(source: PlaceKind, target: PlaceKind, reason: str | None, *, mirrored: bool) -> Posting:
    """The rule for a movement between two kinds of place; a reversal is read as the movement it undoes."""
    if mirrored:
        source, target = target, source
    here, there = (SHELF if kind in HELD else kind for kind in (source, target))
    waste = WasteReason(reason) if reason in REASONS else None
    return POSTINGS.get((here, there, waste)) or POSTINGS[here, there, None]


REASONS = frozenset(WasteReason)


def place_kinds(db: Session) -> dict[int, PlaceKind]:
    """The kind of every place, by key."""
    return {key: kind for key, kind in db.execute(sa.select(Place.id, Place.kind))}


def chart(db: Session) -> dict[str, str]:
    """The name of every account, by code."""
    return {code: name for code, name in db.execute(sa.select(Account.code, Account.name))}


def journal(
    db: Session, *, since: date, until: date, after: tuple[date, int] | None = None
) -> Iterator[Entry]:
    """Every entry of a period in the order of date and document, a few at a time (B1).

    `after` is the `key` of the last entry seen. What moved within the clinic makes no entry, nor does
    what was worth nothing.
    """
    kinds, names = place_kinds(db), chart(db)
    fields = (
        MOVEMENTS.c.document_id,
        MOVEMENTS.c.source_id,
        MOVEMENTS.c.target_id,
        MOVEMENTS.c.reason,
        MOVEMENTS.c.corrects_id.isnot(None).label("mirrored"),
        Item.kind,
        sa.func.sum(MOVEMENTS.c.value).label("value"),
    )
    for heads in documents(db, since=since, until=until, after=after):
        rows = db.execute(
            sa.select(*fields)
            .join(Item, Item.id == MOVEMENTS.c.item_id)
            .where(MOVEMENTS.c.document_id.in_([head.id for head in heads]), MOVEMENTS.c.direction != 0)
            .group_by(*fields[:-1])
        )
        totals: dict[int, dict[tuple[str, Side], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for document_id, source_id, target_id, reason, mirrored, kind, value in rows:
            rule = posting(kinds[source_id], kinds[target_id], reason, mirrored=mirrored)
            debit, credit = rule.accounts(kind, mirrored=mirrored)
            totals[document_id][debit, Side.DEBIT] += value
            totals[document_id][credit, Side.CREDIT] += value
        for head in heads:
            if lines := _lines(totals.get(head.id, {}), names):
                yield Entry(entry_id(head.id), head.on, _description(head), lines, (head.on, head.id))


@dataclass(frozen=True, slots=True)
class Head:
    """What the journal says of a document itself."""

    id: int
    on: date
    kind: DocumentKind
    reference: str
    note: str


def documents(
    db: Session,
    *,
    since: date,
    until: date,
    after: tuple[date, int] | None = None,
    kinds: Iterable[DocumentKind] | None = None,
) -> Iterator[list[Head]]:
    """The documents of a period in the order of date and key, some hundred at a time."""
    fields = (DOCUMENTS.c.id, DOCUMENTS.c.on, DOCUMENTS.c.kind, DOCUMENTS.c.reference, DOCUMENTS.c.note)
    order = (DOCUMENTS.c.on, DOCUMENTS.c.id)
    wanted = sa.select(*fields).where(DOCUMENTS.c.on.between(since, until)).order_by(*order).limit(CHUNK)
    if kinds is not None:
        wanted = wanted.where(DOCUMENTS.c.kind.in_(list(kinds)))
    while True:
        query = wanted
        if after is not None:
            # The date alone bounds the index; the pair skips what was seen of that date.
            query = wanted.where(DOCUMENTS.c.on >= after[0], sa.tuple_(*order) > sa.tuple_(*after))
        heads = [Head(*row) for row in db.execute(query)]
        if heads:
            yield heads
        if len(heads) < CHUNK:
            return
        after = (heads[-1].on, heads[-1].id)


def trial_balance(db: Session, *, since: date, until: date) -> tuple[AccountTotal, ...]:
    """Every account that stock has touched, by code: opening, the period's two sides, closing (B3)."""
    before = _sides(db, MOVEMENTS.c.on < since)
    within = _sides(db, MOVEMENTS.c.on.between(since, until))
    names = chart(db)
    return tuple(
        AccountTotal(
            account=code,
            name=names.get(code, ""),
            opening=before[code, Side.DEBIT] - before[code, Side.CREDIT],
            debit=within[code, Side.DEBIT],
            credit=within[code, Side.CREDIT],
        )
        for code in sorted({code for code, _ in (*before, *within)})
    )


def inventory_balance(db: Session, *, on: date) -> Decimal:
    """What the inventory accounts have at the end of a day, by the journal alone (B3)."""
    sides = _sides(db, MOVEMENTS.c.on <= on)
    return sum((sides[code, Side.DEBIT] - sides[code, Side.CREDIT] for code in INVENTORY_ACCOUNTS), ZERO)


def _sides(db: Session, dated: sa.ColumnElement[bool]) -> dict[tuple[str, Side], Decimal]:
    """What the movements of some dates wrote on each side of each account."""
    kinds = place_kinds(db)
    fields = (
        MOVEMENTS.c.source_id,
        MOVEMENTS.c.target_id,
        MOVEMENTS.c.reason,
        MOVEMENTS.c.corrects_id.isnot(None).label("mirrored"),
        Item.kind,
    )
    rows = db.execute(
        sa.select(*fields, sa.func.sum(MOVEMENTS.c.value))
        .join(Item, Item.id == MOVEMENTS.c.item_id)
        .where(MOVEMENTS.c.direction != 0, dated)
        .group_by(*fields)
    )
    sides: dict[tuple[str, Side], Decimal] = defaultdict(Decimal)
    for source_id, target_id, reason, mirrored, kind, value in rows:
        rule = posting(kinds[source_id], kinds[target_id], reason, mirrored=mirrored)
        debit, credit = rule.accounts(kind, mirrored=mirrored)
        sides[debit, Side.DEBIT] += value
        sides[credit, Side.CREDIT] += value
    return sides


def _lines(totals: Mapping[tuple[str, Side], Decimal], names: Mapping[str, str]) -> tuple[Line, ...]:
    """Debits first, each by account; an entry that does not balance is a fault of ours, never shown."""
    lines = tuple(
        Line(code, names.get(code, ""), *((value, ZERO) if side is Side.DEBIT else (ZERO, value)))
        for (code, side), value in sorted(
            totals.items(), key=lambda item: (item[0][1] is Side.CREDIT, item[0][0])
        )
        if value
    )
    assert sum(line.debit for line in lines) == sum(line.credit for line in lines), lines
    return lines


def _description(head: Head) -> str:
    """What kind of act, and its reference or note; never whose session it was (T8)."""
    told = [WORDS.get(head.kind, head.kind.replace("_", " "))]
    told += [words for words in (head.reference, head.note) if words]
    return ": ".join(told)
