"""Page: pack stock to move it: to another shelf of the site, or to another site (S8).

It is one plain form: the field at its top takes a scanned label or words to look for, and adds a line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Response, g, redirect, request
from marshmallow import ValidationError

from api import auth, errors, where
from api.auth import STOCKROOM
from api.rest.stock import lot_here
from api.schemas import Shape, Whole, Words
from api.web import drafts, formats, forms, frame, shelves
from api.web.forms import Done, Form
from inventory import catalog, clinic, lots, moving, places, reordering, scanning, transfers
from inventory.catalog import Item
from inventory.clinic import Place, PlaceKind, Site
from inventory.errors import Refusal
from inventory.gs1 import UnreadableLabel
from inventory.lots import LotState
from inventory.moving import MOST_LINES, Load, NothingToMove
from inventory.places import Stored
from inventory.receiving import MOST_CONTAINERS

blueprint = frame.chapter("packing")

PATH = "/transfers/new"
MOST_FOUND = 12
ELSEWHERE, HERE = "site.", "place."


class Head(Shape):
    """Where it goes, and what the receiver should know."""

    to = Words(40, required=True)
    note = Words(200, load_default="")


class Line(Shape):
    """So many containers of one item; of one lot on one shelf if it is named."""

    sku = Words(40, required=True)
    lot = Words(40, load_default="")
    containers = Whole(least=1, most=MOST_CONTAINERS, in_address=True, required=True)


@dataclass(frozen=True)
class LineView:
    """A line as it is shown: what it may be taken from."""

    row: str
    item: Item
    there: str
    choices: list[tuple[str, str]]


@blueprint.route(PATH, methods=["GET", "POST"])
def pack() -> Response:
    """Show what is packed so far; add a line, put one aside, or move it all."""
    if request.method == "GET":
        form = forms.opened(_first())
        return _show(_source(form.values), form)
    typed, what = forms.typed(), request.form.get("do", "add")
    site = _source(typed)
    if what == "send":
        return _send(site, typed)
    g.asked = None  # the form is still being filled in: its key is for the move
    kept = {name: text for name, text in typed.items() if name != "do"}
    if what.startswith("remove-"):
        row = what.removeprefix("remove-")
        kept = {name: text for name, text in kept.items() if name.rpartition("-")[2] != row}
    elif what.startswith("pick-"):
        _add(kept, what.removeprefix("pick-"))
    else:
        _look_for(site, kept)
    packed = drafts.unpack(drafts.pack(kept | {forms.KEY: request.form.get(forms.KEY, "")}))
    address = drafts.keep(g.db, packed, person_id=g.visitor.person_id, path=PATH, at=g.now)
    return redirect(f"{address}&added=1", 303)  # type: ignore[return-value]


def _source(values: Mapping[str, str]) -> Site:
    """The site that it leaves: the one named, else the one looked at. Raises UnknownSite, NotYourSite."""
    code = values.get("from", "")[:20]
    return where.named(code) if code else frame.here()


def _first() -> drafts.Values:
    """What is packed as the page is opened: one of an item, or what another site's advice would fetch."""
    asked = {name: request.args.get(name, "")[:40] for name in ("from", "to", "sku", "fetch")}
    first: drafts.Values = {"from": asked["from"], "to": asked["to"]}
    if asked["fetch"] and asked["from"] and asked["to"].startswith(ELSEWHERE):
        target = where.named(asked["to"].removeprefix(ELSEWHERE))
        for sku, lot, containers in _fetched(_source(first), target):
            if asked["sku"] in ("", sku):
                _add(first, sku, lot, containers)
    elif asked["sku"]:
        _add(first, asked["sku"])
    return first


