"""Pages: treating. Who comes today, and the form of a session: what it uses, what that discards, done.

`/treat/preview` answers the same form with what it would use; it only reads.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Response, g, request
from marshmallow import INCLUDE, ValidationError

from api.schemas import Shape, Words, key_of, one_word
from api.web import booked, forms, frame, lot_pages, quote_form, use_lines
from api.web.booked import Booked
from api.web.drafts import Values
from api.web.forms import Done, Form
from inventory import treatments
from inventory.clinic import Site
from inventory.errors import NotFound, Refusal
from inventory.patients import BadPatientRef
from inventory.treatments import Line, TreatmentSession, Visit
from inventory.vials import PreparedIn
from pricing import courses, formulations, price_list, protocols, quote_records
from pricing.courses import Course, CourseSession
from pricing.formulations import Formulation
from pricing.protocols import Protocol

blueprint = frame.chapter("treat")

WEEK = timedelta(days=7)
PATIENT = "0"
"""Stands for a walk-in whose number is not typed yet: what is drawn hardly ever depends on it."""


class UseForm(Shape):
    """A session as it is confirmed; its lines are read by `use_lines`."""

    class Meta:
        """The lines come along with their own names."""

        unknown = INCLUDE

    patient_ref = Words(40, required=True)
    level = Words(20)
    prepared_in = one_word(PreparedIn, load_default=PreparedIn.PREPARATION_AREA)
    time = Words(5)
    change_reason = Words(500, load_default="")


class NoSuchSession(NotFound):
    """The course has no session of this number."""


@dataclass(frozen=True)
class Subject:
    """What a form treats: a planned session of a course, or a walk-in by a formulation."""

    course: Course | None
    session: CourseSession | None
    formulation: str
    level: str
    address: str
    title: str
    sub: str
    back: str


@blueprint.get("/treat")
def today() -> Response:
    """Who is treated today, who should have been, and who comes this week."""
    site = frame.here()
    on = site.day(g.now)
    found = booked.booked(g.db, site=site, until=on + WEEK, at=g.now)
    done = g.db.scalars(
        sa.select(TreatmentSession)
        .where(TreatmentSession.site_id == site.id, TreatmentSession.on == on)
        .order_by(TreatmentSession.id.desc())
    ).all()
    groups: list[tuple[str, str, list[Booked]]] = [
        ("today", "Today", [one for one in found if one.on == on]),
        ("late", "Overdue", [one for one in found if one.on < on]),
        ("next", "In the next seven days", [one for one in found if one.on > on]),
    ]
    return frame.page(
        "treat.html",
        groups=groups,
        done=done,
        on=on,
        zone=site.time_zone,
        lacking=sum(1 for one in found if one.missing and one.on <= on),
    )


@blueprint.route("/courses/<id:course_id>/sessions/<id:number>/treat", methods=["GET", "POST"])
def planned(course_id: int, number: int) -> Response:
    """Perform a planned session of a course by its recipe as it was sold, or by what was changed (P5)."""
    subject = _planned(course_id, number)
    course, site = subject.course, frame.here()
    assert course is not None
    site = frame.at_my_site(course.site_id)

    def do(body: dict[str, Any]) -> Done:
        treated = courses.perform(
            g.db,
            course,
            number,
            visit_at=_when(body.get("time", ""), site),
            site=site,
            recorded_at=g.now,
            by=g.caller.name,
            patient_ref=course.patient_ref,
            lines=[line for _, line in use_lines.lines_of(body)],
            prepared_in=body["prepared_in"],
            reason=body["change_reason"],
        )
        return _done(treated)

    first = _recipe_values(subject) if request.method == "GET" else {}
    first["patient_ref"] = course.patient_ref
    return forms.handle(UseForm, show=lambda form: show(subject, form, site), do=do, first=first)


@blueprint.route("/treat/walk-in", methods=["GET", "POST"])
def walk_in() -> Response:
    """Perform a session that no course planned, by a formulation or by lines."""
    site = frame.here()
    subject = _walk_in(request.form.get("formulation") or request.args.get("formulation", ""))

    def do(body: dict[str, Any]) -> Done:
        level = price_list.level(g.db, body["level"]).code if "level" in body else ""
        visit = Visit(
            patient_ref=body["patient_ref"],
            at=_when(body.get("time", ""), site),
            formulation=subject.formulation,
            level=level,
            prepared_in=body["prepared_in"],
        )
        lines = [line for _, line in use_lines.lines_of(body)]
        return _done(treatments.treat(g.db, visit, lines, site=site, recorded_at=g.now, by=g.caller.name))

    first = _recipe_values(subject) if request.method == "GET" else {}
    first["patient_ref"] = request.args.get("patient_ref", "")[:40]
    return forms.handle(UseForm, show=lambda form: show(subject, form, site), do=do, first=first)


@blueprint.route("/treat/preview", methods=["GET", "POST"])
def preview() -> Response:
    """The form with what it would use now; a label that was scanned is put on its line first."""
    form = forms.opened({}) if request.method == "GET" else Form(forms.typed())
    form.key = request.form.get(forms.KEY) or form.key or forms.new_key()
    values = form.values
    subject = _subject(values)
    site = frame.at_my_site(subject.course.site_id) if subject.course else frame.here()
    data, what = values.pop("scan", ""), values.pop("do", "")
    said, kind = "", "done"
    if what == "scan" and data.strip():
        try:
            said = use_lines.scanned(g.db, values, data, site=site, now=g.now)
        except Refusal as refusal:
            said, kind = str(refusal), "warning"
    if not request.headers.get("HX-Request"):
        return show(subject, form, site, said=said, kind=kind)
    template = "_treat_lines.html" if what == "scan" else "_treat_foreseen.html"
    return frame.page(template, live=True, **_shown(form, site, said=said, kind=kind))


def show(subject: Subject, form: Form, site: Site, *, said: str = "", kind: str = "done") -> Response:
    """The form of a session, with what its lines would use."""
    form.action = subject.address
    return frame.page(
        "treat_form.html",
        subject=subject,
        rooms=lot_pages.ROOMS,
        levels=quote_form.levels(g.db),
        formulations=_formulations() if subject.course is None else (),
        live=False,
        **_shown(form, site, said=said, kind=kind),
    )


def _shown(form: Form, site: Site, *, said: str, kind: str) -> dict[str, Any]:
    room = form.value("prepared_in")
    patient = form.value("patient_ref")
    try:
        treatments.check_patient_ref(patient)
    except BadPatientRef:
        patient = PATIENT
    try:
        at = _when(form.value("time"), site)
    except ValidationError as wrong:
        at, form.errors = g.now, forms.by_field(wrong) | form.errors
    visit = Visit(
        patient_ref=patient,
        at=at,
        prepared_in=PreparedIn(room) if room in set(PreparedIn) else PreparedIn.PREPARATION_AREA,
    )
    found = use_lines.preview(g.db, form.values, visit, site=site, now=g.now)
    form.errors = found.errors | form.errors
    return {
        "form": form,
        "preview": found,
        "products": [view for view in found.views if view.product],
        "consumables": [view for view in found.views if not view.product],
        "count": use_lines.count(form.values),
        "said": said,
        "said_kind": kind,
        "may_scan": True,
    }


def _when(text: str, site: Site) -> datetime:
    """When the session was: a time of today where it is recorded afterwards. Raises ValidationError."""
    if not text:
        return g.now  # type: ignore[no-any-return]
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        raise ValidationError({"time": ["Enter a time such as 10:30."]}) from None
    at = datetime.combine(site.day(g.now), clock.replace(tzinfo=None), tzinfo=ZoneInfo(site.time_zone))
    if at > g.now:
        raise ValidationError({"time": ["It is not that late yet: leave it empty for now."]})
    return at.astimezone(UTC)


def _subject(values: Values) -> Subject:
    course, number = key_of(values.get("course", "")), key_of(values.get("number", ""))
    if course is not None and number is not None:
        return _planned(course, number)
    return _walk_in(values.get("formulation", ""))


def _planned(course_id: int, number: int) -> Subject:
    course = courses.course(g.db, course_id)
    frame.at_my_site(course.site_id)
    listed = courses.sessions(g.db, course)
    session = next((one for one in listed if one.number == number), None)
    if session is None:
        raise NoSuchSession(f"Course {course_id} has sessions 1 to {len(listed)}, not a session {number}.")
    protocol = _protocol_of(course)
    return Subject(
        course=course,
        session=session,
        formulation="",
        level=course.level,
        address=f"/courses/{course_id}/sessions/{number}/treat",
        title=f"Session {number} of {len(listed)}",
        sub=f"Patient {course.patient_ref} · {protocol.concern}, {protocol.area}",
        back=f"/courses/{course_id}",
    )


def _walk_in(code: str) -> Subject:
    recipe = formulations.latest(g.db, code) if code else None
    named = f"{recipe.code} version {recipe.version}" if recipe else ""
    return Subject(
        course=None,
        session=None,
        formulation=named,
        level="",
        address="/treat/walk-in",
        title="Walk-in session",
        sub=named or "By a formulation, or by what is added below.",
        back="/treat",
    )


def _protocol_of(course: Course) -> Protocol:
    quote = quote_records.quote(g.db, course.quote_id)
    return g.db.get_one(Protocol, quote.protocol_id)


def _recipe_values(subject: Subject) -> Values:
    """The lines that the recipe gives, as it was sold, and those of its technique (T2, T3)."""
    if subject.course is not None:
        recipe = formulations.version_by_id(g.db, subject.course.formulation_version_id)
        technique = _protocol_of(subject.course).technique
    elif subject.formulation:
        recipe = formulations.latest(g.db, subject.formulation.partition(" ")[0])
        technique = recipe.technique
    else:
        return {use_lines.COUNT: "0"}
    lines = courses.recipe_lines(recipe)
    with suppress(protocols.UnknownTechnique):  # nobody wrote down what it uses: the recipe is all we know
        lines += [Line(much, sku=item.sku) for item, much in protocols.consumables(g.db, technique)]
    found = use_lines.first_values(lines)
    return found | {"formulation": subject.formulation.partition(" ")[0], "level": subject.level}


def _formulations() -> list[tuple[str, str]]:
    rows = g.db.execute(
        sa.select(Formulation.code, Formulation.name, Formulation.area).order_by(Formulation.code)
    )
    return [(code, f"{code} · {name}, {area}") for code, name, area in rows]


def _done(treated: treatments.Treated) -> Done:
    flags = " ".join(treated.flags)
    return Done(
        f"/sessions/{treated.session.id}",
        f"Done. {flags}".strip(),
        "warning" if treated.flags else "done",
    )
