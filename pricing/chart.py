"""The chart of accounts, and the one table by which a movement of stock becomes debit and credit (B1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from inventory.adjustments import AdjustmentKind
from inventory.catalog import ItemKind
from inventory.clinic import HELD, PlaceKind
from inventory.database import Base, choice, one_of
from inventory.ledger import BROUGHT_IN, WasteReason


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


INPUT_TAX = "1350"
PAYABLES = "2000"
GRNI = "2050"
OWNER_EQUITY = "3000"
RETAINED_EARNINGS = "3900"
DISCARD = "5020"
EXPIRED = "5100"
WRITTEN_OFF = "5110"
DIFFERENCES = "5120"
WRITTEN_DOWN = "5130"
PRICE_VARIANCE = "5140"

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

    BROUGHT_IN = "brought_in"
    RECEIVED = "received"
    USED = "used"
    DISCARDED = "discarded"
    WASTED = "wasted"
    RETURNED = "returned"
    COUNTED = "counted"
    WRITTEN_DOWN = "written_down"
    REVALUED = "revalued"
    WITHIN = "within"

    @property
    def heading(self) -> str:
        """The heading of its column."""
        return self.value.replace("_", " ").capitalize()


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


REASONS = frozenset({BROUGHT_IN, *WasteReason})
SHELF = PlaceKind.SHELF  # stands for every place whose stock is the clinic's own

POSTINGS: dict[tuple[PlaceKind, PlaceKind, str | None], Posting] = {
    # What was there before the books began is owed to nobody but the owner.
    (PlaceKind.SUPPLIER, SHELF, BROUGHT_IN): Posting(INVENTORY, OWNER_EQUITY, Flow.BROUGHT_IN),
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


def posting(source: PlaceKind, target: PlaceKind, reason: str | None, *, mirrored: bool) -> Posting:
    """The rule for a movement between two kinds of place; a reversal is read as the movement it undoes."""
    if mirrored:
        source, target = target, source
    here, there = (SHELF if kind in HELD else kind for kind in (source, target))
    why = reason if reason in REASONS else None
    return POSTINGS.get((here, there, why)) or POSTINGS[here, there, None]


@dataclass(frozen=True)
class Adjusting:
    """What a change of value without movement means: the account against the item's, and its column.

    A bill names no account here: what it owes and clears makes the other side of its entry.
    """

    against: str | None
    flow: Flow


ADJUSTINGS = {
    # As if the formula had always been this one: what would have been used at other costs is behind us.
    AdjustmentKind.REVALUATION: Adjusting(RETAINED_EARNINGS, Flow.REVALUED),
    AdjustmentKind.BILLED: Adjusting(None, Flow.REVALUED),
    AdjustmentKind.WRITE_DOWN: Adjusting(WRITTEN_DOWN, Flow.WRITTEN_DOWN),
}
"""From the kind of an adjustment to its posting, as POSTINGS does it for movements (B1)."""
