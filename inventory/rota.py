"""The rota: which items of a site are due for a count, by what is used of them and what they are worth (S11).

Cycle counting by grades: the items that make the first 80 % of the money are A and are counted four times a
year, those that make the next 15 % are B and are counted twice, the rest is C and is counted once. Money is
looked at twice, as a year's use and as stock on hand, and the stricter grade counts.
Source of shares and times: inventoryturns.com, Inventory accuracy (a common calculation); illustrative.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import layers
from inventory.balances import BALANCES
from inventory.catalog import Item
from inventory.clinic import PLACES, PlaceKind, Site
from inventory.counts import COUNTABLE, COUNTS, LINES
from inventory.ledger import DOCUMENTS, MOVEMENTS
from inventory.measures import ZERO, to_cents

SOURCE = "inventoryturns.com, Inventory accuracy: A 80 % four times a year, B 15 % twice, C 5 % once"
A_SHARE, B_SHARE = Decimal("0.80"), Decimal("0.95")
DAYS = {"A": 91, "B": 182, "C": 365}
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What the rota looks at of one item at a site."""

    item_id: int
    sku: str
    name: str
    used_value: Decimal  # in a year
    held_value: Decimal
    since: date  # since when the site has had it
    counted_on: date | None


@dataclass(frozen=True, slots=True)
class Due:
    """An item on the rota: its grade, when it was counted last, and when it is due."""

    item_id: int
    sku: str
    name: str
    grade: str
    used_value: Decimal
    held_value: Decimal
    counted_on: date | None
    due_on: date


def rota(facts: Iterable[ItemFacts]) -> list[Due]:
    """When each item is due, the most overdue first; one never counted as if counted on arrival."""
    known = list(facts)
    by_use = grades({item.item_id: item.used_value for item in known})
    by_value = grades({item.item_id: item.held_value for item in known})
    found = [_due(item, min(by_use[item.item_id], by_value[item.item_id])) for item in known]
    return sorted(found, key=lambda due: (due.due_on, due.grade, due.sku))


def _due(item: ItemFacts, grade: str) -> Due:
    last = item.since if item.counted_on is None else max(item.since, item.counted_on)
    return Due(
        item_id=item.item_id,
        sku=item.sku,
        name=item.name,
        grade=grade,
        used_value=item.used_value,
        held_value=item.held_value,
        counted_on=item.counted_on,
        due_on=last + timedelta(days=DAYS[grade]),
    )


def grades(values: Mapping[int, Decimal]) -> dict[int, str]:
    """A, B or C for each key: the largest values first, an item belongs where its share begins.

    Equal values are of one order by their key, so that a rota can be repeated. What is worth nothing is C.
    """
    total = sum(values.values(), ZERO)
    found, before = {}, ZERO
    for key, value in sorted(values.items(), key=lambda pair: (-pair[1], pair[0])):
        if value <= 0 or before >= B_SHARE * total:
            found[key] = "C"
        else:
            found[key] = "A" if before < A_SHARE * total else "B"
        before += value
    return found


def read(db: Session, *, site: Site, on: date) -> list[ItemFacts]:
    """The facts of every item that the site holds, by SKU."""
    b = BALANCES.c
    held = db.execute(
        sa.select(b.item_id, Item.sku, Item.name, sa.func.sum(b.quantity), sa.func.min(b.received_on))
        .join(PLACES, PLACES.c.id == b.place_id)
        .join(Item, Item.id == b.item_id)
        .where(PLACES.c.site_id == site.id, PLACES.c.kind.in_(COUNTABLE))
        .group_by(b.item_id, Item.sku, Item.name)
        .having(sa.func.sum(b.quantity) > sa.literal_column("0"))
        .order_by(Item.sku)
    ).all()
    worth = layers.worth_of_items(db, [row.item_id for row in held])
    used = _used(db, site=site, on=on)
    counted = _counted(db, site=site)
    return [
        ItemFacts(
            item_id=item_id,
            sku=sku,
            name=name,
            used_value=used.get(item_id, ZERO),
            held_value=to_cents(worth[item_id].unit_cost * quantity) if item_id in worth else ZERO,
            since=since,
            counted_on=counted.get(item_id),
        )
        for item_id, sku, name, quantity, since in held
    ]


def due(db: Session, *, site: Site, on: date) -> list[Due]:
    """What is due at a site on a day, the most overdue first."""
    return [item for item in rota(read(db, site=site, on=on)) if item.due_on <= on]


def _used(db: Session, *, site: Site, on: date) -> dict[int, Decimal]:
    """What patients used of each item in the year up to a day, at its cost; what was undone is taken off."""
    patients = sa.select(PLACES.c.id).where(PLACES.c.site_id == site.id, PLACES.c.kind == PlaceKind.PATIENT)
    used: dict[int, Decimal] = {}
    for end, sign in ((MOVEMENTS.c.target_id, 1), (MOVEMENTS.c.source_id, -1)):
        rows = db.execute(
            sa.select(MOVEMENTS.c.item_id, sa.func.sum(MOVEMENTS.c.value))
            .where(end.in_(patients), MOVEMENTS.c.on > on - YEAR, MOVEMENTS.c.on <= on)
            .group_by(MOVEMENTS.c.item_id)
        )
        for item_id, value in rows:
            used[item_id] = used.get(item_id, ZERO) + sign * value
    return used


def _counted(db: Session, *, site: Site) -> dict[int, date]:
    """The day of the latest posted count of each item at the site."""
    rows = db.execute(
        sa.select(LINES.c.item_id, sa.func.max(DOCUMENTS.c.on))
        .join(COUNTS, COUNTS.c.id == LINES.c.count_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == COUNTS.c.document_id)
        .where(COUNTS.c.site_id == site.id, LINES.c.change.isnot(None))
        .group_by(LINES.c.item_id)
    )
    return dict(rows.all())
