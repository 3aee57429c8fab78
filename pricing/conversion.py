"""Conversion: what became of the quotes of a period, by month, protocol, level, person and lost reason (P4).

A quote is counted once, however many versions it has: as its newest version that left the desk stands. By
protocol and by level each of its treatments is counted for itself.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from inventory.clinic import Site
from inventory.measures import ZERO
from pricing.accounting import check_period
from pricing.price_list import PractitionerLevel
from pricing.protocols import Protocol
from pricing.quote_life import QuoteEvent, status_on
from pricing.quote_records import Quote, QuoteState, QuoteStatus

RATE = Decimal("0.0001")
NOT_TOLD = "not told"
LOST = frozenset({QuoteStatus.DECLINED, QuoteStatus.WITHDRAWN, QuoteStatus.LAPSED})


class Dimension(StrEnum):
    """What the quotes are told apart by."""

    MONTH = "month"
    PROTOCOL = "protocol"
    LEVEL = "level"
    PERSON = "person"
    LOST = "lost"


@dataclass(frozen=True)
class ConversionRow:
    """The quotes of one group: how many, what became of them, and what they came to with tax."""

    group: str
    quotes: int
    drafts: int
    issued: int  # all that ever were
    accepted: int
    lost: int
    open: int  # issued, in time, and not answered
    offered: Decimal  # of what was issued
    won: Decimal  # of what was accepted

    @property
    def rate(self) -> Decimal:
        """The part of what was issued that was accepted."""
        return (Decimal(self.accepted) / self.issued).quantize(RATE) if self.issued else ZERO


@dataclass
class _Seen:
    """A treatment of a quote as it stands, or the quote itself."""

    on: date
    status: QuoteStatus
    issued: bool
    total: Decimal
    protocol: str
    level: str
    person: str
    lost: str
    parts: list["_Seen"] = field(default_factory=list)


def conversion(
    db: Session,
    *,
    by: Dimension,
    since: date,
    until: date,
    on: date,
    sites: Collection[int] = (),
) -> tuple[ConversionRow, ...]:
    """What became of the quotes first drafted in a period, as they stand on a day; no sites means all.

    Raises accounting.BadPeriod.
    """
    check_period(since, until)
    seen = _seen(db, since=since, until=until, on=on, sites=sites)
    if by in (Dimension.PROTOCOL, Dimension.LEVEL):
        seen = [part for one in seen for part in one.parts]
    if by is Dimension.LOST:
        seen = [one for one in seen if one.status in LOST]
    groups: dict[str, list[_Seen]] = defaultdict(list)
    for one in seen:
        groups[GROUP[by](one)].append(one)
    return tuple(_row(name, groups[name]) for name in sorted(groups))


def together(rows: Iterable[ConversionRow]) -> ConversionRow:
    """The rows of a report as one."""
    listed = list(rows)

    def count(name: str) -> int:
        return sum(getattr(row, name) for row in listed)

    return ConversionRow(
        group="all",
        quotes=count("quotes"),
        drafts=count("drafts"),
        issued=count("issued"),
        accepted=count("accepted"),
        lost=count("lost"),
        open=count("open"),
        offered=sum((row.offered for row in listed), ZERO),
        won=sum((row.won for row in listed), ZERO),
    )


GROUP: dict[Dimension, Callable[[_Seen], str]] = {
    Dimension.MONTH: lambda one: f"{one.on:%Y-%m}",
    Dimension.PROTOCOL: lambda one: one.protocol,
    Dimension.LEVEL: lambda one: one.level,
    Dimension.PERSON: lambda one: one.person,
    Dimension.LOST: lambda one: one.lost,
}


def _row(group: str, seen: list[_Seen]) -> ConversionRow:
    issued = [one for one in seen if one.issued]
    won = [one for one in seen if one.status is QuoteStatus.ACCEPTED]
    return ConversionRow(
        group=group,
        quotes=len(seen),
        drafts=sum(1 for one in seen if one.status is QuoteStatus.DRAFT),
        issued=len(issued),
        accepted=len(won),
        lost=sum(1 for one in seen if one.status in LOST),
        open=sum(1 for one in seen if one.status is QuoteStatus.ISSUED),
        offered=sum((one.total for one in issued), ZERO),
        won=sum((one.total for one in won), ZERO),
    )


def _seen(db: Session, *, since: date, until: date, on: date, sites: Collection[int]) -> list[_Seen]:
    """Each quote drafted in the period once, with its treatments."""
    first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (since, until))
    leads = sa.func.coalesce(Quote.part_of, Quote.id)
    root = aliased(Quote)
    lead = aliased(Quote)
    query = (
        sa.select(Quote, QuoteState, Protocol.code, PractitionerLevel.code, Site, root)
        .join(lead, lead.id == leads)
        .join(QuoteState, QuoteState.quote_id == lead.id)
        .join(root, root.id == sa.func.coalesce(lead.root_id, lead.id))
        .join(Protocol, Protocol.id == Quote.protocol_id)
        .join(PractitionerLevel, PractitionerLevel.id == Quote.level_id)
        .join(Site, Site.id == Quote.site_id)
        # The day of a draft is its site's; two days more on either side hold every time zone.
        .where(root.created_at.between(first - timedelta(days=2), last + timedelta(days=2)))
        .order_by(Quote.id)
    )
    if sites:
        query = query.where(Quote.site_id.in_(sorted(sites)))
    versions: dict[int, dict[int, list[tuple[Quote, QuoteState, str, str, date, str]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for quote, state, protocol, level, site, begun in db.execute(query):
        day = site.day(begun.created_at)
        if since <= day <= until:
            key = quote.part_of or quote.id
            versions[begun.id][key].append((quote, state, protocol, level, day, begun.created_by))
    lost = _lost(db)
    return [_standing(found, lost, on) for found in versions.values()]


def _standing(
    versions: dict[int, list[tuple[Quote, QuoteState, str, str, date, str]]],
    lost: dict[int, str],
    on: date,
) -> _Seen:
    """A quote as its newest version that was issued stands, or else as its newest one."""
    issued = [key for key, parts in versions.items() if parts[0][1].issued_on is not None]
    key = max(issued or versions)
    parts = [
        _Seen(
            on=day,
            status=status_on(state, on),
            issued=bool(issued),
            total=quote.total,
            protocol=protocol,
            level=level,
            person=person,
            lost=lost.get(key, NOT_TOLD),
        )
        for quote, state, protocol, level, day, person in versions[key]
    ]
    whole = parts[0]
    if whole.status is QuoteStatus.LAPSED:
        whole.lost = "lapsed"
    return _Seen(**{**vars(whole), "total": sum((one.total for one in parts), ZERO), "parts": parts})


def _lost(db: Session) -> dict[int, str]:
    """The lost reason of each quote that has one, the last that was told."""
    rows = db.execute(
        sa.select(QuoteEvent.quote_id, QuoteEvent.lost)
        .where(QuoteEvent.lost.is_not(None))
        .order_by(QuoteEvent.id)
    )
    return {key: str(reason).replace("_", " ") for key, reason in rows}
