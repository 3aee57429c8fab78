"""Pages: what the desk does with a course: payments and refunds, days and misses, passing it on (P5, B2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, g

from api import auth
from api.rest.course_payments import found
from api.schemas import Day, Flag, Money, Shape, Words, one_word
from api.web import forms, frame
from api.web.formats import day, money
from api.web.forms import Done, Form
from inventory.clinic import Site
from pricing import course_life, course_money, quote_records
from pricing.course_book import EntryKind, Method
from pricing.course_events import CourseEvent
from pricing.course_life import Fee
from pricing.course_money import Terms, When
from pricing.course_records import CourseSession, locked_sessions, planned_session
from pricing.courses import Course

blueprint = frame.chapter("course_desk")

METHODS = [(one.value, one.value.capitalize()) for one in Method]
Do = Callable[[dict[str, Any]], Done]


class Paying(Shape):
    """A payment as it is typed."""

    amount = Money(required=True, positive=True)
    method = one_word(Method, required=True)
    deposit = Flag(in_address=True, load_default=False)
    on = Day()
    note = Words(500, load_default="")


class GivingBack(Shape):
    """A refund as it is confirmed; another amount is a manager's."""

    method = one_word(Method, required=True)
    amount = Money()
    note = Words(500, load_default="")


class Moving(Shape):
    """A session's new day, and the fee if one is taken."""

    planned_on = Day(required=True)
    reason = Words(500, required=True)
    fee_method = one_word(Method)
    fee = Money()


class Missing(Shape):
    """Why a patient did not come, and the fee if one is taken."""

    reason = Words(500, load_default="")
    fee_method = one_word(Method)
    fee = Money()


class PassingOn(Shape):
    """Whose the course is from now on."""

    patient_ref = Words(40, required=True)
    reason = Words(500, required=True)


class Because(Shape):
    """Why a session departs from the plan."""

    reason = Words(500, required=True)


@dataclass(frozen=True)
class Step:
    """What a form about a course asks, and what it says before it is done."""

    name: str
    title: str
    button: str
    icon: str
    says: tuple[str, ...]
    fee: str = ""
    danger: bool = False
    may_change: bool = False


def ask(course: Course, step: Step, shape: type[Shape], do: Do, **first: str) -> Response:
    """The form of a step, and the step."""

    def show(form: Form) -> Response:
        return frame.page("course_step.html", form=form, course=course, step=step, methods=METHODS)

    return forms.handle(shape, show=show, do=do, first=first)


def now(course: Course, site: Site, body: dict[str, Any]) -> When:
    """When it happened: now, or on the day that was typed."""
    return course_life.dated(course, on=body.get("on"), site=site, at=g.now, by=g.caller.name)


def fee_of(body: dict[str, Any]) -> Fee | None:
    """The fee that is taken, if one is."""
    return Fee(body["fee_method"], body.get("fee")) if "fee_method" in body else None


def currency_of(course: Course) -> str:
    """The currency in which a course was sold."""
    return quote_records.quote(g.db, course.quote_id).currency


def at(course: Course) -> str:
    """The address of a course."""
    return f"/courses/{course.id}"


@blueprint.route("/courses/<id:course_id>/pay", methods=["GET", "POST"])
def pay(course_id: int) -> Response:
    """Take a payment or a deposit (B2)."""
    course, site = found(course_id)
    account, currency = course_money.account(g.db, course.id), currency_of(course)

    def do(body: dict[str, Any]) -> Done:
        entry = course_money.pay(
            g.db,
            course.id,
            body["amount"],
            when=now(course, site, body),
            method=body["method"],
            deposit=body["deposit"],
            note=body["note"],
        )
        left = course_money.account(g.db, course.id).due
        rest = f"{money(left, currency)} is still due." if left else "The course is paid."
        return Done(at(course), f"{money(entry.amount, currency)} received. {rest}")

    says = f"{money(account.paid, currency)} of {money(account.total, currency)} is paid."
    step = Step("pay", "Take a payment", "Record it", "wallet", (says,))
    return ask(course, step, Paying, do, amount=f"{account.due:.2f}" if account.due else "")


@blueprint.route("/courses/<id:course_id>/refund", methods=["GET", "POST"])
def refund(course_id: int) -> Response:
    """What the policy gives back, how that is reckoned, and giving it back, which ends the course (B2)."""
    course, site = found(course_id)
    currency, manages = currency_of(course), g.caller.role in auth.STOCKROOM
    due = course_money.refund_due(g.db, course.id) if not _ended(course) else None

    def do(body: dict[str, Any]) -> Done:
        if "amount" in body:
            auth.require(g.caller, auth.STOCKROOM, "Giving back another amount than the policy's")
        entry = course_life.refund(
            g.db,
            course,
            when=now(course, site, {}),
            method=body["method"],
            amount=body.get("amount"),
            note=body["note"],
        )
        what = "credited" if entry.kind is EntryKind.CREDIT else "given back"
        return Done(at(course), f"{money(entry.amount, currency)} {what}. The course has ended.")

    says: tuple[str, ...] = ("The course has ended.",)
    if due is not None:
        words = "as credit for other treatments" if due.credit else "as money"
        says = (
            f"The policy gives back {money(due.amount, currency)} {words}.",
            due.sentence,
            "It ends the course: what is left of it is not performed, and its vials are free for others.",
        )
    button = f"Give back {money(due.amount, currency)}" if due and due.amount else "End the course"
    step = Step(
        "refund", "Refund and end the course", button, "undo-2", says, danger=True, may_change=manages
    )
    return ask(course, step, GivingBack, do)


