"""Paths: the walk over all of them at once is the walk over each by itself (C5, S3, S4)."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing import paths
from pricing.paths import Asked, Batch, Supply
from tests.benchmarks import certainty


class Punctual:
    """What comes, comes in time and fresh."""

    def choice(self, _values, size, p=None):
        assert p is None or math.isclose(sum(p), 1)
        return np.zeros(size)

    def uniform(self, _low, _high, size):
        return np.ones(size)


def supply(**changes) -> Supply:
    usual = {
        "content": 10.0,
        "one_patient": False,
        "shared": True,
        "in_use_days": 7.0,
        "batches": (Batch(60, 3, 20.0), Batch(90, 2, 26.0)),
        "price": 30.0,
        "sessions_seen": 90,
        "window_days": 90,
        "doses_seen": (2.0, 3.0),
        "lead_days": 3,
        "life_days": 120,
        "reorder_at": 0,
        "reorder_by": 2,
    }
    return Supply(**{**usual, **changes})


def walked(one: Supply, events, sessions: int) -> list[float]:
    """The vectorised walk over one path of given events; the price stands still."""
    days, doses, tags = (np.array([column], dtype=float) for column in zip(*events, strict=True))
    prices = np.full((1, 500), one.price)
    return paths.run(one, days, doses, tags, prices, sessions=sessions, random=Punctual())[0].tolist()


def test_a_shared_vial_is_paid_for_by_what_each_drew_before_it_was_discarded():
    costs = walked(supply(), [(1, 2.0, 0), (3, 3.0, -1), (20, 2.0, 1)], sessions=2)

    # The first vial gave 2 and 3 of its 10 mL and was past its time on day 20; the second gave 2 alone.
    assert costs == pytest.approx([20.0 * 2 / 5, 20.0])


def test_a_single_dose_container_is_the_sessions_whole():
    costs = walked(supply(one_patient=True), [(1, 12.0, 0), (2, 1.0, -1), (3, 1.0, 1)], sessions=2)

    assert costs == pytest.approx([40.0, 26.0])


def test_what_the_clinic_does_not_share_serves_its_patient_alone():
    costs = walked(supply(shared=False), [(1, 2.0, 0), (2, 3.0, -1), (3, 2.0, 1)], sessions=2)

    # The course's own vial serves both of its sessions; the other patient opened another.
    assert costs == pytest.approx([10.0, 10.0])


def test_what_is_bought_for_the_day_costs_the_list_price():
    costs = walked(supply(batches=(Batch(5, 9, 1.0),)), [(10, 2.0, 0)], sessions=1)

    assert costs == pytest.approx([30.0])


EVENTS = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from([0.5, 1.0, 2.5, 7.0, 12.0]), st.booleans()),
    min_size=1,
    max_size=40,
)
SUPPLIES = st.builds(
    supply,
    content=st.sampled_from([2.0, 5.0, 10.0, 40.0]),
    one_patient=st.booleans(),
    in_use_days=st.sampled_from([0.0, 1.0, 7.0, 28.0]),
    batches=st.lists(
        st.builds(Batch, st.integers(0, 250), st.integers(1, 6), st.sampled_from([9.0, 10.0, 11.5])),
        max_size=4,
    ).map(tuple),
    lead_days=st.integers(0, 14),
    life_days=st.sampled_from([30, 90, 365]),
    reorder_at=st.integers(0, 6),
    reorder_by=st.integers(1, 5),
)


@settings(max_examples=150, deadline=None)
@given(SUPPLIES, EVENTS)
def test_any_life_costs_what_it_costs_container_by_container(one: Supply, drawn):
    events = sorted(
        ((day, dose, own) for day, dose, own in drawn), key=lambda event: (event[0], not event[2])
    )
    numbered, sessions = [], 0
    for day, dose, own in events:
        numbered.append((day, dose, sessions if own else None))
        sessions += own
    expected = certainty.truth(
        one,
        numbered,
        price_at=lambda _day: one.price,
        late=lambda: 0,
        life=lambda: one.life_days,
        sessions=sessions,
    )

    found = walked(one, [(day, dose, -1 if who is None else who) for day, dose, who in numbered], sessions)

    assert found == pytest.approx(expected)


def test_the_same_seed_tells_the_same_story():
    asked = Asked((5, 19, 33), 2.0)

    once = paths.project(supply(), asked, seed=7)

    assert once.shape == (paths.PATHS, 3)
    assert np.array_equal(once, paths.project(supply(), asked, seed=7))
    assert not np.array_equal(once, paths.project(supply(), asked, seed=8))
    assert (once > 0).all()


def test_an_item_that_nobody_else_uses_is_paid_for_by_the_course_alone():
    lonely = supply(sessions_seen=0, window_days=10_000, batches=(Batch(400, 99, 20.0),))

    costs = paths.project(lonely, Asked((5, 50), 2.0), seed=1)

    assert np.median(costs, axis=0) == pytest.approx([20.0, 20.0])


def test_who_stays_away_once_stays_away():
    held = paths.held_sessions([1.0, 0.5, 1.0, 0.0], paths=2_000, seed=3)

    assert held[:, 0].all()
    assert held[:, 1].mean() == pytest.approx(0.5, abs=0.05)
    assert np.array_equal(held[:, 1], held[:, 2])
    assert not held[:, 3].any()


def test_a_small_clinic_is_foretold_within_its_goals():
    bias, error, erp, covered = certainty.figures(courses=24)

    # Few courses, so generous; the command measures hundreds.
    assert bias.ours < 6
    assert error.ours < 12
    assert erp.ours > 25
    assert 55 <= covered.ours <= 100
