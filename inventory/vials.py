"""Opened vials: when each was opened, what is left of it, and until when that may be used (S4, S5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.catalog import DoseClass, ItemKind
from inventory.clinic import Site
from inventory.database import QUANTITY, Base, choice, one_of, table_of
from inventory.errors import Conflict, Invalid, NotFound
from inventory.lots import Lot, LotState


class PreparedIn(StrEnum):
    """Where its doses are prepared: a vial that entered the treatment room serves that patient only (S4)."""

    PREPARATION_AREA = "preparation_area"
    TREATMENT_ROOM = "treatment_room"


class OpenedVial(Base):
    """One opened container: its lot, who opened it when and where, and what is left."""

    __tablename__ = "opened_vials"
    __table_args__ = (
        sa.CheckConstraint("remaining >= 0", name="remaining_not_negative"),
        sa.CheckConstraint("closed_at IS NULL OR remaining = 0", name="closed_is_empty"),
        one_of("prepared_in", PreparedIn),
        sa.Index(
            "ix_opened_vials_in_use",
            "item_id",
            "site_id",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
        sa.Index(None, "lot_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))
    lot_id: Mapped[int] = mapped_column(sa.ForeignKey("lots.id"))
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(sa.String(80))
    prepared_in: Mapped[PreparedIn] = mapped_column(choice(PreparedIn))
    patient_ref: Mapped[str | None] = mapped_column(sa.String(40))  # whose it is, where it is one patient's
    discard_at: Mapped[datetime]
    discard_rule: Mapped[str] = mapped_column(sa.String(300))
    remaining: Mapped[Decimal] = mapped_column(QUANTITY)
    closed_at: Mapped[datetime | None]


class VialRule(Base):
    """What a jurisdiction says about opened containers; the automatic ones limit `discard_at`."""

    __tablename__ = "vial_rules"
    __table_args__ = (sa.UniqueConstraint("code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20))
    jurisdiction: Mapped[str] = mapped_column(sa.String(80))
    country: Mapped[str] = mapped_column(sa.String(2))  # "*": everywhere
    region: Mapped[str] = mapped_column(sa.String(20), default="")
    dose_class: Mapped[str] = mapped_column(sa.String(24), default="")
    container_form: Mapped[str] = mapped_column(
        sa.String(40), default="", server_default=sa.text("''")
    )  # "": any
    ingredient_code: Mapped[str] = mapped_column(
        sa.String(20), default="", server_default=sa.text("''")
    )  # "": any
    environment: Mapped[str] = mapped_column(sa.String(24), default="any")
    max_hours: Mapped[int | None]
    max_days: Mapped[int | None]
    automatic: Mapped[bool] = mapped_column(default=False)
    effective_from: Mapped[date | None]
    effective_to: Mapped[date | None]
    text: Mapped[str] = mapped_column(sa.String(500))
    status: Mapped[str] = mapped_column(sa.String(120), default="")
    source: Mapped[str] = mapped_column(sa.String(500))

    def limit(self) -> timedelta | None:
        """The longest time from opening that the rule allows; none at all: it ends with the session."""
        if self.max_days is None and self.max_hours is None:
            return None
        return timedelta(days=self.max_days or 0, hours=self.max_hours or 0)

    @property
    def name(self) -> str:
        """How an answer, a page and a label name the rule."""
        return f"{self.code} {self.jurisdiction}: {self.text}"


@dataclass(frozen=True, slots=True)
class Product:
    """What drawing from a container needs to know of its item."""

    id: int
    sku: str
    name: str
    unit: str
    content: Decimal
    overfill: Decimal
    dose_class: DoseClass
    kind: ItemKind
    in_use_hours: int | None
    sterile: bool
    loses_on_drawing: bool
    ingredient_id: int | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when an opened container may be used, and by which rule."""

    at: datetime
    rule: str
    source: str = ""


SESSION = timedelta(minutes=60)  # what is booked for one (T3), where nobody says when it ends
RULE_LENGTH = 300
UNTIL_THE_END = ", until the session ends"


EUROPEAN_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EVERYWHERE = "*"


class UnknownVial(NotFound):
    """No opened vial has this key."""


class VialClosed(Conflict):
    """The vial was discarded or used up."""


class OpensInItsSession(Invalid):
    """A single-dose container is opened by the session that uses it (S3)."""


class PharmacyBulk(Invalid):
    """A pharmacy bulk package cannot be used in a treatment room (S5)."""


class LotNotUsable(Conflict):
    """The lot is expired, quarantined, recalled, or not on the shelf."""


def vial(db: Session, key: int) -> OpenedVial:
    """The opened vial with this key. Raises UnknownVial."""
    found = db.get(OpenedVial, key)
    if found is None:
        raise UnknownVial(f"No opened vial has the key {key}.")
    return found


VIALS, LOTS = table_of(OpenedVial), table_of(Lot)
IN_USE = (
    sa.select(VIALS, LOTS.c.number, LOTS.c.expires_on, LOTS.c.received_on)
    .join(LOTS, LOTS.c.id == VIALS.c.lot_id)
    .where(
        VIALS.c.item_id.in_(sa.bindparam("items", expanding=True)),
        VIALS.c.site_id == sa.bindparam("site"),
        VIALS.c.closed_at.is_(None),
        VIALS.c.remaining > sa.literal_column("0"),
        VIALS.c.discard_at > sa.bindparam("at"),
        VIALS.c.opened_at <= sa.bindparam("at"),
        LOTS.c.state == LotState.RELEASED,
        LOTS.c.expires_on >= sa.bindparam("on"),
    )
    .order_by(VIALS.c.id)
)


