"""Pages: the people of the clinic, for admins: roles, sites, resets, and the rules of signing in."""

from typing import Any

import sqlalchemy as sa
from flask import Response, g, request
from marshmallow import fields

from api.auth import Person, PersonSite, Role
from api.schemas import Shape, Whole, Words, key_of, one_word
from api.web import accounts, forms, frame, passwords, sign_ins
from api.web.forms import Done, Form
from api.web.passwords import Credential
from inventory.clinic import Site

blueprint = frame.chapter("people")

ROLES = tuple((role.value, role.spoken.capitalize()) for role in Role)


class NewPerson(Shape):
    """Somebody to let in."""

    name = Words(80, required=True)
    role = one_word(Role, required=True)


class PersonChange(Shape):
    """What somebody is to the clinic."""

    role = one_word(Role, required=True)
    active = fields.String()


class Rules(Shape):
    """How long a session lasts."""

    idle_minutes = Whole(least=5, most=240, in_address=True, required=True)
    longest_hours = Whole(least=1, most=24, in_address=True, required=True)


@blueprint.get("/people")
def listing() -> Response:
    """Everybody, and how they come in."""
    rows = g.db.execute(
        sa.select(
            Person.id, Person.name, Person.role, Person.active, Person.token_hash.isnot(None).label("token"),
            Credential.password_hash.isnot(None).label("password"),
            Credential.totp_secret.isnot(None).label("second_factor"), Credential.must_change,
        )
        .outerjoin(Credential, Credential.person_id == Person.id)
        .order_by(Person.active.desc(), Person.name)
    ).all()  # fmt: skip
    sites = {key: name for key, name in g.db.execute(sa.select(Site.id, Site.name))}
    where: dict[int, list[str]] = {}
    for person_id, site_id in g.db.execute(sa.select(PersonSite.person_id, PersonSite.site_id)):
        where.setdefault(person_id, []).append(sites[site_id])
    return frame.page(
        "people.html",
        people=rows,
        where={row.id: ", ".join(where.get(row.id, [])) or "Every site" for row in rows},
        rules=sign_ins.limits(g.db),
        second_factor=[role.spoken for role in Role if role in sign_ins.limits(g.db).second_factor_roles],
    )


@blueprint.route("/people/new", methods=["GET", "POST"])
def add() -> Response:
    """Let somebody in, with a password for one sign-in."""

    def show(form: Form) -> Response:
        return frame.page(
            "person_new.html", form=form, roles=ROLES, all_sites=every_site(), chosen=chosen_sites()
        )

    def do(body: dict[str, Any]) -> Response:
        body = {name: body[name] for name in ("name", "role")}
        person = accounts.add_person(g.db, **body, sites=chosen_sites(), at=g.now)
        return tell_password(person, accounts.reset_password(g.db, person, at=g.now))

    return forms.handle(with_sites(NewPerson), show=show, do=do)


@blueprint.route("/people/<id:person_id>", methods=["GET", "POST"])
def edit(person_id: int) -> Response:
    """Change somebody's role, sites, or whether they come in at all."""
    person = accounts.person(g.db, person_id)
    works_at = set(g.db.scalars(sa.select(PersonSite.site_id).where(PersonSite.person_id == person_id)))

    def show(form: Form) -> Response:
        here = accounts.person(g.db, person_id)
        return frame.page(
            "person.html",
            form=form,
            person=here,
            known=g.db.get(Credential, person_id),
            roles=ROLES,
            all_sites=every_site(),
            chosen=chosen_sites() if request.method == "POST" else works_at,
            sessions=sign_ins.open_sessions(g.db, person_id, at=g.now),
            zone=frame.here().time_zone if frame.my_sites() else "UTC",
        )

    def do(body: dict[str, Any]) -> Done:
        active = body.get("active") == "yes"
        accounts.change_person(g.db, person, role=body["role"], active=active, sites=chosen_sites(), at=g.now)
        return Done(
            "/people", f"{person.name} is {person.role.spoken}{'' if active else ', and cannot sign in'}."
        )

    first = {"role": person.role.value, "active": "yes" if person.active else ""}
    return forms.handle(with_sites(PersonChange), show=show, do=do, first=first)


@blueprint.post("/people/<id:person_id>/reset-password")
def reset_password(person_id: int) -> Response:
    """A new password for one sign-in, shown once to the admin."""
    person = accounts.person(g.db, person_id)
    return tell_password(person, accounts.reset_password(g.db, person, at=g.now))


@blueprint.post("/people/<id:person_id>/forget-second-factor")
def forget_second_factor(person_id: int) -> Response:
    """Turn off the second factor of somebody who lost it; they sign in anew."""
    person = accounts.person(g.db, person_id)
    known = g.db.get(Credential, person_id)
    if known is not None:  # who has a token alone never had one
        passwords.forget_second_factor(g.db, known)
    sign_ins.end_all(g.db, person_id, at=g.now)
    return forms.go(Done(f"/people/{person_id}", f"{person.name} signs in without a second factor now."))


@blueprint.post("/people/<id:person_id>/end-sessions")
def end_sessions(person_id: int) -> Response:
    """Put somebody out of every browser, but oneself out of the others only."""
    person = accounts.person(g.db, person_id)
    sign_ins.end_all(g.db, person_id, at=g.now, but=g.visitor.sign_in_id)
    return forms.go(Done(f"/people/{person_id}", f"{person.name} is signed out everywhere."))


@blueprint.route("/access", methods=["GET", "POST"])
def access() -> Response:
    """How long sessions last, and who needs a second factor."""
    rules = sign_ins.limits(g.db)
    needed = {role.value for role in rules.second_factor_roles}

    def show(form: Form) -> Response:
        chosen = set(request.form.getlist("second_factor")) if request.method == "POST" else needed
        return frame.page("access.html", form=form, roles=ROLES, chosen=chosen)

    def do(body: dict[str, Any]) -> Done:
        roles = frozenset(role for role in Role if role.value in request.form.getlist("second_factor"))
        new = sign_ins.Limits(body["idle_minutes"], body["longest_hours"], roles)
        sign_ins.change_limits(g.db, new, at=g.now, by=g.caller.name)
        return Done("/people", "The rules of signing in are changed.")

    first = {"idle_minutes": str(rules.idle_minutes), "longest_hours": str(rules.longest_hours)}
    shape = Rules.from_dict({"second_factor": fields.String()}, name="AccessRules")
    return forms.handle(shape, show=show, do=do, first=first)  # type: ignore[arg-type]


def tell_password(person: Person, password: str) -> Response:
    """Show a new password this once: it is kept nowhere, and no other page has it."""
    return frame.page("person_password.html", person=person, password=password)


def every_site() -> list[Site]:
    """All sites, in the order in which they were opened."""
    return list(g.db.scalars(sa.select(Site).order_by(Site.id)))


def chosen_sites() -> set[int]:
    """The sites that are ticked in the form."""
    ticked = (key_of(text) for text in request.form.getlist("sites"))
    return {key for key in ticked if key is not None}


def with_sites(shape: type[Shape]) -> type[Shape]:
    """A shape whose form has ticked sites too; `chosen_sites` reads them."""
    ticked = {"sites": fields.String()}
    return shape.from_dict(ticked, name=f"{shape.__name__}AtSites")  # type: ignore[return-value]
