"""People and how they come in: the first admin, new people, resets, and the demo clinic's people."""

import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.auth import Person, PersonSite, Role, checked_name, digest
from api.web import passwords, sign_ins
from api.web.passwords import Credential
from inventory.clinic import Site
from inventory.database import Base
from inventory.errors import Conflict, Forbidden, Invalid, NotFound

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are read as another
DEMO_NAMES = {role: f"demo {role.spoken}" for role in Role}


class FirstSecret(Base):
    """The one-time secret with which the first admin proves to be whoever started the program."""

    __tablename__ = "first_secrets"

    id: Mapped[int] = mapped_column(primary_key=True)
    secret_hash: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime]


@dataclass(frozen=True)
class DemoPeople:
    """The people of the demo clinic by role, and the password that they share."""

    names: dict[Role, str]
    password: str


class NotTheFirst(Conflict):
    """There are people already: an admin adds others."""


class WrongSecret(Forbidden):
    """It is not the secret that the program printed when it started."""


class NameTaken(Conflict):
    """Somebody has this name."""


class UnknownPerson(NotFound):
    """Nobody has this key."""


class UnknownPersonSite(Invalid):
    """No site has this key."""


class LastAdmin(Conflict):
    """Somebody must be able to let people in."""


class DemoPeopleAbroad(Forbidden):
    """Demo people share a password that is printed; they sign in on the machine itself only."""


def nobody_yet(db: Session) -> bool:
    """Whether the book is new: no person at all."""
    return db.scalar(sa.select(Person.id).limit(1)) is None


def new_first_secret(db: Session, *, at: datetime) -> str | None:
    """A fresh secret for the first-start page, to be printed by `serve`; none if there are people."""
    if not nobody_yet(db):
        return None
    secret = generated(7)
    db.execute(sa.delete(FirstSecret))
    db.add(FirstSecret(secret_hash=digest(secret), at=at))
    db.flush()
    return secret


def make_first_admin(db: Session, *, secret: str, name: str, password: str, at: datetime) -> Person:
    """The first person, an admin. Raises NotTheFirst, WrongSecret, auth.BadName, WeakPassword."""
    if not nobody_yet(db):
        raise NotTheFirst("There are people already: sign in, or ask an admin to add you.")
    known = db.scalar(sa.select(FirstSecret.secret_hash).order_by(FirstSecret.id.desc()).limit(1))
    if known is None or not secrets.compare_digest(known, digest(secret.strip().lower())):
        raise WrongSecret("That is not the secret that the program printed when it started.")
    person = add_person(db, name=name, role=Role.ADMIN, sites=(), at=at)
    passwords.set_password(db, person, password, at=at)
    db.execute(sa.delete(FirstSecret))
    return person


def add_person(db: Session, *, name: str, role: Role, sites: Iterable[int], at: datetime) -> Person:
    """Add somebody, who cannot sign in before there is a password. Raises auth.BadName, NameTaken."""
    name = checked_name(name)
    if by_name(db, name) is not None:
        raise NameTaken(f"Somebody is called {name} already: add a middle name or a number.")
    person = Person(name=name, role=role, token_hash=None, active=True, created_at=at, renewed_at=at)
    db.add(person)
    db.flush()
    set_sites(db, person, sites)
    return person


def by_name(db: Session, name: str) -> Person | None:
    """Who has this name, however it is capitalised."""
    wanted = name.strip()
    found = db.scalars(sa.select(Person).where(sa.func.lower(Person.name) == sa.func.lower(wanted))).all()
    return next((person for person in found if person.name == wanted), found[0] if found else None)


def person(db: Session, key: int) -> Person:
    """The person with this key. Raises UnknownPerson."""
    found = db.get(Person, key)
    if found is None:
        raise UnknownPerson(f"Nobody has the key {key}.")
    return found


def set_sites(db: Session, subject: Person, sites: Iterable[int]) -> None:
    """Where a person works; nothing named means everywhere. Raises UnknownPersonSite."""
    wanted = sorted(set(sites))
    known = set(db.scalars(sa.select(Site.id).where(Site.id.in_(wanted))))
    if missing := sorted(set(wanted) - known):
        raise UnknownPersonSite(f"No site has the key {missing[0]}.")
    db.execute(sa.delete(PersonSite).where(PersonSite.person_id == subject.id))
    db.add_all(PersonSite(person_id=subject.id, site_id=site_id) for site_id in wanted)
    db.flush()


def change_person(
    db: Session, subject: Person, *, role: Role, active: bool, sites: Iterable[int], at: datetime
) -> None:
    """Change what a person is to the clinic, from the next request on. Raises LastAdmin."""
    if subject.role is Role.ADMIN and subject.active and not (active and role is Role.ADMIN):
        others = sa.select(Person.id).join(Credential, Credential.person_id == Person.id).where(
            Person.role == Role.ADMIN, Person.active, Person.id != subject.id
        )  # fmt: skip
        if db.scalar(others.limit(1)) is None:
            raise LastAdmin(f"{subject.name} is the last admin who can sign in: make another one first.")
    subject.role, subject.active = role, active
    set_sites(db, subject, sites)
    if not active:
        sign_ins.end_all(db, subject.id, at=at)


def reset_password(db: Session, subject: Person, *, at: datetime) -> str:
    """A password for one sign-in, told to the person by the admin; every session of theirs ends."""
    password = generated(5)
    passwords.set_password(db, subject, password, at=at, must_change=True)
    sign_ins.end_all(db, subject.id, at=at)
    return password


def add_demo_people(db: Session, *, at: datetime) -> DemoPeople:
    """One person per role with one new password, for trying the program out on one machine."""
    password = generated(4)
    for role, name in DEMO_NAMES.items():
        found = by_name(db, name) or add_person(db, name=name, role=role, sites=(), at=at)
        passwords.set_password(db, found, password, at=at, demo=True)
    return DemoPeople(dict(DEMO_NAMES), password)


def refuse_demo_abroad(db: Session, host: str) -> None:
    """Refuse to serve demo people to other machines. Raises DemoPeopleAbroad."""
    if is_loopback(host):
        return
    demo = sa.select(Person.name).join(Credential, Credential.person_id == Person.id).where(
        Credential.demo, Person.active
    )  # fmt: skip
    if (name := db.scalar(demo.limit(1))) is not None:
        raise DemoPeopleAbroad(
            f"{name} and the other demo people share a printed password: with them the program is served "
            f"on 127.0.0.1 only, not on {host}. Start a book without the demo clinic."
        )


def is_loopback(host: str) -> bool:
    """Whether an address is the machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def generated(groups: int) -> str:
    """A password that can be read out: groups of four letters; 4 have 79 random bits, 7 have 138."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(groups))
