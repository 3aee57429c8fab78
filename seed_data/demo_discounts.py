"""The demo clinic's own course discounts: one given by itself, and a promotion with a code (invented)."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory.clinic import Site
from pricing import discounts
from pricing.discounts import DiscountRule


def open_discounts(db: Session, *, site: Site, at: datetime, by: str) -> None:
    """Five percent from six sessions on, and six for the price of five to who names the code."""
    usual = {
        "protocol_id": None,
        "from_sessions": 6,
        "valid_from": site.day(at),
        "valid_to": None,
        "source": "illustrative: the demo clinic's own decision",
        "at": at,
        "by": by,
    }
    rule = DiscountRule(
        code="COURSE-6", name="Six sessions or more", promotion=False, rate=Decimal("0.05"),
        free_sessions=0, **usual,
    )  # fmt: skip
    promotion = DiscountRule(
        code="BUY5GET1", name="Buy 5, get 1", promotion=True, rate=Decimal(0), free_sessions=1, **usual
    )
    for one in (rule, promotion):
        discounts.add(db, one)
