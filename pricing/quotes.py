"""Quotes: what the clinic offers for a course, copied in full so that nothing later can change it (P4)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic
from inventory.allocations import Promise
from inventory.clinic import Site
from inventory.database import table_of
from inventory.measures import ZERO, to_cents_half_up
from pricing import costing, formulations, quote_records
from pricing.costing import CourseCost, Wanted
from pricing.courses import Planned
from pricing.discounts import DiscountRule
from pricing.offers import MOST_TREATMENTS as MOST_TREATMENTS  # who quotes finds what is asked here too
from pricing.offers import Offer as Offer
from pricing.offers import Request as Request
from pricing.offers import Treatment as Treatment
from pricing.offers import offer as offer
from pricing.offers import offers as offers
from pricing.offers import separate
from pricing.price_list import PractitionerLevel
from pricing.protocols import Protocol
from pricing.quote_records import Quote, QuoteLine, QuoteSession, QuoteStage, QuoteState, QuoteStatus
from pricing.screening import Screening


def draft(db: Session, request: Request, *, site: Site, at: datetime, by: str) -> Quote:
    """Keep an offer as a draft: all that it promises is copied now (P4)."""
    return write(db, request, offers(db, request, site=site, on=site.day(at)), site=site, at=at, by=by)


def write(
    db: Session,
    request: Request,
    made: Sequence[Offer],
    *,
    site: Site,
    at: datetime,
    by: str,
    root_id: int | None = None,
    version: int = 1,
) -> Quote:
    """Write the rows of a quote, treatment by treatment: head, stages, sessions, cost lines; its state."""
    quotes: list[Quote] = []
    for asked, one in zip(separate(request), made, strict=True):
        quote = _head(asked, one)
        quote.version, quote.site_id, quote.created_at, quote.created_by = version, site.id, at, by
        quote.root_id = None if quotes else root_id
        quote.part_of = quotes[0].id if quotes else None
        db.add(quote)
        db.flush()
        _write_rows(db, quote, one)
        quotes.append(quote)
    quote = quotes[0]
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
        discount_rate=made.discount.rate,
        discount_rule=made.discount.code,
        discount_name=made.discount.name,
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


def costs_as_of(
    db: Session,
    dates: Mapping[Quote, Sequence[date]],
    *,
    site: Site,
    today: date,
    own: Collection[str] = (),
) -> dict[Quote, CourseCost]:
    """What sessions of a quote's treatments would cost as of a day, by the recipe, level and technique that
    it promised, all over the same shelf (C5).
    """
    wanted = [
        Wanted(
            formulations.version_by_id(db, one.formulation_version_id),
            db.get_one(PractitionerLevel, one.level_id),
            days,
            db.get_one(Protocol, one.protocol_id),
        )
        for one, days in dates.items()
    ]
    costs = costing.cost_together(db, wanted, site=site, today=today, own=own)
    return dict(zip(dates, costs, strict=True))


def planned(db: Session, subject: Quote) -> list[Planned]:
    """The sessions that a quote plans once it is accepted, with the stock that each will need (P5)."""
    needed: dict[int, list[Promise]] = {}
    offered = quote_records.sessions_of(db, subject)
    days = {session.number: session.on for session in offered}
    for line in quote_records.lines_of(db, subject):
        stock = line.quantity + line.discarded
        if line.item_id is not None and stock:
            needed.setdefault(line.session, []).append(Promise(line.item_id, days[line.session], stock))
    return [
        Planned(one.number, one.on, one.price, one.actual, tuple(needed.get(one.number, ())))
        for one in offered
    ]


def request_of(db: Session, subject: Quote) -> Request:
    """The request that a quote answered, to be asked again or changed."""
    answers = dict(subject.answers)
    first, *more = (_treatment(db, one) for one in quote_records.treatments_of(db, subject))
    return Request(
        **vars(first),
        patient_ref=subject.patient_ref,
        screening=replace(Screening(**answers), allergies=tuple(answers["allergies"])),
        region=subject.region,
        price_override=subject.price_override,
        more=tuple(more),
    )


def _treatment(db: Session, one: Quote) -> Treatment:
    """A treatment as it was asked for; what a rule gave is left to the rules."""
    rule = db.scalar(sa.select(DiscountRule).where(DiscountRule.code == one.discount_rule))
    return Treatment(
        protocol=db.get_one(Protocol, one.protocol_id).code,
        level=db.get_one(PractitionerLevel, one.level_id).code,
        starts_on=one.starts_on,
        sessions=one.sessions,
        interval_weeks=one.interval_weeks,
        plan_reason=one.plan_reason,
        discount_rate=one.discount_rate if rule is None else None,
        promotion=rule.code if rule is not None and rule.promotion else "",
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
