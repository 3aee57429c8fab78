"""Pages: what to order, from whom, how much, by when and why; and the same as a sheet (O2)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from urllib.parse import quote

import sqlalchemy as sa
from flask import Response, g, request

from api.auth import STOCKROOM
from api.schemas import key_of
from api.web import charts, downloads, formats, forms, frame, order_pages
from api.web.charts import Meter
from api.web.forms import Done
from inventory import catalog, order_views, purchasing, reordering
from inventory import suppliers as supplier_terms
from inventory.catalog import Supplier
from inventory.clinic import Site
from inventory.errors import Invalid
from inventory.measures import ZERO, to_cents_half_up
from inventory.order_views import OrderState, OrderView
from inventory.reordering import Advice
from pricing import sharing_hints

blueprint = frame.chapter("reorder")

ALL = "all"
LOOKED_AT = 50  # orders, for a draft
IN_MEMORY = 1024 * 1024


@dataclass(frozen=True)
class Row:
    """One item of the list, ready to show."""

    advice: Advice
    site: str
    code: str  # of the site
    supplier: str
    meter: Meter
    level: str
    order: str
    when: str
    kind: str  # of its colour: how near the day is
    runs_out: str
    late: bool  # it runs out before a delivery can come
    on_order: str


@dataclass(frozen=True)
class Basket:
    """What would be ordered from one supplier."""

    name: str
    items: int
    packs: int
    cost: Decimal
    below: Decimal  # how much is missing to the supplier's smallest order; nothing if nothing is
    uncompared: Decimal  # its smallest order, where nobody tells what that is in our currency
    currency: str  # of that
    code: str
    draft: OrderView | None  # one that is not sent yet
    lacks: int  # of the items: so many are not in the draft, or too few


class BadPacks(Invalid):
    """What was typed is no number of packs."""


@blueprint.get("/reorder")
def listing() -> Response:
    """The list, the most urgent first; what cannot be ordered as it stands comes after it."""
    sites = chosen_sites()
    suppliers = _suppliers()
    rows = [row for site in sites for row in _rows(site, suppliers)]
    rows.sort(key=urgency)
    orders = [row for row in rows if row.advice.order_packs]
    baskets = _baskets(orders, suppliers, sites)
    return frame.page(
        "reorder.html",
        orders=orders,
        others=[row for row in rows if not row.advice.order_packs and not row.advice.fetch],
        fetched=[row for row in rows if row.advice.fetch],
        loads=_loads(rows),
        baskets=baskets,
        drafted={basket.code for basket in baskets if basket.draft is not None},
        in_draft=_in_drafts(orders, baskets) if len(sites) == 1 and frame.may("GET /orders") else {},
        may_order=frame.may("POST /reorder/order") and len(sites) == 1,
        may_see=frame.may("GET /orders"),
        key=forms.new_key(),
        total=sum((row.advice.cost for row in orders), ZERO),
        risk=sum((row.advice.value_at_risk for row in rows), ZERO),
        hints=[hint for site in sites for hint in sharing_hints.hints(g.db, site=site, on=site.day(g.now))],
        due=sum(1 for row in orders if row.kind == "bad"),
        late=sum(1 for row in rows if row.late),
        chosen=ALL if len(sites) > 1 else sites[0].code,
        several=len(sites) > 1,
        where="every site" if len(sites) > 1 else sites[0].name,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
    )


@blueprint.get("/reorder/sheet")
def sheet() -> Response:
    """The list as a spreadsheet."""
    from api import order_sheet  # imported late, for most requests need no spreadsheets

    sites = chosen_sites()
    lines = [
        order_sheet.OrderLine(site.name, advice, _name(_suppliers(), advice))
        for site in sites
        for advice in reordering.advise(g.db, site=site, on=site.day(g.now), others=frame.my_sites())
    ]
    lines.sort(key=lambda line: order(line.advice))
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (closed when it was sent)
    order_sheet.write(
        file, lines, currency=frame.currency(g.db), costs=frame.sees_costs(), at=g.now, by=g.caller.name
    )
    file.seek(0)
    name = f"reorder-{sites[0].code if len(sites) == 1 else ALL}-{sites[0].day(g.now)}.xlsx"
    return downloads.workbook(file, name=name)


@blueprint.post("/reorder/order")
def from_advice() -> Response:
    """Draft an order of what the advice names of one supplier, or add it to a draft, in one step (O3).

    Fields `packs-SKU` take the place of what is advised; nothing in them leaves the item out. `draft` is the
    key of one that stands.
    """
    site, standing = frame.here(), key_of(request.form.get("draft", ""))
    if standing is not None:
        return _added(standing)
    supplier = catalog.supplier(g.db, request.form.get("supplier", "")[:20])
    typed = {
        name.removeprefix("packs-"): _packs(text)
        for name, text in request.form.items()
        if name.startswith("packs-")
    }
    wishes = reordering.wishes(
        g.db, site=site, supplier=supplier, on=site.day(g.now), packs=typed, others=frame.my_sites()
    )
    found = purchasing.draft(g.db, wishes, site=site, supplier=supplier, at=g.now, by=g.caller.name)
    return forms.go(Done(f"/orders/{found.id}", f"{found.number} is drafted from the advice: look it over."))


def _added(order_id: int) -> Response:
    """Add to a draft what it has not of what is advised."""
    subject, site = order_pages.named(order_id)
    standing, on = purchasing.to_change(g.db, subject), site.day(g.now)
    wishes = reordering.added(g.db, standing, site=site, on=on, others=frame.my_sites())
    found = purchasing.change(g.db, subject, wishes, at=g.now, by=g.caller.name)
    return forms.go(Done(f"/orders/{found.id}", f"{found.number} has all that is advised: look it over."))


def _in_drafts(rows: Sequence[Row], baskets: Sequence[Basket]) -> dict[str, str]:
    """How much of each item its supplier's draft has already, by SKU: the rest is still to be added there."""
    drafts = {basket.code: basket.draft for basket in baskets if basket.draft is not None}
    found = {}
    for one in (row.advice for row in rows):
        draft = drafts.get(one.supplier or "")
        if draft is not None:
            line = next((line for line in draft.lines if line.sku == one.sku), None)
            if line is None:
                has = "none"
            elif line.pack_containers == one.pack_containers:
                has = formats.number(line.packs)
            else:
                has = _packs_of(line.packs, line.pack_containers)
            found[one.sku] = f"{has} in {draft.number}"
    return found


