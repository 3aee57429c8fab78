"""Sharing a container: how many doses an opened vial serves before its time is over (vial_maths 3.1).

With room for n doses and a mean of m doses asked for while it may be used, the expected number used is
1 + P(X >= 1) + ... + P(X >= n - 1) for X ~ Poisson(m); a dose then costs the container over that number.
"""

from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, vials
from inventory.clinic import PlaceKind, Site
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.vials import PreparedIn, Product

ONE = Decimal(1)
NEGLIGIBLE = Decimal("1e-12")  # a chance of one more dose that changes no cent
LONGEST_USE_DAYS = Decimal(28)  # where neither label nor rule says less (vial rule VR-09)


def expected_doses(room: int, mean: Decimal) -> Decimal:
    """Doses used of a container with room for `room`, when `mean` are asked for after it is opened."""
    assert room >= 1, room
    probability = (-mean).exp()  # of exactly j more doses
    at_least = ONE
    expected = ONE
    for j in range(1, room):
        at_least -= probability
        if at_least < NEGLIGIBLE:
            break
        expected += at_least
        probability = probability * mean / j
    return expected


def doses_used(db: Session, product: Product, dose: Decimal, *, site: Site, on: date) -> Decimal:
    """Expected doses used of the container that a dose leaves open, from the use over the settings' window.

    Where the clinic does not share opened vials, one patient's dose is all that a vial serves (S4).
    """
    rest = dose % product.content
    if not site.share_opened_vials or not rest or rest * 2 > product.content:
        return ONE
    room = int(product.content // rest)
    days = clinic.settings(db).usage_window_days
    sessions = _sessions_with(db, product.id, site=site, since=on - timedelta(days=days), until=on)
    mean = Decimal(sessions) / days * days_in_use(db, product, site, on)
    return expected_doses(room, mean)


def charged_stock(product: Product, dose: Decimal, doses: Decimal) -> Decimal:
    """The stock that a dose is charged with: its own and its share of what is expected to be discarded."""
    whole = dose // product.content * product.content
    rest = dose - whole
    if not rest:
        return whole
    return whole + max(rest, (product.content / doses).quantize(Decimal("0.0001")))


def days_in_use(db: Session, product: Product, site: Site, on: date) -> Decimal:
    """How many days a container that is opened on a day may be used, at most as long as any rule allows."""
    opened_at = site.moment_on(on, site.end_of(on))
    deadline = vials.discard_at(
        product,
        expires_on=date.max - timedelta(days=2),
        opened_at=opened_at,
        prepared_in=PreparedIn.PREPARATION_AREA,
        site=site,
        rules=vials.rules_in_force(db, site, on),
    )
    days = Decimal((deadline.at - opened_at) // timedelta(minutes=1)) / (24 * 60)
    return min(days, LONGEST_USE_DAYS)


def _sessions_with(db: Session, item_id: int, *, site: Site, since: date, until: date) -> int:
    """How many sessions drew from an item at a site, without those undone. Reads only the window."""
    first = db.scalar(sa.select(sa.func.min(DOCUMENTS.c.id)).where(DOCUMENTS.c.on >= since))
    if first is None:
        return 0
    start = db.scalar(sa.select(sa.func.min(MOVEMENTS.c.id)).where(MOVEMENTS.c.document_id == first))
    patients = clinic.places(db, site.id)[PlaceKind.PATIENT]
    undoing = MOVEMENTS.alias()
    found = db.scalar(
        sa.select(sa.func.count(sa.distinct(MOVEMENTS.c.document_id))).where(
            MOVEMENTS.c.item_id == item_id,
            MOVEMENTS.c.id >= (start or 0),
            MOVEMENTS.c.target_id == patients,
            MOVEMENTS.c.on.between(since, until),
            ~sa.exists().where(undoing.c.corrects_id == MOVEMENTS.c.id),
        )
    )
    return found or 0
