"""Who is asking, and the one table that says which role may call what."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import Base, choice, one_of, table_of
from inventory.errors import Forbidden, Invalid

NAME_LENGTH = 80
TOKEN_BYTES = 32


class Role(StrEnum):
    """What a person is to the clinic."""

    MANAGER = "manager"
    FRONT_DESK = "front_desk"
    ACCOUNTANT = "accountant"
    PRACTITIONER = "practitioner"
    ADMIN = "admin"

    @property
    def spoken(self) -> str:
        """The role in a sentence: `front desk`."""
        return self.value.replace("_", " ")


class Person(Base):
    """Somebody who may sign in; of the token only a digest is kept, so it cannot be read back."""

    __tablename__ = "people"
    __table_args__ = (one_of("role", Role),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH), unique=True)
    role: Mapped[Role] = mapped_column(choice(Role))
    token_hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)  # none: pages only
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    renewed_at: Mapped[datetime]


PEOPLE = table_of(Person)


class PersonSite(Base):
    """A site at which a person works; who has no row here works at every site."""

    __tablename__ = "person_sites"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), primary_key=True)


SITES = table_of(PersonSite)
OF_TOKEN = (
    sa.select(PEOPLE.c.name, PEOPLE.c.role, SITES.c.site_id)
    .outerjoin(SITES, SITES.c.person_id == PEOPLE.c.id)
    .where(PEOPLE.c.token_hash == sa.bindparam("digest"), PEOPLE.c.active)
)


@dataclass(frozen=True)
class Caller:
    """Who is asking, in this request; at which sites they work, none meaning all (see `where`)."""

    name: str
    role: Role
    sites: frozenset[int] = frozenset()

    @cached_property  # asked for every amount of an answer
    def sees_costs(self) -> bool:
        """The front desk and practitioners see prices and feasibility, not costs and margins (P5)."""
        return self.role in BOOKS


class NotSignedIn(Exception):
    """The request does not say who is asking, or the token is not one of ours."""


class NotAllowed(Forbidden):
    """The person's role may not do this."""


class BadName(Invalid):
    """It cannot be a person's name."""


def issue_token(db: Session, name: str, *, role: Role, at: datetime) -> str:
    """Make a person's token, or renew it: the old token is void from then on. Raises BadName."""
    name = checked_name(name)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    person = db.scalar(sa.select(Person).where(Person.name == name))
    if person is None:
        person = Person(name=name, created_at=at)
        db.add(person)
    person.role, person.token_hash, person.active = role, digest(token), True
    person.renewed_at = at
    db.flush()
    return token


def checked_name(name: str) -> str:
    """The name without the spaces around it. Raises BadName."""
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise BadName(f"A person's name has 1 to {NAME_LENGTH} printable characters.")
    return name


def person_of(reading: sa.Connection, token: str) -> Caller | None:
    """Whose token it is; nobody's if it was renewed since or the person is no longer active."""
    rows = reading.execute(OF_TOKEN, {"digest": digest(token)}).all()
    if not rows:
        return None
    sites = frozenset(row.site_id for row in rows if row.site_id is not None)
    return Caller(rows[0].name, rows[0].role, sites)


def digest(token: str) -> str:
    """What is kept of a token. It has 256 random bits, so a plain digest cannot be searched."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def bearer_token(header: str | None) -> str:
    """The token of an `Authorization` header. Raises NotSignedIn."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("Sign in with the header `Authorization: Bearer TOKEN`.")
    return token.strip()


def guard(caller: Caller, call: str) -> None:
    """Refuse a call that the person's role may not make. Raises NotAllowed, saying who may."""
    require(caller, MAY[call], call)


def require(caller: Caller, roles: frozenset[Role], what: str) -> None:
    """Refuse what only some of those who may call may also say. Raises NotAllowed."""
    if caller.role not in roles:
        may = [role.spoken for role in Role if role in roles]
        listed = may[0] if len(may) == 1 else ", ".join(may[:-1]) + f" or {may[-1]}"
        raise NotAllowed(f"{what} is for {listed}; {caller.name} is signed in as {caller.role.spoken}.")


EVERYONE = frozenset(Role)
BOOKS = frozenset({Role.MANAGER, Role.ACCOUNTANT, Role.ADMIN})  # who see costs (P5)
STOCKROOM = frozenset({Role.MANAGER, Role.ADMIN})
TREATMENT = STOCKROOM | {Role.PRACTITIONER}
COUNTS = TREATMENT | BOOKS  # who count, and who read what was counted
CLINICAL = frozenset({Role.PRACTITIONER})  # who may override an allergen match (T6)
FRONT = TREATMENT | {Role.FRONT_DESK}

OPEN = frozenset(
    {
        "GET /health",
        "GET /api/v1/openapi.json",
        "GET /api/v1/docs",
        "GET /api/v1/docs/<path:file>",
        "GET /api/v1/calendars/<code:secret>.ics",
    }
)
"""Calls that anybody may make without signing in."""

ASKING = frozenset({"POST /api/v1/scans", "POST /api/v1/costings"})
"""Calls that have a body, as a question may, and add nothing."""

