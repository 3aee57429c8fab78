"""Pages: the clinic's own prices, practitioner levels, and the tables of bands, taxes and vial rules."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Response, g

from api import idempotency
from api.schemas import Day, Money, Rate, Shape, Whole, Words
from api.web import forms, frame
from api.web.formats import day, money
from api.web.forms import Change, Done, Form, Stale
from api.web.numbers import show, zone
from inventory import vials
from inventory.measures import plain
from inventory.vials import VialRule
from pricing import price_list, protocols
from pricing.price_list import Band, ListPrice, NoBand, PractitionerLevel, PriceBand, TaxRule
from pricing.protocols import Protocol

blueprint = frame.chapter("prices")

LEVEL_LABELS = {"name": "Name", "multiplier": "Multiplier", "labour_rate": "Labour, an hour"}


@dataclass(frozen=True)
class PriceRow:
    """A protocol with its band here, and the clinic's own price of each level; none where it is reckoned."""

    protocol: Protocol
    band: Band | None
    prices: tuple[tuple[PractitionerLevel, Decimal | None], ...]


class PriceChange(Shape):
    """The clinic's own price from a day on; none ends it."""

    version = Whole(most=10**17, in_address=True, required=True)
    price = Money(positive=True, load_default=None)
    valid_from = Day(required=True)


class LevelChange(Shape):
    """What may be changed of a level."""

    version = Whole(least=1, most=10**9, in_address=True, required=True)
    name = Words(120, required=True)
    multiplier = Rate(positive=True, required=True)
    labour_rate = Money(required=True)


@blueprint.get("/settings/prices")
def prices() -> Response:
    """The clinic's own prices: a row for each protocol, a column for each level."""
    today, levels = frame.here().day(g.now), _levels()
    own = _own_prices(today)
    rows = [
        PriceRow(
            protocol=protocol,
            band=band_here(protocol, today),
            prices=tuple((level, own.get((protocol.id, level.id))) for level in levels),
        )
        for protocol in g.db.scalars(sa.select(Protocol).order_by(Protocol.code))
    ]
    return show("prices.html", "/settings/prices", rows=rows, levels=levels)


@blueprint.route("/settings/prices/<code:protocol>/<code:level>", methods=["GET", "POST"])
def change_price(protocol: str, level: str) -> Response:
    """Set, change or end the clinic's own price of a session; the earlier ones stay as history."""

    def view(form: Form) -> Response:
        subject, who = protocols.protocol(g.db, protocol), price_list.level(g.db, level)
        return show(
            "price.html",
            "/settings/prices",
            form=form,
            protocol=subject,
            level=who,
            history=_history(subject, who),
            band=band_here(subject, frame.here().day(g.now)),
            zone=zone(),
        )

    def do(body: dict[str, Any]) -> Done:
        idempotency.hold(g.db, f"list price {protocol} {level}")
        subject, who = protocols.protocol(g.db, protocol), price_list.level(g.db, level)
        last = next(iter(_history(subject, who)), None)
        price, since = body["price"], body["valid_from"]
        if body["version"] != (last.id if last else 0):
            assert last is not None
            raise Stale(
                (Change("Own price", _said(last.price, last.valid_from), _said(price, since)),),
                version=last.id,
            )
        price_list.set_list_price(g.db, subject, who, price, valid_from=since, at=g.now, by=g.caller.name)
        return Done("/settings/prices", f"{subject.code} by {who.name}: {_said(price, since)}.")

    history = _history(protocols.protocol(g.db, protocol), price_list.level(g.db, level))
    first = {
        "version": str(history[0].id) if history else "0",
        "price": f"{history[0].price:.2f}" if history and history[0].price is not None else "",
        "valid_from": str(frame.here().day(g.now)),
    }
    return forms.handle(PriceChange, show=view, do=do, first=first)


@blueprint.get("/settings/levels")
def levels() -> Response:
    """How experienced who treats is: the market's premium on the price, and what an hour costs."""
    return show("levels.html", "/settings/levels", rows=_levels())


