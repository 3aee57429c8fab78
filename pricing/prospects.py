"""Prospects: what a quote's sessions to come will cost, how sure that is, and what the price leaves (C5)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory.clinic import Site
from inventory.errors import Conflict
from inventory.measures import ZERO, to_cents_half_up
from pricing import certainty, drifting
from pricing.certainty import Certainty, DiscountAdvice, Margin
from pricing.quote_records import Quote

PLACES = Decimal("0.000001")


class NothingToCome(Conflict):
    """No session of the quote is still to come."""


@dataclass(frozen=True)
class Prospect:
    """How sure the cost of the sessions to come is, what the price leaves, what the discount needs."""

    certainty: Certainty
    net: Decimal  # the price of these sessions, without tax
    margin: Margin | None
    discount: DiscountAdvice
    discount_rate: Decimal  # as it was given, after trimming
    drift: Decimal  # of the whole cost against the cost sheet of the quote


def prospect(db: Session, subject: Quote, *, site: Site, on: date) -> Prospect:
    """What is still to come of a quote, as of a day. Raises NothingToCome.

    A day that has passed is taken to be today. The same quote on the same day has the same answer.
    """
    left = drifting.to_come(db, subject, site=site, on=on)
    if subject not in left.sessions:
        raise NothingToCome(
            f"No session of quote {subject.id} is still to come; nothing is left to foretell."
        )
    to_come, cost = left.sessions[subject], left.costs[subject]
    seen = certainty.foretell(
        db,
        cost,
        site=site,
        today=on,
        seed=subject.id * 1000 + on.toordinal(),
        numbers=[one.number for one in to_come],
    )
    gross = sum((one.price for one in to_come), ZERO)
    net = to_cents_half_up(gross / (1 + subject.tax_rate)) if subject.tax_inclusive else gross
    asked = (subject.discount / subject.subtotal).quantize(PLACES) if subject.subtotal else ZERO
    single = subject.subtotal / subject.sessions
    if subject.tax_inclusive:
        single /= 1 + subject.tax_rate
    return Prospect(
        certainty=seen,
        net=net,
        margin=certainty.margin(seen, net=net),
        discount=certainty.discount_advice(
            price=single,
            cost=seen.whole.mean / len(to_come),
            sessions=subject.sessions,
            rates=certainty.rates_after_the_first(db, sessions=subject.sessions, on=on),
            discount_rate=asked,
        ),
        discount_rate=asked,
        drift=seen.whole.mean - sum((one.actual for one in to_come), ZERO),
    )
