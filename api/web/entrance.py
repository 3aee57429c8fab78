"""The entrance: who comes with a request for a page, whether they may, and where they go if not."""

from datetime import timedelta
from urllib.parse import quote, urlsplit

from flask import Response, g, redirect, request
from sqlalchemy.exc import SQLAlchemyError

from api import idempotency
from api.auth import Caller
from api.web import accounts, drafts, forms, frame, rights, sign_ins
from api.web.sign_ins import SEEN_EVERY, Stage, Visitor
from inventory.database import Database
from inventory.errors import Forbidden

READING = frozenset({"GET", "HEAD", "OPTIONS"})
NOT_PAGES = ("/api/", "/health", "/ready", "/metrics", "/problems/")
PASSWORD, SECOND_FACTOR = "/account/password", "/account/second-factor"


class OtherSite(Forbidden):
    """The form was not sent from a page of ours."""


def reached() -> bool:
    """Whether the request is for a page; the others are programs' calls."""
    return not (request.path == "/api" or request.path.startswith(NOT_PAGES))


def enter(database: Database, call: str | None) -> Response | None:
    """Let the visitor in, or answer where to go first. Raises NotAllowed and OtherSite."""
    sends = request.method not in READING
    if sends:
        refuse_other_sites()
    g.visitor = visitor = known(database)
    if visitor is not None:
        g.caller = Caller(visitor.name, visitor.role, visitor.sites)
    if call is None:
        return None  # there is no such page, and the framework says so
    if call in rights.OPEN:
        if sends and not frame.token_fits(request.form.get(forms.TOKEN, "")):
            return redirect(request.path if _has_form() else "/", 303)
        return None
    if visitor is None or visitor.stage is Stage.PASSWORD:
        return stranger(sends)
    if (first := first_to_do(visitor)) not in (None, request.path):
        return redirect(first or "/", 303)
    rights.guard(g.caller, call)
    if sends and not frame.token_fits(request.form.get(forms.TOKEN, "")):
        return made_before_signing_in(database)
    return None


def known(database: Database) -> Visitor | None:
    """Whose cookie it is. A writing transaction must not begin for that, so it has its own reading."""
    token = frame.cookie(frame.SESSION)
    if not token:
        return None
    with database.read() as db:
        found = sign_ins.find(db, token, at=g.now)
    if found is not None and not timedelta(0) <= g.now - found.seen_at < SEEN_EVERY:
        try:
            with database.write.begin() as db:
                sign_ins.touch(db, found, at=g.now)
        except SQLAlchemyError:
            pass  # the book is busy; the next page notes it
    return found


def refuse_other_sites() -> None:
    """Refuse a form that another site had the browser send. Raises OtherSite."""
    fetched, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if fetched is not None:
        ours = fetched in ("same-origin", "none")
    else:
        ours = origin is None or urlsplit(origin).netloc == request.host
    if not ours:
        raise OtherSite("This form was not sent from a page of this program; nothing was changed.")


def stranger(sends: bool) -> Response:
    """Show the way in; what a form held is carried along."""
    if request.headers.get("HX-Request"):
        return frame.page("_signed_out.html", status=401)
    if accounts.nobody_yet(g.db):
        return redirect("/first-start", 303)
    if not sends:
        wanted = request.full_path.rstrip("?")
        return redirect("/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted)}", 303)
    from api.web import sign_in  # its pages are guarded by this module

    held = drafts.pack(dict(request.form.items())) if _has_form() else ""
    return sign_in.ask(next_address=request.path if held else "/", held=held, status=401)


def first_to_do(visitor: Visitor) -> str | None:
    """What must be done before anything else: a password of one's own, a second factor."""
    if visitor.must_change:
        return PASSWORD
    return SECOND_FACTOR if visitor.must_add_second_factor else None


def made_before_signing_in(database: Database) -> Response:
    """The form is from a session that has ended since: keep what it holds, and show it to be sent again."""
    if not _has_form():
        return redirect("/", 303)
    with database.write.begin() as db:  # its own: a form that only asks has a transaction that only reads
        address = drafts.keep(
            db,
            drafts.unpack(drafts.pack(dict(request.form.items()))),
            person_id=g.visitor.person_id,
            path=request.path,
            at=g.now,
        )
    if request.headers.get("HX-Request"):  # else the whole page would stand inside this one
        return Response(headers={"HX-Redirect": address})
    return redirect(address, 303)


def _has_form() -> bool:
    """Whether the address that was posted to can be looked at too."""
    return request.url_rule is not None and "GET" in (request.url_rule.methods or ())


def replayed() -> Response | None:
    """The answer given before to this very form, if it was sent before."""
    g.asked = forms.asked()
    if g.asked is None:
        return None
    try:
        earlier = idempotency.earlier(g.db, g.asked)
    except idempotency.KeyReused:
        g.asked, g.key_reused = None, True
        return None
    if earlier is None:
        return None
    g.asked = None
    return Response(earlier.body, status=earlier.status, headers=earlier.headers)
