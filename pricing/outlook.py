"""The outlook: what today's stock will be on the days of a course, promise by promise (C5).

Nothing moves: lots on hand are drawn in date order, expire when they expire, and serve what was promised
to other courses before they serve this one.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, picking, shelf, vials
from inventory.allocations import Allocation
from inventory.catalog import DoseClass
from inventory.clinic import Site
from inventory.measures import ZERO, fit
from inventory.picking import Container, Draw
from inventory.vials import PreparedIn, Product

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Drawn:
    """What the stock would give one session of a course, and what it would lack."""

    draws: tuple[Draw, ...]
    missing: Decimal  # of the dose, in content units


@dataclass(frozen=True)
class Span:
    """The days that an outlook looks at: from today to the last session of a course."""

    today: date
    until: date


class Outlook:
    """The shelf of one site as it will be; drawing from it only remembers.

    `own` names the references whose promises are the course's own, and stand in nobody's way.
    """

    def __init__(
        self,
        db: Session,
        site: Site,
        products: Mapping[int, Product],
        span: Span,
        *,
        own: Collection[str] = (),
    ) -> None:
        self.db = db
        self.site = site
        self.products = products
        self.shelves = clinic.shelves(db, site.id)
        self.gone: dict[tuple[int, int, int | None], Decimal] = defaultdict(Decimal)
        self.known: dict[int, list[Container]] = {key: [] for key in products}
        self.complete: set[int] = set()
        self.imagined = 0  # containers that the outlook opened
        openable = {key: one for key, one in products.items() if not one.dose_class.one_patient}
        at = site.end_of(span.today) - INSTANT  # what was opened today and lasts beyond it
        self.vials: dict[int, list[Container]] = (
            shelf.opened(db, openable, site=site, at=at, patient_ref=None) if openable else {}
        )
        self.rules = vials.rules_in_force(db, site, span.today) if openable else ()
        self.promised = self._promises(span, own)

    def look(self, need: Mapping[int, Decimal], *, on: date, times: int = 1) -> None:
        """Know of each item at least so much that is sealed on a day, if there is; read what lacks at once.

        What is read is enough for so many such days, should the lots last so long.
        """
        lacking = {}
        for key, much in need.items():
            promised = sum((quantity for _, quantity in self.promised.get(key, ())), ZERO)
            held = sum((one.held for one in self._sealed(key, on)), ZERO)
            if held < much + promised and key not in self.complete:
                gone = sum((self.gone.get(one.key, ZERO) for one in self.known[key]), ZERO)
                lacking[key] = much * times + promised + gone
        if lacking:
            due = [self.promised[key][0][0] for key in lacking if self.promised.get(key)]
            self._read(lacking, on=min([on, *due]))

    def draw(self, product_id: int, needed: Decimal, *, on: date, loss: Decimal) -> Drawn:
        """Draw a dose on a day, FEFO; what other courses were promised until then is gone."""
        self._keep_promises(product_id, on)
        return self._draw(self.products[product_id], needed, on=on, loss=loss)

    def there(self, product_id: int, *, on: date, enough: Decimal) -> list[Container]:
        """What of an item a course could draw on a day; at least `enough` that is sealed, if there is."""
        self._keep_promises(product_id, on)
        return self._there(product_id, on=on, enough=enough)

    def _there(self, product_id: int, *, on: date, enough: Decimal) -> list[Container]:
        sealed = self._sealed(product_id, on)
        while sum((one.held for one in sealed), ZERO) < enough and product_id not in self.complete:
            self.look({product_id: enough}, on=on)
            sealed = self._sealed(product_id, on)
        noon = self._noon(on)
        lasting = [one for one in self.vials.get(product_id, []) if one.deadline > noon]
        return self._left(lasting) + sealed

    def _draw(
        self, product: Product, needed: Decimal, *, on: date, loss: Decimal, keeps: bool = True
    ) -> Drawn:
        there = self._there(product.id, on=on, enough=needed + loss + product.content)
        draws, missing = picking.plan(needed, there, loss=loss)
        for draw in draws:
            taken = draw.opened * product.content if draw.opened else draw.used
            self.gone[draw.container.key] += taken
            if draw.kept and keeps:
                self._keep_open(draw, on)
        return Drawn(tuple(draws), missing)

    def _keep_open(self, draw: Draw, on: date) -> None:
        """What an opened container keeps serves later days until label, rule or expiry ends it (S4)."""
        product = draw.container.product
        deadline = vials.discard_at(
            product,
            expires_on=draw.container.lot.expires_on,
            opened_at=self._noon(on),
            prepared_in=PreparedIn.PREPARATION_AREA,
            site=self.site,
            rules=self.rules,
        )
        self.imagined += 1
        self.vials.setdefault(product.id, []).append(
            replace(draw.container, held=draw.kept, deadline=deadline.at, vial_id=-self.imagined)
        )

    def _sealed(self, product_id: int, on: date) -> list[Container]:
        return self._left([one for one in self.known[product_id] if one.lot.expires_on >= on])

    def _left(self, containers: Sequence[Container]) -> list[Container]:
        """The containers without what was drawn from them; those that are empty are gone."""
        found = []
        for one in containers:
            held = one.held - self.gone.get(one.key, ZERO)
            if held > 0:
                found.append(replace(one, held=held) if held != one.held else one)
        return found

    def _read(self, enough: Mapping[int, Decimal], *, on: date) -> None:
        """Read items' lots, the soonest to expire first, from those that are usable on the day."""
        rows = shelf.sealed(
            self.db,
            [self.products[key] for key in enough],
            site=self.site,
            shelves=self.shelves,
            on=on,
            enough=enough,
        )
        for key, found in rows.items():
            if sum((one.held for one in found), ZERO) < enough[key]:
                self.complete.add(key)  # that was all there is
            lots = {one.key: one for one in (*self.known[key], *found)}
            self.known[key] = sorted(lots.values(), key=lambda one: one.order)

    def _keep_promises(self, product_id: int, on: date) -> None:
        queue = self.promised.get(product_id, [])
        product = self.products[product_id]
        # What another patient's vial keeps is for others only where the clinic shares vials (S4).
        keeps = self.site.share_opened_vials or product.dose_class is not DoseClass.MULTI_DOSE
        while queue and queue[0][0] <= on:
            due_on, quantity = queue.pop(0)
            whole = fit(quantity, product.content) * product.content
            # A promise names stock: overfill, which is no stock, must not make it smaller (S3).
            if product.dose_class.one_patient or (quantity == whole and not self.vials.get(product_id)):
                self._set_aside(product, whole, on=due_on)
            else:
                self._draw(product, quantity, on=due_on, loss=ZERO, keeps=keeps)

    def _set_aside(self, product: Product, quantity: Decimal, *, on: date) -> None:
        """Take whole containers, the soonest to expire first; there may be hundreds of promises."""
        left = quantity
        while True:
            for one in self.known[product.id]:
                there = one.held - self.gone.get(one.key, ZERO)
                taken = min(there, left) if one.lot.expires_on >= on else ZERO
                if taken:
                    self.gone[one.key] += taken
                    left -= taken
            if not left or product.id in self.complete:
                return
            self._there(product.id, on=on, enough=left)  # reads more, or finds that there is no more

    def _promises(self, span: Span, own: Collection[str]) -> dict[int, list[tuple[date, Decimal]]]:
        """What was promised to others until the last day, by item; what is overdue is due today."""
        rows = self.db.execute(
            sa.select(Allocation.item_id, Allocation.due_on, sa.func.sum(Allocation.quantity))
            .where(
                Allocation.site_id == self.site.id,
                Allocation.item_id.in_(sorted(self.products)),
                Allocation.due_on <= span.until,
                Allocation.ended_at.is_(None),
                Allocation.reference.not_in(sorted(own)),
            )
            .group_by(Allocation.item_id, Allocation.due_on)
            .order_by(Allocation.due_on, Allocation.item_id)
        )
        promised: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
        for item_id, due_on, quantity in rows:
            promised[item_id].append((max(due_on, span.today), quantity))
        return promised

    def _noon(self, on: date) -> datetime:
        # The day's end is another day's beginning, so what `moment_on` answers is noon of this one.
        return self.site.moment_on(on, self.site.end_of(on))
