"""Offers: what the front desk asks a price for, costed, priced and screened; nothing is kept (section 4)."""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic
from inventory.clinic import Settings, Site
from inventory.errors import Invalid
from inventory.measures import ZERO
from inventory.treatments import check_patient_ref
from pricing import (
    costing,
    discounts,
    entitlement,
    price_list,
    protocols,
    screening,
    stages,
)
from pricing.costing import CourseCost, Wanted
from pricing.discounts import Discount
from pricing.price_list import Band, PractitionerLevel, PriceBand
from pricing.protocols import Plan, Protocol
from pricing.screening import Caution, Screening
from pricing.stages import CoursePrice

MOST_TREATMENTS = 5


@dataclass(frozen=True)
class Treatment:
    """A course of one protocol, one of those that a quote may offer together."""

    protocol: str
    level: str
    starts_on: date
    sessions: int | None = None
    interval_weeks: int | None = None
    plan_reason: str = ""
    discount_rate: Decimal | None = None  # none: by the clinic's rules
    promotion: str = ""


@dataclass(frozen=True)
class Request:
    """What the front desk asks a price for; `more` are the treatments beside the first."""

    protocol: str
    level: str
    starts_on: date
    patient_ref: str
    screening: Screening = field(default_factory=Screening)
    sessions: int | None = None
    interval_weeks: int | None = None
    plan_reason: str = ""
    discount_rate: Decimal | None = None  # none: by the clinic's rules
    promotion: str = ""
    most_discount: Decimal | None = None  # that who asks may give beyond the rules; none: any
    region: str | None = None
    price_override: str = ""  # a manager's reason to price above the band (P1)
    more: tuple[Treatment, ...] = ()


@dataclass(frozen=True)
class Offer:
    """A course costed, priced and screened, before anything is kept: what the live price shows."""

    protocol: Protocol
    level: PractitionerLevel
    plan: Plan
    cost: CourseCost
    price: CoursePrice
    warnings: tuple[Caution, ...]
    region: str
    currency: str
    deposit_rate: Decimal = ZERO
    discount: Discount = field(default_factory=Discount)


class UnknownRegion(Invalid):
    """No price band is of this region."""


class TooManyTreatments(Invalid):
    """A quote offers a few treatments together, not more."""


def offers(db: Session, request: Request, *, site: Site, on: date) -> tuple[Offer, ...]:
    """Cost, price and screen every treatment of a request, the leading one first, keeping nothing.

    They are costed together, in the order of their days over the same shelf: no lot serves two of them (C5).
    Raises TooManyTreatments, UnknownProtocol, UnknownLevel, OutsideProtocol (T4), UnknownRegion, NoBand,
    NoPrice (P1), BadTerms, BadPatientRef, entitlement.MayNotInject, and what `discounts.given` refuses.
    """
    if len(request.more) >= MOST_TREATMENTS:
        raise TooManyTreatments(
            f"A quote has 1 to {MOST_TREATMENTS} treatments, not {len(request.more) + 1}."
        )
    check_patient_ref(request.patient_ref)
    asked = [_asked(db, one) for one in separate(request)]
    costs = costing.cost_together(db, [one.wanted for one in asked], site=site, today=on)
    return tuple(_offer(db, one, cost, site=site, on=on) for one, cost in zip(asked, costs, strict=True))


def offer(db: Session, request: Request, *, site: Site, on: date) -> Offer:
    """Cost, price and screen the first treatment of a request, as if it were alone; see `offers`."""
    return offers(db, replace(request, more=()), site=site, on=on)[0]


def separate(request: Request) -> list[Request]:
    """A request for each treatment, with the patient and the answers of all."""
    return [
        replace(request, more=()),
        *(replace(request, more=(), **vars(one)) for one in request.more),
    ]


@dataclass(frozen=True)
class _Asked:
    """One treatment as it was asked for, looked up: its protocol, its plan, the course to cost."""

    request: Request
    protocol: Protocol
    plan: Plan
    wanted: Wanted