@blueprint.route("/settings/levels/<code:code>", methods=["GET", "POST"])
def change_level(code: str) -> Response:
    """Change a level, unless somebody else did since it was read; quotes keep what they promised."""

    def view(form: Form) -> Response:
        level = price_list.level(g.db, code)
        return show("level.html", "/settings/levels", form=form, level=level, labels=LEVEL_LABELS)

    def do(body: dict[str, Any]) -> Done:
        level = price_list.level(g.db, code)
        if body.pop("version") != level.version:
            theirs, mine = _level_values(level), forms.typed()
            changes = tuple(
                Change(label, theirs[name], mine.get(name, ""))
                for name, label in LEVEL_LABELS.items()
                if theirs[name] != mine.get(name, "").strip()
            )
            raise Stale(changes, version=level.version)
        for name, value in body.items():
            setattr(level, name, value)
        g.db.flush()
        return Done("/settings/levels", f"{level.name} is changed.")

    level = price_list.level(g.db, code)
    first = _level_values(level) | {"version": str(level.version)}
    return forms.handle(LevelChange, show=view, do=do, first=first)


@blueprint.get("/settings/bands")
def bands() -> Response:
    """What a session usually costs, market by market, with the source of each band (T5)."""
    rows = g.db.scalars(
        sa.select(PriceBand).order_by(PriceBand.region, PriceBand.country, PriceBand.family, PriceBand.area)
    )
    markets: dict[str, list[PriceBand]] = defaultdict(list)
    for row in rows:
        markets[f"{row.region}, {row.country}"].append(row)
    ours = frame.here()
    first = f"{ours.region}, {ours.country}"
    ordered = sorted(markets.items(), key=lambda market: (market[0] != first, market[0]))
    return show("bands.html", "/settings/bands", markets=ordered, ours=first)


@blueprint.get("/settings/taxes")
def taxes() -> Response:
    """The tax rules, those of the visitor's country first, with the source of each."""
    ours = frame.here().country
    rows = list(g.db.scalars(sa.select(TaxRule).order_by(TaxRule.country, TaxRule.region, TaxRule.code)))
    rows.sort(key=lambda row: row.country != ours)
    return show("taxes.html", "/settings/taxes", rows=rows, today=frame.here().day(g.now))


@blueprint.get("/settings/vial-rules")
def vial_rules() -> Response:
    """How long an opened container may be used, and what else the law says of it (S4)."""
    rows = list(g.db.scalars(sa.select(VialRule).order_by(VialRule.automatic.desc(), VialRule.code)))
    site = frame.here()
    here = {rule.code for rule in vials.rules_here(g.db, site, site.day(g.now))}
    return show("vial_rules.html", "/settings/vial-rules", rows=rows, here=here, site=site)


def band_here(protocol: Protocol, on: date) -> Band | None:
    """The market's band for a protocol at the visitor's site; none where no band speaks for it."""
    site = frame.here()
    try:
        return price_list.band_for(
            g.db,
            region=site.region,
            country=site.country,
            currency=frame.currency(g.db),
            treatment=protocol.treatment,
            area=protocol.area,
            on=on,
        )
    except NoBand:
        return None


def _levels() -> list[PractitionerLevel]:
    return list(g.db.scalars(sa.select(PractitionerLevel).order_by(PractitionerLevel.multiplier)))


def _own_prices(on: date) -> dict[tuple[int, int], Decimal | None]:
    """The price in force of each protocol and level that has one."""
    rows = g.db.scalars(
        sa.select(ListPrice).where(ListPrice.valid_from <= on).order_by(ListPrice.valid_from, ListPrice.id)
    )
    return {(row.protocol_id, row.level_id): row.price for row in rows}


def _history(protocol: Protocol, level: PractitionerLevel) -> list[ListPrice]:
    """Every own price of a protocol and level, the last recorded first."""
    of_both = sa.and_(ListPrice.protocol_id == protocol.id, ListPrice.level_id == level.id)
    return list(g.db.scalars(sa.select(ListPrice).where(of_both).order_by(ListPrice.id.desc())))


def _said(price: Decimal | None, since: date) -> str:
    what = "none of its own" if price is None else money(price, frame.currency(g.db))
    return f"{what} from {day(since)}"


def _level_values(level: PractitionerLevel) -> dict[str, str]:
    return {
        "name": level.name,
        "multiplier": plain(level.multiplier),
        "labour_rate": f"{level.labour_rate:.2f}",
    }
