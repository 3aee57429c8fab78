"""Drift: what the rest of a quoted course would cost now, against what it cost then (P4)."""

from datetime import date
from decimal import Decimal

import pytest

from pricing import courses, drifting
from tests.selling import facial
from tests.shelf import BY, NOW, TODAY


@pytest.fixture
def counter(db):
    return facial(db)


def test_drift_is_what_the_course_would_cost_now_against_what_it_cost_then(counter):
    quote = counter.issued()
    same = drifting.drift(counter.db, quote, site=counter.site, on=TODAY)

    counter.offer("HA", "1 x 26.50", valid_from=date(2026, 2, 1))
    later = drifting.drift(counter.db, quote, site=counter.site, on=date(2026, 2, 1))

    assert (same.then, same.now, same.difference) == (Decimal("286.96"), Decimal("286.96"), 0)
    assert later.difference == 4 * Decimal("11.50")  # ten more a vial, and 15 % of it


def test_a_course_s_own_promises_and_the_sessions_performed_make_no_drift(counter):
    counter.clinic.receive("HA", "A17 exp 2026-12-31 4 x 16.50")
    counter.clinic.receive("NEEDLE", "N1 exp 2026-12-31 16 x 0.22")
    quote, course = counter.accepted()
    before = drifting.drift(counter.db, quote, site=counter.site, on=TODAY)

    courses.perform(
        counter.db, course, None, visit_at=NOW, site=counter.site, recorded_at=NOW, by=BY, patient_ref="P-1"
    )
    counter.offer("HA", "1 x 99.00", valid_from=date(2026, 1, 10))
    after = drifting.drift(counter.db, quote, site=counter.site, on=TODAY)

    assert before.difference == after.difference == 0
    assert (before.then, after.then) == (Decimal("286.96"), Decimal("215.22"))


def test_a_session_whose_day_has_passed_is_costed_as_if_it_were_today(counter):
    counter.clinic.receive("HA", "A17 exp 2026-02-10 9 x 16.50")
    quote = counter.issued()
    counter.offer("HA", "1 x 26.50", valid_from=date(2026, 2, 1))

    # On 12 February the lot has expired, so all four are bought.
    found = drifting.drift(counter.db, quote, site=counter.site, on=date(2026, 2, 12))

    assert found.difference == 4 * Decimal("11.50")


def test_a_course_that_is_over_has_no_drift(counter):
    counter.clinic.receive("HA", "A17 exp 2026-12-31 9 x 16.50")
    quote, course = counter.accepted()
    for _ in range(4):
        courses.perform(
            counter.db,
            course,
            None,
            visit_at=NOW,
            site=counter.site,
            recorded_at=NOW,
            by=BY,
            patient_ref="P-1",
        )

    found = drifting.drift(counter.db, quote, site=counter.site, on=TODAY)

    assert (found.then, found.now) == (0, 0)
