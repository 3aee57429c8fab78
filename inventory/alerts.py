"""Alerts: what a site must discard, what expires and what that is worth, what is late or short, what is held.

Reading only; the same list for the page, the call, the command line and the calendar.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, lot_list, order_views, reordering
from inventory.balances import BALANCES
from inventory.clinic import PLACES, PlaceKind, Site
from inventory.errors import Invalid
from inventory.history import ITEMS, LOTS
from inventory.lots import LotEvent, LotState
from inventory.measures import ZERO, counted, plain, spoken
from inventory.vials import OpenedVial

LONGEST_VIEW = 3650  # days


class AlertKind(StrEnum):
    """What is to be done, in the order in which it presses."""

    DISCARD = "discard"
    EXPIRED = "expired"
    EXPIRES = "expires"
    LATE = "late"
    SHORT = "short"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to look after: what, until when, and what it is worth."""

    kind: AlertKind
    sku: str
    name: str
    unit: str
    quantity: Decimal
    value: Decimal  # what is lost, or held back; zero of what is late or short
    due_on: date | None  # the day by which something is to be done; none: no day is in sight
    sentence: str
    due_at: datetime | None = None  # where an hour counts
    lot_id: int | None = None
    lot_number: str | None = None
    vial_id: int | None = None
    order_id: int | None = None  # of which it should have come
    reason: str = ""  # why it is held back, in the words of whoever did it


@dataclass(frozen=True)
class Alerts:
    """A site's alerts on a day, the most pressing first, and what expires in sight is worth."""

    site: Site
    on: date
    within_days: int
    held_days: int
    items: tuple[Alert, ...]

    @property
    def value_at_risk(self) -> Decimal:
        """The value of what has expired or expires within the days looked at."""
        lost = (AlertKind.EXPIRED, AlertKind.EXPIRES)
        return sum((alert.value for alert in self.items if alert.kind in lost), ZERO)

    def of(self, kind: AlertKind) -> tuple[Alert, ...]:
        """Those of one kind."""
        return tuple(alert for alert in self.items if alert.kind is kind)


class BadView(Invalid):
    """So many days cannot be looked ahead or back."""


def alerts(
    db: Session,
    *,
    site: Site,
    at: datetime,
    within_days: int | None = None,
    held_days: int | None = None,
    others: Sequence[Site] = (),
) -> Alerts:
    """What a site is to look after at an instant: the next `within_days`, held for `held_days` or longer.

    Where no days are given the clinic's settings say. Expired, quarantined and recalled stock is counted
    once: what is held back is not also said to expire. What `others` can spare is told. Raises BadView.
    """
    settings = clinic.settings(db)
    ahead = settings.expiry_alert_days if within_days is None else within_days
    back = settings.quarantine_alert_days if held_days is None else held_days
    for days in (ahead, back):
        if not 0 <= days <= LONGEST_VIEW:
            raise BadView(f"Alerts look 0 to {LONGEST_VIEW} days ahead and back, not {days}.")
    on = site.day(at)
    found = [
        *to_discard(db, site=site, until=on),
        *_expiring(db, site=site, on=on, until=on + timedelta(days=ahead)),
        *late(db, site=site, on=on),
        *_short(db, site=site, on=on, others=others),
        *_held(db, site=site, on=on, days=back),
    ]
    return Alerts(site, on, ahead, back, tuple(found))


def to_discard(db: Session, *, site: Site, until: date) -> list[Alert]:
    """Opened vials whose time is past, or ends with the day `until` at the latest (S4)."""
    vial = OpenedVial.__table__.c
    rows = db.execute(
        sa.select(
            vial.id, vial.lot_id, LOTS.c.number, ITEMS.c.sku, ITEMS.c.name, ITEMS.c.unit, vial.remaining,
            vial.discard_at, vial.discard_rule,
        )
        .join(LOTS, LOTS.c.id == vial.lot_id)
        .join(ITEMS, ITEMS.c.id == vial.item_id)
        .where(vial.site_id == site.id, vial.closed_at.is_(None), vial.discard_at <= site.end_of(until))
        .order_by(vial.discard_at, vial.id)
    )  # fmt: skip
    found = []
    for key, lot_id, number, sku, name, unit, left, discard_at, rule in rows:
        # What is usable to the end of a day is discarded on that day, and not on the next.
        last = discard_at - timedelta(microseconds=1)
        said = (
            f"Discard the opened {name} of lot {number} ({plain(left)} {unit.value} left) "
            f"by {_hour(site, discard_at)}: {rule}."
        )
        found.append(
            Alert(
                AlertKind.DISCARD, sku, name, unit.value, left, ZERO, site.day(last), said,
                due_at=discard_at, lot_id=lot_id, lot_number=number, vial_id=key,
            )
        )  # fmt: skip
    return found


def _hour(site: Site, at: datetime) -> str:
    """An instant as the site's clock shows it; the end of a day is not the next day's first minute."""
    local = (at - timedelta(microseconds=1)).astimezone(ZoneInfo(site.time_zone))
    if at == site.end_of(local.date()):
        return f"the end of {local.date()}"
    return f"{at.astimezone(ZoneInfo(site.time_zone)):%Y-%m-%d %H:%M}"


