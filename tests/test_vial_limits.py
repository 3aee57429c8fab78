"""What limits an opened vial: the strictest wins and is named, whatever the rules and the clocks do (S4)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import vials
from inventory.catalog import DoseClass, ItemKind
from inventory.clinic import Site
from inventory.vials import PreparedIn
from tests.shelf import Clinic
from tests.test_vials import LIDO, OPENED_AT, deadline, rule


@pytest.fixture
def clinic(db):
    return Clinic(db)


@pytest.mark.parametrize(
    ("zone", "opened", "expected"),
    [
        # The clocks go forward on 8 March, and back on 1 November 2026: 28 days are 672 hours all the same.
        ("America/New_York", "2026-02-20T10:00", "2026-03-20T11:00"),
        ("America/New_York", "2026-10-20T10:00", "2026-11-17T09:00"),
        ("Europe/Berlin", "2026-03-28T12:00", "2026-04-25T13:00"),
    ],
)
def test_a_day_on_which_the_clocks_change_neither_adds_nor_takes_an_hour(clinic, zone, opened, expected):
    here = ZoneInfo(zone)
    clinic.site.time_zone = zone
    opened, expected = (datetime.fromisoformat(wall).replace(tzinfo=here) for wall in (opened, expected))

    found = vials.discard_at(
        replace(LIDO, in_use_hours=None),
        expires_on=date(2027, 12, 31),
        opened_at=opened,
        prepared_in=PreparedIn.PREPARATION_AREA,
        site=clinic.site,
        rules=[rule(max_days=28)],
    )

    assert found.at == expected
    assert found.at - opened.astimezone(UTC) == timedelta(days=28)


@pytest.mark.parametrize(
    ("zone", "day", "ends"),
    [
        ("America/New_York", date(2026, 3, 8), "2026-03-09T04:00"),  # 23 hours long
        ("America/New_York", date(2026, 11, 1), "2026-11-02T05:00"),  # 25 hours long
        ("America/Santiago", date(2026, 9, 5), "2026-09-06T04:00"),  # the next day has no midnight
        ("America/Santiago", date(2026, 4, 4), "2026-04-05T04:00"),  # its last hour comes twice
        ("America/Havana", date(2026, 10, 31), "2026-11-01T04:00"),  # the next midnight comes twice
        ("Pacific/Kiritimati", date(2026, 1, 31), "2026-01-31T10:00"),
    ],
)
def test_the_printed_expiry_day_counts_to_its_last_instant_wherever_the_clocks_change(
    clinic, zone, day, ends
):
    clinic.site.time_zone = zone
    ends = datetime.fromisoformat(ends).replace(tzinfo=UTC)

    found = deadline(clinic, replace(LIDO, in_use_hours=None), expires_on=day)

    assert found.at == ends
    assert clinic.site.day(ends - timedelta(microseconds=1)) == day
    assert clinic.site.day(ends) > day


def test_a_rule_of_no_hours_ends_with_the_session_an_hour_after_it_began(clinic):
    at_once = rule("VR-21", max_hours=0, environment="treatment_room", text="treat as single-patient")

    found = deadline(clinic, rules=[at_once], prepared_in=PreparedIn.TREATMENT_ROOM)

    assert found.at == OPENED_AT + timedelta(hours=1)
    assert found.rule == "VR-21 US: treat as single-patient, until the session ends"


def test_in_a_treatment_room_the_session_is_a_limit_whether_a_rule_says_so_or_not(clinic):
    found = deadline(clinic, prepared_in=PreparedIn.TREATMENT_ROOM)

    assert found.at == OPENED_AT + timedelta(hours=1)
    assert found.rule == "treatment room: the end of the patient's session"
    tube = replace(LIDO, dose_class=DoseClass.NONE, kind=ItemKind.TOPICAL, in_use_hours=90 * 24)
    assert deadline(clinic, tube, prepared_in=PreparedIn.TREATMENT_ROOM).rule == "label: 2160 h in use"


any_rules = st.lists(
    st.builds(
        lambda number, dose, room, length, unit: rule(
            f"R-{number}", dose_class=dose, environment=room, source=f"law {number}",
            **({} if length is None else {unit: length}),
        ),
        st.integers(0, 99),
        st.sampled_from(["multi_dose", "multi_dose", "single_dose", "none"]),
        st.sampled_from(["any", "preparation_area", "treatment_room"]),
        st.none() | st.integers(0, 60),
        st.sampled_from(["max_hours", "max_days"]),
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=200, derandomize=True)
@given(
    rules=any_rules,
    label=st.none() | st.integers(1, 2400),
    shelf_days=st.integers(0, 120),
    room=st.sampled_from(PreparedIn),
    session=st.none() | st.integers(1, 600),
    zone=st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"]),
    opened=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001  (a clock on a wall)
)
def test_the_strictest_limit_wins_and_is_the_one_that_is_named(
    rules, label, shelf_days, room, session, zone, opened
):
    opened = opened.replace(tzinfo=ZoneInfo(zone))
    site = Site(code="X", country="US", region="", time_zone=zone)
    facts = {
        "expires_on": site.day(opened) + timedelta(days=shelf_days),
        "opened_at": opened,
        "prepared_in": room,
        "site": site,
        "rules": rules,
        "session_ends_at": None if session is None else opened.astimezone(UTC) + timedelta(minutes=session),
    }
    of = replace(LIDO, in_use_hours=label)

    found, every = vials.discard_at(of, **facts), vials.limits(of, **facts)

    assert found.at == min(limit.at for limit in every)
    assert found in [limit for limit in every if limit.at == found.at]
    for limit in every:
        assert limit.at.tzinfo is UTC
        assert found.at <= limit.at
    # Opening extends nothing, nothing that applies was left out, and nothing else counts.
    assert found.at <= site.end_of(facts["expires_on"])
    assert label is None or found.at <= opened.astimezone(UTC) + timedelta(hours=label)
    for one in rules:
        speaks = one.dose_class == "multi_dose" and one.environment in ("any", room)
        if speaks and one.limit():
            assert found.at <= opened.astimezone(UTC) + one.limit()
        if not speaks or one.limit() is None:
            without = {**facts, "rules": [other for other in rules if other is not one]}
            assert vials.discard_at(of, **without).at == found.at
    if room is PreparedIn.TREATMENT_ROOM:
        assert found.at <= (facts["session_ends_at"] or opened.astimezone(UTC) + timedelta(hours=1))
