"""The clinic: its sites, the places in them, and its settings with their history."""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import measures
from inventory.database import Base, append_only, choice, one_of, table_of
from inventory.defaults import ABOVE_ZERO, FRACTIONS, MOST_DECIMALS, OTHER_DECIMALS
from inventory.defaults import SOURCES as SOURCES
from inventory.defaults import CostFormula as CostFormula  # who asks for the clinic finds its settings here
from inventory.defaults import Settings as Settings
from inventory.errors import Conflict, Invalid, NotFound
from inventory.questions import Question


class PlaceKind(StrEnum):
    """What a place is to the books; stock moves from place to place (S8)."""

    SUPPLIER = "supplier"
    SHELF = "shelf"
    OPENED = "opened"
    QUARANTINE = "quarantine"
    TRANSIT = "transit"
    PATIENT = "patient"
    WASTE = "waste"
    COUNT = "count"


HELD = frozenset({PlaceKind.SHELF, PlaceKind.OPENED, PlaceKind.QUARANTINE, PlaceKind.TRANSIT})
"""Kinds of place whose stock is the clinic's own; the others are beyond its border."""


class Temperature(StrEnum):
    """How warm a place is kept; `any` says that nobody has measured it."""

    ANY = "any"
    FROZEN = "frozen"
    COLD = "cold"
    ROOM = "room"


class Site(Base):
    """One address of the clinic, with its own stock, law and clock."""

    __tablename__ = "sites"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    country: Mapped[str] = mapped_column(sa.String(2))  # ISO 3166-1
    region: Mapped[str] = mapped_column(sa.String(40))  # of price bands: "North America"
    tax_region: Mapped[str] = mapped_column(sa.String(20), default="")  # a state, where tax has one
    time_zone: Mapped[str] = mapped_column(sa.String(60))
    share_opened_vials: Mapped[bool] = mapped_column(default=False)  # S4

    def day(self, at: datetime) -> date:
        """The calendar day at this site at an instant."""
        return day_in(self.time_zone, at)

    def end_of(self, day: date) -> datetime:
        """The first instant after the day at this site: what is usable that day is usable until then."""
        return _midnight_after(day, self.time_zone)

    def moment_on(self, day: date, recorded_at: datetime) -> datetime:
        """An instant for a fact that names only its day: when it was recorded, else noon of that day here."""
        if self.day(recorded_at) == day:
            return recorded_at
        return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(self.time_zone))


def day_in(time_zone: str, at: datetime) -> date:
    """The calendar day in a time zone at an instant."""
    assert at.tzinfo is not None, at
    return at.astimezone(ZoneInfo(time_zone)).date()


@lru_cache(maxsize=4096)
def _midnight_after(day: date, time_zone: str) -> datetime:
    # Asked for every lot that a session looks at.
    following = date.fromordinal(day.toordinal() + 1)
    return datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(time_zone))


