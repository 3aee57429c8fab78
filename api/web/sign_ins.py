"""Who is signed in: sessions of browsers, kept here and not in the cookie, so that each can be ended.

The cookie is a random name without meaning; of it only a digest is kept. A session ends when its person
signs out, changes the password, is put out by an admin, or leaves it idle; and after a working day at most.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.auth import TOKEN_BYTES, Person, PersonSite, Role, digest
from api.web.passwords import Credential
from inventory.database import Base, append_only, choice, one_of
from inventory.errors import Invalid

SEEN_EVERY = timedelta(minutes=1)  # a page that is read writes no more often than this
SECOND_FACTOR_WITHIN = timedelta(minutes=5)


class Stage(StrEnum):
    """How far a sign-in has come."""

    PASSWORD = "password"  # the password was right, the code is still to come
    DONE = "done"


class SignIn(Base):
    """One browser in which a person is signed in, or was."""

    __tablename__ = "sign_ins"
    __table_args__ = (one_of("stage", Stage), sa.Index(None, "person_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    stage: Mapped[Stage] = mapped_column(choice(Stage))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(sa.String(60), default="")
    browser: Mapped[str] = mapped_column(sa.String(200), default="")


class AccessRule(Base):
    """The rules of signing in at one moment; the latest counts, the earlier ones are its history."""

    __tablename__ = "access_rules"
    __table_args__ = (
        sa.CheckConstraint("idle_minutes > 0", name="idle_positive"),
        sa.CheckConstraint("longest_hours > 0", name="longest_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    idle_minutes: Mapped[int]
    longest_hours: Mapped[int]
    second_factor_roles: Mapped[str] = mapped_column(sa.String(120))  # with spaces between
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))


append_only(AccessRule)


@dataclass(frozen=True)
class Limits:
    """How long a session lasts, and for whom a password is not enough."""

    idle_minutes: int = 30
    longest_hours: int = 12
    second_factor_roles: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Visitor:
    """Who is signed in with this request."""

    sign_in_id: int
    person_id: int
    name: str
    role: Role
    stage: Stage
    must_change: bool
    has_second_factor: bool
    must_add_second_factor: bool
    sites: frozenset[int]  # none: every site
    seen_at: datetime


class BadLimits(Invalid):
    """Sessions cannot last so long, or so short."""


def limits(db: Session) -> Limits:
    """The rules of signing in as they stand."""
    row = db.execute(
        sa.select(AccessRule.idle_minutes, AccessRule.longest_hours, AccessRule.second_factor_roles)
        .order_by(AccessRule.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return Limits()
    return Limits(row[0], row[1], frozenset(Role(word) for word in row[2].split()))


def change_limits(db: Session, new: Limits, *, at: datetime, by: str) -> None:
    """Set the rules of signing in. Raises BadLimits."""
    if not (5 <= new.idle_minutes <= 240 and 1 <= new.longest_hours <= 24):
        raise BadLimits(
            f"A session may be idle for 5 to 240 minutes, not {new.idle_minutes}, "
            f"and last 1 to 24 hours, not {new.longest_hours}."
        )
    roles = " ".join(role.value for role in Role if role in new.second_factor_roles)
    db.add(
        AccessRule(
            idle_minutes=new.idle_minutes,
            longest_hours=new.longest_hours,
            second_factor_roles=roles,
            at=at,
            by=by,
        )
    )
    db.flush()


def begin(
    db: Session, person: Person, *, stage: Stage, at: datetime, address: str = "", browser: str = ""
) -> str:
    """Sign a person in, under a name that was never used before; answers what the cookie will hold."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    db.add(
        SignIn(
            person_id=person.id,
            token_hash=digest(token),
            stage=stage,
            created_at=at,
            seen_at=at,
            address=address[:60],
            browser=browser[:200],
        )
    )
    db.flush()
    return token


def find(db: Session, token: str, *, at: datetime) -> Visitor | None:
    """Whose session it is; nobody's if it ended, was idle too long, or its person is no longer active."""
    rows = db.execute(
        sa.select(
            SignIn.id, SignIn.person_id, Person.name, Person.role, SignIn.stage, SignIn.created_at,
            SignIn.seen_at, Credential.must_change, Credential.totp_secret, PersonSite.site_id,
        )
        .join(Person, Person.id == SignIn.person_id)
        .join(Credential, Credential.person_id == Person.id)
        .outerjoin(PersonSite, PersonSite.person_id == Person.id)
        .where(SignIn.token_hash == digest(token), SignIn.ended_at.is_(None), Person.active)
    ).all()  # fmt: skip
    if not rows:
        return None
    row, rule = rows[0], limits(db)
    if row.stage is Stage.PASSWORD:
        over = at - row.created_at >= SECOND_FACTOR_WITHIN
    else:
        over = at - row.seen_at >= timedelta(minutes=rule.idle_minutes) or at - row.created_at >= timedelta(
            hours=rule.longest_hours
        )
    if over:
        return None
    return Visitor(
        sign_in_id=row.id,
        person_id=row.person_id,
        name=row.name,
        role=row.role,
        stage=row.stage,
        must_change=row.must_change,
        has_second_factor=row.totp_secret is not None,
        must_add_second_factor=row.totp_secret is None and row.role in rule.second_factor_roles,
        sites=frozenset(each.site_id for each in rows if each.site_id is not None),
        seen_at=row.seen_at,
    )


def touch(db: Session, visitor: Visitor, *, at: datetime) -> None:
    """Note that the session is in use."""
    db.execute(sa.update(SignIn).where(SignIn.id == visitor.sign_in_id).values(seen_at=at))


def end(db: Session, sign_in_id: int, *, at: datetime) -> None:
    """End one session; ending it again changes nothing."""
    db.execute(
        sa.update(SignIn).where(SignIn.id == sign_in_id, SignIn.ended_at.is_(None)).values(ended_at=at)
    )


def end_token(db: Session, token: str, *, at: datetime) -> None:
    """End the session that a cookie names, if there is one."""
    db.execute(
        sa.update(SignIn)
        .where(SignIn.token_hash == digest(token), SignIn.ended_at.is_(None))
        .values(ended_at=at)
    )


def end_all(db: Session, person_id: int, *, at: datetime, but: int | None = None) -> None:
    """End every session of a person, but perhaps for the one that asks."""
    query = sa.update(SignIn).where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))
    db.execute(query.where(SignIn.id != (but or 0)).values(ended_at=at))


def open_sessions(db: Session, person_id: int, *, at: datetime) -> list[SignIn]:
    """The sessions of a person that still count, the latest first."""
    rule = limits(db)
    return list(
        db.scalars(
            sa.select(SignIn)
            .where(
                SignIn.person_id == person_id,
                SignIn.ended_at.is_(None),
                SignIn.stage == Stage.DONE,
                SignIn.seen_at > at - timedelta(minutes=rule.idle_minutes),
                SignIn.created_at > at - timedelta(hours=rule.longest_hours),
            )
            .order_by(SignIn.id.desc())
        )
    )