def _expiring(db: Session, *, site: Site, on: date, until: date) -> list[Alert]:
    """Released lots of the site whose last day is past, or comes by `until`, with what they are worth."""
    rows = lot_list.lots(
        db,
        site=site,
        state=LotState.RELEASED,
        held=True,
        expiring_before=until + timedelta(days=1),
        limit=None,
    )
    found = []
    for row in rows:
        kind = AlertKind.EXPIRED if row.expires_on < on else AlertKind.EXPIRES
        what = f"{plain(row.on_hand)} {spoken(row.unit)} of {row.name}, lot {row.number}"
        said = (
            f"Write off {what}: it expired on {row.expires_on}."
            if kind is AlertKind.EXPIRED
            else f"Use {what}, by {row.expires_on}: {_in_days((row.expires_on - on).days)}."
        )
        found.append(
            Alert(
                kind, row.sku, row.name, row.unit, row.on_hand, row.value, row.expires_on, said,
                lot_id=row.id, lot_number=row.number,
            )
        )  # fmt: skip
    return found


def late(db: Session, *, site: Site, on: date) -> list[Alert]:
    """What should have come of an order before a day and did not, what was promised first at the top (O3)."""
    found = []
    for order in order_views.waiting(db, site_id=site.id):
        due = order.late_since(on)
        if due is None:
            continue
        for line in (line for line in order.lines if line.open):
            quantity = line.open * line.content
            what = f"{plain(quantity)} {spoken(line.unit)} of {line.name}, {order.number}"
            ago = counted((on - due).days, "day")
            said = f"Ask {order.supplier_name} for {what}: it should have come on {due}, {ago} ago."
            found.append(
                Alert(
                    AlertKind.LATE, line.sku, line.name, line.unit, quantity, ZERO, due, said,
                    order_id=order.id,
                )
            )  # fmt: skip
    return sorted(found, key=lambda alert: alert.due_on or date.max)


def _short(db: Session, *, site: Site, on: date, others: Sequence[Site]) -> list[Alert]:
    """Items whose usable stock does not reach until an order of the next review would come (O1)."""
    found = [
        Alert(
            AlertKind.SHORT, advice.sku, advice.name, advice.unit, advice.position, ZERO,
            advice.order_by or advice.stock_out_on, advice.why,
        )
        for advice in reordering.advise(db, site=site, on=on, others=others)
    ]  # fmt: skip
    return sorted(found, key=lambda alert: (alert.due_on or date.max, alert.sku))


def _held(db: Session, *, site: Site, on: date, days: int) -> list[Alert]:
    """Lots that were held back at the site so many days ago or earlier, and still are (S10)."""
    latest = (
        sa.select(LotEvent.lot_id, sa.func.max(LotEvent.id).label("event"))
        .group_by(LotEvent.lot_id)
        .subquery()
    )
    rows = db.execute(
        sa.select(LOTS.c.id, LotEvent.at, LotEvent.reason)
        .join(latest, latest.c.lot_id == LOTS.c.id)
        .join(LotEvent, LotEvent.id == latest.c.event)
        .join(BALANCES, BALANCES.c.lot_id == LOTS.c.id)
        .join(PLACES, PLACES.c.id == BALANCES.c.place_id)
        .where(
            PLACES.c.site_id == site.id,
            PLACES.c.kind == PlaceKind.QUARANTINE,
            BALANCES.c.quantity > 0,
            LOTS.c.state != LotState.RELEASED,
        )
        .group_by(LOTS.c.id, LotEvent.at, LotEvent.reason)
        .order_by(LotEvent.at, LOTS.c.id)
    ).all()
    due = timedelta(days=days)
    held = {key: (site.day(at), reason) for key, at, reason in rows if site.day(at) + due <= on}
    if not held:
        return []
    rows_of = [
        row
        for state in (LotState.QUARANTINED, LotState.RECALLED)
        for row in lot_list.lots(db, site=site, state=state, held=True, limit=None)
        if row.id in held
    ]
    found = []
    for row in sorted(rows_of, key=lambda row: (held[row.id][0], row.id)):
        day, reason = held[row.id]
        end = (
            "send it back or write it off" if row.state is LotState.RECALLED else "release it or write it off"
        )
        said = (
            f"Decide on {plain(row.on_hand)} {spoken(row.unit)} of {row.name}, lot {row.number}: "
            f"{row.state} since {day}, {(on - day).days} days; {end}."
        )
        found.append(
            Alert(
                AlertKind.HELD, row.sku, row.name, row.unit, row.on_hand, row.value, day + due, said,
                lot_id=row.id, lot_number=row.number, reason=reason,
            )
        )  # fmt: skip
    return found


def _in_days(days: int) -> str:
    return {0: "today is its last day", 1: "tomorrow is its last day"}.get(days, f"{days} days left")
