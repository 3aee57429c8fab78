"""Request keys: the same request sent twice has one effect and one answer.

The key is kept in the transaction of the effect itself, so that after a crash either both are there
or neither is; a client that lost the answer asks again with the same key.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import Base, append_only, table_of
from inventory.errors import Invalid
from inventory.questions import Question

KEY_LENGTH = 255


class RequestKey(Base):
    """A key that a person sent with a call, what the request was, and what was answered."""

    __tablename__ = "request_keys"
    __table_args__ = (sa.UniqueConstraint("person", "call", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(sa.String(80))
    call: Mapped[str] = mapped_column(sa.String(300))  # method and path
    key: Mapped[str] = mapped_column(sa.String(KEY_LENGTH))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[int]
    headers: Mapped[str]  # JSON: those that belong to the answer, such as Location
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    at: Mapped[datetime]


append_only(RequestKey)


class KeyReused(Invalid):
    """The key was used before for another request."""


class BadKey(Exception):
    """The header is not a key: 1 to 255 visible ASCII characters."""


@dataclass(frozen=True)
class Asked:
    """One request as its key sees it."""

    person: str
    call: str
    key: str
    fingerprint: str


def asked(*, person: str, call: str, key: str, query: bytes, content_type: str, body: bytes) -> Asked:
    """Describe a request. Raises BadKey.

    Two JSON bodies that differ only in spaces or in the order of their names are the same body.
    """
    if not 1 <= len(key) <= KEY_LENGTH or not all("!" <= letter <= "~" for letter in key):
        raise BadKey(f"An Idempotency-Key has 1 to {KEY_LENGTH} visible ASCII characters.")
    canonical = body
    if content_type == "application/json":
        try:
            # A decimal number stays as the client wrote it: 1.0 and 1.00 are two bodies.
            parsed = json.loads(body, parse_float=lambda digits: ["number", digits])
            canonical = json.dumps(parsed, sort_keys=True, separators=(",", ":")).encode()
        except (ValueError, RecursionError):
            pass  # not JSON after all; the call itself will say so
    fingerprint = hashlib.sha256(b"\0".join((query, content_type.encode("utf-8", "replace"), canonical)))
    return Asked(person=person, call=call, key=key, fingerprint=fingerprint.hexdigest())


KEYS = table_of(RequestKey)
FOUND = Question(
    sa.select(KEYS.c.fingerprint, KEYS.c.status, KEYS.c.headers, KEYS.c.body, KEYS.c.at).where(
        KEYS.c.person == sa.bindparam("person"),
        KEYS.c.call == sa.bindparam("call"),
        KEYS.c.key == sa.bindparam("key"),
    )
)
HOLD = Question(sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("number", type_=sa.BigInteger))))
KEPT = sa.insert(KEYS)


@dataclass(frozen=True)
class Answered:
    """What was answered to a request with a key."""

    status: int
    headers: dict[str, str]
    body: bytes


def earlier(db: Session, request: Asked) -> Answered | None:
    """The answer given earlier to this very request. Raises KeyReused if the key was for another one.

    A second request with the key waits here until the first has ended, and then sees its answer.
    """
    hold(db, f"{request.person}\0{request.call}\0{request.key}")
    found = FOUND.ask(db, person=request.person, call=request.call, key=request.key)
    if not found:
        return None
    ((fingerprint, status, headers, body, at),) = found
    if fingerprint != request.fingerprint:
        raise KeyReused(f"The Idempotency-Key {request.key!r} was used on {at:%Y-%m-%d} for another body.")
    return Answered(status, json.loads(headers), body)


def remember(db: Session, request: Asked, answered: Answered, *, at: datetime) -> None:
    """Keep the answer beside its effect, in the same transaction."""
    kept = asdict(request) | {
        "status": answered.status,
        "headers": json.dumps(answered.headers),
        "body": answered.body,
        "at": at,
    }
    db.connection().execute(KEPT, kept)


def hold(db: Session, what: str) -> None:
    """Let one transaction at a time work on what has no row to lock yet.

    On SQLite every writing transaction is alone from its beginning.
    """
    if db.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], signed=True)
        HOLD.ask(db, number=number)
