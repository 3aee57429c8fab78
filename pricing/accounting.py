"""The books: the chart of accounts, and the journal that the stock ledger's movements make (B1, B3)."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from inventory.database import Base, choice, one_of


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