def in_use(db: Session, item_ids: Iterable[int], *, site: Site, at: datetime) -> Sequence[sa.Row[Any]]:
    """The opened vials of items at a site that may be drawn from at an instant, and their lots' labels."""
    asked = {"items": sorted(item_ids), "site": site.id, "at": at, "on": site.day(at)}
    return db.connection().execute(IN_USE, asked).all()


def rules_in_force(db: Session, site: Site, on: date) -> Sequence[VialRule]:
    """The rules that limit opened containers at a site on a date, from everyone's to its state's."""
    return _in_force(db, site, on, VialRule.automatic.is_(True))


def rules_here(db: Session, site: Site, on: date) -> Sequence[VialRule]:
    """All that is said of opened containers where a site is, on a date; also what only people can follow."""
    return _in_force(db, site, on)


def _in_force(db: Session, site: Site, on: date, *which: sa.ColumnElement[bool]) -> Sequence[VialRule]:
    query = sa.select(VialRule).where(
        VialRule.country.in_([site.country, *unions_of(site.country)]),
        VialRule.region.in_([site.tax_region, ""]),
        sa.or_(VialRule.effective_from.is_(None), VialRule.effective_from <= on),
        sa.or_(VialRule.effective_to.is_(None), VialRule.effective_to >= on),
        *which,
    )
    return db.scalars(query.order_by(VialRule.code)).all()


def unions_of(country: str) -> list[str]:
    """Under which wider words a rule may speak for a country: `EU`, and `*` for everyone."""
    return ["EU", EVERYWHERE] if country in EUROPEAN_UNION.split(" ") else [EVERYWHERE]


def discard_at(
    product: Product,
    *,
    expires_on: date,
    opened_at: datetime,
    prepared_in: PreparedIn,
    site: Site,
    rules: Sequence[VialRule],
    session_ends_at: datetime | None = None,
) -> Deadline:
    """The earliest of the printed expiry, the label's in-use time, the strictest rule and the session (S4).

    Opening never extends a date. Of limits that fall together the first of `limits` is named.
    """
    found = limits(
        product,
        expires_on=expires_on,
        opened_at=opened_at,
        prepared_in=prepared_in,
        site=site,
        rules=rules,
        session_ends_at=session_ends_at,
    )
    return min(found, key=lambda limit: limit.at)


def limits(
    product: Product,
    *,
    expires_on: date,
    opened_at: datetime,
    prepared_in: PreparedIn,
    site: Site,
    rules: Sequence[VialRule],
    session_ends_at: datetime | None = None,
) -> list[Deadline]:
    """Everything that limits an opened container, each with its name and source (S4).

    A consumable that is not a topical has no limit but its expiry. A rule of no hours ends with the
    session, and so does a multi-dose vial in a treatment room, whether a rule says so or not.
    """
    opened_at = opened_at.astimezone(UTC)  # hours pass the same on the day the clocks change
    ends_at = (session_ends_at or opened_at + SESSION).astimezone(UTC)
    found = [Deadline(site.end_of(expires_on).astimezone(UTC), f"printed expiry {expires_on}", "the label")]
    if product.in_use_hours:
        hours = timedelta(hours=product.in_use_hours)
        found.append(Deadline(opened_at + hours, f"label: {product.in_use_hours} h in use", "the label"))
    if product.kind is ItemKind.CONSUMABLE:
        return found
    with_session = False
    for rule in rules:
        longest = rule.limit()
        if rule.dose_class != product.dose_class or rule.environment not in ("any", prepared_in):
            continue
        if longest is not None:
            with_session = with_session or not longest
            at, end = (opened_at + longest, "") if longest else (ends_at, UNTIL_THE_END)
            found.append(Deadline(at, rule.name[: RULE_LENGTH - len(end)] + end, rule.source))
    in_room = prepared_in is PreparedIn.TREATMENT_ROOM and product.dose_class is DoseClass.MULTI_DOSE
    if in_room and not with_session:
        found.append(Deadline(ends_at, "treatment room: the end of the patient's session", "domain rule S4"))
    return found


def record(
    db: Session,
    product: Product,
    *,
    lot_id: int,
    expires_on: date,
    site: Site,
    at: datetime,
    by: str,
    prepared_in: PreparedIn,
    patient_ref: str | None,
    remaining: Decimal,
    rules: Sequence[VialRule],
    session_ends_at: datetime | None = None,
) -> OpenedVial:
    """Add the record of a container that is opened now, with its deadline and the rule that sets it (S4)."""
    deadline = discard_at(
        product,
        expires_on=expires_on,
        opened_at=at,
        prepared_in=prepared_in,
        site=site,
        rules=rules,
        session_ends_at=session_ends_at,
    )
    opened = OpenedVial(
        site_id=site.id,
        item_id=product.id,
        lot_id=lot_id,
        opened_at=at,
        opened_by=by,
        prepared_in=prepared_in,
        patient_ref=patient_ref,
        discard_at=deadline.at,
        discard_rule=deadline.rule,
        remaining=remaining,
    )
    db.add(opened)
    db.flush()
    return opened


def check_openable(product: Product) -> None:
    """Raises OpensInItsSession for single-dose and kits (S3), PharmacyBulk for bulk packages (S5)."""
    if product.dose_class is DoseClass.PHARMACY_BULK:
        raise PharmacyBulk(
            f"{product.sku} is a pharmacy bulk package; it cannot be used in a treatment room."
        )
    if product.dose_class.one_patient:
        raise OpensInItsSession(
            f"{product.sku} is {product.dose_class.replace('_', ' ')}: the session that uses it opens it."
        )
