"""Need is foretold from the ledger and the calendar, and counts no session twice (O1)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import forecasting, paces
from inventory.forecasting import Bookings, Demand, Lines, Vessel

NO_BOOKINGS = Bookings(*(np.zeros(0, dtype=np.int64) for _ in range(3)), np.zeros(0, dtype=bool))


def lines(*found: tuple[int, int, int, int]) -> Lines:
    """Lines as (item, days ago, dose, booked so many days before)."""
    columns = np.array(found, dtype=np.int64).reshape(-1, 4).T
    return Lines(*columns)


def demand(**changed) -> Demand:
    """One fresh line a day on average, nothing booked."""
    facts = {
        "shape": 1e9,
        "per_day": 1.0,
        "unknown": np.ones(7),
        "lines_per_fresh": 1.0,
        "weights": np.ones(7),
        "doses": np.array([1], dtype=np.int64),
        "containers_per_line": 1.0,
    }
    return Demand(**(facts | changed))


def test_booked_and_unbooked_need_together_have_the_exact_distribution():
    # 5 bookings of 1 at 0.9, 2 of 2 at 0.8, and Poisson(3) lines of 1 (0.7) or 2 (0.3): by Panjer's recursion
    # the mean is 11.6, and 11, 16 and 19 are the 50, 95 and 99 of 100.
    booked = tuple([(1, 1, 0.9)] * 5 + [(1, 2, 0.8)] * 2)
    doses = np.array([1] * 7 + [2] * 3, dtype=np.int64)

    asked, lines, _ = forecasting.volumes(
        demand(per_day=3.0, doses=doses, booked=booked),
        Vessel(1000, single=False, in_use_days=28),
        np.random.default_rng(1),
        cases=forecasting.ranks(40_000, 1.0),
        days=1,
    )

    assert asked.mean() == pytest.approx(11.6, abs=0.06)
    assert lines.mean() == pytest.approx(5 * 0.9 + 2 * 0.8 + 3, abs=0.06)
    assert np.quantile(asked, [0.5, 0.95, 0.99]).tolist() == [11, 16, 19]


@pytest.mark.parametrize("tilt", [1.0, 2.0])
def test_few_paths_have_the_numbers_of_lines_that_many_would(tilt):
    # a rate known to a third, Gamma(9) of mean 0.2 a day: in 30 days a mean of 6, a variance of 6 + 36 / 9
    ranks, weights = forecasting.ranks(128, tilt)

    _, lines, rates = forecasting.volumes(
        demand(shape=9.0, per_day=0.2),
        Vessel(1000, single=False, in_use_days=28),
        np.random.default_rng(1),
        cases=(ranks, weights),
        days=30,
    )

    number = lines.sum(1)
    assert weights.sum() == pytest.approx(1)
    assert number @ weights == pytest.approx(6, rel=0.01)
    assert (number - 6) ** 2 @ weights == pytest.approx(10, rel=0.03)
    assert rates @ weights == pytest.approx(0.2, rel=0.05)
    assert (number >= 12).mean() == pytest.approx(0.05 if tilt == 1 else 0.22, abs=0.02)


@pytest.mark.parametrize("tilt", [1.0, 2.0])
def test_a_booking_takes_place_on_its_share_of_few_paths_apart_from_the_others(tilt):
    cases = forecasting.ranks(128, tilt)

    asked, _, _ = forecasting.volumes(
        demand(per_day=1e-9, booked=((1, 1, 0.9), (2, 1, 0.35), (3, 1, 0.0), (4, 1, 1.0))),
        Vessel(1000, single=False, in_use_days=28),
        np.random.default_rng(1),
        cases=cases,
        days=4,
    )

    assert cases[1] @ asked == pytest.approx([0.9, 0.35, 0.0, 1.0], abs=0.01)
    assert cases[1] @ (asked[:, 0] * asked[:, 1]) == pytest.approx(0.9 * 0.35, abs=0.06)


def test_a_single_dose_container_is_one_patients_and_counted_whole():
    asked, lines, _ = forecasting.volumes(
        demand(per_day=1e-9, doses=np.array([3]), booked=((1, 3, 1.0), (1, 3, 1.0), (1, 5, 1.0))),
        Vessel(4, single=True, in_use_days=0),
        np.random.default_rng(1),
        cases=forecasting.ranks(3, 1.0),
        days=2,
    )

    assert asked.tolist() == [[4, 0]] * 3
    assert lines.tolist() == [[3, 0]] * 3


def test_the_open_container_is_used_first_and_discarded_after_its_days_in_use():
    # 2 left until day 1; 3 asked on day 1, 2 on day 2, 1 on day 5: the second container lasts until day 3.
    asked = np.array([[[3, 2, 0, 0, 1]]], dtype=np.int64)

    opened = forecasting.openings(
        asked,
        content=np.array([4]),
        in_use=np.array([2]),
        left=np.array([2]),
        last_day=np.array([1]),
    )

    assert opened.tolist() == [[[1, 0, 0, 0, 1]]]


@given(
    asked=st.lists(st.integers(0, 9), min_size=1, max_size=30),
    content=st.integers(1, 12),
    in_use=st.integers(0, 9),
)
def test_what_is_opened_covers_what_is_asked_and_no_more_than_a_container_each_day(asked, content, in_use):
    opened = forecasting.openings(
        np.array([[asked]], dtype=np.int64),
        content=np.array([content]),
        in_use=np.array([in_use]),
        left=np.array([0]),
        last_day=np.array([-1]),
    )[0, 0]

    assert (np.cumsum(opened) * content >= np.cumsum(asked)).all()
    assert (opened <= -(-np.array(asked) // content)).all()


def test_a_course_session_is_not_foretold_twice():
    # every second line was booked 30 days before: beyond that lag nothing of it is unknown
    seen = lines(*[(0, ago, 1, 30 if ago % 2 else 0) for ago in range(360)])

    unknown = forecasting.unknown_share(seen, items=1)[0]

    assert unknown[10] == pytest.approx(0.5, abs=0.01)
    assert unknown[40] == pytest.approx(1.0, abs=0.01)


def test_how_long_an_item_is_booked_ahead_is_the_clinics_until_it_has_shown_otherwise():
    # the clinic's first item is booked a month before every second time, the others never
    clinic = [(0, ago % 360, 1, 30 if ago % 2 else 0) for ago in range(4_000)]
    rare = [(1, ago, 1, 0) for ago in range(0, 360, 60)]
    daily = [(2, ago % 360, 1, 0) for ago in range(2_000)]

    unknown = forecasting.unknown_share(lines(*clinic, *rare, *daily), items=3)[:, 10]

    ours = 4_006 / 6_006
    assert unknown[1] == pytest.approx(ours, abs=0.02)
    assert unknown[2] > 0.95


@pytest.mark.parametrize("phase", range(0, 365, 45))
def test_a_season_of_the_clinic_is_told_from_a_change_of_taste(phase):
    # twenty items are asked for a third more in one half of the year than in the other
    def busy(ago):
        return 1 + 0.2 * math.cos(2 * math.pi * (ago + phase) / 365)

    random = np.random.default_rng(phase)
    seen = [
        (item, ago, 1, 0)
        for item in range(20)
        for ago in range(364)
        for _ in range(random.poisson(0.8 * busy(ago)))
    ]

    shapes, means = forecasting.rates(lines(*seen), items=20, days=364)

    assert means.mean() == pytest.approx(0.8 * busy(0), rel=0.08)
    assert (shapes > 0).all()


def test_a_clinic_that_doubled_half_a_year_ago_is_not_taken_for_one_at_the_top_of_its_season():
    seen = [(0, ago, 1, 0) for ago in range(364) for _ in range(4 if ago >= 182 else 8)]

    _, means = forecasting.rates(lines(*seen), items=1, days=364)

    assert 6.4 < means[0] < 9.6


@given(st.lists(st.integers(0, 1_000_000_000), min_size=1, max_size=80), st.integers(1, 14))
def test_the_pace_of_any_past_is_a_number_above_nothing(totals, oldest):
    lengths = np.array([14.0] * (len(totals) - 1) + [float(oldest)])

    pace = paces.against_today(np.array(totals, dtype=float), lengths)

    assert pace.shape == (len(totals),)
    assert np.isfinite(pace).all()
    assert (pace > 0).all()


@given(st.integers(1, 80), st.integers(1, 10_000))
def test_a_clinic_of_an_even_pace_is_as_busy_as_ever(blocks, lines_a_block):
    pace = paces.against_today(np.full(blocks, float(lines_a_block)), np.full(blocks, 14.0))

    assert pace == pytest.approx(np.ones(blocks), abs=1e-6)


def test_an_item_used_daily_follows_its_latest_use_and_one_used_rarely_keeps_its_year():
    # both are used twice as often in the last eight weeks, the clinic's pace being that of a third
    often = [(0, ago, 1, 0) for ago in range(364) for _ in range(4 if ago < 56 else 2)]
    rarely = [(1, ago, 1, 0) for ago in range(0, 56, 28)] + [(1, ago, 1, 0) for ago in range(56, 364, 56)]
    steady = [(2, ago, 1, 0) for ago in range(364) for _ in range(80)]

    _, means = forecasting.rates(lines(*often, *rarely, *steady), items=3, days=364)

    assert means[0] == pytest.approx(4, rel=0.15)
    assert 1 / 56 < means[1] < 1 / 32


def test_weekdays_that_are_closed_are_expected_to_be_quiet():
    # today is a Monday; use on every day of a year but Sundays
    ago = np.array([ago for ago in range(364) if (0 - ago) % 7 != 6], dtype=np.int64)

    week = forecasting.weekdays(ago, today=0)

    assert week.sum() == pytest.approx(7)
    assert week[6] < 0.03
    assert week[:6].min() > 1.1


def test_the_chance_to_show_is_learned_by_how_long_ago_it_was_booked():
    # 100 sessions booked three weeks before, of which 40 were withdrawn ten days before they were due
    kept = np.array([True] * 60 + [False] * 40)
    due = np.arange(100)
    bookings = Bookings(due, due + 21, np.where(kept, due, due + 10), kept)

    chances = forecasting.chance_to_show(bookings)

    assert chances[0] > 0.95  # those that still stood a week before took place
    assert chances[2] < 0.7


def test_an_item_never_used_is_believed_to_be_wanted_next_to_never():
    (learned,) = forecasting.learn(
        lines(), NO_BOOKINGS, [Vessel(100, single=False, in_use_days=28)], today=0, days=365, ahead=[[]]
    )

    assert 0 < learned.per_day * 365 < 1


def test_an_absurd_history_is_believed_as_far_as_it_can_be():
    usual = [(0, ago, 2, 0) for ago in range(100)]
    absurd = [(0, 5, -3, 0), (0, -4, 2, 0), (0, 9_999, 2, 0), (0, 6, 0, 0), (0, 7, 10**9, 0)]

    def learned(*some: tuple[int, int, int, int]) -> Demand:
        vials = [Vessel(10, single=True, in_use_days=0), Vessel(10, single=True, in_use_days=0)]
        return forecasting.learn(lines(*some), NO_BOOKINGS, vials, today=0, days=365, ahead=[[], []])[0]

    sane, strange = learned(*usual), learned(*usual, *absurd)

    assert strange.per_day == pytest.approx(sane.per_day, rel=0.05)
    assert strange.doses.max() == 200
    assert strange.containers_per_line < 2 * sane.containers_per_line


def test_lateness_and_life_are_what_receipts_show():
    late = forecasting.delivery_days(7, [3] * 96)
    life = forecasting.lives(100, [0.5] * 30, [])

    assert np.median(late) == 10
    assert late.min() == 7  # the assumption has not faded yet
    assert set(life.tolist()) == {50}
    assert forecasting.delivery_days(0, []).min() == 1
