"""JSON: counting stock: a sheet, what was found, the differences with their price, and posting them."""

from typing import Any

from flask import g
from marshmallow import fields

from api import paging, where
from api.paging import PageQuery
from api.rest.calls import listed, made, noun, page_of, site_or_first
from api.rest.count_shapes import CountHeadShape, CountShape, count_of, head, shown
from api.schemas import Flag, Id, Many, Quantity, Shape, Whole, Words, one_word
from inventory import catalog, count_posting, counting, counts, differences, places, rota, stocktake
from inventory.clinic import Site
from inventory.counting import Found
from inventory.counts import Count, CountState
from inventory.errors import Invalid
from inventory.lots import lot as lot_of
from inventory.stocktake import Scope

blueprint = noun("counts", "Counting stock")

MOST_LINES = 5_000


class ScopeTwice(Invalid):
    """A count is of one thing."""


class NotInContainers(Invalid):
    """A line is counted in containers or in its unit, not in both and not in neither."""


class NewCount(Shape):
    """Of what: a place, a class of ingredients, some items, what the rota says is due, or everything."""

    site = Words(20)
    place = Words(20, allow_none=True)
    ingredient_class = Words(60, allow_none=True)
    skus = Many(Words(40), most=500, least=1, allow_none=True)
    rota = Flag(load_default=False)
    blind = Flag(load_default=False)


@blueprint.post("/counts")
@blueprint.arguments(NewCount)
@blueprint.response(201, CountShape)
def begin(body: dict[str, Any]) -> Any:
    """Begin a count (S11): its sheet lists what the book has, and what is found besides can be added."""
    site = site_or_first(body.get("site"))
    subject = stocktake.begin(
        g.db, _scope(body, site), site=site, at=g.now, by=g.caller.name, blind=body["blind"]
    )
    return made(shown(subject, site), f"/counts/{subject.id}")


def _scope(body: dict[str, Any], site: Site) -> Scope:
    named = [name for name in ("place", "ingredient_class", "skus", "rota") if body.get(name)]
    if len(named) > 1:
        raise ScopeTwice(f"A count is of one thing, not of {' and '.join(named)}: begin two.")
    if body.get("place"):
        return Scope(place=places.place(g.db, site, body["place"]))
    if body.get("ingredient_class"):
        return Scope(ingredient_class=body["ingredient_class"], words=body["ingredient_class"].capitalize())
    if body.get("skus"):
        items = [catalog.item(g.db, sku) for sku in body["skus"]]
        return Scope(item_ids=[item.id for item in items], words=", ".join(item.sku for item in items))
    if body["rota"]:
        return stocktake.due_scope([due.item_id for due in rota.due(g.db, site=site, on=site.day(g.now))])
    return Scope()


class CountQuery(PageQuery):
    """Which counts."""

    site = Words(20)
    state = one_word(CountState)


@blueprint.get("/counts")
@blueprint.arguments(CountQuery, location="query")
@blueprint.response(200, page_of(CountHeadShape))
def list_counts(query: dict[str, Any]) -> Any:
    """List the counts, the latest first."""
    last = paging.start(query["after"], int)
    found = counts.counts(
        g.db,
        site_ids=[where.named(query["site"]).id] if "site" in query else where.only(),
        state=query.get("state"),
        before=last[0] if last else None,
        limit=query["limit"] + 1,
    )
    rows = [head(subject, g.db.get_one(Site, subject.site_id)) for subject in found]
    return listed(paging.cut(rows, limit=query["limit"], key=lambda row: (row["id"],)))


@blueprint.get("/counts/<id:count_id>")
@blueprint.response(200, CountShape)
def get_count(count_id: int) -> Any:
    """Show a count, line by line, with what each difference is worth."""
    return shown(*count_of(count_id))


class FoundShape(Shape):
    """What was found of a line: whole `containers`, or a `quantity` in its unit; null takes it back."""

    line = Id(required=True)
    quantity = Quantity(allow_none=True)
    containers = Whole()
    again = Flag(load_default=False)


class Lines(Shape):
    """What was found of some lines; `rest_is_missing` writes down nothing for every other one."""

    lines = Many(fields.Nested(FoundShape), most=MOST_LINES, load_default=list)
    rest_is_missing = Flag(load_default=False)


