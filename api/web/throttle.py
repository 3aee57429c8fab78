"""Guessing is slow: failed sign-ins are counted by account and by address, and the next must wait."""

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.idempotency import hold
from api.limits import network
from inventory.database import Base
from inventory.errors import Conflict

MEMORY = timedelta(hours=1)
FREE_BY_ACCOUNT, FREE_BY_ADDRESS = 5, 20
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)


class SignInFailure(Base):
    """One sign-in that failed: for which account, from which address. Accounts need not exist."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (sa.Index(None, "account", "at"), sa.Index(None, "address", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(sa.String(64))  # a digest: passwords get typed here too
    address: Mapped[str] = mapped_column(sa.String(60))
    at: Mapped[datetime]


class TooManyTries(Conflict):
    """Signing in failed too often; it is open again in a while."""


def account_of(name: str) -> str:
    """An account as it is counted: however it is capitalised."""
    return hashlib.sha256(name.strip().casefold().encode("utf-8", "replace")).hexdigest()


def check(db: Session, *, name: str, address: str, at: datetime) -> None:
    """Refuse a try that comes too soon after too many. Raises TooManyTries with the seconds to wait.

    Of tries at once each waits until the one before is counted: else all would be the first.
    """
    hold(db, f"tries from {network(address)}")
    hold(db, f"tries of {account_of(name)}")
    c = SignInFailure.__table__.c
    wait = max(
        _wait(db, c.account == account_of(name), FREE_BY_ACCOUNT, at),
        _wait(db, c.address == network(address)[:60], FREE_BY_ADDRESS, at),
    )
    if wait > timedelta(0):
        seconds = int(wait.total_seconds()) + 1
        raise TooManyTries(
            f"Signing in failed too often. Try again in {_spoken(seconds)}, or ask an admin to reset "
            "the password.",
            seconds=seconds,
        )


def failed(db: Session, *, name: str, address: str, at: datetime) -> None:
    """Count a failure; what is older than anybody asks for is put away."""
    db.execute(sa.delete(SignInFailure).where(SignInFailure.at < at - MEMORY))
    db.add(SignInFailure(account=account_of(name), address=network(address)[:60], at=at))
    db.flush()


def succeeded(db: Session, *, name: str) -> None:
    """Forget the failures of an account whose person came in; those of the address stay."""
    db.execute(sa.delete(SignInFailure).where(SignInFailure.account == account_of(name)))


def _wait(db: Session, whose: sa.ColumnElement[bool], free: int, at: datetime) -> timedelta:
    """How long the next try must still wait: a minute after the free ones, then twice as long each time."""
    c = SignInFailure.__table__.c
    count, last = db.execute(
        sa.select(sa.func.count(), sa.func.max(c.at)).where(whose, c.at > at - MEMORY)
    ).one()
    if count < free:
        return timedelta(0)
    wait: timedelta = min(FIRST_WAIT * 2 ** min(count - free, 10), LONGEST_WAIT)
    return wait - (at - last)


def _spoken(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{-(-seconds // 60)} minutes"
