"""JSON: a site's fridges, cupboards and freezers, and moving stock from one to another."""

from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import ValidationError, fields, validates_schema

from api import conditions, idempotency, paging, where
from api.paging import PageQuery
from api.rest.calls import Headers, listed, made, noun, page_of, site_or_first, tagged
from api.rest.stock import lot_here
from api.schemas import Day, Flag, Id, Many, Moment, Quantity, Shape, Whole, Words, one_word
from inventory import catalog, moving, places
from inventory.balances import BALANCES
from inventory.clinic import PLACES, Place, PlaceKind, Site, Temperature
from inventory.moving import MOST_LINES, Load
from inventory.places import ITEMS, LOTS
from inventory.receiving import MOST_CONTAINERS

blueprint = noun("places", "Places and moves")


class PlaceShape(Shape):
    """A place of a site; stock is put by name on shelves only, which are the places of the kind `shelf`."""

    code = fields.String()
    name = fields.String()
    kind = one_word(PlaceKind)
    temperature = one_word(Temperature)
    active = fields.Boolean()


class NewPlace(Shape):
    """A fridge, cupboard or freezer to add."""

    code = Words(places.LONGEST_CODE, required=True)
    name = Words(120, required=True)
    temperature = one_word(Temperature, required=True)


class PlaceChange(Shape):
    """What a place is called, how warm it is kept, and whether it is in use."""

    name = Words(120, required=True)
    temperature = one_word(Temperature, required=True)
    active = Flag(load_default=True)


def shown(place: Place) -> tuple[Any, Headers]:
    """A place as it is shown, with its tag."""
    return tagged(place, tag(place))


def tag(place: Place) -> str:
    """The tag of a place's version."""
    return conditions.tag("place", place.id, place.version)


@blueprint.get("/sites/<code:code>/places")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(PlaceShape))
def list_places(query: dict[str, Any], code: str) -> Any:
    """List a site's places in the order in which they were added; those given up are not active."""
    mine = sa.select(*PLACES.c).where(PLACES.c.site_id == where.named(code).id)
    return listed(paging.rows(g.db, mine, PLACES.c.id, limit=query["limit"], after=query["after"]))


@blueprint.post("/sites/<code:code>/places")
@blueprint.arguments(NewPlace)
@blueprint.response(201, PlaceShape)
def add_place(body: dict[str, Any], code: str) -> Any:
    """Add a fridge, cupboard or freezer to a site."""
    added = places.add(g.db, where.named(code), **body)
    answer, headers = shown(added)
    return answer, headers | made(answer, f"/sites/{code}/places/{added.code}")[1]


@blueprint.get("/sites/<code:code>/places/<code:place>")
@blueprint.response(200, PlaceShape)
def get_place(code: str, place: str) -> Any:
    """Show one place."""
    return shown(places.place(g.db, where.named(code), place))


@blueprint.put("/sites/<code:code>/places/<code:place>")
@blueprint.arguments(PlaceChange)
@blueprint.response(200, PlaceShape)
def change_place(body: dict[str, Any], code: str, place: str) -> Any:
    """Change a place that was read before (`If-Match`); it is given up when it is empty."""
    idempotency.hold(g.db, f"places {code}")
    found = places.place(g.db, where.named(code), place)
    conditions.require_match(tag(found))
    return shown(places.change(g.db, found, **body))


class StoredShape(Shape):
    """So much of one lot that stands in a place."""

    sku = fields.String()
    lot = fields.Integer()
    lot_number = fields.String()
    expires_on = Day()
    quantity = Quantity()


@blueprint.get("/sites/<code:code>/places/<code:place>/stock")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(StoredShape))
def list_stored(query: dict[str, Any], code: str, place: str) -> Any:
    """List what stands in a place, lot by lot, by SKU and expiry."""
    found = places.place(g.db, where.named(code), place)
    lot = LOTS.c.id.label("lot")
    held = (
        sa.select(ITEMS.c.sku, lot, LOTS.c.number.label("lot_number"), LOTS.c.expires_on, BALANCES.c.quantity)
        .join(LOTS, LOTS.c.id == BALANCES.c.lot_id)
        .join(ITEMS, ITEMS.c.id == BALANCES.c.item_id)
        .where(BALANCES.c.place_id == found.id, BALANCES.c.quantity > places.NOTHING)
    )
    order = (ITEMS.c.sku, LOTS.c.expires_on, lot)
    return listed(paging.rows(g.db, held, *order, limit=query["limit"], after=query["after"]))


class LoadShape(Shape):
    """So much of one lot, from one shelf if it is named; or so many containers of an item, by FEFO."""

    lot = Id()
    quantity = Quantity(positive=True)
    sku = Words(40)
    containers = Whole(least=1, most=MOST_CONTAINERS)
    place = Words(places.LONGEST_CODE)

    @validates_schema
    def one_way(self, data: dict[str, Any], **_options: Any) -> None:
        """A lot with its quantity, or an item with its containers."""
        given = {name for name in ("lot", "quantity", "sku", "containers") if name in data}
        if given not in ({"lot", "quantity"}, {"sku", "containers"}):
            raise ValidationError("Give lot and quantity, or sku and containers.", "lot")


def loads_of(lines: list[dict[str, Any]], site: Site) -> list[Load]:
    """The lines of a body as what is taken along from a site."""
    loads: list[Load] = []
    for line in lines:
        if "sku" in line:
            item = catalog.item(g.db, line["sku"])
            loads += moving.suggest(g.db, item, containers=line["containers"], site=site, on=site.day(g.now))
        else:
            shelf = places.place(g.db, site, line["place"]) if "place" in line else None
            loads.append(Load(lot_here(line["lot"]), line["quantity"], shelf))
    return loads


class NewMove(Shape):
    """Sealed containers to put on another shelf of their site."""

    to = Words(places.LONGEST_CODE, required=True)
    lines = Many(fields.Nested(LoadShape), least=1, most=MOST_LINES, required=True)
    site = Words(20)
    reason = Words(200, shortest=0, load_default="")
    at = Moment()


class MovedLineShape(Shape):
    """So much of one lot that changed its shelf."""

    lot = fields.Integer()
    quantity = Quantity()


class MoveShape(Shape):
    """A move: its document, where to, and what."""

    document = fields.Integer()
    site = fields.String()
    to = fields.String()
    lines = fields.List(fields.Nested(MovedLineShape))


@blueprint.post("/moves")
@blueprint.arguments(NewMove)
@blueprint.response(201, MoveShape)
def move(body: dict[str, Any]) -> Any:
    """Put sealed containers from one shelf of a site on another (S8); a value is not moved with them."""
    site = site_or_first(body.get("site"))
    loads = loads_of(body["lines"], site)
    document = moving.move(
        g.db,
        loads,
        to=places.place(g.db, site, body["to"]),
        site=site,
        at=body.get("at", g.now),
        recorded_at=g.now,
        by=g.caller.name,
        reason=body["reason"],
    )
    return {
        "document": document,
        "site": site.code,
        "to": body["to"],
        "lines": [{"lot": load.lot.id, "quantity": load.quantity} for load in loads],
    }