@blueprint.put("/counts/<id:count_id>/lines")
@blueprint.arguments(Lines)
@blueprint.response(200, CountShape)
def write_down(body: dict[str, Any], count_id: int) -> Any:
    """Write down what was found, all lines or none; `again` makes it the second count."""
    subject, site = count_of(count_id)
    content = {line.id: line.content for line in differences.lines(g.db, subject)}
    found = []
    for one in body["lines"]:
        if ("quantity" in one) == ("containers" in one):
            raise NotInContainers(f"Line {one['line']} takes either containers or a quantity.")
        if one["line"] not in content:
            raise counts.UnknownLine(f"Count {count_id} has no line {one['line']}.")
        amount = one["quantity"] if "quantity" in one else one["containers"] * content[one["line"]]
        found.append(Found(one["line"], amount, again=one["again"]))
    if found or not body["rest_is_missing"]:
        counting.write_down(g.db, subject, found, at=g.now, recorded_at=g.now, by=g.caller.name)
    if body["rest_is_missing"]:
        counting.rest_is_missing(g.db, subject, at=g.now, by=g.caller.name)
    return shown(subject, site)


class NewLine(Shape):
    """A known lot that was found where the book has none of it."""

    lot = Id()
    sku = Words(40)
    lot_number = Words(20)
    place = Words(20)


@blueprint.post("/counts/<id:count_id>/lines")
@blueprint.arguments(NewLine)
@blueprint.response(201, CountShape)
def add_line(body: dict[str, Any], count_id: int) -> Any:
    """Put a known lot on the sheet; one that was never received is received instead."""
    subject, site = count_of(count_id)
    if "lot" in body:
        lot = lot_of(g.db, body["lot"])
    elif "sku" in body and "lot_number" in body:
        lot = counting.known_lot(g.db, catalog.item(g.db, body["sku"]), body["lot_number"])
    else:
        raise NotInContainers("Name the lot by its key, or by SKU and lot number.")
    place_id = _place_id(body, subject, site)
    place_id = place_id or counting.place_of(g.db, subject, lot)
    stocktake.add_line(g.db, subject, lot, place_id=place_id, at=g.now, by=g.caller.name)
    return made(shown(subject, site), f"/counts/{subject.id}")


def _place_id(body: dict[str, Any], subject: Count, site: Site) -> int | None:
    if "place" not in body:
        return None
    there = places.place(g.db, site, body["place"])
    return stocktake.one_of_its_places(g.db, subject, there).id


class CountScan(Shape):
    """The text of a barcode as the scanner gave it; GS is U+001D."""

    data = Words(4096, keep="\x1d\x1e\x04\t\r\n", required=True)
    place = Words(20)
    again = Flag(load_default=False)


class ScannedShape(Shape):
    """The line that was scanned, and what has been found of it so far."""

    line = fields.Integer(attribute="line_id")
    sku = fields.String(attribute="item.sku")
    lot = fields.Integer(attribute="lot.id")
    lot_number = fields.String(attribute="lot.number")
    containers = fields.Integer()
    quantity = Quantity()


@blueprint.post("/counts/<id:count_id>/scan")
@blueprint.arguments(CountScan)
@blueprint.response(201, ScannedShape)
def scan(body: dict[str, Any], count_id: int) -> Any:
    """Count one container by its barcode (S13); a scan adds to what was found of its lot."""
    subject, site = count_of(count_id)
    return counting.scan(
        g.db,
        subject,
        body["data"],
        at=g.now,
        by=g.caller.name,
        place_id=_place_id(body, subject, site),
        again=body["again"],
    )


class Posting(Shape):
    """Why the count is posted, and what was looked at before."""

    reason = Words(500, required=True)
    leave_uncounted = Flag(load_default=False)
    digest = Words(32)


@blueprint.post("/counts/<id:count_id>/post")
@blueprint.arguments(Posting)
@blueprint.response(200, CountShape)
def post(body: dict[str, Any], count_id: int) -> Any:
    """Post the differences as one document (B1); dated when the last line was counted (B4)."""
    subject, site = count_of(count_id)
    count_posting.post(
        g.db,
        subject,
        at=g.now,
        by=g.caller.name,
        reason=body["reason"],
        leave_uncounted=body["leave_uncounted"],
        seen=body.get("digest"),
    )
    return shown(subject, site)


class Abandoning(Shape):
    """Why the count is given up."""

    reason = Words(500, required=True)


@blueprint.post("/counts/<id:count_id>/abandon")
@blueprint.arguments(Abandoning)
@blueprint.response(200, CountShape)
def abandon(body: dict[str, Any], count_id: int) -> Any:
    """Give a count up: nothing is posted, what was written down stays to be read."""
    subject, site = count_of(count_id)
    stocktake.abandon(g.db, subject, at=g.now, by=g.caller.name, reason=body["reason"])
    return shown(subject, site)