def _fetched(source: Site, target: Site) -> list[tuple[str, str, int]]:
    """What a site should fetch from another: each item with the lot and shelf, and how many containers."""
    advice = reordering.advise(g.db, site=target, on=target.day(g.now), others=where.mine())
    wanted = [(one.sku, part) for one in advice for part in one.fetch if part.site == source.code]
    skus = sorted({sku for sku, _ in wanted})
    items = {item.sku: item for item in g.db.scalars(sa.select(Item).where(Item.sku.in_(skus)))}
    standing, found = _standing(source, [item.id for item in items.values()]), []
    for sku, part in wanted:
        item, left = items[sku], part.containers
        for one in standing:
            if one.item_id == item.id and one.expires_on == part.expires_on and left:
                taken = min(left, int(one.quantity // item.content))
                found.append((sku, _key(one), taken))
                left -= taken
    return found


def _rows(values: Mapping[str, str]) -> list[str]:
    found = [name.removeprefix("sku-") for name in values if name.startswith("sku-")]
    return sorted((row for row in found if row.isascii() and row.isdecimal() and len(row) < 6), key=int)


def _add(values: drafts.Values, sku: str, lot: str = "", containers: int = 1) -> None:
    """One more container of an item, or so many; the same once more counts up."""
    values["find"] = ""
    rows = _rows(values)
    for row in rows:
        if values[f"sku-{row}"] == sku and values.get(f"lot-{row}", "") == lot:
            so_far = values.get(f"containers-{row}", "")
            known = int(so_far) if so_far.isascii() and so_far.isdecimal() and len(so_far) < 9 else 0
            values[f"containers-{row}"] = str(known + containers)
            return
    if len(rows) < MOST_LINES:
        row = str(int(rows[-1]) + 1 if rows else 1)
        values |= {f"sku-{row}": sku[:40], f"lot-{row}": lot, f"containers-{row}": str(containers)}


def _look_for(site: Site, values: drafts.Values) -> None:
    """Add what a label names, or the one item that the words fit; more than one is asked about."""
    text = values.get("find", "").strip()[:400]
    values["find"] = text
    try:
        scan = scanning.read(text, on=site.day(g.now)) if text else None
    except UnreadableLabel:
        scan = None
    known = None if scan is None else scanning.find(g.db, scan)
    if scan is not None and known is not None:
        item, containers = known
        lot = lots.find(g.db, item, scan.lot) if scan.lot else None
        stands = [one for one in _standing(site, [item.id]) if lot is not None and one.lot_id == lot.id]
        _add(values, item.sku, _key(stands[0]) if stands else "", containers)
        return
    found = _found(text)
    exact = [sku for sku, _ in found if sku.casefold() == text.casefold()]
    if exact or len(found) == 1:
        _add(values, exact[0] if exact else found[0][0])


def _found(text: str) -> list[tuple[str, str]]:
    """SKU and name of the items that the words fit."""
    text = "".join(letter for letter in text if letter.isprintable())
    skus = shelves.search(g.db, text) or []
    rows = g.db.execute(
        sa.select(Item.sku, Item.name).where(Item.sku.in_(skus)).order_by(Item.name).limit(MOST_FOUND)
    )
    return [(sku, name) for sku, name in rows]


def _standing(site: Site, item_ids: list[int]) -> list[Stored]:
    """What stands on the site's shelves of items and may be used, the first to expire first."""
    today = site.day(g.now)
    return [
        one
        for one in places.stored(g.db, site=site, item_ids=item_ids)
        if one.kind is PlaceKind.SHELF and one.state is LotState.RELEASED and one.expires_on >= today
    ]


def _key(one: Stored) -> str:
    return f"{one.lot_id}.{one.place_id}"


def _show(site: Site, form: Form) -> Response:
    rows = _rows(form.values)
    skus = {form.value(f"sku-{row}") for row in rows}
    items = {item.sku: item for item in g.db.scalars(sa.select(Item).where(Item.sku.in_(sorted(skus))))}
    standing = _standing(site, [item.id for item in items.values()])
    views = [_view(row, items[sku], standing) for row in rows if (sku := form.value(f"sku-{row}")) in items]
    sought = form.value("find")
    return frame.page(
        "transfer_new.html",
        form=form,
        source=site,
        lines=views,
        shelf_choices=_shelf_choices(site),
        site_choices=_site_choices(site),
        sought=sought,
        found=_found(sought) if sought else [],
    )


def _view(row: str, item: Item, standing: list[Stored]) -> LineView:
    mine = [one for one in standing if one.item_id == item.id]
    count = sum(int(one.quantity / item.content) for one in mine)
    return LineView(
        row,
        item,
        f"{formats.containers(count, item.container_form)} on the shelves"
        if count
        else "none on the shelves",
        [
            (
                _key(one),
                f"{one.lot_number} · {one.place_name} · {formats.number(one.quantity / item.content)}"
                f" · {formats.day(one.expires_on)}",
            )
            for one in mine
        ],
    )


def _shelf_choices(site: Site) -> list[tuple[str, str]]:
    shelved = [one for one in places.of_site(g.db, site, shelves_only=True) if one.active]
    return [(HERE + one.code, one.name) for one in shelved] if len(shelved) > 1 else []


def _site_choices(site: Site) -> list[tuple[str, str]]:
    if g.visitor.role not in STOCKROOM:
        return []
    others = g.db.scalars(sa.select(Site).where(Site.id != site.id).order_by(Site.id))
    return [(ELSEWHERE + one.code, one.name) for one in others]


def _send(site: Site, typed: drafts.Values) -> Response:
    """Move every line, or none and say why."""
    form = Form(typed, key=request.form.get(forms.KEY) or forms.new_key(), action=PATH)
    if "key_reused" in g:
        form.key, form.problem = forms.new_key(), forms.SENT_BEFORE
        return forms.again(lambda form: _show(site, form), form, 409)
    try:
        head = _load(Head(), typed, "", form)
        lines = [_load(Line(), typed, f"-{row}", form) for row in _rows(typed)]
        if form.errors:
            return forms.again(lambda form: _show(site, form), form, 422)
        if not lines:
            raise NothingToMove("Nothing is packed yet: scan a box, or look for an item.")
        done = _move(site, head, [load for line in lines for load in _loads(site, line)])
    except Refusal as refusal:
        form.problem = str(refusal)
        status = next(code for kind, code in errors.STATUS.items() if isinstance(refusal, kind))
        return forms.again(lambda form: _show(site, form), form, status)
    return forms.go(done)


def _load(shape: Shape, typed: Mapping[str, str], suffix: str, form: Form) -> dict[str, Any]:
    """The fields of one part of the form; what is wrong with them is kept in the form."""
    names = {f"{name}{suffix}": name for name in shape.fields}
    given = {name: typed[key] for key, name in names.items() if typed.get(key, "").strip()}
    try:
        found: dict[str, Any] = shape.load(given)
    except ValidationError as wrong:
        form.errors |= {f"{name}{suffix}": words for name, words in forms.by_field(wrong).items()}
        return {}
    return found


def _loads(site: Site, line: Mapping[str, Any]) -> list[Load]:
    """What a line takes along: from the lot and shelf that it names, else what expires first (S7)."""
    item = catalog.item(g.db, line["sku"])
    lot, _, place = line["lot"].partition(".")
    if not (lot.isascii() and lot.isdecimal() and place.isascii() and place.isdecimal()):
        return moving.suggest(g.db, item, containers=line["containers"], site=site, on=site.day(g.now))
    if len(lot) > 17 or len(place) > 17:
        raise lots.UnknownLot(f"No lot has the key {lot[:18]}.")
    shelf = g.db.get(Place, int(place))
    if shelf is None or shelf.site_id != site.id:
        raise places.UnknownPlace(f"{site.code} has no such place.")
    return [Load(lot_here(int(lot)), item.content * line["containers"], shelf)]


def _move(site: Site, head: Mapping[str, Any], loads: list[Load]) -> Done:
    """Move what is packed, and say where it is now."""
    when = {"at": g.now, "recorded_at": g.now, "by": g.caller.name}
    if head["to"].startswith(ELSEWHERE):
        auth.require(g.caller, STOCKROOM, "Sending stock to another site")
        target = clinic.site(g.db, head["to"].removeprefix(ELSEWHERE))
        sent = transfers.send(g.db, loads, source=site, target=target, note=head["note"], **when)
        return Done(f"/transfers/{sent.id}", f"It is on the way to {target.name}: to be received there.")
    shelf = places.place(g.db, site, head["to"].removeprefix(HERE))
    moving.move(g.db, loads, to=shelf, site=site, reason=head["note"], **when)
    return Done("/stock", f"Moved to {shelf.name}.")
