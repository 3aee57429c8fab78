"""JSON: the clinic's sites, and its settings with where each default comes from."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import fields

from api import conditions, idempotency, paging, where
from api.paging import PageQuery
from api.rest.calls import listed, made, noun, page_of, tagged
from api.schemas import Flag, Moment, Shape, Words
from inventory import clinic
from inventory.clinic import SOURCES, Setting, Settings, Site
from inventory.measures import plain

blueprint = noun("clinic", "Sites and settings")


class SiteShape(Shape):
    """One address of the clinic."""

    code = fields.String()
    name = fields.String()
    country = fields.String()
    region = fields.String()
    tax_region = fields.String()
    time_zone = fields.String()
    share_opened_vials = fields.Boolean()


class NewSite(Shape):
    """A site to open."""

    code = Words(20, required=True)
    name = Words(120, required=True)
    country = Words(2, shortest=2, required=True)
    region = Words(40, required=True)
    tax_region = Words(20, shortest=0, load_default="")
    time_zone = Words(60, required=True)
    share_opened_vials = Flag(load_default=False)


@blueprint.get("/sites")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(SiteShape))
def list_sites(query: dict[str, Any]) -> Any:
    """List the sites at which the caller works, in the order in which they were opened."""
    table = Site.__table__.c
    statement = where.narrowed(sa.select(*table), table.id)
    return listed(paging.rows(g.db, statement, table.id, limit=query["limit"], after=query["after"]))


@blueprint.post("/sites")
@blueprint.arguments(NewSite)
@blueprint.response(201, SiteShape)
def open_site(body: dict[str, Any]) -> Any:
    """Open a site, with its places."""
    site = clinic.open_site(g.db, **body)
    return made(site, "/sites")


@dataclass(frozen=True)
class SettingView:
    """A setting as it stands, and where its value comes from."""

    key: str
    value: str
    default: str
    source: str
    at: datetime | None = None
    by: str | None = None
    reason: str = ""
    version: int = 0

    @property
    def tag(self) -> str:
        """The tag of the setting's version."""
        return conditions.tag("setting", self.key, self.version)


class SettingShape(Shape):
    """A setting, its default and the default's source; by whom it was last set, and why."""

    key = fields.String()
    value = fields.String()
    default = fields.String()
    source = fields.String()
    at = Moment(allow_none=True)
    by = fields.String(allow_none=True)
    reason = fields.String()


class SettingsShape(Shape):
    """All settings."""

    items = fields.List(fields.Nested(SettingShape))


class NewSetting(Shape):
    """A value to set, and why."""

    value = Words(200, required=True)
    reason = Words(500, required=True)


def settings_now() -> list[SettingView]:
    """Every setting as it stands."""
    latest = sa.select(sa.func.max(Setting.id)).group_by(Setting.key)
    changed = {row.key: row for row in g.db.scalars(sa.select(Setting).where(Setting.id.in_(latest)))}
    views = []
    for field in dataclasses.fields(Settings):
        default = plain(field.default) if isinstance(field.default, Decimal) else str(field.default)
        row = changed.get(field.name)
        if row is None:
            views.append(SettingView(field.name, default, default, SOURCES[field.name]))
        else:
            views.append(
                SettingView(
                    field.name, row.value, default, SOURCES[field.name], row.at, row.by, row.reason, row.id
                )
            )
    return views


def one_setting(key: str) -> SettingView:
    """A setting as it stands. Raises UnknownSetting."""
    found = next((view for view in settings_now() if view.key == key), None)
    if found is None:
        raise clinic.UnknownSetting(f"No setting is called {key!r}.")
    return found


@blueprint.get("/settings")
@blueprint.response(200, SettingsShape)
def list_settings() -> Any:
    """List every setting with its default and the default's source."""
    return {"items": settings_now()}


@blueprint.get("/settings/<code:key>")
@blueprint.response(200, SettingShape)
def get_setting(key: str) -> Any:
    """Show one setting."""
    setting = one_setting(key)
    return tagged(setting, setting.tag)


@blueprint.put("/settings/<code:key>")
@blueprint.arguments(NewSetting)
@blueprint.response(200, SettingShape)
def change_setting(body: dict[str, Any], key: str) -> Any:
    """Set a setting that was read before (`If-Match`); its earlier values stay as history."""
    idempotency.hold(g.db, f"setting {key}")
    conditions.require_match(one_setting(key).tag)
    clinic.change_setting(g.db, key, body["value"], at=g.now, by=g.caller.name, reason=body["reason"])
    setting = one_setting(key)
    return tagged(setting, setting.tag)
