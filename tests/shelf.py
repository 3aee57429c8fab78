"""Draws shelves: a clinic with items and lots written as short pictures, for every test that needs stock.

clinic = Clinic(db)
clinic.add_items('''
    HA      3 mL  single_dose  +0.15
    LIDO   20 mL  multi_dose   28 d   of lidocaine
    NEEDLE  1 each none        consumable
''')
clinic.receive("HA", '''
    A17  exp 2026-03-31  10 x 16.50
    B02  exp 2026-09-30   5 x 17.90  on 2026-01-10
''')
clinic.treat("P-1", "HA 2.5", "LIDO 3")
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Self

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import balances, catalog, clinic, holds, lots, receiving, treatments
from inventory.balances import Balance, LotFacts
from inventory.catalog import DoseClass, Ingredient, Item, ItemKind
from inventory.clinic import CostFormula, Place, PlaceKind, Site
from inventory.errors import Refusal
from inventory.layers import CostLayer
from inventory.ledger import Movement
from inventory.lots import Lot
from inventory.measures import Unit
from inventory.picking import Container
from inventory.receiving import Delivery, Received
from inventory.treatments import Line, Treated, Visit
from inventory.vials import OpenedVial, Product

TODAY = date(2026, 1, 15)  # a Thursday
NOW = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)  # ten in the morning in New York
RECEIVED_ON = date(2026, 1, 5)
BY = "mara"


@dataclass
class Clinic:
    """A clinic with one site, MAIN in New York, whose stock is written down in pictures."""

    db: Session
    formula: CostFormula = CostFormula.SPECIFIC
    share_opened_vials: bool = False
    site: Site = field(init=False)

    def __post_init__(self) -> None:
        self.site = self.open_site("MAIN", share_opened_vials=self.share_opened_vials)
        if self.formula is not CostFormula.SPECIFIC:
            clinic.change_setting(self.db, "cost_formula", self.formula, at=NOW, by=BY)

    @classmethod
    def at_main(cls, db: Session) -> Self:
        """The clinic that another transaction opened."""
        known = cls.__new__(cls)
        known.db, known.site = db, clinic.site(db, "MAIN")
        return known

    def open_site(self, code: str, **other: Any) -> Site:
        """Another site; in New York unless told otherwise."""
        where = {"country": "US", "region": "North America", "time_zone": "America/New_York"}
        return clinic.open_site(self.db, code=code, name=code.capitalize(), **{**where, **other})

    def add_items(self, picture: str) -> list[Item]:
        """Add items: `SKU CONTENT UNIT DOSE_CLASS [+OVERFILL] [28 d | 6 h] [of INGREDIENT] [KIND] [syringe]`.

        A kind is topical, consumable or retail; else it is an injectable, which is sterile.
        """
        return [catalog.add_item(self.db, self._item(line)) for line in _lines(picture)]

    def receive(
        self, sku: str, picture: str, *, on: date = RECEIVED_ON, site: Site | None = None
    ) -> list[Received]:
        """Receive lots: `NUMBER exp DATE COUNT x COST_OF_ONE [on DATE] [quarantined | recalled]`."""
        return [self._receive(sku, line.split(), on, site or self.site) for line in _lines(picture)]

    def treat(
        self,
        patient_ref: str,
        *wanted: str | Line,
        at: datetime = NOW,
        recorded_at: datetime | None = None,
        site: Site | None = None,
        **visit: Any,
    ) -> Treated:
        """A session that uses `"HA 2.5"`; a Line says more."""
        return treatments.treat(
            self.db,
            Visit(patient_ref, at, **visit),
            [one if isinstance(one, Line) else line(*one.split()) for one in wanted],
            site=site or self.site,
            recorded_at=recorded_at or at,
            by=BY,
        )

    def item(self, sku: str) -> Item:
        return catalog.item(self.db, sku)

    def lot(self, sku: str, number: str) -> Lot:
        found = lots.find(self.db, self.item(sku), number)
        assert found is not None, (sku, number)
        return found

    def held(self, sku: str, where: PlaceKind = PlaceKind.SHELF) -> dict[str, Decimal]:
        """What is on the shelf of an item (or opened, or in quarantine) by lot number, at every site."""
        rows = self.db.execute(
            sa.select(Lot.number, sa.func.sum(Balance.quantity))
            .join(Lot, Lot.id == Balance.lot_id)
            .join(Place, Place.id == Balance.place_id)
            .where(Balance.item_id == self.item(sku).id, Place.kind == where, Balance.quantity > 0)
            .group_by(Lot.number)
            .order_by(Lot.number)
        )
        return dict(rows.all())

    def opened(self, sku: str) -> list[OpenedVial]:
        """The opened vials of an item that are still in use, in the order of opening."""
        self.db.expire_all()
        return list(
            self.db.scalars(
                sa.select(OpenedVial)
                .where(OpenedVial.item_id == self.item(sku).id, OpenedVial.closed_at.is_(None))
                .order_by(OpenedVial.id)
            )
        )

    def value(self, sku: str) -> Decimal:
        """What the stock of an item is worth in the cost layers."""
        total = self.db.scalar(
            sa.select(sa.func.sum(CostLayer.value_left)).where(CostLayer.item_id == self.item(sku).id)
        )
        return total or Decimal(0)

    def moved(self, sku: str, **fields: Any) -> list[tuple[str, str, str, Decimal, Decimal, str | None]]:
        """An item's movements as (lot, from, to, quantity, value, reason), in the order they were posted."""
        source, target = sa.orm.aliased(Place), sa.orm.aliased(Place)
        rows = self.db.execute(
            sa.select(
                Lot.number, source.kind, target.kind, Movement.quantity, Movement.value, Movement.reason
            )
            .join(Lot, Lot.id == Movement.lot_id)
            .join(source, source.id == Movement.source_id)
            .join(target, target.id == Movement.target_id)
            .where(Movement.item_id == self.item(sku).id)
            .filter_by(**fields)
            .order_by(Movement.id)
        )
        return [(number, str(here), str(there), *rest) for number, here, there, *rest in rows]

    def posted(self) -> int:
        """How many movements the ledger has: the same before and after a refusal."""
        return self.db.scalar(sa.select(sa.func.count()).select_from(Movement)) or 0

    def place(self, kind: PlaceKind, site: Site | None = None) -> int:
        return clinic.places(self.db, (site or self.site).id)[kind]

    def lot_facts(self, sku: str, number: str) -> LotFacts:
        key = self.lot(sku, number).id
        return balances.lot_facts(self.db, [key])[key]

    def ingredient(self, code: str) -> Ingredient:
        """The ingredient with this code, added if it is new."""
        found = self.db.scalar(sa.select(Ingredient).where(Ingredient.code == code))
        if found is None:
            found = Ingredient(code=code, name=code, category="test")
            self.db.add(found)
            self.db.flush()
        return found

    def _item(self, line: str) -> Item:
        sku, content, unit, dose_class, *rest = line.split()
        words = iter(rest)
        facts: dict[str, Any] = {"kind": ItemKind.INJECTABLE, "container_form": "vial"}
        for word in words:
            if word.startswith("+"):
                facts["overfill"] = Decimal(word)
            elif word == "of":
                facts["ingredient_id"] = self.ingredient(next(words)).id
            elif word == "syringe":
                facts["container_form"] = "prefilled_syringe"
            elif word.isdigit():
                facts["in_use_hours"] = int(word) * {"d": 24, "h": 1}[next(words)]
            else:
                facts["kind"] = ItemKind(word)
        return Item(
            sku=sku,
            name=sku,
            unit=Unit(unit),
            content=Decimal(content),
            dose_class=DoseClass(dose_class),
            sterile=facts["kind"] is ItemKind.INJECTABLE,
            **facts,
        )

    def _receive(self, sku: str, words: Sequence[str], on: date, site: Site) -> Received:
        number, _, expires, containers, _, cost, *rest = words
        if "on" in rest:
            on = date.fromisoformat(rest[rest.index("on") + 1])
        received = receiving.receive(
            self.db,
            Delivery(self.item(sku), number, date.fromisoformat(expires), int(containers), Decimal(cost)),
            site=site,
            received_on=on,
            recorded_at=site.moment_on(on, NOW),
            by=BY,
        )
        if rest and rest[-1] in ("quarantined", "recalled"):
            hold = holds.quarantine if rest[-1] == "quarantined" else holds.recall
            hold(self.db, received.lot, at=NOW, by=BY, reason="drawn so by the test")
        return received