class Place(Base):
    """Where a quantity is: a shelf or the opened vials of a site, or a place beyond the clinic's border.

    A site has one place of each kind, and as many shelves as it has fridges, cupboards and freezers.
    """

    __tablename__ = "places"
    __table_args__ = (
        sa.UniqueConstraint("site_id", "code"),
        one_of("kind", PlaceKind),
        one_of("temperature", Temperature),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    code: Mapped[str] = mapped_column(sa.String(20))
    name: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[PlaceKind] = mapped_column(choice(PlaceKind))
    temperature: Mapped[Temperature] = mapped_column(
        choice(Temperature), default=Temperature.ANY, server_default=Temperature.ANY.value
    )
    active: Mapped[bool] = mapped_column(default=True, server_default=sa.text("true"))  # else retired
    version: Mapped[int] = mapped_column(default=1, server_default=sa.text("1"))

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  (SQLAlchemy's name)


LONGEST_VALUE = 200
CURRENCY = re.compile("[A-Z]{3}")  # ISO 4217
LANGUAGE = re.compile("[a-z]{2}")  # ISO 639-1


class Setting(Base):
    """One setting at one moment; the latest counts, the earlier ones are its history."""

    __tablename__ = "settings"
    __table_args__ = (sa.Index(None, "key", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40))
    value: Mapped[str] = mapped_column(sa.String(LONGEST_VALUE))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(500), default="")


append_only(Setting)


# Statements that every session asks are put together once, not at each call.
SITE_BY_CODE = sa.select(Site).where(Site.code == sa.bindparam("code"))
PLACES = table_of(Place)
PLACES_OF_SITE = Question(
    sa.select(PLACES.c.kind, PLACES.c.id)
    .where(PLACES.c.site_id == sa.bindparam("site"), PLACES.c.active)
    .order_by(PLACES.c.id)
)
HELD_PLACES = sa.select(PLACES.c.id, PLACES.c.kind).where(PLACES.c.kind.in_(sorted(HELD)))
SETTINGS = table_of(Setting)
LATEST_SETTINGS = Question(
    sa.select(SETTINGS.c.key, SETTINGS.c.value).where(
        SETTINGS.c.id.in_(sa.select(sa.func.max(SETTINGS.c.id)).group_by(SETTINGS.c.key).scalar_subquery())
    )
)


class UnknownSite(NotFound):
    """No site has this code."""


class SiteTaken(Conflict):
    """A site of this code is open already."""


class UnknownSetting(NotFound):
    """No setting has this name."""


class FormulaFixed(Conflict):
    """Stock was received under a cost formula; another would value it anew (C1)."""


class BadSetting(Invalid):
    """The value cannot be this setting's."""


def open_site(
    db: Session,
    *,
    code: str,
    name: str,
    country: str,
    region: str,
    time_zone: str,
    tax_region: str = "",
    share_opened_vials: bool = False,
) -> Site:
    """Add a site with its places. Refuses an unknown time zone and a code that is taken."""
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise BadSetting(f"{time_zone!r} is not a time zone.") from unknown
    if db.scalar(sa.select(Site.id).where(Site.code == code)) is not None:
        raise SiteTaken(f"A site with the code {code} is open already.")
    site = Site(
        code=code,
        name=name,
        country=country,
        region=region,
        tax_region=tax_region,
        time_zone=time_zone,
        share_opened_vials=share_opened_vials,
    )
    db.add(site)
    db.flush()
    db.add_all(
        Place(site_id=site.id, code=kind.value.upper(), name=f"{kind.value.capitalize()}, {name}", kind=kind)
        for kind in PlaceKind
    )
    db.flush()
    return site


def site(db: Session, code: str) -> Site:
    """The site with this code. Raises UnknownSite."""
    found = db.scalar(SITE_BY_CODE, {"code": code})
    if found is None:
        raise UnknownSite(f"No site has the code {code!r}.")
    return found


def places(db: Session, site_id: int) -> dict[PlaceKind, int]:
    """The key of the site's first place of each kind."""
    return {kind: keys[0] for kind, keys in places_of(db, site_id).items()}


def places_of(db: Session, site_id: int) -> dict[PlaceKind, tuple[int, ...]]:
    """The keys of the site's places of each kind, the first one first; retired ones are left out."""
    found: dict[PlaceKind, tuple[int, ...]] = {}
    for kind, key in PLACES_OF_SITE.ask(db, site=site_id):
        found[kind] = (*found.get(kind, ()), key)
    return found


def shelves(db: Session, site_id: int) -> tuple[int, ...]:
    """The keys of the site's shelves: its fridges, cupboards and freezers, the first one first."""
    return places_of(db, site_id)[PlaceKind.SHELF]


def held_places(db: Session) -> dict[int, PlaceKind]:
    """The kind of every place whose stock is the clinic's own, by the place's key."""
    return dict(db.connection().execute(HELD_PLACES).all())


def settings(db: Session) -> Settings:
    """The clinic's settings as they stand."""
    rows = LATEST_SETTINGS.ask(db)
    chosen: dict[str, Any] = {key: _parse(key, value) for key, value in rows if key in SOURCES}
    return Settings(**chosen)


def change_setting(db: Session, key: str, value: str, *, at: datetime, by: str, reason: str = "") -> Setting:
    """Add a new value for a setting; the old one stays as history. Refuses unknown names and bad values."""
    if key not in SOURCES:
        raise UnknownSetting(f"No setting is called {key!r}.")
    parsed = _parse(key, value)
    if key == "cost_formula" and parsed is not settings(db).cost_formula and _has_stock_history(db):
        raise FormulaFixed(
            f"The cost formula stays {settings(db).cost_formula}: stock was received under it. Changing it "
            "revalues what is on hand, between two months: do that under Cost formula."
        )
    if key == "cancellation_policy" and not _is_policy(db, value):
        raise BadSetting(f"No cancellation policy has the code {value!r}.")
    return record_setting(db, key, value, at=at, by=by, reason=reason)


def record_setting(db: Session, key: str, value: str, *, at: datetime, by: str, reason: str = "") -> Setting:
    """Add a value that was found to be right; `revaluation` alone calls this past `change_setting`."""
    row = Setting(key=key, value=value, at=at, by=by, reason=reason)
    db.add(row)
    db.flush()
    return row


def _has_stock_history(db: Session) -> bool:
    # The layers are a later chapter; all that counts here is whether there is one.
    return db.scalar(sa.select(sa.literal(1)).select_from(sa.table("cost_layers")).limit(1)) is not None


def _is_policy(db: Session, code: str) -> bool:
    policies = sa.table("cancellation_policies", sa.column("code"))  # a later chapter's, too
    known = sa.select(sa.literal(1)).select_from(policies).where(policies.c.code == code)
    return code == Settings.cancellation_policy or db.scalar(known.limit(1)) is not None


def _parse(key: str, text: str) -> object:
    default = getattr(Settings, key)
    if len(text) > LONGEST_VALUE:
        raise BadSetting(f"The setting {key} takes {LONGEST_VALUE} characters, not {len(text)}.")
    try:
        value = type(default)(text)
    except (ValueError, InvalidOperation) as bad:
        raise BadSetting(f"{text!r} cannot be the setting {key}.") from bad
    if key == "currency" and not CURRENCY.fullmatch(text):
        raise BadSetting(f"{text!r} is not a currency: three capital letters, such as USD.")
    if key == "document_language" and not LANGUAGE.fullmatch(text):
        raise BadSetting(f"{text!r} is not a language: two small letters, such as en or es.")
    if isinstance(value, (int, Decimal)):
        _refuse_out_of_range(key, Decimal(value))
    return value


def _refuse_out_of_range(key: str, number: Decimal) -> None:
    if not number.is_finite() or not 0 <= number < 1_000_000:
        raise BadSetting(f"{number} is out of range for the setting {key}.")
    if measures.places(number) > (most := MOST_DECIMALS.get(key, OTHER_DECIMALS)):
        raise BadSetting(f"{number} has more than {most} decimals, too many for the setting {key}.")
    if key in FRACTIONS and number >= 1:
        raise BadSetting(f"{key} is a fraction below 1, not {number}.")
    if key in ABOVE_ZERO and not number:
        raise BadSetting(f"{key} must be above 0.")
