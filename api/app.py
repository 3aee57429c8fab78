"""The application: one request is one person, one moment and one transaction.

This is the only place that asks the clock; everything below is told.
"""

import random
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask, Response, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

from api import auth, bodies, errors, idempotency, openapi, rest, watching, web
from api.limits import Limits
from api.settings import Exposure, utc_now
from inventory import recording
from inventory.database import Database
from inventory.recording import Signed

YEAR = 365 * 86_400
UNEXPOSED = Exposure()
UNCOUNTED = frozenset({"GET /health", "GET /ready", "GET /metrics", "GET /static/<tag>/<path:name>"})
"""What is asked all the time, and costs nothing."""
Clock = Callable[[], datetime]
READING = frozenset({"GET", "HEAD", "OPTIONS"})
PAUSE_SECONDS = 0.02  # before the second attempt at most; twice as long before each one after it
TRIED_AGAIN = frozenset({"application/json", "application/x-www-form-urlencoded"})
KEPT_HEADERS = ("Location", "ETag", "Content-Type", "Link")
STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
SECURITY_HEADERS = {
    "Content-Security-Policy": STRICT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class IdConverter(BaseConverter):
    """A record's key in an address: a positive number that any database can keep."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """The key."""
        return int(value)


class CodeConverter(BaseConverter):
    """A code in an address, such as a SKU: visible, without slashes, of a sensible length."""

    regex = r"[^/\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,80}"


class Vialbook(Flask):
    """The application; a request that met another one in the database is tried again, a few times."""

    def dispatch_request(self) -> Any:
        """Answer a request: by its key if it was answered before, by its call otherwise."""
        for attempt in range(1, errors.ATTEMPTS + 1):
            try:
                return _replayed() or super().dispatch_request()
            except SQLAlchemyError as error:
                # Nothing is committed yet, so the whole request may be tried again.
                if not errors.may_try_again(error, attempt) or request.mimetype not in TRIED_AGAIN:
                    raise
                g.db.rollback()
                g.pop("my_sites", None)  # what was read belongs to what was undone
                # Not all at the same moment, or they meet again.
                time.sleep(random.uniform(0, PAUSE_SECONDS * 2 ** (attempt - 1)))
        raise AssertionError("the last attempt answers or raises")

    def log_exception(self, exc_info: Any) -> None:
        """Say what went wrong, and in which call; its address may hold a chart number (T8)."""
        errors.log.error("fault in %s", errors.asked(), exc_info=exc_info)


def create_app(
    database: Database,
    *,
    clock: Clock = utc_now,
    exposure: Exposure = UNEXPOSED,
    limits: Limits | None = None,
) -> Flask:
    """Put the application together over a database. `clock` returns the present as an aware UTC instant."""
    app = Vialbook("api", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=bodies.LARGEST_BODY, VIALBOOK_HOSTS=exposure.hosts)
    app.config["VIALBOOK_PROXIES"] = exposure.proxies
    app.config["TRUSTED_HOSTS"] = list(exposure.hosts) or None
    if exposure.proxies:
        said = dict.fromkeys(("x_for", "x_proto", "x_host"), exposure.proxies)
        app.wsgi_app = ProxyFix(app.wsgi_app, **said)  # type: ignore[method-assign]
    app.url_map.merge_slashes = False
    app.url_map.converters.update(id=IdConverter, code=CodeConverter)
    app.extensions["vialbook"] = database
    app.json.sort_keys = False  # type: ignore[attr-defined]
    errors.install(app)

    @app.before_request
    def begin() -> Response | None:
        """One moment, one transaction, one person; the transaction begins with the first question to it."""
        watching.begin()
        g.now = clock()
        request.max_content_length = bodies.LARGEST.get(_called() or "", bodies.LARGEST_BODY)
        g.reads = _only_reads()
        g.db = (database.read if g.reads else database.write)()
        try:
            if web.reached():
                return web.enter(database, _called()) or _sign()
            _sign_in(database)
            return _sign()
        finally:  # who is kept out has asked too
            if limits is not None:
                _spend(limits)

    app.after_request(_finish)
    app.teardown_request(_put_away)
    openapi.install(app, rest.BLUEPRINTS)
    watching.install(app, database, exposure)
    web.install(app)
    _check_table(app)
    return app


def _only_reads() -> bool:
    """Whether the call adds nothing: it then waits for nobody who writes."""
    if request.method in READING:
        return True
    if request.url_rule is None:
        return False
    return call_name(request.method, request.url_rule.rule) in auth.ASKING | web.ASKING


def _spend(limits: Limits) -> None:
    """Count the request against what its person, or its address, may ask for. Raises TooManyRequests."""
    call = _called() or ""
    if call not in UNCOUNTED:
        caller: auth.Caller | None = g.get("caller")
        limits.spend(
            call=call,
            person=caller.name if caller else None,
            address=request.remote_addr or "",
            at=g.now,
        )


def _sign_in(database: Database) -> None:
    """Find who asks and whether they may; a person without the right learns nothing more."""
    call = _called()
    if call is None or call in auth.OPEN:
        return
    token = auth.bearer_token(request.headers.get("Authorization"))
    if g.reads:
        caller = auth.person_of(g.db.connection(), token)
    else:
        # Its own short reading: a writing transaction must not begin for someone who may not write.
        with database.reading.connect() as reading:
            caller = auth.person_of(reading, token)
    if caller is None:
        raise auth.NotSignedIn("The token is not known; it may have been renewed.")
    g.caller = caller
    auth.guard(caller, call)


def _sign() -> None:
    """Say who asks, for the audit trail of what they do."""
    by = g.caller.name if "caller" in g else "not signed in"
    recording.sign(g.db, Signed(by, g.now, _called() or ""))


def _called() -> str | None:
    """The call as the table of rights names it. None: there is no such address, or it does not have the
    method, and the framework says so."""
    rule = request.url_rule
    return None if rule is None or request.method == "OPTIONS" else call_name(request.method, rule.rule)


def call_name(method: str, rule: str) -> str:
    """A call as the table of rights names it; HEAD is a GET without a body."""
    return f"{'GET' if method == 'HEAD' else method} {rule}"


def _replayed() -> Response | None:
    """The answer given before to a request with this key, if there is one."""
    if request.method == "POST" and web.reached():
        return web.replayed()
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST" or g.reads or "caller" not in g:
        return None
    g.asked = idempotency.asked(
        person=g.caller.name,
        call=f"POST {request.path}",
        key=key,
        query=request.query_string,
        content_type=request.mimetype,
        body=bodies.content(request),
    )
    earlier = idempotency.earlier(g.db, g.asked)
    if earlier is None:
        return None
    g.asked = None
    answer = Response(earlier.body, status=earlier.status, headers=earlier.headers)
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


def _finish(answer: Response) -> Response:
    """Keep what was done if the answer is a success, undo it otherwise; then the headers of every answer."""
    db = g.get("db")
    if db is not None and not g.reads:
        answer = _end(answer)
    if "ETag" in answer.headers and request.method in READING:
        answer.make_conditional(request)
    if web.reached():
        answer = web.finish(answer)
    for header, value in SECURITY_HEADERS.items():
        answer.headers.setdefault(header, value)
    if request.is_secure:
        answer.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains")
    # An answer is one person's; who may keep it must at least ask again.
    answer.headers.setdefault(
        "Cache-Control", "private, no-cache" if "ETag" in answer.headers else "no-store"
    )
    watching.finish(answer, _called())
    return answer


def _end(answer: Response) -> Response:
    if answer.status_code >= 400:
        g.db.rollback()
        return answer
    try:
        if g.get("asked") is not None:
            kept = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
            answered = idempotency.Answered(answer.status_code, kept, answer.get_data())
            idempotency.remember(g.db, g.asked, answered, at=g.now)
    except SQLAlchemyError as error:
        g.db.rollback()
        return errors.database_error(error)
    try:
        g.db.commit()
    except SQLAlchemyError as error:
        g.db.rollback()
        return errors.commit_error(error)
    return answer


def _put_away(_error: BaseException | None) -> None:
    """Give the connection back; what was not committed is undone, and nothing is committed so late."""
    db = g.pop("db", None)
    if db is not None:
        db.close()


def _check_table(app: Flask) -> None:
    """Refuse to start with a call that the table of rights does not know, or knows in vain."""
    calls = {
        call_name(method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    known = auth.OPEN | set(auth.MAY) | web.CALLS
    assert calls <= known, f"calls without an entry in the table of rights: {sorted(calls - known)}"
    assert known <= calls, f"rights to calls that do not exist: {sorted(known - calls)}"
