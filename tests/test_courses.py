"""A course sold: its sessions are performed as they were sold, once each, and can be undone (P5, S8)."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import allocations, corrections, proof
from inventory.corrections import AlreadyReversed
from inventory.ledger import Document
from inventory.picking import NotEnoughStock
from pricing import courses, formulations
from pricing.courses import (
    AlreadyPerformed,
    AnotherPatient,
    SessionState,
    UnknownCourse,
    UnknownCourseSession,
)
from tests.selling import facial
from tests.shelf import BY, NOW, TODAY, line, refused, used


@pytest.fixture
def counter(db):
    found = facial(db)
    found.clinic.receive("HA", "A17 exp 2026-12-31 9 x 16.50")
    found.clinic.receive("NEEDLE", "N1 exp 2026-12-31 100 x 0.22")
    return found


@pytest.fixture
def course(counter):
    return counter.accepted()[1]


def perform(counter, course, number=None, *, at=NOW, patient_ref="P-1", **more):
    facts = {"visit_at": at, "site": counter.site, "recorded_at": at, "by": BY, "patient_ref": patient_ref}
    return courses.perform(counter.db, course, number, **facts, **more)


def undo(counter, treated, *, at=NOW, reason="wrong patient"):
    return courses.reverse_session(counter.db, treated.session, at=at, recorded_at=at, by=BY, reason=reason)


def performed(counter, course):
    return [one.number for one in courses.sessions(counter.db, course) if one.state is SessionState.PERFORMED]


def promised(counter, sku="HA"):
    item_id = counter.clinic.item(sku).id
    return allocations.open_by_item(counter.db, site_id=counter.site.id, item_ids=[item_id]).get(item_id, 0)


def test_without_a_number_the_next_planned_session_is_performed(counter, course):
    first, second = perform(counter, course), perform(counter, course)

    listed = courses.sessions(counter.db, course)
    assert performed(counter, course) == [1, 2]
    assert [one.session_id for one in listed] == [first.session.id, second.session.id, None, None]
    assert courses.performed_in(counter.db, second.session) is listed[1]
    assert used(first) == [("HA", "A17", Decimal("2.6"), Decimal("0.4"))]


def test_a_session_keeps_its_course_formulation_and_level(counter, course):
    treated = perform(counter, course)

    assert (treated.session.formulation, treated.session.level) == ("F-90 version 1", "L2")
    assert treated.session.patient_ref == "P-1"
    document = counter.db.get_one(Document, treated.session.document_id)
    assert document.reference == courses.reference(course.id, 1) == f"course {course.id} session 1"


def test_a_session_may_be_performed_out_of_order_and_the_next_is_then_the_first_left(counter, course):
    perform(counter, course, 3)
    perform(counter, course)
    perform(counter, course)

    assert performed(counter, course) == [1, 2, 3]


def test_performing_ends_what_was_promised_to_that_session_alone(counter, course):
    before = promised(counter)

    perform(counter, course, 2)

    assert (before, promised(counter)) == (12, 9)
    open_for = counter.db.scalars(
        sa.select(allocations.Allocation.reference).where(
            allocations.Allocation.ended_at.is_(None),
            allocations.Allocation.item_id == counter.clinic.item("HA").id,
        )
    ).all()
    assert sorted(open_for) == [courses.reference(course.id, number) for number in (1, 3, 4)]


def test_other_lines_may_be_used_than_the_recipe_s(counter, course):
    treated = perform(counter, course, lines=[line("HA", "5"), line("NEEDLE", "4")], reason="dry")

    assert used(treated) == [("HA", "A17", Decimal("5.1"), Decimal("0.9")), ("NEEDLE", "N1", 4, 0)]


def test_the_recipe_is_that_which_was_sold_not_a_later_one(counter, course):
    formulations.revise(
        counter.db,
        formulations.formulation(counter.db, "F-90"),
        [counter.recipe_line("HA 6")],
        at=NOW,
        by=BY,
        reason="more for all who come later",
    )

    treated = perform(counter, course)

    assert used(treated) == [("HA", "A17", Decimal("2.6"), Decimal("0.4"))]
    assert treated.session.formulation == "F-90 version 1"


def test_an_ingredient_of_the_recipe_is_served_by_whatever_holds_it(counter):
    counter.recipe("of hyaluronate 2.5 mL", code="F-91", protocol="P-91")
    _, course = counter.accepted(protocol="P-91")

    assert used(perform(counter, course)) == [("HA", "A17", Decimal("2.6"), Decimal("0.4"))]


def test_a_session_is_performed_once(counter, course):
    first = perform(counter, course, 1)
    before = counter.clinic.posted()

    with refused(
        AlreadyPerformed, f"Session 1 of course {course.id} was performed by session {first.session.id}."
    ):
        perform(counter, course, 1)
    assert counter.clinic.posted() == before

    for _ in range(3):
        perform(counter, course)
    with refused(AlreadyPerformed, f"All 4 sessions of course {course.id} were performed."):
        perform(counter, course)


def test_another_patient_a_session_beyond_the_last_and_an_unknown_course_are_refused(counter, course):
    with refused(AnotherPatient, f"Course {course.id} is of patient P-1, not P-2."):
        perform(counter, course, patient_ref="P-2")
    for number in (0, 5, -1):
        with refused(
            UnknownCourseSession, f"Course {course.id} has sessions 1 to 4, not a session {number}."
        ):
            perform(counter, course, number)
    with refused(UnknownCourse, "No course has the key 987654321."):
        courses.course(counter.db, 987654321)

    assert performed(counter, course) == []
    assert promised(counter) == 12


def test_a_session_that_stock_cannot_supply_leaves_everything_as_it_was(counter, course):
    counter.clinic.treat("P-9", "HA 24")  # eight of the nine containers

    attempt = counter.db.begin_nested()
    with pytest.raises(NotEnoughStock):
        perform(counter, course, lines=[line("HA", "5")], reason="dry")
    attempt.rollback()

    assert performed(counter, course) == []
    assert promised(counter) == 12


def test_a_session_s_own_promise_does_not_stand_in_its_way(counter):
    counter.clinic.treat("P-9", "HA 24")
    _, course = counter.accepted(starts_on=TODAY)  # needs the last container today

    assert performed(counter, course) == []
    perform(counter, course)
    assert performed(counter, course) == [1]


def test_undoing_a_session_plans_it_again_and_promises_its_stock_again(counter, course):
    treated = perform(counter, course, 2)

    undone = undo(counter, treated, at=NOW + timedelta(hours=1))

    assert len(undone.movements) == 2  # what was used and what was discarded
    assert performed(counter, course) == []
    assert courses.performed_in(counter.db, treated.session) is None
    assert promised(counter) == 12
    assert counter.clinic.held("HA") == {"A17": 27}
    assert proof.verify(counter.db) == []


def test_a_session_that_was_undone_can_be_performed_again_and_undone_again(counter, course):
    for _ in range(3):
        undo(counter, perform(counter, course, 1))
    again = perform(counter, course)

    assert performed(counter, course) == [1]
    assert courses.sessions(counter.db, course)[0].session_id == again.session.id
    assert promised(counter) == 9
    assert counter.clinic.held("HA") == {"A17": 24}


def test_a_session_of_no_course_is_undone_alone(counter, course):
    treated = counter.clinic.treat("P-9", "HA 2.5")
    perform(counter, course)

    undo(counter, treated)

    assert performed(counter, course) == [1]
    assert counter.clinic.held("HA") == {"A17": 24}


def test_a_session_that_cannot_be_undone_stays_performed(counter, course):
    treated = perform(counter, course)
    corrections.reverse_session(
        counter.db, treated.session, at=NOW, recorded_at=NOW, by=BY, reason="around the course"
    )

    with pytest.raises(AlreadyReversed):
        undo(counter, treated)
    assert performed(counter, course) == [1]
    assert promised(counter) == 9
