"""Pages: coming in and going out, the first admin, one's own password, second factor and sessions."""

from typing import Any

import segno
from flask import Response, current_app, g, redirect, request
from markupsafe import Markup
from marshmallow import fields
from sqlalchemy.orm import Session

from api import watching
from api.auth import Person
from api.schemas import Shape, Words
from api.web import accounts, drafts, forms, frame, passwords, sign_ins, throttle
from api.web.forms import Done, Form
from api.web.passwords import Credential
from api.web.sign_ins import Stage
from inventory.database import Database
from inventory.errors import Forbidden

blueprint = frame.chapter("sign_in")

NOT_KNOWN = "That name and password do not belong together."
NOT_THE_CODE = "That code is not the present one, or it was used already: wait for the next."


class Secret(fields.Field[str]):
    """A password as it was typed: nothing is cut off and nothing is kept."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> str:
        return str(value)


class WrongPassword(Forbidden):
    """The present password is not that one."""


class NewPassword(Shape):
    """A new password, by somebody who knows the present one."""

    password = Secret(required=True)
    new_password = Secret(required=True)


class FirstAdmin(Shape):
    """The first person."""

    secret = Words(80, required=True)
    name = Words(80, required=True)
    new_password = Secret(required=True)


class Code(Shape):
    """Six digits."""

    code = Words(12, required=True)


def ask(
    *, next_address: str, held: str = "", name: str = "", problem: str = "", status: int = 200
) -> Response:
    """The way in; `held` is what a form held whose session had ended."""
    return frame.page("sign_in.html", status=status, next=next_address, held=held, name=name, problem=problem)


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Response:
    """Ask for name and password, and look at them. Who is told no learns nothing of the account."""
    if request.method == "GET":
        if g.visitor is not None and frame.may_enter(g.visitor):
            return redirect("/", 303)  # type: ignore[return-value]
        return ask(next_address=local(request.args.get("next", "/")))
    name, password = request.form.get("name", ""), request.form.get("password", "")
    wanted, held = local(request.form.get("next", "/")), request.form.get("held", "")
    count_a_try(name)
    with database().read() as db:  # a password takes a while; nobody waits for it to write
        person = accounts.by_name(db, name)
        known = db.get(Credential, person.id) if person is not None else None
        good = passwords.fits(known, password) and person is not None and person.active
        if known is not None and known.demo and not watching.from_here():
            good = False
        stronger = passwords.stronger(known, password) if good and known is not None else None
    if not good:
        return ask(next_address=wanted, held=held, name=name, problem=NOT_KNOWN, status=401)
    assert person is not None
    assert known is not None
    if stronger is not None:
        g.db.get_one(Credential, person.id).password_hash = stronger
    if known.totp_secret is not None:
        return come_in(
            person, Stage.PASSWORD, f"/sign-in/code?next={wanted}" if not held else "", held, wanted
        )
    return come_in(person, Stage.DONE, wanted, held, wanted)


def count_a_try(name: str) -> None:
    """Count a try before it is looked at, so that many at once are not one. Raises TooManyTries.

    It is kept whatever comes of the request, so it is a transaction of its own, and the first.
    """
    where = request.remote_addr or ""
    g.db.rollback()
    g.asked = None
    with database().write.begin() as db:
        throttle.check(db, name=name, address=where, at=g.now)
        throttle.failed(db, name=name, address=where, at=g.now)


def come_in(person: Person, stage: Stage, address: str, held: str, path: str) -> Response:
    """Begin a session under a new name, end the one that the browser had, and go on."""
    db: Session = g.db
    if old := frame.cookie(frame.SESSION):
        sign_ins.end_token(db, old, at=g.now)
    token = sign_ins.begin(
        db,
        person,
        stage=stage,
        at=g.now,
        address=request.remote_addr or "",
        browser=request.headers.get("User-Agent", ""),
    )
    if stage is Stage.DONE:
        throttle.succeeded(db, name=person.name)
    if held and (values := drafts.unpack(held)):
        kept = drafts.keep(db, values, person_id=person.id, path=path.partition("?")[0], at=g.now)
        address = kept if stage is Stage.DONE else f"/sign-in/code?next={kept}"
    answer = redirect(address, 303)
    frame.keep_cookie(answer, frame.SESSION, token)  # type: ignore[arg-type]
    return answer  # type: ignore[return-value]


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
def code() -> Response:
    """Ask for the second factor of somebody whose password was right."""
    visitor = g.visitor
    if visitor is None or visitor.stage is not Stage.PASSWORD:
        return redirect("/sign-in", 303)  # type: ignore[return-value]
    wanted = local(request.values.get("next", "/"))
    if request.method == "GET":
        return frame.page("code.html", next=wanted, problem="", name=visitor.name)
    count_a_try(visitor.name)
    known = g.db.get_one(Credential, visitor.person_id)
    if not passwords.take_code(g.db, known, request.form.get("code", ""), at=g.now):
        g.db.rollback()
        return frame.page("code.html", status=401, next=wanted, problem=NOT_THE_CODE, name=visitor.name)
    return come_in(accounts.person(g.db, visitor.person_id), Stage.DONE, wanted, "", wanted)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session here and in the book."""
    if g.visitor is not None:
        sign_ins.end(g.db, g.visitor.sign_in_id, at=g.now)
    answer = forms.go(Done("/sign-in", "You are signed out."))
    frame.drop_cookie(answer, frame.SESSION)
    # Not its storage: what was scanned and not yet sent waits there, and nothing else does.
    answer.headers["Clear-Site-Data"] = '"cache"'
    g.visitor = None
    return answer


