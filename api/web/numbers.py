"""Pages: the clinic's settings and sites: each number with its source, who changed it when and why."""

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zlib import crc32
from zoneinfo import available_timezones

import sqlalchemy as sa
from flask import Response, g
from marshmallow import fields

from api import idempotency, where
from api.schemas import Shape, Whole, Words
from api.web import explained, forms, frame, place_pages
from api.web.explained import Explained
from api.web.forms import Change, Done, Form, Stale
from inventory import clinic
from inventory.clinic import SOURCES, Setting, Settings, Site
from inventory.measures import plain
from pricing.price_list import PriceBand

blueprint = frame.chapter("numbers")

TABS = (
    ("/settings", "Numbers"),
    ("/settings/sites", "Sites"),
    ("/settings/prices", "Own prices"),
    ("/settings/discounts", "Discounts"),
    ("/settings/levels", "Levels"),
    ("/settings/bands", "Price bands"),
    ("/settings/taxes", "Tax"),
    ("/settings/vial-rules", "Vial rules"),
    ("/settings/suppliers", "Suppliers"),
)
OLD_ZONES = ("Etc/", "SystemV/", "posix/", "right/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/")


@dataclass(frozen=True)
class Number:
    """A setting as it stands."""

    key: str
    explained: Explained
    value: str
    default: str
    source: str
    changed: Setting | None

    @property
    def said(self) -> str:
        """The value as people read it."""
        return spoken(self.explained, self.value)

    @property
    def version(self) -> int:
        """Which of its values it is."""
        return self.changed.id if self.changed else 0


class NumberChange(Shape):
    """A value to set, and why."""

    version = Whole(most=10**17, in_address=True, required=True)
    value = Words(clinic.LONGEST_VALUE, required=True)
    reason = Words(500, required=True)


class NewSite(Shape):
    """A site to open."""

    code = Words(20, required=True)
    name = Words(120, required=True)
    country = Words(2, shortest=2, required=True)
    region = Words(40, required=True)
    tax_region = Words(20, shortest=0, load_default="")
    time_zone = Words(60, required=True)
    share_opened_vials = fields.String(load_default="")


class SiteChange(Shape):
    """What may be changed of a site: not its clock nor its law, by which its facts are dated."""

    version = Whole(most=2**32, in_address=True, required=True)
    name = Words(120, required=True)
    share_opened_vials = fields.String(load_default="")


def show(template: str, tab: str, **values: Any) -> Response:
    """A page of the settings, with the way to the others."""
    return frame.page(
        template,
        tabs=[(address, words, address == tab) for address, words in TABS],
        may_people=frame.may("GET /people"),
        currency=frame.currency(g.db),
        **values,
    )


def spoken(words: Explained, value: str) -> str:
    """A value as people read it; an amount with its currency."""
    return f"{value} {frame.currency(g.db)}" if words.unit == "money" else words.said(value)


@blueprint.get("/settings")
def listing() -> Response:
    """Every number of the clinic, where it comes from, and who changed it last."""
    return show("settings.html", "/settings", numbers=numbers_now(), zone=zone())


@blueprint.route("/settings/numbers/<code:key>", methods=["GET", "POST"])
def change(key: str) -> Response:
    """Change a number with a reason; its earlier values stay as history."""

    def view(form: Form) -> Response:
        number = one(key)
        rows = g.db.scalars(sa.select(Setting).where(Setting.key == key).order_by(Setting.id.desc()))
        history = [(row, spoken(number.explained, row.value)) for row in rows]
        standard = spoken(number.explained, number.default)
        return show(
            "setting.html",
            "/settings",
            form=form,
            number=number,
            history=history,
            standard=standard,
            zone=zone(),
        )

    def do(body: dict[str, Any]) -> Done:
        idempotency.hold(g.db, f"setting {key}")
        number = one(key)
        value = number.explained.kept(body["value"])
        if body["version"] != number.version:
            mine = spoken(number.explained, value)
            raise Stale((Change(number.explained.label, number.said, mine),), version=number.version)
        clinic.change_setting(g.db, key, value, at=g.now, by=g.caller.name, reason=body["reason"])
        return Done("/settings", f"{number.explained.label}: {spoken(number.explained, value)}.")

    number = one(key)
    first = {"value": number.explained.shown(number.value), "version": str(number.version)}
    return forms.handle(NumberChange, show=view, do=do, first=first)


