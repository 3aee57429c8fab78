"""JSON: the life of a course: sessions moved, missed, completed without stock, the course passed on (P5)."""

from typing import Any

from flask import g
from marshmallow import ValidationError, validates_schema

from api.rest.calls import noun
from api.rest.course_payments import found
from api.rest.course_shapes import StepShape
from api.schemas import Day, Money, Shape, Words, one_word
from pricing import course_life, course_money
from pricing.course_book import Method
from pricing.course_events import CourseEvent
from pricing.course_life import Fee
from pricing.courses import Course

blueprint = noun("course-steps", "What happens to a course sold")


class WithFee(Shape):
    """A fee that is paid with a step: the one that the policy proposes, unless another is agreed."""

    fee_method = one_word(Method)
    fee = Money()

    @validates_schema
    def fee_has_method(self, data: dict[str, Any], **_: Any) -> None:
        """A fee is paid somehow."""
        if "fee" in data and "fee_method" not in data:
            raise ValidationError("Say how the fee was paid.", "fee_method")


class MovingShape(WithFee):
    """To which day a session moves, and why."""

    planned_on = Day(required=True)
    reason = Words(500, required=True)


class MissingShape(WithFee):
    """A patient who did not come."""

    on = Day()
    reason = Words(500, load_default="")


class PassingOnShape(Shape):
    """Whose the course is from now on."""

    patient_ref = Words(40, required=True)
    reason = Words(500, required=True)


class BecauseShape(Shape):
    """Why a session departs from the plan."""

    on = Day()
    reason = Words(500, required=True)


class TakingBackShape(Shape):
    """Why a session is to come again."""

    reason = Words(500, required=True)


def fee_of(body: dict[str, Any]) -> Fee | None:
    """The fee that was paid, if one was."""
    return Fee(body["fee_method"], body.get("fee")) if "fee_method" in body else None


def stepped(course: Course, event: CourseEvent) -> dict[str, Any]:
    """What happened, and how the course stands after it."""
    return {"event": event, "account": course_money.account(g.db, course.id)}


@blueprint.post("/courses/<id:course_id>/sessions/<id:number>/move")
@blueprint.arguments(MovingShape)
@blueprint.response(201, StepShape)
def move(body: dict[str, Any], course_id: int, number: int) -> Any:
    """Plan a session on another day, as often and with the notice that the policy allows."""
    course, site = found(course_id)
    event = course_life.move(
        g.db,
        course,
        number,
        to=body["planned_on"],
        site=site,
        when=course_life.dated(course, on=None, site=site, at=g.now, by=g.caller.name),
        reason=body["reason"],
        fee=fee_of(body),
    )
    return stepped(course, event)


@blueprint.post("/courses/<id:course_id>/sessions/<id:number>/forfeit")
@blueprint.arguments(MissingShape)
@blueprint.response(201, StepShape)
def miss(body: dict[str, Any], course_id: int, number: int) -> Any:
    """Record that the patient did not come: by the policy it uses up the session, costs a fee, or neither."""
    course, site = found(course_id)
    event = course_life.miss(
        g.db,
        course,
        number,
        when=course_life.dated(course, on=body.get("on"), site=site, at=g.now, by=g.caller.name),
        reason=body["reason"],
        fee=fee_of(body),
    )
    return stepped(course, event)


@blueprint.post("/courses/<id:course_id>/sessions/<id:number>/without-stock")
@blueprint.arguments(BecauseShape)
@blueprint.response(201, StepShape)
def without_stock(body: dict[str, Any], course_id: int, number: int) -> Any:
    """Complete a session for which nothing was taken from stock; it counts as performed."""
    course, site = found(course_id)
    event = course_life.complete_without_stock(
        g.db,
        course,
        number,
        when=course_life.dated(course, on=body.get("on"), site=site, at=g.now, by=g.caller.name),
        reason=body["reason"],
    )
    return stepped(course, event)


@blueprint.post("/courses/<id:course_id>/sessions/<id:number>/take-back")
@blueprint.arguments(TakingBackShape)
@blueprint.response(201, StepShape)
def take_back(body: dict[str, Any], course_id: int, number: int) -> Any:
    """Have a session come again that was forfeited, or completed without stock, by mistake."""
    course, site = found(course_id)
    when = course_life.dated(course, on=None, site=site, at=g.now, by=g.caller.name)
    return stepped(course, course_life.take_back(g.db, course, number, when=when, reason=body["reason"]))


@blueprint.post("/courses/<id:course_id>/transfer")
@blueprint.arguments(PassingOnShape)
@blueprint.response(201, StepShape)
def transfer(body: dict[str, Any], course_id: int) -> Any:
    """Pass what is left of a course to another patient, as often as the policy allows."""
    course, site = found(course_id)
    when = course_life.dated(course, on=None, site=site, at=g.now, by=g.caller.name)
    event = course_life.transfer(g.db, course, body["patient_ref"], when=when, reason=body["reason"])
    return stepped(course, event)
