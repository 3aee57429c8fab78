"""Quotes: what the clinic offers for a course, copied in full so that nothing later can change it (P4)."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic
from inventory.clinic import Settings, Site
from inventory.database import table_of
from inventory.measures import ZERO, to_cents_half_up
from inventory.treatments import check_patient_ref
from pricing import costing, formulations, price_list, protocols, screening, stages
from pricing.costing import CourseCost
from pricing.price_list import PractitionerLevel
from pricing.protocols import Plan, Protocol
from pricing.quote_records import Quote, QuoteLine, QuoteSession, QuoteStage, QuoteState, QuoteStatus
from pricing.screening import Caution, Screening
from pricing.stages import CoursePrice


@dataclass(frozen=True)
class Request:
    """What the front desk asks a price for."""

    protocol: str
    level: str
    starts_on: date
    patient_ref: str
    screening: Screening = field(default_factory=Screening)
    sessions: int | None = None
    interval_weeks: int | None = None
    plan_reason: str = ""
    discount_rate: Decimal = ZERO
    region: str | None = None
    price_override: str = ""  # a manager's reason to price above the band (P1)


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


def offer(db: Session, request: Request, *, site: Site, on: date) -> Offer:
    """Cost, price and screen a course as of a day, keeping nothing.

    Raises UnknownProtocol, UnknownLevel, OutsideProtocol (T4), NoBand, NoPrice (P1), BadTerms, BadPatientRef.
    """
    check_patient_ref(request.patient_ref)
    settings = clinic.settings(db)
    protocol = protocols.protocol(db, request.protocol)
    level = price_list.level(db, request.level)
    plan = protocols.sessions_of(
        protocol, sessions=request.sessions, interval_weeks=request.interval_weeks, reason=request.plan_reason
    )
    dates = costing.course_dates(request.starts_on, plan.sessions, plan.interval_weeks)
    recipe = protocols.recipe(db, protocol)
    cost = costing.cost_course(db, recipe, level=level, site=site, dates=dates, protocol=protocol, today=on)
    region = request.region or site.region
    price = _price(
        db, request, protocol, level, plan, cost, site=site, region=region, on=on, settings=settings
    )
    item_ids = {line.item_id for line in cost.sessions[0].lines if line.item_id is not None}
    warned = list(screening.screen(db, request.screening, recipe, item_ids))
    warned += [Caution(flag.code, flag.message) for flag in cost.flags]
    warned += [Caution("shortage", one.why) for one in cost.shortages]
    if request.starts_on < on:
        warned.append(Caution("starts_in_the_past", f"The course would start on {request.starts_on}."))
    if price.trimmed:
        warned.append(Caution("discount_trimmed", price.stages[6].note))
    return Offer(protocol, level, plan, cost, price, tuple(warned), region, settings.currency, settings.deposit_rate)


def draft(db: Session, request: Request, *, site: Site, at: datetime, by: str) -> Quote:
    """Keep an offer as a draft: all that it promises is copied now (P4)."""
    return write(db, request, offer(db, request, site=site, on=site.day(at)), site=site, at=at, by=by)


def write(
    db: Session,
    request: Request,
    made: Offer,
    *,
    site: Site,
    at: datetime,
    by: str,
    root_id: int | None = None,
    version: int = 1,
) -> Quote:
    """Write the rows of a quote: its head, stages, sessions, cost lines and first state."""
    quote = _head(request, made)
    quote.root_id, quote.version, quote.site_id = root_id, version, site.id
    quote.created_at, quote.created_by = at, by
    db.add(quote)
    db.flush()
    _write_rows(db, quote, made)
    validity = timedelta(days=clinic.settings(db).validity_days)
    db.add(
        QuoteState(
            quote_id=quote.id, status=QuoteStatus.DRAFT, number=None, valid_until=site.day(at) + validity
        )
    )
    db.flush()
    return quote


def _head(request: Request, made: Offer) -> Quote:
    """What a quote promises and was built on, without whose it is and when it was written."""
    price, cost = made.price, made.cost
    return Quote(
        protocol_id=made.protocol.id,
        level_id=made.level.id,
        formulation_version_id=cost.recipe.version_id,
        patient_ref=request.patient_ref,
        starts_on=request.starts_on,
        sessions=made.plan.sessions,
        interval_weeks=made.plan.interval_weeks,
        plan_reason=made.plan.reason,
        region=made.region,
        currency=made.currency,
        band_low=price.band.low,
        band_high=price.band.high,
        band_source=price.band.source,
        tax_name=price.tax_rule.name,
        tax_rate=price.tax_rule.rate,
        tax_inclusive=price.tax_rule.inclusive,
        discount_rate=request.discount_rate,
        price_override=request.price_override if price.above_band else "",
        cost=sum((session.actual for session in cost.sessions), ZERO),
        floor=price.floor,
        subtotal=price.subtotal,
        discount=price.discount,
        tax=price.tax,
        total=price.total,
        deposit=to_cents_half_up(price.total * made.deposit_rate),
        answers={**asdict(request.screening), "allergies": list(request.screening.allergies)},
        warnings=[asdict(warning) for warning in made.warnings],
        shortages=[one.why for one in cost.shortages],
    )


def course_cost(
    db: Session, subject: Quote, *, site: Site, dates: Sequence[date], today: date, own: Collection[str] = ()
) -> CourseCost:
    """What sessions of a quote would cost as of a day, by the recipe, level and technique it promised."""
    return costing.cost_course(
        db,
        formulations.version_by_id(db, subject.formulation_version_id),
        level=db.get_one(PractitionerLevel, subject.level_id),
        site=site,
        dates=dates,
        protocol=db.get_one(Protocol, subject.protocol_id),
        today=today,
        own=own,
    )


def request_of(db: Session, subject: Quote) -> Request:
    """The request that a quote answered, to be asked again or changed."""
    answers = dict(subject.answers)
    return Request(
        protocol=db.get_one(Protocol, subject.protocol_id).code,
        level=db.get_one(PractitionerLevel, subject.level_id).code,
        starts_on=subject.starts_on,
        patient_ref=subject.patient_ref,
        screening=replace(Screening(**answers), allergies=tuple(answers["allergies"])),
        sessions=subject.sessions,
        interval_weeks=subject.interval_weeks,
        plan_reason=subject.plan_reason,
        discount_rate=subject.discount_rate,
        region=subject.region,
        price_override=subject.price_override,
    )


def _price(
    db: Session,
    request: Request,
    protocol: Protocol,
    level: PractitionerLevel,
    plan: Plan,
    cost: CourseCost,
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
        discount_rate=request.discount_rate,
        sessions=plan.sessions,
        tax=price_list.tax_for(db, country=site.country, region=site.tax_region, on=on),
        override=request.price_override,
    )


def _write_rows(db: Session, quote: Quote, made: Offer) -> None:
    connection = db.connection()
    connection.execute(
        sa.insert(table_of(QuoteStage)),
        [
            {"quote_id": quote.id, "position": n, "name": one.name, "amount": one.amount, "note": one.note}
            for n, one in enumerate(made.price.stages, start=1)
        ],
    )
    connection.execute(
        sa.insert(table_of(QuoteSession)),
        [
            {
                "quote_id": quote.id,
                "number": one.number,
                "on": one.on,
                "price": price,
                "actual": one.actual,
                "average": one.average,
                "replacement": one.replacement,
                "short_of": list(one.short_of),
            }
            for one, price in zip(made.cost.sessions, made.price.session_prices, strict=True)
        ],
    )
    table = table_of(QuoteLine)
    names = [column.name for column in table.c if column.name not in ("quote_id", "session", "position")]
    connection.execute(
        sa.insert(table),
        [
            {
                "quote_id": quote.id,
                "session": session.number,
                "position": n,
                **{name: getattr(line, name) for name in names},
            }
            for session in made.cost.sessions
            for n, line in enumerate(session.lines, start=1)
        ],
    )
