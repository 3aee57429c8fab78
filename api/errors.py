"""Refusals become problems: every error answer is application/problem+json (RFC 9457)."""

import dataclasses
import errno
import json
import logging
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, Response, request
from marshmallow import ValidationError
from sqlalchemy import exc as database_errors
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from api.auth import NotSignedIn
from api.idempotency import BadKey
from api.limits import TooManyRequests
from api.schemas import may_see_costs
from inventory.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from inventory.measures import plain

MEDIA_TYPE = "application/problem+json"
STATUS = {NotFound: 404, Conflict: 409, Invalid: 422, Forbidden: 403}
BUSY_SECONDS = 1
ATTEMPTS = 5  # of a request that met another one in the database
ATTEMPTS_AWAY = 2  # of one whose connection broke
MET = ("40001", "40P01")  # two transactions that could not both go on
CANNOT_WRITE_SECONDS = 30
FULL_CODES = ("53100", "58030")
FULL_WORDS = ("disk is full", "readonly database", "disk I/O error", "unable to open database file")
FULL_ERRORS = (errno.ENOSPC, errno.EROFS, errno.EDQUOT)
DAMAGED_WORDS = ("malformed", "not a database")
BUSY_CODES = ("40001", "40P01", "55P03", "57P01", "57P02", "57P03", "25006", "53300", "08")
"""What PostgreSQL says when the same request may well succeed in a moment."""

WITHOUT_COST = {
    "NoPrice": "There is no price inside the band that covers the cost; a manager may override this.",
}
"""Refusals whose sentences tell costs, as they are said to who does not see costs (P5)."""

SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The body is larger than is taken here.",
    500: "Something went wrong here; nothing was changed.",
}

log = logging.getLogger("vialbook")


class Malformed(Exception):
    """The body is not what its content type says it is."""


class WrongMediaType(Exception):
    """The body is not JSON."""


class NoRoomForBody(Exception):
    """The disk is too full to take what was sent."""


class PreconditionMissing(Exception):
    """What can be edited by several people is only changed with If-Match."""


class PreconditionFailed(Exception):
    """Somebody else changed it since it was read."""


PLAIN = {
    Malformed: 400,
    BadKey: 400,
    NotSignedIn: 401,
    PreconditionFailed: 412,
    WrongMediaType: 415,
    PreconditionMissing: 428,
}


