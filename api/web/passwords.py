"""Passwords and second factors: argon2 and TOTP by the libraries that do nothing else.

No cryptography of our own: argon2-cffi hashes, pyotp reckons codes, `secret` seals what they are made of.
Why not Flask-Security: it keeps sessions in signed cookies that cannot be revoked one by one, wants an e-mail
address for everybody, and brings seven packages for the three functions that are used here.
"""

from datetime import datetime
from functools import cache

import pyotp
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Mapped, Session, mapped_column

from api import secret as sealing
from api.auth import Person
from inventory.database import Base
from inventory.errors import Invalid

SHORTEST, LONGEST = 12, 128
GUESSABLE = 2  # zxcvbn: below a hundred million guesses
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
STEP_SECONDS = 30
ISSUER = "Vialbook"


class Credential(Base):
    """How a person signs in to the pages; who has none uses an API token only."""

    __tablename__ = "credentials"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    must_change: Mapped[bool] = mapped_column(default=False)  # an admin knows the password
    changed_at: Mapped[datetime]
    totp_secret: Mapped[str | None] = mapped_column(sa.String(64))  # sealed
    totp_offered: Mapped[str | None] = mapped_column(sa.String(64))  # the same, not yet confirmed
    totp_step: Mapped[int | None]  # of the last code that was taken: none works twice
    demo: Mapped[bool] = mapped_column(default=False)


class WeakPassword(Invalid):
    """The password could be guessed."""


class WrongCode(Invalid):
    """The code is not the one of this moment, or was used before."""


def check_strength(password: str, *, name: str) -> None:
    """Refuse what can be guessed. Raises WeakPassword, saying what would do.

    Any characters will do, and no mixture is demanded: length and rarity are what counts.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"A password has {SHORTEST} to {LONGEST} characters, not {len(password)}.")
    from zxcvbn import zxcvbn  # its word lists take a moment to read

    found = zxcvbn(password[:72], user_inputs=[name, *name.split(), "vialbook", "clinic"])
    if found["score"] < GUESSABLE:
        why = found["feedback"]["warning"].rstrip(".") or "It is among the first that anybody would try"
        raise WeakPassword(f"{why}. Three or four words that do not belong together are hard to guess.")


def set_password(
    db: Session, person: Person, password: str, *, at: datetime, must_change: bool = False, demo: bool = False
) -> Credential:
    """Give a person a password; the second factor stays. Raises WeakPassword."""
    check_strength(password, name=person.name)
    hashed = HASHER.hash(password)
    known = db.get(Credential, person.id)
    if known is None:
        known = Credential(person_id=person.id, password_hash=hashed)
        db.add(known)
    known.password_hash, known.must_change, known.changed_at, known.demo = hashed, must_change, at, demo
    db.flush()
    return known


def fits(known: Credential | None, password: str) -> bool:
    """Whether it is the person's password; nobody's takes as long to refuse as somebody's."""
    hashed = nobody() if known is None else known.password_hash
    try:
        return HASHER.verify(hashed, password) and known is not None
    except (VerificationError, InvalidHashError):
        return False


def stronger(known: Credential, password: str) -> str | None:
    """A new hash of the right password, if the kept one was made with other parameters than today's."""
    return HASHER.hash(password) if HASHER.check_needs_rehash(known.password_hash) else None


@cache
def nobody() -> str:
    """A hash that no password fits, to take the time that a real one takes."""
    return HASHER.hash(pyotp.random_base32(64))


def offer_second_factor(db: Session, known: Credential) -> str:
    """A new secret for the person's authenticator; it counts once a code of it was entered."""
    secret = pyotp.random_base32()
    known.totp_offered = sealing.seal(secret, owner=known.person_id)
    db.flush()
    return secret


def offered(known: Credential) -> str:
    """The secret that was offered and not confirmed yet; nothing if none was."""
    return "" if known.totp_offered is None else sealing.unseal(known.totp_offered, owner=known.person_id)


def confirm_second_factor(db: Session, known: Credential, code: str, *, at: datetime) -> None:
    """Turn the second factor on by a code of the secret that was offered. Raises WrongCode."""
    step = step_of(offered(known), code, at=at) if known.totp_offered else None
    if step is None:
        raise WrongCode("That code is not the present one: look at the authenticator again.")
    known.totp_secret, known.totp_offered, known.totp_step = known.totp_offered, None, step
    db.flush()


def take_code(db: Session, known: Credential, code: str, *, at: datetime) -> bool:
    """Whether the code is right now the person's, and was not used before. A secret that an earlier version
    kept as it was is sealed from then on."""
    if known.totp_secret is None:
        return False
    secret = sealing.unseal(known.totp_secret, owner=known.person_id)
    step = step_of(secret, code, at=at)
    if step is None or (known.totp_step is not None and step <= known.totp_step):
        return False
    # Said in one statement, so that two requests with one code cannot both be first.
    taken = db.execute(
        sa.update(Credential)
        .where(
            Credential.person_id == known.person_id,
            sa.or_(Credential.totp_step.is_(None), Credential.totp_step < step),
        )
        .values(totp_step=step, **_sealed_now(known, secret))
        .execution_options(synchronize_session="fetch")
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def _sealed_now(known: Credential, secret: str) -> dict[str, str]:
    plain = known.totp_secret is not None and sealing.is_plain(known.totp_secret)
    return {"totp_secret": sealing.seal(secret, owner=known.person_id)} if plain else {}


def forget_second_factor(db: Session, known: Credential) -> None:
    """Turn the second factor off, as for a lost telephone."""
    known.totp_secret = known.totp_offered = known.totp_step = None
    db.flush()


def step_of(secret: str, code: str, *, at: datetime) -> int | None:
    """Which half minute the code belongs to, among this one and its neighbours: clocks differ."""
    digits = code.replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return None
    clock = pyotp.TOTP(secret)
    now = int(at.timestamp()) // STEP_SECONDS
    for step in (now, now - 1, now + 1):
        if pyotp.utils.strings_equal(clock.generate_otp(step), digits):
            return step
    return None


def address_of(secret: str, name: str) -> str:
    """What an authenticator reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
