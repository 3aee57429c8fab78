"""Price bands and taxes that tests write down in one line."""

from datetime import date
from decimal import Decimal

from pricing.price_list import Band, Tax

SOURCE = 'article "Mesotherapy Facial, Steps, Benefits, Side Effects, Cost"'


def band(low: str, high: str) -> Band:
    return Band(
        code="PB-01",
        low=Decimal(low),
        high=Decimal(high),
        currency="USD",
        treatment="mesotherapy (general)",
        area="any",
        country="US",
        valid_from=date(2021, 1, 1),
        illustrative=False,
        note="",
        source=SOURCE,
    )


def tax(rate: str, *, inclusive: bool = False) -> Tax:
    return Tax(Decimal(rate), inclusive, "Sales tax", "TX-TEST", note="", source="illustrative")
