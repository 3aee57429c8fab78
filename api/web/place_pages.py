"""Pages: a site's fridges, cupboards and freezers: add one, rename it, give it up."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Response, g

from api import idempotency, where
from api.schemas import Shape, Whole, Words, one_word
from api.web import formats, forms, frame
from api.web.forms import Change, Done, Form, Stale
from inventory import clinic, places
from inventory.balances import BALANCES
from inventory.catalog import Item
from inventory.clinic import PLACES, Place, PlaceKind, Site, Temperature
from inventory.places import DEGREES, LONGEST_CODE

blueprint = frame.chapter("places")


@dataclass(frozen=True)
class Row:
    """One place of a site as the list shows it."""

    code: str
    name: str
    kept: str
    items: int
    active: bool
    first: bool


class NewPlace(Shape):
    """A place to add."""

    code = Words(LONGEST_CODE, required=True)
    name = Words(120, required=True)
    temperature = one_word(Temperature, required=True)


class PlaceChange(Shape):
    """A place as it should be; a tick that is not set is not sent."""

    version = Whole(least=0, in_address=True, required=True)
    name = Words(120, required=True)
    temperature = one_word(Temperature, required=True)
    given_up = Words(3, load_default="")


def spoken(temperature: Temperature) -> str:
    """How warm a place is kept: `Cold, 2 to 8 °C`."""
    if temperature is Temperature.ANY:
        return "Not measured"
    low, high = DEGREES[temperature]
    return f"{temperature.value.capitalize()}, {low} to {high} °C"


TEMPERATURES = [(one.value, spoken(one)) for one in Temperature]


def rows(site: Site) -> list[Row]:
    """The shelves of a site, with how many items stand in each."""
    shelves = places.of_site(g.db, site, shelves_only=True)
    count = sa.func.count(sa.distinct(BALANCES.c.item_id))
    held = dict(
        g.db.execute(
            sa.select(BALANCES.c.place_id, count)
            .where(BALANCES.c.place_id.in_([one.id for one in shelves]), BALANCES.c.quantity > places.NOTHING)
            .group_by(BALANCES.c.place_id)
        ).all()
    )
    first = next((one.id for one in shelves if one.active), None)
    return [
        Row(one.code, one.name, spoken(one.temperature), held.get(one.id, 0), one.active, one.id == first)
        for one in shelves
    ]


def by_item(site: Site, item_ids: Sequence[int]) -> dict[int, str]:
    """Where each item stands at a site, with how many containers; nothing where that is the first shelf."""
    shelves = clinic.shelves(g.db, site.id)
    if len(shelves) < 2:
        return {}
    rows = g.db.execute(
        sa.select(
            BALANCES.c.item_id, PLACES.c.id, PLACES.c.name, sa.func.sum(BALANCES.c.quantity), Item.content
        )
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .join(Item, Item.id == BALANCES.c.item_id)
        .where(
            BALANCES.c.item_id.in_(item_ids),
            BALANCES.c.quantity > places.NOTHING,
            PLACES.c.site_id == site.id,
            PLACES.c.kind == PlaceKind.SHELF,
        )
        .group_by(BALANCES.c.item_id, PLACES.c.id, PLACES.c.name, Item.content)
        .order_by(BALANCES.c.item_id, PLACES.c.id)
    )
    found: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    for item_id, place_id, name, quantity, content in rows:
        found[item_id].append((place_id, name, formats.number(quantity / content)))
    return {
        key: " · ".join(f"{name}: {much}" for _, name, much in spots) if len(spots) > 1 else spots[0][1]
        for key, spots in found.items()
        if [place_id for place_id, _, _ in spots] != [shelves[0]]
    }


def by_lot(site: Site, item: Item) -> dict[int, str]:
    """Where each lot of an item stands at a site; nothing where there is but one shelf."""
    if len(clinic.shelves(g.db, site.id)) < 2:
        return {}
    found: dict[int, list[str]] = defaultdict(list)
    for one in places.stored(g.db, site=site, item_ids=[item.id]):
        if one.kind in (PlaceKind.SHELF, PlaceKind.TRANSIT):
            name = "on the way" if one.kind is PlaceKind.TRANSIT else one.place_name
            found[one.lot_id].append(f"{name}: {formats.number(one.quantity / item.content)}")
    return {key: " · ".join(words) for key, words in found.items()}


@blueprint.route("/settings/sites/<code:code>/places/new", methods=["GET", "POST"])
def add(code: str) -> Response:
    """Add a fridge, cupboard or freezer to a site."""
    site = where.named(code)

    def show(form: Form) -> Response:
        return frame.page("place.html", form=form, site=site, place=None, temperatures=TEMPERATURES)

    def do(body: dict[str, Any]) -> Done:
        idempotency.hold(g.db, f"places {code}")
        added = places.add(g.db, site, **body | {"code": body["code"].upper()})
        return Done(f"/settings/sites/{code}", f"{added.name} is a place of {site.name} now.")

    return forms.handle(NewPlace, show=show, do=do)


@blueprint.route("/settings/sites/<code:code>/places/<code:place>", methods=["GET", "POST"])
def change(code: str, place: str) -> Response:
    """Rename a place, say how warm it is kept, or give it up once it is empty."""
    site = where.named(code)

    def show(form: Form) -> Response:
        subject = places.place(g.db, site, place)
        return frame.page("place.html", form=form, site=site, place=subject, temperatures=TEMPERATURES)

    def do(body: dict[str, Any]) -> Done:
        idempotency.hold(g.db, f"places {code}")
        subject = places.place(g.db, site, place)
        if body["version"] != subject.version:
            raise Stale(_changes(subject, body), version=subject.version)
        active = body["given_up"] != "yes"
        places.change(g.db, subject, name=body["name"], temperature=body["temperature"], active=active)
        return Done(f"/settings/sites/{code}", f"{subject.name} is changed.")

    subject = places.place(g.db, site, place)
    first = {
        "version": str(subject.version),
        "name": subject.name,
        "temperature": subject.temperature.value,
        "given_up": "" if subject.active else "yes",
    }
    return forms.handle(PlaceChange, show=show, do=do, first=first)


def _changes(subject: Place, body: dict[str, Any]) -> tuple[Change, ...]:
    in_use = {True: "in use", False: "given up"}
    found = (
        Change("Name", subject.name, body["name"]),
        Change("Kept at", spoken(subject.temperature), spoken(body["temperature"])),
        Change("State", in_use[subject.active], in_use[body["given_up"] != "yes"]),
    )
    return tuple(one for one in found if one.theirs != one.mine)