@blueprint.route("/courses/<id:course_id>/sessions/<id:number>/move", methods=["GET", "POST"])
def move(course_id: int, number: int) -> Response:
    """Plan a session on another day, with what short notice costs."""
    course, site = found(course_id)
    session, terms, currency = _planned(course, number)
    policy = terms.policy

    def do(body: dict[str, Any]) -> Done:
        event = course_life.move(
            g.db,
            course,
            number,
            to=body["planned_on"],
            site=site,
            when=now(course, site, {}),
            reason=body["reason"],
            fee=fee_of(body),
        )
        return Done(at(course), f"Session {number} is planned for {day(body['planned_on'])}.{_asked(event)}")

    notice = course_life.notice_hours(session, site=site, at=g.now)
    late = notice < policy.notice_hours
    fee = course_life.late_fee(terms, session, missed=False) if late else None
    left = course_life.moves_left(g.db, course, policy, number)
    says = [
        f"It is planned for {day(session.planned_on)}; "
        f"{policy.code} asks for {policy.notice_hours} hours' notice."
    ]
    says.append(
        f"That is short notice: {_costs(fee, currency)}" if late else "There is time enough: it is free."
    )
    if left is not None:
        says.append(f"It can be moved {left} more times." if left != 1 else "It can be moved once more.")
    step = Step(
        "move",
        f"Move session {number}",
        "Move it",
        "calendar-days",
        tuple(says),
        fee=f"{fee:.2f}" if fee else "",
    )
    return ask(course, step, Moving, do)


@blueprint.route("/courses/<id:course_id>/sessions/<id:number>/miss", methods=["GET", "POST"])
def miss(course_id: int, number: int) -> Response:
    """The patient did not come: what the policy makes of it."""
    course, site = found(course_id)
    session, terms, currency = _planned(course, number)

    def do(body: dict[str, Any]) -> Done:
        event = course_life.miss(
            g.db, course, number, when=now(course, site, {}), reason=body["reason"], fee=fee_of(body)
        )
        used = terms.policy.no_show_uses_session
        told = "It is used up." if used else "It is still to come: move it to another day."
        return Done(at(course), f"Session {number} was missed. {told}{_asked(event)}")

    fee = course_life.late_fee(terms, session, missed=True)
    uses = "The session is used up." if terms.policy.no_show_uses_session else "The session is still to come."
    says = (
        f"{terms.policy.code}: {terms.policy.missed_words}",
        f"{uses} {_costs(fee, currency).capitalize()}",
    )
    step = Step(
        "miss",
        f"Session {number} was missed",
        "Record it",
        "calendar-clock",
        says,
        fee=f"{fee:.2f}" if fee else "",
    )
    return ask(course, step, Missing, do)


@blueprint.route("/courses/<id:course_id>/transfer", methods=["GET", "POST"])
def transfer(course_id: int) -> Response:
    """Pass what is left of a course to another patient."""
    course, site = found(course_id)
    policy = course_money.terms(g.db, course.id).policy

    def do(body: dict[str, Any]) -> Done:
        course_life.transfer(
            g.db, course, body["patient_ref"], when=now(course, site, {}), reason=body["reason"]
        )
        return Done(at(course), "The course has gone over. Screen its new patient before the next session.")

    left = course_life.transfers_left(g.db, course, policy)
    says = (
        f"{policy.code} lets it pass on {left} more times."
        if left != 1
        else f"{policy.code} lets it pass on once.",
        f"The screening on record is that of {course.patient_ref}: ask the other patient before treating.",
    )
    step = Step("transfer", "Pass the course on", "Pass it on", "arrow-left-right", says)
    return ask(course, step, PassingOn, do)


@blueprint.route("/courses/<id:course_id>/sessions/<id:number>/without-stock", methods=["GET", "POST"])
def without_stock(course_id: int, number: int) -> Response:
    """Complete a session for which nothing was taken from stock."""
    course, site = found(course_id)

    def do(body: dict[str, Any]) -> Done:
        course_life.complete_without_stock(
            g.db, course, number, when=now(course, site, {}), reason=body["reason"]
        )
        return Done(
            at(course), f"Session {number} counts as performed; nothing was taken from stock.", "warning"
        )

    says = (
        "Only if really nothing was used: the session counts as performed and its revenue is booked, but no "
        "vial, no lot and no cost stand behind it.",
    )
    step = Step(
        "without-stock", f"Complete session {number} without stock", "Complete it", "check", says, danger=True
    )
    return ask(course, step, Because, do)


@blueprint.route("/courses/<id:course_id>/sessions/<id:number>/take-back", methods=["GET", "POST"])
def take_back(course_id: int, number: int) -> Response:
    """Have a session come again that was forfeited, or completed without stock, by mistake."""
    course, site = found(course_id)

    def do(body: dict[str, Any]) -> Done:
        course_life.take_back(g.db, course, number, when=now(course, site, {}), reason=body["reason"])
        return Done(at(course), f"Session {number} is to come again; its stock is promised.")

    says = ("It is to come again: its revenue is taken back, and its stock promised anew.",)
    step = Step("take-back", f"Take session {number} back", "Take it back", "undo-2", says)
    return ask(course, step, Because, do)


def _planned(course: Course, number: int) -> tuple[CourseSession, Terms, str]:
    """A session that is to come, the terms it was sold under, and the currency."""
    course_money.refuse_ended(g.db, course.id)
    session = planned_session(course, locked_sessions(g.db, course), number)
    return session, course_money.terms(g.db, course.id), currency_of(course)


def _ended(course: Course) -> bool:
    return course_money.account(g.db, course.id).ended is not None


def _costs(fee: Any, currency: str) -> str:
    return f"the policy asks for {money(fee, currency)}." if fee else "the policy asks for nothing."


def _asked(event: CourseEvent) -> str:
    """What the policy asks for with a step, where it asks for something."""
    return f" The policy asks for {event.fee:.2f}." if event.fee else ""