def numbers_now() -> list[Number]:
    """Every setting as it stands, in the order in which the program lists them."""
    latest = sa.select(sa.func.max(Setting.id)).group_by(Setting.key)
    changed = {row.key: row for row in g.db.scalars(sa.select(Setting).where(Setting.id.in_(latest)))}
    found = []
    for field in dataclasses.fields(Settings):
        default = plain(field.default) if isinstance(field.default, Decimal) else str(field.default)
        row = changed.get(field.name)
        value = default if row is None else row.value
        found.append(
            Number(field.name, explained.SETTINGS[field.name], value, default, SOURCES[field.name], row)
        )
    return found


def one(key: str) -> Number:
    """A setting as it stands. Raises UnknownSetting."""
    found = next((number for number in numbers_now() if number.key == key), None)
    if found is None:
        raise clinic.UnknownSetting(f"No setting is called {key!r}.")
    return found


def zone() -> str:
    """The clock by which the visitor reads."""
    return frame.here().time_zone if frame.my_sites() else "UTC"


# Sites


@blueprint.get("/settings/sites")
def sites() -> Response:
    """The visitor's sites with their clock, their law, and whether opened vials are shared."""
    return show("sites.html", "/settings/sites", rows=frame.my_sites())


@blueprint.route("/settings/sites/new", methods=["GET", "POST"])
def open_site() -> Response:
    """Open a site with its places."""

    def view(form: Form) -> Response:
        return show("site_new.html", "/settings/sites", form=form, zones=time_zones(), regions=regions())

    def do(body: dict[str, Any]) -> Done:
        body["share_opened_vials"] = body["share_opened_vials"] == "yes"
        body["country"] = body["country"].upper()
        site = clinic.open_site(g.db, **body)
        return Done("/settings/sites", f"{site.name} is open.")

    return forms.handle(NewSite, show=view, do=do, first={"time_zone": zone()})


@blueprint.route("/settings/sites/<code:code>", methods=["GET", "POST"])
def change_site(code: str) -> Response:
    """Change a site's name, and whether a vial may serve several patients there (S4)."""

    def view(form: Form) -> Response:
        site = where.named(code)
        return show("site.html", "/settings/sites", form=form, site=site, places=place_pages.rows(site))

    def do(body: dict[str, Any]) -> Done:
        idempotency.hold(g.db, f"site {code}")
        site = where.named(code)
        shared = body["share_opened_vials"] == "yes"
        if body["version"] != _version(site):
            raise Stale(_site_changes(site, body["name"], shared), version=_version(site))
        site.name, site.share_opened_vials = body["name"], shared
        g.db.flush()
        return Done("/settings/sites", f"{site.name} is changed.")

    site = where.named(code)
    first = {
        "version": str(_version(site)),
        "name": site.name,
        "share_opened_vials": "yes" if site.share_opened_vials else "",
    }
    return forms.handle(SiteChange, show=view, do=do, first=first)


def _version(site: Site) -> int:
    """A number that is another one when what may be changed of a site is."""
    return crc32(f"{site.share_opened_vials} {site.name}".encode())


def _site_changes(site: Site, name: str, shared: bool) -> tuple[Change, ...]:
    said = {True: "shared", False: "not shared"}
    found = (
        Change("Name", site.name, name),
        Change("Opened vials", said[site.share_opened_vials], said[shared]),
    )
    return tuple(change for change in found if change.theirs != change.mine)


def regions() -> list[tuple[str, str]]:
    """The regions for which the price list has bands."""
    found = g.db.scalars(sa.select(PriceBand.region).distinct().order_by(PriceBand.region))
    return [(region, region) for region in found]


def time_zones() -> list[str]:
    """The time zones of the world by their names, without the aliases of old."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(OLD_ZONES))


@blueprint.app_template_filter("capitalise")
def capitalise(text: str) -> str:
    """The same with its first letter large; the others stay as they are."""
    return text[:1].upper() + text[1:]