@contextmanager
def refused(refusal: type[Refusal], sentence: str) -> Iterator[None]:
    """The block is refused by this name and with this very sentence, for it is what the user reads."""
    with pytest.raises(refusal) as caught:
        yield
    assert type(caught.value) is refusal
    assert str(caught.value) == sentence, f"It said: {caught.value}"


def line(sku: str, quantity: str, **more: Any) -> Line:
    """So much of an item; `lot_id`, `vial_id` and `reason` as in treatments.Line."""
    return Line(Decimal(quantity), sku=sku, **more)


def ingredient_line(code: str, quantity: str, **more: Any) -> Line:
    """So much of an ingredient, in whichever of its items expires first."""
    return Line(Decimal(quantity), ingredient=code, **more)


def used(treated: Treated) -> list[tuple[str, str, Decimal, Decimal]]:
    """What a session used, as (SKU, lot, used, discarded)."""
    return [(use.sku, use.lot_number, use.quantity, use.discarded) for use in treated.uses]


def product(picture: str, key: int = 1) -> Product:
    """A product for `picking.plan`, without a database: `HA 3 mL single_dose +0.15 [syringe]`."""
    sku, content, unit, dose_class, *rest = picture.split()
    overfill = next((Decimal(word) for word in rest if word.startswith("+")), Decimal(0))
    one_patient = DoseClass(dose_class).one_patient
    return Product(
        id=key,
        sku=sku,
        name=sku,
        unit=Unit(unit),
        content=Decimal(content),
        overfill=overfill,
        dose_class=DoseClass(dose_class),
        kind=ItemKind.INJECTABLE,
        in_use_hours=None,
        sterile=True,
        loses_on_drawing=one_patient and unit == Unit.ML and "syringe" not in rest,
        ingredient_id=None,
    )


def containers(of: Product, picture: str, *, first_key: int = 1) -> list[Container]:
    """What `plan` may draw from: `A17 exp 2026-03-31 30 mL`; opened, `A17 discard 2026-02-01 3.2 mL`."""
    drawn = []
    for key, words in enumerate(map(str.split, _lines(picture)), start=first_key):
        number, how, day, held, *rest = words
        received = date.fromisoformat(rest[rest.index("on") + 1]) if "on" in rest else RECEIVED_ON
        last = date.fromisoformat(day)
        drawn.append(
            Container(
                product=of,
                lot=LotFacts(key, of.id, last, received),
                lot_number=number,
                held=Decimal(held),
                deadline=datetime(last.year, last.month, last.day, tzinfo=UTC),
                vial_id=None if how == "exp" else key,
            )
        )
    return drawn


def _lines(picture: str) -> Iterable[str]:
    return [stripped for row in picture.splitlines() if (stripped := row.strip())]
