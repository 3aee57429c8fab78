"""Charges: freight, duty and discount of a delivery or a bill, shared over its lines: landed cost (C3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from inventory.errors import Invalid
from inventory.measures import LARGEST_MONEY, ZERO, places, share_by_weight, to_cents


class BadCharges(Invalid):
    """The amounts cannot be the freight, duty or discount of what came."""


@dataclass(frozen=True)
class Charges:
    """What a delivery or a bill costs beside its goods, all of it together (C3)."""

    freight: Decimal = ZERO
    duty: Decimal = ZERO  # and taxes that nobody gives back
    discount: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """What is added to the goods; below zero when the discount is the largest."""
        return self.freight + self.duty - self.discount

    def check(self) -> None:
        """Raises BadCharges for what is no amount of money."""
        for name, amount in vars(self).items():
            if not ZERO <= amount <= LARGEST_MONEY or places(amount) > 2:
                raise BadCharges(f"{amount} cannot be the {name} of a delivery.", field=name)


NO_CHARGES = Charges()


def landed(total: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Share charges over lines by value in whole cents, the remainder to the largest line (C3)."""
    whole, largest = sum(weights, ZERO), max(range(len(weights)), key=lambda n: (weights[n], -n))
    shares = [to_cents(total * weight / whole) if whole else ZERO for weight in weights]
    shares[largest] += total - sum(shares, ZERO)
    if weights[largest] + shares[largest] < 0:  # so many small lines that it cannot bear the remainder
        sign = -1 if total < 0 else 1
        return tuple(sign * share for share in share_by_weight(sign * total, weights))
    return tuple(shares)
