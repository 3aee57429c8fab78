"""Calendars: a site's alerts and vials to share, under a private address that a program asks for again.

The address is the key: whoever has it sees what expires and what runs short, but neither costs nor
patients, and whoever made it can end it. Of its secret only a digest is kept.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.auth import PEOPLE, TOKEN_BYTES, Caller, PersonSite, Role, digest
from inventory import alerts
from inventory.alerts import Alert, AlertKind, Alerts
from inventory.clinic import Site
from inventory.database import Base
from inventory.errors import NotFound
from pricing import sharing_hints
from pricing.sharing_hints import Hint

AHEAD = 90  # days of opened vials and expiries that a calendar shows
AGAIN = timedelta(hours=1)  # how often a program is asked to look again
WORDS = {
    AlertKind.DISCARD: "Discard",
    AlertKind.EXPIRED: "Expired",
    AlertKind.EXPIRES: "Last day",
    AlertKind.LATE: "Ask for",
    AlertKind.SHORT: "Order",
    AlertKind.HELD: "Decide on",
}


class Calendar(Base):
    """A private address of a site's alerts: whose it is, and until when it worked."""

    __tablename__ = "calendars"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class UnknownCalendar(NotFound):
    """No calendar has this key, or this address; or it was ended."""


def make(db: Session, *, site: Site, caller: Caller, at: datetime) -> tuple[Calendar, str]:
    """A new calendar of a site's alerts, and its secret, which is told this once."""
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    person_id = db.execute(sa.select(PEOPLE.c.id).where(PEOPLE.c.name == caller.name)).scalar_one()
    calendar = Calendar(person_id=person_id, site_id=site.id, secret_hash=digest(secret), made_at=at)
    db.add(calendar)
    db.flush()
    return calendar, secret


def of(db: Session, caller: Caller) -> Sequence[Calendar]:
    """The calendars of a person's sites that they made and did not end; an admin sees everybody's."""
    mine = sa.select(Calendar).where(Calendar.ended_at.is_(None)).order_by(Calendar.id)
    if caller.sites:
        mine = mine.where(Calendar.site_id.in_(caller.sites))
    if caller.role is not Role.ADMIN:
        mine = mine.join(PEOPLE, PEOPLE.c.id == Calendar.person_id).where(PEOPLE.c.name == caller.name)
    return db.scalars(mine).all()


def end(db: Session, key: int, *, caller: Caller, at: datetime) -> Calendar:
    """End a calendar: its address answers no more. Raises UnknownCalendar."""
    found = next((one for one in of(db, caller) if one.id == key), None)
    if found is None:
        raise UnknownCalendar(f"You have no calendar with the key {key}.")
    found.ended_at = at
    db.flush()
    return found


def site_of(db: Session, secret: str) -> Site:
    """The site whose alerts stand at a private address. Raises UnknownCalendar.

    A calendar works as long as the person who made it may come in, and works at that site.
    """
    places = sa.select(PersonSite.site_id).where(PersonSite.person_id == Calendar.person_id)
    found = db.scalar(
        sa.select(Site)
        .join(Calendar, Calendar.site_id == Site.id)
        .join(PEOPLE, PEOPLE.c.id == Calendar.person_id)
        .where(
            Calendar.secret_hash == digest(secret),
            Calendar.ended_at.is_(None),
            PEOPLE.c.active,
            sa.or_(~places.exists(), Site.id.in_(places)),
        )
    )
    if found is None:
        raise UnknownCalendar("No calendar has this address; it may have been ended.")
    return found


def feed(db: Session, *, site: Site, at: datetime) -> bytes:
    """A site's alerts as an iCalendar file (RFC 5545): days as whole days, discard times as hours."""
    ahead = alerts.alerts(db, site=site, at=at, within_days=AHEAD)
    until = ahead.on + timedelta(days=AHEAD)
    opened = alerts.to_discard(db, site=site, until=until)
    rest = [alert for alert in ahead.items if alert.kind is not AlertKind.DISCARD]
    return written(ahead, [*opened, *rest], sharing_hints.hints(db, site=site, on=ahead.on), at=at)


def written(subject: Alerts, items: Sequence[Alert], hints: Sequence[Hint] = (), *, at: datetime) -> bytes:
    """The file itself. What has no day is left out; an event keeps its key from one look to the next."""
    import icalendar

    site = subject.site
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//vialbook//alerts//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"{site.name}: stock")
    calendar.add("refresh-interval", AGAIN, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", AGAIN)
    for alert in items:
        if alert.due_on is None:
            continue
        event = _event(_key(alert), site, at)
        event.add("summary", f"{WORDS[alert.kind]}: {alert.name}" + _of_lot(alert))
        event.add("description", alert.sentence)
        if alert.due_at is None:
            # What is overdue stands at today, where somebody looks.
            on = alert.due_on if alert.kind is AlertKind.EXPIRED else max(alert.due_on, subject.on)
            event.add("dtstart", on)
            event.add("dtend", on + timedelta(days=1))
        else:
            event.add("dtstart", alert.due_at)
            event.add("dtend", alert.due_at)
        calendar.add_component(event)
    for hint in hints:
        event = _event(f"share-{hint.sku}-{hint.on}", site, at)
        event.add("summary", f"Share a vial: {hint.name}")
        event.add("description", hint.sentence)
        event.add("dtstart", hint.on)
        event.add("dtend", hint.on + timedelta(days=1))
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _event(key: str, site: Site, at: datetime) -> Any:
    import icalendar

    event = icalendar.Event()
    event.add("uid", f"{key}-site-{site.id}@vialbook")
    event.add("dtstamp", at)
    event.add("transp", "TRANSPARENT")  # nobody is busy because a vial expires
    return event


def _key(alert: Alert) -> str:
    if alert.vial_id is not None:
        return f"vial-{alert.vial_id}"
    if alert.order_id is not None:
        return f"late-{alert.order_id}-{alert.sku}"
    kind = "expiry" if alert.kind in (AlertKind.EXPIRED, AlertKind.EXPIRES) else alert.kind.value
    return f"{kind}-lot-{alert.lot_id}" if alert.lot_id is not None else f"{kind}-{alert.sku}"


def _of_lot(alert: Alert) -> str:
    return f", lot {alert.lot_number}" if alert.lot_number else ""
