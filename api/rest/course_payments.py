"""JSON: money of courses: payments, what a refund would be and the refund, what is owed on a day (B2)."""

from typing import Any

from flask import g
from marshmallow import fields

from api import auth, where
from api.rest.calls import made, noun
from api.rest.course_shapes import RecordedShape, RefundShape
from api.schemas import Day, Flag, Money, Shape, Words, one_word
from inventory.clinic import Site
from pricing import course_life, course_money, courses, deferred
from pricing.course_book import CourseEntry, EntryKind, Method
from pricing.courses import Course

blueprint = noun("course-money", "Payments and refunds of courses, and what is owed on them")


class PaymentShape(Shape):
    """Money that a patient paid for a course."""

    amount = Money(required=True, positive=True)
    method = one_word(Method, required=True)
    deposit = Flag(load_default=False)
    on = Day()
    note = Words(500, load_default="")


class GiveBackShape(Shape):
    """How money goes back; another amount than the policy's is a manager's to decide, with a note."""

    method = one_word(Method, required=True)
    amount = Money()
    on = Day()
    note = Words(500, load_default="")


class OnQuery(Shape):
    """As of which day; today unless said."""

    on = Day()


class CourseBalanceShape(Shape):
    """One course at the end of a day."""

    course = fields.Integer(attribute="course_id")
    site = fields.String()
    patient_ref = fields.String()
    sold_on = Day()
    total = Money()
    paid = Money()
    earned = Money()
    deferred = Money()
    receivable = Money()
    sessions = fields.Integer()
    sessions_used = fields.Integer()
    sessions_owed = fields.Integer()
    ended = one_word(EntryKind, allow_none=True)


class DeferredRevenueShape(Shape):
    """What is owed on all courses at the end of a day, and on each."""

    on = Day()
    paid = Money()
    earned = Money()
    deferred = Money()
    receivable = Money()
    sessions_owed = fields.Integer()
    courses = fields.List(fields.Nested(CourseBalanceShape))


def found(course_id: int) -> tuple[Course, Site]:
    """A course of a site at which the caller works. Raises UnknownCourse, UnknownSite."""
    course = courses.course(g.db, course_id)
    return course, where.of(course.site_id)


def recorded(course: Course, entry: CourseEntry) -> Any:
    """An entry, and how the course stands after it."""
    answer = {"entry": entry, "account": course_money.account(g.db, course.id)}
    return made(answer, f"/courses/{course.id}")


@blueprint.post("/courses/<id:course_id>/payments")
@blueprint.arguments(PaymentShape)
@blueprint.response(201, RecordedShape)
def pay(body: dict[str, Any], course_id: int) -> Any:
    """Record a payment or a deposit (B2)."""
    course, site = found(course_id)
    entry = course_money.pay(
        g.db,
        course.id,
        body["amount"],
        when=course_life.dated(course, on=body.get("on"), site=site, at=g.now, by=g.caller.name),
        method=body["method"],
        deposit=body["deposit"],
        note=body["note"],
    )
    return recorded(course, entry)


@blueprint.get("/courses/<id:course_id>/refund")
@blueprint.response(200, RefundShape)
def preview_refund(course_id: int) -> Any:
    """Say what the course's policy would give back now, and how that is reckoned."""
    course, _ = found(course_id)
    return course_money.refund_due(g.db, course.id)


@blueprint.post("/courses/<id:course_id>/refund")
@blueprint.arguments(GiveBackShape)
@blueprint.response(201, RecordedShape)
def refund(body: dict[str, Any], course_id: int) -> Any:
    """End a course and give back what its policy says, or what a manager decides with a note (B2)."""
    course, site = found(course_id)
    if "amount" in body:
        auth.require(g.caller, auth.STOCKROOM, "Giving back another amount than the policy's")
    entry = course_life.refund(
        g.db,
        course,
        when=course_life.dated(course, on=body.get("on"), site=site, at=g.now, by=g.caller.name),
        method=body["method"],
        amount=body.get("amount"),
        note=body["note"],
    )
    return recorded(course, entry)


@blueprint.get("/deferred-revenue")
@blueprint.arguments(OnQuery, location="query")
@blueprint.response(200, DeferredRevenueShape)
def deferred_revenue(query: dict[str, Any]) -> Any:
    """Say what is owed on courses at the end of a day: to patients in sessions, by patients in money."""
    on = query.get("on") or where.first().day(g.now)
    return {"on": on, "courses": (rows := deferred.balances(g.db, on=on))} | vars(deferred.together(rows))
