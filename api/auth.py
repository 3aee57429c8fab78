"""Who is asking, and the one table that says which role may call what."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

# Who asks who is asking finds here what they may.
from api.calls_allowed import ADMINS as ADMINS
from api.calls_allowed import ASKING as ASKING
from api.calls_allowed import BOOKS as BOOKS
from api.calls_allowed import CLINICAL as CLINICAL
from api.calls_allowed import COUNTS as COUNTS
from api.calls_allowed import EVERYONE as EVERYONE
from api.calls_allowed import FRONT as FRONT
from api.calls_allowed import MAY as MAY
from api.calls_allowed import OPEN as OPEN
from api.calls_allowed import OVER_WARNINGS as OVER_WARNINGS
from api.calls_allowed import STOCKROOM as STOCKROOM
from api.calls_allowed import TREATMENT as TREATMENT
from api.calls_allowed import Role as Role
from inventory.database import Base, choice, one_of, table_of
from inventory.errors import Forbidden, Invalid

NAME_LENGTH = 80
TOKEN_BYTES = 32


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