def _loads(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """From which site to which something is to be fetched: the address of the form, both names."""
    if g.visitor.role not in STOCKROOM:
        return []
    ends = {(one.site, one.site_name, row.code, row.site) for row in rows for one in row.advice.fetch}
    return [
        (f"/transfers/new?from={quote(source)}&to=site.{quote(target)}&fetch=1", name, target_name)
        for source, name, target, target_name in sorted(ends)
    ]


def _packs(typed: str) -> int:
    """How many packs are wanted; nothing is none. Raises BadPacks."""
    text = typed.strip() or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise BadPacks(f"{typed[:20]!r} packs cannot be ordered: write a whole number, or nothing for none.")
    return int(text)


def chosen_sites() -> list[Site]:
    """The site that is looked at, or all at which the visitor works where the address asks for them."""
    return frame.my_sites() if request.args.get("site") == ALL else [frame.here()]


def order(advice: Advice) -> tuple[date, date, str]:
    """What must be ordered first, first; then what runs out first."""
    return advice.order_by or date.max, advice.stock_out_on or date.max, advice.sku


def urgency(row: Row) -> tuple[date, date, str]:
    """The same for a row of the page."""
    return order(row.advice)


def _suppliers() -> dict[str, Supplier]:
    return {supplier.code: supplier for supplier in g.db.scalars(sa.select(Supplier))}


def _name(suppliers: dict[str, Supplier], advice: Advice) -> str:
    return suppliers[advice.supplier].name if advice.supplier else ""


def _rows(site: Site, suppliers: dict[str, Supplier]) -> list[Row]:
    today = site.day(g.now)
    return [
        _row(advice, site, _name(suppliers, advice), today)
        for advice in reordering.advise(g.db, site=site, on=today, others=frame.my_sites())
    ]


def _row(advice: Advice, site: Site, supplier: str, today: date) -> Row:
    has = formats.number(formats.rough(advice.position, advice.unit, up=False))
    need = formats.quantity(formats.rough(advice.reorder_point, advice.unit), advice.unit)
    when, kind = _when(advice, today)
    out, lead = advice.stock_out_on, advice.lead_days
    return Row(
        advice=advice,
        site=site.name,
        code=site.code,
        supplier=supplier,
        meter=charts.meter(advice.position, advice.reorder_point),
        level=f"{has} of {need}",
        order=_packs_of(advice.order_packs, advice.pack_containers or 1) if advice.order_packs else "",
        when=when,
        kind=kind,
        runs_out="" if out is None else "out now" if advice.out_now else _near(out, today),
        late=out is not None and lead is not None and out < today + timedelta(days=lead),
        on_order=f"{formats.quantity(advice.on_order, advice.unit)} on order" if advice.on_order else "",
    )


def _packs_of(count: int, containers: int) -> str:
    """How many whole packs, and what that is."""
    packs = f"{formats.number(count)} {'pack' if count == 1 else 'packs'}"
    return packs if containers == 1 else f"{packs} of {containers}"


def _when(advice: Advice, today: date) -> tuple[str, str]:
    if advice.order_by is None:
        return "", "plain"
    left = (advice.order_by - today).days
    if left <= 0:
        return "today", "bad"
    return _near(advice.order_by, today), "later" if left <= 7 else "plain"


def _near(day: date, today: date) -> str:
    """A day, with its year only where it is another."""
    return f"{day.day} {day:%b}" if day.year == today.year else formats.day(day)


def _drafts(sites: Sequence[Site]) -> dict[str, OrderView]:
    """The newest draft to each supplier: what is drafted is not on order yet, and easily ordered twice."""
    newest = order_views.listing(g.db, site_ids=[site.id for site in sites], limit=LOOKED_AT)
    found: dict[str, OrderView] = {}
    for one in order_views.views(g.db, newest):
        if one.state is OrderState.DRAFT:
            found.setdefault(one.supplier, one)
    return found


def _baskets(rows: Sequence[Row], suppliers: dict[str, Supplier], sites: Sequence[Site]) -> list[Basket]:
    """The orders by supplier, the dearest first, set against each one's smallest order."""
    currency, found, drafts = frame.currency(g.db), defaultdict(list), _drafts(sites)
    for row in rows:
        if row.advice.supplier:
            found[row.advice.supplier].append(row.advice)
    baskets, rates = [], supplier_terms.rates(g.db, currency=currency, on=sites[0].day(g.now))
    for code, lines in found.items():
        cost = sum((line.cost for line in lines), ZERO)
        of, rate, draft = suppliers[code], rates.get(suppliers[code].id), drafts.get(code)
        smallest = to_cents_half_up(of.minimum_order * rate) if rate is not None else ZERO
        baskets.append(
            Basket(
                name=of.name,
                items=len(lines),
                packs=sum(line.order_packs for line in lines),
                cost=cost,
                below=max(ZERO, smallest - cost),
                uncompared=of.minimum_order if rate is None else ZERO,
                currency=of.currency,
                code=code,
                draft=draft,
                lacks=0 if draft is None else sum(reordering.lacking_in(draft, line) for line in lines),
            )
        )
    return sorted(baskets, key=lambda basket: (-basket.cost, basket.name))
