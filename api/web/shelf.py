"""Pages: the stock list, and one item with its line through the months, its lots and what moved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from flask import Response, g, request

from api import where
from api.schemas import key_of
from api.web import charts, formats, frame, place_pages, shelves, vial_board
from api.web.charts import Flag, Meter, Picture, Point, StockLine
from api.web.shelves import HeldLot, ItemDetail
from inventory import catalog, clinic, corrections, evidence, levels, lot_list, stock, vial_advice
from inventory.clinic import Site
from inventory.evidence import Evidence
from inventory.levels import Outlook
from inventory.measures import ZERO, spoken
from inventory.stock import ItemStock

blueprint = frame.chapter("shelf")

PAGE = 30
CHIPS = 3
NO_LOTS: tuple[Sequence[HeldLot], int] = ((), 0)
SHOWN = (
    ("stocked", "In stock or needed"),
    ("short", "Short"),
    ("expiring", "Expiring soon"),
    ("opened", "Opened"),
    ("all", "All items"),
)
PAST_DAYS, AHEAD_DAYS = 180, 120
MOVES = 15


@dataclass(frozen=True)
class Chip:
    """A lot in a list: how much, until when, and how near that is."""

    id: int
    amount: str
    number: str
    until: str
    kind: str


@dataclass(frozen=True)
class Row:
    """One item of the stock list, ready to show."""

    sku: str
    name: str
    detail: str
    sealed: str
    whole: str
    opened: str
    places: str
    meter: Meter
    level: str
    short: bool
    chips: tuple[Chip, ...]
    more: int
    value: Decimal


@blueprint.get("/stock")
def listing() -> Response:
    """What is on the shelf, against what is needed; what is asked for stands in the address."""
    site, today = frame.here(), frame.here().day(g.now)
    text, shown = request.args.get("q", "")[:200], request.args.get("show", "stocked")
    shown = shown if shown in dict(SHOWN) else "stocked"
    needs = {one.item.sku: one for one in _levels(site, today)}
    found = shelves.search(g.db, text)
    everything = stock.stock(g.db, site=site, at=g.now, skus=found, limit=None)
    chosen = [item for item in everything if _belongs(item, needs.get(item.sku), shown, today)]
    # What needs a hand comes first; it is all read anyway, so a page is a part of it.
    chosen.sort(
        key=lambda item: (not _short(item, needs.get(item.sku)), not _expires(item, today), item.name)
    )
    start = _whole(request.args.get("start", ""))
    page = chosen[start : start + PAGE]
    values = {
        "rows": _rows(page, needs, site=site, today=today),
        "count": len(chosen),
        "start": start,
        "next": start + PAGE if len(chosen) > start + PAGE else 0,
        "q": text,
        "show": shown,
        "shown": SHOWN,
        "costs": frame.sees_costs(),
        "currency": frame.currency(g.db),
    }
    if request.headers.get("HX-Target") == "items":
        return frame.page("_stock_rows.html", **values)
    return frame.page(
        "stock.html",
        **values,
        value=sum((item.value for item in everything), ZERO),
        short=sum(1 for item in everything if _short(item, needs.get(item.sku))),
        expiring=sum(1 for item in everything if _expires(item, today)),
        opened=sum(len(item.opened) for item in everything),
        may_receive=frame.may("GET /receive"),
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _levels(site: Site, today: date, item_id: int | None = None) -> list[Outlook]:
    """How items stand against what is needed until the next order would come; of one, lot by lot."""
    which = None if item_id is None else [item_id]
    seen = Evidence(took=evidence.deliveries(g.db, on=today))
    terms = levels.terms_of(g.db, seen, on=today, item_ids=which)
    return levels.outlooks(
        g.db, terms, site=site, on=today, settings=clinic.settings(g.db), item_ids=which, in_full=bool(which)
    )


def _short(item: ItemStock, need: Outlook | None) -> bool:
    return need is not None and need.position < need.reorder_point


def _expires(item: ItemStock, today: date) -> bool:
    return item.next_expiry is not None and (item.next_expiry - today).days <= formats.SOON


def _belongs(item: ItemStock, need: Outlook | None, shown: str, today: date) -> bool:
    match shown:
        case "short":
            return _short(item, need)
        case "expiring":
            return _expires(item, today)
        case "opened":
            return bool(item.opened)
        case "stocked":
            return bool(item.on_hand or item.allocated or (need and need.reorder_point))
    return True


def _rows(page: Sequence[ItemStock], needs: dict[str, Outlook], *, site: Site, today: date) -> list[Row]:
    ids = [item.item_id for item in page]
    details, lots = shelves.details(g.db, ids), shelves.first_lots(g.db, ids, site=site, most=CHIPS)
    stand = place_pages.by_item(site, ids)
    return [
        replace(
            _row(
                item, needs.get(item.sku), details[item.item_id], lots.get(item.item_id, NO_LOTS), site, today
            ),
            places=stand.get(item.item_id, ""),
        )
        for item in page
    ]


def _row(
    item: ItemStock,
    need: Outlook | None,
    detail: ItemDetail,
    lots: tuple[Sequence[HeldLot], int],
    site: Site,
    today: date,
) -> Row:
    wanted = ZERO if need is None else need.reorder_point
    first, count = lots
    return Row(
        sku=item.sku,
        name=item.name,
        detail=detail.ingredient if detail.ingredient and detail.ingredient not in item.name else "",
        sealed=formats.containers(item.containers, detail.container_form) if item.on_hand else "none",
        whole=formats.quantity(item.on_hand, item.unit) if item.unit != "each" and item.on_hand else "",
        opened=_opened(item, site),
        places="",
        meter=charts.meter(item.usable if need is None else need.position, wanted),
        level=_level(item, need),
        short=_short(item, need),
        chips=tuple(chip(lot, item.unit, item.content, today) for lot in first),
        more=count - len(first),
        value=item.value,
    )


def _level(item: ItemStock, need: Outlook | None) -> str:
    if need is None or not need.reorder_point:
        return "not used lately"
    needed = formats.quantity(formats.rough(need.reorder_point, item.unit), item.unit)
    return f"{formats.number(formats.rough(need.position, item.unit, up=False))} of {needed}"


def _opened(item: ItemStock, site: Site) -> str:
    if not item.opened:
        return ""
    first = item.opened[0]
    until = formats.short_moment(first.discard_at, site.time_zone, g.now)
    if len(item.opened) == 1:
        return f"one open: {formats.quantity(first.left, item.unit)}, until {until}"
    left = sum((vial.left for vial in item.opened), ZERO)
    return f"{len(item.opened)} open: {formats.quantity(left, item.unit)}, the first until {until}"


def chip(lot: HeldLot, unit: str, content: Decimal, today: date) -> Chip:
    """A lot as a list shows it."""
    near = formats.nearness(lot.expires_on, today)
    until = formats.days_left(lot.expires_on, today)
    if lot.held_back and near != "gone":
        near, until = "held", formats.words(lot.state.value)
    amount = formats.number(lot.quantity / content if lot.sealed else lot.quantity)
    return Chip(lot.id, amount, lot.number, until, near)


@blueprint.get("/stock/<code:sku>")
def item(sku: str) -> Response:
    """One item: its line through the months, its lots, opened vials and latest movements."""
    site = frame.here()
    today = site.day(g.now)
    subject = catalog.item(g.db, sku)
    (held,) = stock.stock(g.db, site=site, at=g.now, skus=[sku])
    level = next(iter(_levels(site, today, subject.id)), None)
    line = shelves.days(g.db, subject.id, site=site, since=today - timedelta(days=PAST_DAYS), until=today)
    lots = lot_list.lots(g.db, sku=sku, site=site, held=True, limit=None)
    detail = shelves.details(g.db, [subject.id])[subject.id]
    need = None if level is None else formats.rough(level.reorder_point, subject.unit)
    moves = shelves.movements(g.db, item_id=subject.id, site_ids=where.only(), limit=MOVES + 1)
    return frame.page(
        "item.html",
        item=subject,
        detail=detail,
        held=held,
        row=_row(held, level, detail, NO_LOTS, site, today),
        level=level,
        need=need,
        lots=lots,
        sealed=_sealed(subject.id, site),
        stands=place_pages.by_lot(site, subject),
        cards=vial_board.cards_of(sku, site=site),
        rules=vial_advice.of_item(g.db, subject, site=site, on=today),
        weeks=shelves.weekly(line, until=today),
        chart=_chart(subject, line, lots, today, need),
        moves=moves[:MOVES],
        more_moves=len(moves) > MOVES,
        undone=corrections.reversed_ids(g.db, [move.id for move in moves]),
        today=today,
        zone=site.time_zone,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
        may={
            "receive": frame.may("GET /receive"),
            "edit": frame.may("GET /stock/<code:sku>/edit"),
            "move": frame.may("GET /transfers/new"),
            "open": frame.may("GET /lots/<id:lot_id>/open")
            and subject.dose_class is catalog.DoseClass.MULTI_DOSE,
            "write_off": frame.may("GET /lots/<id:lot_id>/write-off"),
            "discard": frame.may("GET /vials/<id:vial_id>/discard"),
            "enter": frame.may("GET /vials/<id:vial_id>/enter-room"),
            "reverse": frame.may("GET /movements/<id:movement_id>/reverse"),
        },
    )


def _sealed(item_id: int, site: Site) -> dict[int, HeldLot]:
    """The lots of an item that a site holds sealed, by their key."""
    return {lot.id: lot for lot in shelves.lots_by_item(g.db, [item_id], site=site)[item_id] if lot.sealed}


def _chart(
    subject: catalog.Item,
    line: Sequence[shelves.Day],
    lots: Sequence[lot_list.LotRow],
    today: date,
    need: Decimal | None,
) -> Picture:
    """The line of an item: the past as it was, ahead only what expires, if nothing were used."""
    left, ahead = line[-1].held, [Point(today, line[-1].held)]
    end = today + timedelta(days=AHEAD_DAYS)
    flags = []
    for lot in lots:
        if today <= lot.expires_on < end and lot.on_hand:
            left -= lot.on_hand
            ahead.append(Point(lot.expires_on, left))
            amount = formats.quantity(lot.on_hand, subject.unit)
            flags.append(
                Flag(lot.expires_on, f"{amount} of lot {lot.number} expires on {formats.day(lot.expires_on)}")
            )
    ahead.append(Point(end, left))
    unit = spoken(subject.unit.value)
    lowest, highest = min(day.held for day in line), max(day.held for day in line)
    described = (
        f"From {formats.day(line[0].on)} to {formats.day(today)} between {formats.number(lowest)} and "
        f"{formats.number(highest)} {unit}; now {formats.number(line[-1].held)}. "
        f"{len(flags)} lots expire in the next {AHEAD_DAYS} days. The table below has the numbers."
    )
    return StockLine(
        title=f"Stock of {subject.name} over six months, and what expires in the next four",
        described=described,
        unit=unit,
        points=[Point(day.on, day.held) for day in line],
        today=today,
        ahead=ahead,
        arrivals=[Point(day.on, day.held) for day in line if day.came],
        expiries=flags,
        need=need,
    ).drawn()


@blueprint.get("/stock/<code:sku>/movements")
def movements(sku: str) -> Response:
    """Everything that ever moved of an item, the latest first."""
    subject = catalog.item(g.db, sku)
    last = key_of(request.args.get("before", ""))
    found = shelves.movements(g.db, item_id=subject.id, site_ids=where.only(), before=last, limit=PAGE + 1)
    return frame.page(
        "movements.html",
        item=subject,
        moves=found[:PAGE],
        next=found[PAGE - 1].id if len(found) > PAGE else None,
        undone=corrections.reversed_ids(g.db, [move.id for move in found]),
        zone=frame.here().time_zone,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
        may={"reverse": frame.may("GET /movements/<id:movement_id>/reverse")},
    )
