"""The outlook: what today's stock will be on the days of a course, promise by promise (C5).

Nothing moves: lots on hand are drawn in date order, expire when they expire, and serve what was promised
to other courses before they serve this one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, picking, shelf
from inventory.allocations import Allocation
from inventory.clinic import PlaceKind, Site
from inventory.measures import ZERO
from inventory.picking import Container, Draw
from inventory.vials import Product


@dataclass(frozen=True)
class Drawn:
    """What the stock would give one session of a course, and what it would lack."""

    draws: tuple[Draw, ...]
    missing: Decimal  # of the dose, in content units


class Outlook:
    """The shelf of one site as it will be; drawing from it only remembers."""

    def __init__(
        self, db: Session, site: Site, products: Mapping[int, Product], *, since: date, until: date
    ) -> None:
        self.db = db
        self.site = site
        self.products = products
        self.shelf_id = clinic.places(db, site.id)[PlaceKind.SHELF]
        self.gone: dict[tuple[int, int | None], Decimal] = defaultdict(Decimal)
        self.known: dict[int, list[Container]] = {}
        self.complete: set[int] = set()
        self.imagined = 0  # containers that the outlook opened
        at = site.moment_on(since, site.end_of(since))
        openable = {key: one for key, one in products.items() if not one.dose_class.one_patient}
        self.vials: dict[int, list[Container]] = (
            shelf.opened(db, openable, site=site, at=at, patient_ref=None) if openable else {}
        )
        self.promised = self._promises(until)

    def draw(self, product_id: int, needed: Decimal, *, on: date, loss: Decimal) -> Drawn:
        """Draw a dose on a day, FEFO; what other courses were promised until then is gone."""
        self._keep_promises(product_id, on)
        return self._draw(product_id, needed, on=on, loss=loss)

    def there(self, product_id: int, *, on: date, enough: Decimal) -> list[Container]:
        """What of an item could be drawn on a day, at least `enough` of it if the shelf has that much."""
        vials = [one for one in self.vials.get(product_id, []) if one.deadline > self._noon(on)]
        usable = self._usable(product_id, on, vials)
        while sum((one.held for one in usable), ZERO) < enough and product_id not in self.complete:
            self._read_on(product_id, on, enough)
            usable = self._usable(product_id, on, vials)
        return usable

    def _draw(self, product_id: int, needed: Decimal, *, on: date, loss: Decimal) -> Drawn:
        product = self.products[product_id]
        usable = self.there(product_id, on=on, enough=needed + loss + product.content)
        draws, missing = picking.plan(needed, usable, loss=loss)
        for draw in draws:
            taken = draw.opened * product.content if draw.opened else draw.used
            self.gone[draw.container.lot.id, draw.container.vial_id] += taken
            if draw.kept:
                self._keep_open(draw, on)
        return Drawn(tuple(draws), missing)

    def _keep_open(self, draw: Draw, on: date) -> None:
        """What an opened container keeps serves later days until its label's in-use time is over (S4)."""
        product = draw.container.product
        opened_at = self._noon(on)
        limit = draw.container.deadline
        if product.in_use_hours:
            limit = min(limit, opened_at + timedelta(hours=product.in_use_hours))
        self.imagined += 1
        self.vials.setdefault(product.id, []).append(
            replace(draw.container, held=draw.kept, deadline=limit, vial_id=-self.imagined)
        )

    def _usable(self, product_id: int, on: date, vials: Sequence[Container]) -> list[Container]:
        found = []
        for one in (*vials, *self.known.get(product_id, [])):
            if one.vial_id is None and one.lot.expires_on < on:
                continue
            held = one.held - self.gone.get((one.lot.id, one.vial_id), ZERO)
            if held > 0:
                found.append(replace(one, held=held) if held != one.held else one)
        return found

    def _read_on(self, product_id: int, on: date, enough: Decimal) -> None:
        """Read more of an item's lots, from those that are usable on the day."""
        before = {one.lot.id: one for one in self.known.get(product_id, [])}
        spoken_for = sum((amount for (lot, _), amount in self.gone.items() if lot in before), ZERO)
        rows = shelf.sealed(
            self.db,
            [self.products[product_id]],
            site=self.site,
            shelf_id=self.shelf_id,
            on=on,
            enough={product_id: enough + spoken_for},
        )[product_id]
        if all(one.lot.id in before for one in rows):
            self.complete.add(product_id)
        self.known[product_id] = list({**before, **{one.lot.id: one for one in rows}}.values())

    def _keep_promises(self, product_id: int, on: date) -> None:
        queue = self.promised.get(product_id, [])
        while queue and queue[0][0] <= on:
            due_on, quantity = queue.pop(0)
            self._draw(product_id, quantity, on=due_on, loss=ZERO)

    def _promises(self, until: date) -> dict[int, list[tuple[date, Decimal]]]:
        rows = self.db.execute(
            sa.select(Allocation.item_id, Allocation.due_on, Allocation.quantity)
            .where(
                Allocation.site_id == self.site.id,
                Allocation.item_id.in_(sorted(self.products)),
                Allocation.due_on <= until,
                Allocation.ended_at.is_(None),
            )
            .order_by(Allocation.due_on, Allocation.id)
        )
        promised: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
        for item_id, due_on, quantity in rows:
            promised[item_id].append((due_on, quantity))
        return promised

    def _noon(self, on: date) -> datetime:
        return self.site.moment_on(on, self.site.end_of(on))