def problem(
    status: int,
    detail: str,
    *,
    name: str = "",
    errors: object = None,
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Response:
    """An answer that says what is wrong; `name` is the kind of problem, `detail` the sentence for people."""
    title = spoken(name) if name else HTTPStatus(status).phrase
    body: dict[str, object] = {
        "type": f"/problems/{title.lower().replace(' ', '-')}" if name else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": quote(request.path),
    }
    if name:
        body["name"] = name
    if errors:
        body["errors"] = errors
    if facts:
        body["facts"] = tellable(facts)
        if "code" in facts:  # of a label that cannot be read (S13)
            body["code"] = facts["code"]
    body |= more or {}
    return Response(json.dumps(body), status=status, mimetype=MEDIA_TYPE, headers=dict(headers or {}))


def spoken(name: str) -> str:
    """`NotEnoughStock` as people read it: `Not enough stock`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).capitalize()


def tellable(fact: object) -> object:
    """A fact of a refusal as JSON: numbers as text, dates as dates, records by their fields."""
    match fact:
        case Enum():
            return tellable(fact.value)
        case None | bool() | int() | str():
            return fact
        case Decimal():
            return plain(fact)
        case datetime() | date():
            return fact.isoformat()
        case Mapping():
            return {str(key): tellable(value) for key, value in fact.items()}
        case list() | tuple() | set() | frozenset():
            return [tellable(part) for part in fact]
    if dataclasses.is_dataclass(fact):
        return {field.name: tellable(getattr(fact, field.name)) for field in dataclasses.fields(fact)}
    return str(fact)


def install(app: Flask) -> None:
    """Have the application answer every error as a problem."""
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(ValidationError, wrong_fields)
    app.register_error_handler(HTTPException, http_error)
    for error in PLAIN:
        app.register_error_handler(error, plain_error)
    app.register_error_handler(TooManyRequests, too_many)
    app.register_error_handler(database_errors.SQLAlchemyError, database_error)
    app.register_error_handler(OSError, disk_error)
    app.register_error_handler(NoRoomForBody, no_room)
    app.register_error_handler(OverflowError, out_of_range)
    app.register_error_handler(ArithmeticError, out_of_range)


def refused(refusal: Refusal) -> Response:
    """A refusal of the domain, with its sentence and its numbers."""
    status = next(code for kind, code in STATUS.items() if isinstance(refusal, kind))
    if refusal.name in WITHOUT_COST and not may_see_costs():
        return problem(status, WITHOUT_COST[refusal.name], name=refusal.name)
    return problem(status, str(refusal), name=refusal.name, facts=refusal.facts)


def wrong_fields(error: ValidationError) -> Response:
    """Well-formed, but with fields that are missing, unknown, of the wrong type or out of range."""
    fields = error.normalized_messages()
    named = ", ".join(str(field) for field in fields if field != "_schema")
    detail = f"Not accepted: {named[:200]}." if named else "The body is not accepted."
    return problem(422, detail, name="WrongFields", errors=fields)


def plain_error(error: Exception) -> Response:
    """A request that is wrong as a request, whatever it asks for."""
    status = next(code for kind, code in PLAIN.items() if isinstance(error, kind))
    headers = {"WWW-Authenticate": 'Bearer realm="vialbook"'} if status == 401 else {}
    return problem(status, str(error), name=type(error).__name__, headers=headers)


def too_many(refused: TooManyRequests) -> Response:
    """More than is answered in so short a time, and when to ask again."""
    headers = {"Retry-After": str(refused.seconds)}
    return problem(429, str(refused), name=type(refused).__name__, headers=headers)


def http_error(error: HTTPException) -> Response:
    """What the framework itself refuses: unknown addresses, methods, bodies that are too large."""
    if error.code is None or error.code < 400:
        return error.get_response()
    sentence = SENTENCES.get(error.code) or error.description or HTTPStatus(error.code).phrase
    answer = problem(error.code, sentence)
    for header, value in error.get_headers(None):
        if header in ("Allow", "Retry-After"):
            answer.headers[header] = value
    return answer


def is_busy(error: Exception) -> bool:
    """Whether the database refused only because somebody else was using it, or was away for a moment."""
    if isinstance(error, database_errors.TimeoutError):  # no connection became free
        return True
    if not isinstance(error, database_errors.DBAPIError):
        return False
    code = getattr(error.orig, "sqlstate", None)
    if code is not None:
        return code.startswith(BUSY_CODES)
    if error.connection_invalidated:
        return True
    # Without a code PostgreSQL never heard of it: the connection broke, or nobody leads for a moment.
    unheard = type(error.orig).__module__.startswith("psycopg")
    locked = "locked" in str(error.orig)
    return isinstance(error, database_errors.OperationalError) and (unheard or locked)


def may_try_again(error: Exception, attempt: int) -> bool:
    """Whether a request that failed before its commit may be tried whole once more.

    Who has waited for a lock until the time was over has waited long enough.
    """
    if not isinstance(error, database_errors.DBAPIError):
        return False
    if getattr(error.orig, "sqlstate", None) in MET:
        return attempt < ATTEMPTS
    return error.connection_invalidated and attempt < ATTEMPTS_AWAY


def cannot_write(error: Exception) -> bool:
    """Whether the disk under the book is full, or may only be read."""
    cause = getattr(error, "orig", None)
    words = any(word in str(cause) for word in FULL_WORDS)
    return getattr(cause, "sqlstate", None) in FULL_CODES or (
        isinstance(error, database_errors.OperationalError) and words
    )


def is_damaged(error: Exception) -> bool:
    """Whether the file of the book is not as it was written."""
    is_sqlite = type(getattr(error, "orig", error)).__module__ == "sqlite3"
    return is_sqlite and any(word in str(error) for word in DAMAGED_WORDS)


def commit_error(error: database_errors.SQLAlchemyError) -> Response:
    """What is said when the commit itself failed; if the connection broke in it, nobody knows the outcome."""
    if not (isinstance(error, database_errors.DBAPIError) and error.connection_invalidated):
        return database_error(error)
    log.warning("unsettled: %s", type(error).__name__)
    return problem(
        503,
        "The connection to the database broke while this was being kept, so it was kept or it was not. "
        "Ask again with the same Idempotency-Key: it is done once.",
        name="Unsettled",
        headers={"Retry-After": str(BUSY_SECONDS)},
    )


def database_error(error: database_errors.SQLAlchemyError) -> Response:
    """The last net: the database refused what the domain should have refused with a better sentence."""
    if isinstance(error, StaleDataError):
        return lost_update(error)
    if cannot_write(error):
        return no_room(getattr(error, "orig", error))
    if is_damaged(error):
        log.critical("the book is damaged: %s", getattr(error, "orig", error))
        return problem(
            503,
            "The file of the book is damaged, and nothing was changed. Stop the program, keep a copy of the "
            "file, and restore the last backup into a new place.",
            name="BookDamaged",
            headers={"Retry-After": str(CANNOT_WRITE_SECONDS)},
        )
    if is_busy(error):
        log.warning("busy: %s", type(error).__name__)
        return problem(
            503,
            "The database is busy or away; nothing was changed. Ask again with the same Idempotency-Key.",
            name="Busy",
            headers={"Retry-After": str(BUSY_SECONDS)},
        )
    log.exception("the database refused %s", asked(), exc_info=error)
    if isinstance(error, database_errors.IntegrityError):
        return problem(409, "The books do not allow it; nothing was changed.", name="BooksDoNotAllow")
    cause = getattr(error, "orig", None)
    if isinstance(error, database_errors.DataError) or isinstance(
        cause, (ValueError, TypeError, ArithmeticError, UnicodeError)
    ):
        return problem(422, "A value cannot be kept; nothing was changed.", name="CannotBeKept")
    return problem(500, "Something went wrong here; nothing was changed.")


def no_room(error: object) -> Response:
    """Nothing can be written."""
    log.error("cannot write: %r", error)
    return problem(
        503,
        "The book cannot be written: its disk is full, or may only be read. Nothing was changed.",
        name="CannotWrite",
        headers={"Retry-After": str(CANNOT_WRITE_SECONDS)},
    )


def disk_error(error: OSError) -> Response:
    """What the machine refused, of a file that was being written."""
    if error.errno in FULL_ERRORS:
        return no_room(error)
    raise error


def lost_update(_error: StaleDataError) -> Response:
    """Two people changed the same thing at once, and this one came second."""
    return problem(412, "Somebody else changed it meanwhile; read it again.", name="PreconditionFailed")


def out_of_range(error: Exception) -> Response:
    """The last net for numbers: a sum or a date outside what can be reckoned with."""
    log.exception("out of range in %s", asked(), exc_info=error)
    return problem(422, "A number or a date is out of range; nothing was changed.", name="OutOfRange")


def asked() -> str:
    """What was asked, as a log may know it: not the address, which may hold a chart number (T8)."""
    return f"{request.method} {request.url_rule.rule if request.url_rule else 'nothing known'}"
