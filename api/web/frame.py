"""The frame of every page: who looks at it, where, in which theme; its headers and its cookies."""

import base64
import gzip
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, make_response, render_template, request
from sqlalchemy.orm import Session

from api import auth, where
from api.web import navigation, rights, sign_ins
from api.web.sign_ins import Visitor
from inventory import clinic
from inventory.clinic import Site
from inventory.errors import Conflict

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
HTMX = json.dumps(
    {
        "includeIndicatorStyles": False,
        "allowEval": False,
        "selfRequestsOnly": True,
        "historyCacheSize": 0,
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..|422|409", "swap": True},
            {
                "code": "[45]..",
                "swap": True,
                "error": True,
                "target": "#problem",
                "swapOverride": "innerHTML",
            },
        ],
    }
)
SESSION, VISIT, NOTICE, THEME, SITE = "session", "visit", "notice", "theme", "site"
THEMES = ("system", "light", "dark")
YEAR = 365 * 86_400
SMALL = 1_000  # bytes that are not worth packing


@dataclass(frozen=True)
class Notice:
    """What was just done, said once on the next page."""

    kind: str  # done or warning
    text: str


class NoSite(Conflict):
    """There is no site whose shelf could be shown."""


def chapter(name: str) -> Blueprint:
    """Pages that belong together; their names do not meet those of the calls."""
    return Blueprint(f"web_{name}", "api.web")


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """A page from its template; everything the template shows comes from here or from the frame."""
    return make_response(render_template(template, frame=frame(), **values), status)


def frame() -> dict[str, Any]:
    """What the base template shows around every page."""
    visitor: Visitor | None = g.get("visitor")
    whole = visitor is not None and may_enter(visitor)
    return {
        "visitor": visitor if whole else None,
        "entries": navigation.entries(visitor.role, request.path) if visitor and whole else (),
        "sites": my_sites() if whole else (),
        "site": here() if whole and my_sites() else None,
        "theme": theme(),
        "notice": read_notice(),
        "csrf": form_token(),
        "htmx": HTMX,
        "here": request.full_path.rstrip("?") if request.method == "GET" else request.path,
        "now": g.now,
    }


def may_enter(visitor: Visitor) -> bool:
    """Whether the sign-in is complete: password, second factor, and neither of them to be renewed."""
    complete = visitor.stage is sign_ins.Stage.DONE
    return complete and not visitor.must_change and not visitor.must_add_second_factor


def my_sites() -> list[Site]:
    """The sites at which the visitor works."""
    return where.mine()


def here() -> Site:
    """The site that the visitor looks at: the one chosen, else their first. Raises NoSite."""
    sites = my_sites()
    if not sites:
        raise NoSite("The clinic has no site yet: open one first.")
    chosen = cookie(SITE)
    return next((site for site in sites if site.code == chosen), sites[0])


def at_my_site(site_id: int) -> Site:
    """A site at which the visitor works; of another's things nothing is said. Raises UnknownSite."""
    return where.of(site_id)


def may(call: str) -> bool:
    """Whether the visitor may; to show only what leads somewhere."""
    return rights.may(g.visitor.role, call)


def sees_costs() -> bool:
    """Whether the visitor sees costs and values (P5)."""
    caller: auth.Caller = g.caller
    return caller.sees_costs


def currency(db: Session) -> str:
    """The clinic's currency, asked once a request."""
    if "currency" not in g:
        g.currency = clinic.settings(db).currency
    found: str = g.currency
    return found


# Cookies. Over TLS they carry the prefix that no other host can set; on the machine itself there is no TLS.


def cookie_name(name: str) -> str:
    """The name of one of our cookies as the browser keeps it."""
    return f"__Host-vialbook-{name}" if request.is_secure else f"vialbook-{name}"


def cookie(name: str) -> str:
    """What one of our cookies holds; nothing if there is none."""
    return request.cookies.get(cookie_name(name), "")


def keep_cookie(answer: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """Have the browser keep a value; without seconds until it is closed."""
    answer.set_cookie(
        cookie_name(name), value, max_age=seconds, httponly=True, secure=request.is_secure, samesite="Lax"
    )


def drop_cookie(answer: Response, name: str) -> None:
    """Have the browser forget a value."""
    answer.delete_cookie(cookie_name(name), httponly=True, secure=request.is_secure, samesite="Lax")


def theme() -> str:
    """Light, dark, or as the system has it."""
    chosen = cookie(THEME)
    return chosen if chosen in THEMES else "system"


def form_token() -> str:
    """What a form must carry, so that no other site can send it: made from a secret that only we and the
    browser's cookie know."""
    secret = cookie(SESSION) if g.get("visitor") is not None else cookie(VISIT) or g.get("new_visit")
    if not secret:
        secret = g.new_visit = secrets.token_urlsafe(auth.TOKEN_BYTES)
    return hmac.digest(secret.encode("utf-8", "replace"), b"form", "sha256").hex()


def token_fits(token: str) -> bool:
    """Whether a form was made for this browser and this session."""
    return hmac.compare_digest(form_token(), token.encode("ascii", "replace").decode())


def keep_notice(answer: Response, notice: Notice) -> None:
    """Say something on the next page."""
    packed = base64.urlsafe_b64encode(json.dumps([notice.kind, notice.text[:1500]]).encode()).decode()
    keep_cookie(answer, NOTICE, packed, seconds=60)


def read_notice() -> Notice | None:
    """What is to be said on this page; it is said once."""
    packed = cookie(NOTICE)
    if not packed or request.headers.get("HX-Request"):
        return None
    try:
        kind, text = json.loads(base64.urlsafe_b64decode(packed))
    except (ValueError, TypeError, RecursionError):  # not of our making
        return None
    g.notice_said = True
    return Notice("warning" if kind == "warning" else "done", str(text))


def dress(answer: Response) -> Response:
    """The headers and cookies of a page."""
    headers = answer.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    # Not no-referrer: under it browsers say of a form's origin only "null".
    headers.setdefault("Referrer-Policy", "same-origin")
    if "new_visit" in g:
        keep_cookie(answer, VISIT, g.new_visit)
    if "notice_said" in g:
        drop_cookie(answer, NOTICE)
    return packed(answer)


def packed(answer: Response) -> Response:
    """The page compressed. It holds the form's token beside what was asked for; that such a page can be
    guessed from its length needs requests from another site with our cookie, which SameSite withholds."""
    if (
        answer.mimetype == "text/html"
        and not answer.direct_passthrough
        and "Content-Encoding" not in answer.headers
        and "gzip" in request.headers.get("Accept-Encoding", "")
        and len(answer.get_data()) > SMALL
    ):
        answer.set_data(gzip.compress(answer.get_data(), 5, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers.add("Vary", "Accept-Encoding")
    return answer