MAY: dict[str, frozenset[Role]] = {
    f"{method} /api/v1{rule}": roles
    for roles, calls in (
        (
            EVERYONE,
            """
            GET /sites
            GET /sites/<code:code>/places
            GET /sites/<code:code>/places/<code:place>
            GET /sites/<code:code>/places/<code:place>/stock
            GET /transfers
            GET /transfers/<id:transfer_id>
            GET /ingredients
            GET /items
            GET /items/<code:sku>
            POST /scans
            GET /stock
            GET /lots
            GET /lots/<id:lot_id>
            GET /lots/<id:lot_id>/trace
            GET /lots/<id:lot_id>/history
            GET /lots/<id:lot_id>/recall-report
            GET /lots/<id:lot_id>/recall-report.pdf
            GET /movements
            GET /movements/<id:movement_id>
            GET /sessions
            GET /sessions/<id:session_id>
            GET /sessions/<id:session_id>/lots
            GET /patients/<path:patient_ref>/lots
            GET /opened-vials
            GET /opened-vials/<id:vial_id>
            GET /opened-vials/<id:vial_id>/label.pdf
            GET /opened-vials/labels.pdf
            GET /opened-vials/to-discard
            GET /quotes
            GET /quotes/<id:quote_id>
            GET /quotes/<id:quote_id>/versions
            GET /quotes/<id:quote_id>.pdf
            GET /courses
            GET /courses/<id:course_id>
            GET /courses/<id:course_id>/refund
            GET /formulations
            GET /formulations/<code:code>
            GET /protocols
            GET /protocols/<code:code>
            GET /levels
            GET /levels/<code:code>
            GET /discounts
            GET /discounts/<code:code>
            GET /reorder-advice
            GET /purchase-orders
            GET /purchase-orders/<id:order_id>
            GET /alerts
            GET /calendars
            POST /calendars
            POST /calendars/<id:calendar_id>/end
            """,
        ),
        (
            BOOKS,
            """
            GET /settings
            GET /settings/<code:key>
            GET /suppliers
            GET /suppliers/<code:code>
            GET /offers
            GET /receipts/<id:receipt_id>
            GET /purchase-orders/<id:order_id>/order.pdf
            POST /costings
            GET /quotes/<id:quote_id>/drift
            GET /quotes/<id:quote_id>/prospect
            GET /conversion
            GET /exports/conversion.csv
            GET /exports/conversion.xlsx
            GET /deferred-revenue
            GET /valuation
            GET /journal
            GET /trial-balance
            GET /roll-forward
            GET /reconciliation
            GET /exports/accounting.xlsx
            """,
        ),
        (
            COUNTS,
            """
            GET /counts
            GET /counts/<id:count_id>
            GET /counts/<id:count_id>/sheet.pdf
            GET /counts/<id:count_id>/sheet.xlsx
            """,
        ),
        (
            STOCKROOM,
            """
            POST /sites
            POST /sites/<code:code>/places
            PUT /sites/<code:code>/places/<code:place>
            POST /transfers
            POST /transfers/<id:transfer_id>/cancel
            PUT /settings/<code:key>
            POST /items
            PATCH /items/<code:sku>
            POST /suppliers
            PATCH /suppliers/<code:code>
            POST /offers
            PATCH /levels/<code:code>
            POST /list-prices
            POST /discounts
            POST /discounts/<code:code>/end
            POST /receipts
            POST /purchase-orders
            PUT /purchase-orders/<id:order_id>
            POST /purchase-orders/<id:order_id>/send
            POST /purchase-orders/<id:order_id>/receive
            POST /purchase-orders/<id:order_id>/close
            POST /purchase-orders/<id:order_id>/cancel
            GET /imports
            GET /imports/<id:import_id>
            POST /imports/<id:import_id>/undo
            GET /imports/<code:kind>/template.xlsx
            POST /imports/<code:kind>
            POST /imports/<code:kind>/corrected.xlsx
            POST /lots/<id:lot_id>/release
            POST /lots/<id:lot_id>/recall
            POST /counts/<id:count_id>/post
            POST /counts/<id:count_id>/abandon
            POST /movements/<id:movement_id>/reverse
            POST /documents/<id:document_id>/reverse
            POST /write-offs
            POST /courses/<id:course_id>/sessions/<id:number>/take-back
            """,
        ),
        (
            TREATMENT,
            """
            POST /lots/<id:lot_id>/quarantine
            POST /counts
            PUT /counts/<id:count_id>/lines
            POST /counts/<id:count_id>/lines
            POST /counts/<id:count_id>/scan
            POST /counts/<id:count_id>/sheet
            POST /moves
            POST /transfers/<id:transfer_id>/receive
            POST /sessions
            POST /sessions/<id:session_id>/reverse
            POST /courses/<id:course_id>/sessions/<id:number>/without-stock
            POST /opened-vials
            POST /opened-vials/<id:vial_id>/discard
            POST /opened-vials/<id:vial_id>/enter-room
            POST /opened-vials/<id:vial_id>/correct-room
            POST /opened-vials/discard-due
            """,
        ),
        (
            FRONT,
            """
            POST /quotes
            POST /quotes/<id:quote_id>/issue
            POST /quotes/<id:quote_id>/accept
            POST /quotes/<id:quote_id>/decline
            POST /quotes/<id:quote_id>/withdraw
            POST /quotes/<id:quote_id>/revise
            POST /courses/<id:course_id>/payments
            POST /courses/<id:course_id>/refund
            POST /courses/<id:course_id>/transfer
            POST /courses/<id:course_id>/sessions/<id:number>/move
            POST /courses/<id:course_id>/sessions/<id:number>/forfeit
            """,
        ),
    )
    for method, rule in (call.split() for call in calls.strip().splitlines())
}
"""Which roles may make which call: the guard, the OpenAPI document and the test all read this table."""