@blueprint.route("/first-start", methods=["GET", "POST"])
def first_start() -> Response:
    """Make the first admin, with the secret that the program printed when it started."""
    if request.method == "POST":
        count_a_try("first start")  # before the book is written in: it is kept whatever comes of it
    if not accounts.nobody_yet(g.db):
        return redirect("/sign-in", 303)  # type: ignore[return-value]

    def show(form: Form) -> Response:
        return frame.page("first_start.html", form=form)

    def do(body: dict[str, Any]) -> Response:
        person = accounts.make_first_admin(
            g.db, secret=body["secret"], name=body["name"], password=body["new_password"], at=g.now
        )
        return come_in(person, Stage.DONE, "/", "", "/")

    return forms.handle(FirstAdmin, show=show, do=do)


@blueprint.post("/theme")
def choose_theme() -> Response:
    """Light, dark, or as the system has it."""
    chosen = request.form.get("theme", "")
    answer = redirect(local(request.form.get("next", "/")), 303)
    if chosen in frame.THEMES:
        frame.keep_cookie(answer, frame.THEME, chosen, seconds=frame.YEAR)  # type: ignore[arg-type]
    return answer  # type: ignore[return-value]


@blueprint.post("/site")
def choose_site() -> Response:
    """Look at another site from now on."""
    code = request.form.get("site", "")
    answer = redirect(local(request.form.get("next", "/")), 303)
    if code in {site.code for site in frame.my_sites()}:
        frame.keep_cookie(answer, frame.SITE, code, seconds=frame.YEAR)  # type: ignore[arg-type]
    return answer  # type: ignore[return-value]


@blueprint.get("/account")
def account() -> Response:
    """One's own way in: password, second factor, and where one is signed in."""
    return frame.page(
        "account.html",
        role=g.visitor.role.spoken,
        sessions=sign_ins.open_sessions(g.db, g.visitor.person_id, at=g.now),
        own=g.visitor.sign_in_id,
        zone=frame.here().time_zone if frame.my_sites() else "UTC",
    )


@blueprint.post("/account/sessions/<id:sign_in_id>/end")
def end_session(sign_in_id: int) -> Response:
    """End one of one's own sessions; another's is not found among them."""
    if sign_in_id in {row.id for row in sign_ins.open_sessions(g.db, g.visitor.person_id, at=g.now)}:
        sign_ins.end(g.db, sign_in_id, at=g.now)
    return forms.go(Done("/account", "That session is ended."))


@blueprint.route("/account/password", methods=["GET", "POST"])
def change_password() -> Response:
    """A new password; every other session of the person ends."""

    def show(form: Form) -> Response:
        return frame.page("password.html", form=form, must=g.visitor.must_change)

    def do(body: dict[str, Any]) -> Done:
        person = accounts.person(g.db, g.visitor.person_id)
        known = g.db.get_one(Credential, person.id)
        if not passwords.fits(known, body["password"]):
            raise WrongPassword("The present password is not that one.")
        if body["new_password"] == body["password"]:
            raise passwords.WeakPassword("The new password is the present one.")
        passwords.set_password(g.db, person, body["new_password"], at=g.now)
        sign_ins.end_all(g.db, person.id, at=g.now, but=g.visitor.sign_in_id)
        throttle.succeeded(g.db, name=person.name)
        return Done("/account", "Your password is changed. Everywhere else you are signed out.")

    if request.method == "POST":
        count_a_try(g.visitor.name)
    return forms.handle(NewPassword, show=show, do=do)


@blueprint.route("/account/second-factor", methods=["GET", "POST"])
def second_factor() -> Response:
    """Add an authenticator: show a secret once, and have it confirmed by a code."""
    if request.method == "POST" and "start" not in request.form:
        count_a_try(g.visitor.name)
    known = g.db.get_one(Credential, g.visitor.person_id)

    def show(form: Form) -> Response:
        secret = passwords.offered(known)
        return frame.page(
            "second_factor.html",
            form=form,
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            picture=picture(passwords.address_of(secret, g.visitor.name)) if secret else "",
            has=known.totp_secret is not None,
            must=g.visitor.must_add_second_factor,
        )

    def do(body: dict[str, Any]) -> Done:
        passwords.confirm_second_factor(g.db, known, body["code"], at=g.now)
        sign_ins.end_all(g.db, g.visitor.person_id, at=g.now, but=g.visitor.sign_in_id)
        return Done("/account", "From now on signing in takes a code of your authenticator too.")

    if request.method == "POST" and "start" in request.form:
        passwords.offer_second_factor(g.db, known)
        return forms.go(Done("/account/second-factor"))
    return forms.handle(Code, show=show, do=do)


def picture(address: str) -> Markup:
    """The secret as a QR code, drawn here: it goes to no other program."""
    code = segno.make_qr(address, error="m")
    drawn = code.svg_inline(scale=5, border=2, omitsize=True, svgclass="qr", lineclass=None, dark="#000")
    return Markup(drawn)  # of our own digits; nothing of it was typed by anybody but the name, in the pattern


def local(address: str) -> str:
    """An address of ours to go on to; any other is the first page."""
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if ours and "\\" not in address else "/"


def database() -> Database:
    """The book, for what must be kept even if the answer is no."""
    found: Database = current_app.extensions["vialbook"]
    return found