def _asked(db: Session, request: Request) -> _Asked:
    protocol = protocols.protocol(db, request.protocol)
    level = price_list.level(db, request.level)
    plan = protocols.sessions_of(
        protocol, sessions=request.sessions, interval_weeks=request.interval_weeks, reason=request.plan_reason
    )
    dates = costing.course_dates(request.starts_on, plan.sessions, plan.interval_weeks)
    return _Asked(request, protocol, plan, Wanted(protocols.recipe(db, protocol), level, dates, protocol))


def _offer(db: Session, asked: _Asked, cost: CourseCost, *, site: Site, on: date) -> Offer:
    """Price and screen a treatment that was costed."""
    request, protocol, plan, level = asked.request, asked.protocol, asked.plan, asked.wanted.level
    settings = clinic.settings(db)
    region = request.region or site.region
    discount = discounts.given(
        db,
        protocol,
        sessions=plan.sessions,
        rate=request.discount_rate,
        promotion=request.promotion,
        on=on,
        most=request.most_discount,
    )
    price = _price(
        db, request, protocol, level, plan, cost, discount, site=site, region=region, on=on, settings=settings
    )
    item_ids = {line.item_id for line in cost.sessions[0].lines if line.item_id is not None}
    warned = list(screening.screen(db, request.screening, cost.recipe, item_ids))
    warned += entitlement.check(db, level, item_ids)
    warned += _elsewhere(db, request, price.band, site)
    warned += [Caution(flag.code, flag.message) for flag in cost.flags]
    warned += [Caution("shortage", one.why) for one in cost.shortages]
    warned += _noticed(request, price, on)
    return Offer(
        protocol,
        level,
        plan,
        cost,
        price,
        tuple(warned),
        region,
        settings.currency,
        settings.deposit_rate,
        discount,
    )


def _noticed(request: Request, price: CoursePrice, on: date) -> list[Caution]:
    """What the request itself and its price ask to look at."""
    found = []
    if request.starts_on < on:
        found.append(Caution("starts_in_the_past", f"The course would start on {request.starts_on}."))
    if price.trimmed:
        found.append(Caution("discount_trimmed", price.stages[6].note))
    return found


def _elsewhere(db: Session, request: Request, band: Band, site: Site) -> list[Caution]:
    """Say so where a region was named and the price is another one's. Raises UnknownRegion."""
    if request.region is None or request.region == site.region:
        return []
    regions = set(db.scalars(sa.select(PriceBand.region).distinct()))
    if request.region not in regions:
        raise UnknownRegion(
            f"No price band is of the region {request.region!r}; there are {', '.join(sorted(regions))}."
        )
    of_band = db.scalar(sa.select(PriceBand.region).where(PriceBand.code == band.code))
    if of_band == request.region:
        return []
    return [
        Caution(
            "another_region",
            f"The price band is one of {of_band} ({band.country}): none of {request.region} is in "
            f"{band.currency} for this treatment and area.",
        )
    ]


def _price(
    db: Session,
    request: Request,
    protocol: Protocol,
    level: PractitionerLevel,
    plan: Plan,
    cost: CourseCost,
    discount: Discount,
    *,
    site: Site,
    region: str,
    on: date,
    settings: Settings,
) -> CoursePrice:
    """The eight stages, with the clinic's settings and what market and law say on the day."""
    band = price_list.band_for(
        db,
        region=region,
        country=site.country,
        currency=settings.currency,
        treatment=protocol.treatment,
        area=protocol.area,
        on=on,
    )
    return stages.price_course(
        cost=cost.mean,
        multiplier=level.multiplier,
        target_margin_rate=settings.target_margin_rate,
        least_margin_rate=settings.least_margin_rate,
        list_price=price_list.list_price(db, protocol, level, on),
        step=settings.price_step,
        band=band,
        discount_rate=discount.rate,
        free_sessions=discount.free_sessions,
        discount_name=discount.name,
        sessions=plan.sessions,
        tax=price_list.tax_for(db, country=site.country, region=site.tax_region, on=on),
        override=request.price_override,
    )
