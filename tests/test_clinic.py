"""The clinic: its sites with their places and clocks, and settings that keep their history."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import clinic
from inventory.clinic import (
    BadSetting,
    CostFormula,
    PlaceKind,
    Setting,
    SiteTaken,
    UnknownSetting,
    UnknownSite,
)

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def open_site(db, code="MAIN", time_zone="America/New_York"):
    return clinic.open_site(
        db, code=code, name="Main street", country="US", region="North America", time_zone=time_zone
    )


def test_a_new_site_has_one_place_of_each_kind(db):
    main = open_site(db)
    branch = open_site(db, code="BRANCH")

    places = clinic.places(db, main.id)

    assert set(places) == set(PlaceKind)
    assert not set(places.values()) & set(clinic.places(db, branch.id).values())
    assert clinic.site(db, "MAIN") is main


def test_only_places_inside_the_clinic_hold_its_stock(db):
    places = clinic.places(db, open_site(db).id)

    assert clinic.held_places(db) == {
        places[kind]: kind
        for kind in (PlaceKind.SHELF, PlaceKind.OPENED, PlaceKind.QUARANTINE, PlaceKind.TRANSIT)
    }


def test_an_unknown_site_is_refused_by_its_code(db):
    open_site(db)

    with pytest.raises(UnknownSite, match="No site has the code 'MIAN'."):
        clinic.site(db, "MIAN")


def test_two_sites_cannot_have_one_code(db):
    open_site(db)

    with pytest.raises(SiteTaken, match="A site with the code MAIN is open already."):
        open_site(db)


@pytest.mark.parametrize("nowhere", ["Mars/Base", "", "America", "../etc/passwd", "a" * 400, "UTC\0"])
def test_a_site_needs_a_real_time_zone(db, nowhere):
    with pytest.raises(BadSetting, match="is not a time zone"):
        open_site(db, time_zone=nowhere)

    assert db.scalar(sa.select(sa.func.count()).select_from(clinic.Site)) == 0


def test_a_day_at_a_site_begins_and_ends_by_its_own_clock(db):
    new_york = open_site(db)
    tokyo = open_site(db, code="TOKYO", time_zone="Asia/Tokyo")
    late_evening_in_new_york = datetime(2026, 1, 16, 3, 30, tzinfo=UTC)

    assert new_york.day(late_evening_in_new_york) == date(2026, 1, 15)
    assert tokyo.day(late_evening_in_new_york) == date(2026, 1, 16)
    assert new_york.end_of(date(2026, 1, 15)) == datetime(2026, 1, 16, 5, 0, tzinfo=UTC)


def test_the_day_on_which_clocks_change_still_ends_at_midnight(db):
    new_york = open_site(db)

    assert new_york.end_of(date(2026, 3, 7)) == datetime(2026, 3, 8, 5, 0, tzinfo=UTC)
    assert new_york.end_of(date(2026, 3, 8)) == datetime(2026, 3, 9, 4, 0, tzinfo=UTC)


def test_settings_begin_with_defaults_and_each_default_has_a_source(db):
    settings = clinic.settings(db)

    assert settings == clinic.Settings()
    assert settings.cost_formula is CostFormula.SPECIFIC
    assert settings.target_margin_rate == Decimal("0.50")
    assert set(clinic.SOURCES) == set(clinic.Settings.__dataclass_fields__)


def test_a_source_is_told_in_words_of_the_clinic_and_not_in_numbers_of_our_rules():
    for source in clinic.SOURCES.values():
        assert not re.search(r"domain|section|rule|\b[A-Z]{1,2}-?\d", source), source


def test_the_latest_value_of_a_setting_counts_and_the_earlier_ones_are_kept(db):
    clinic.change_setting(db, "overhead_rate", "0.20", at=NOON, by="mara", reason="rent rose")
    clinic.change_setting(db, "overhead_rate", "0.18", at=NOON, by="mara")
    clinic.change_setting(db, "cost_formula", "fifo", at=NOON, by="mara")

    settings = clinic.settings(db)

    assert (settings.overhead_rate, settings.cost_formula) == (Decimal("0.18"), CostFormula.FIFO)
    history = db.execute(sa.select(Setting.value, Setting.reason).where(Setting.key == "overhead_rate"))
    assert sorted(map(tuple, history)) == [("0.18", ""), ("0.20", "rent rose")]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("overhead_rate", "fifteen", "'fifteen' cannot be the setting overhead_rate."),
        ("overhead_rate", "", "'' cannot be the setting overhead_rate."),
        ("overhead_rate", "-0.01", "-0.01 is out of range for the setting overhead_rate."),
        ("overhead_rate", "NaN", "NaN is out of range for the setting overhead_rate."),
        ("overhead_rate", "Infinity", "Infinity is out of range for the setting overhead_rate."),
        ("overhead_rate", "0.1234567", "0.1234567 has more than 6 decimals"),
        ("target_margin_rate", "1", "target_margin_rate is a fraction below 1, not 1."),
        ("target_margin_rate", "50", "target_margin_rate is a fraction below 1, not 50."),
        ("service_level", "1.00", "service_level is a fraction below 1, not 1.00."),
        ("price_step", "0.00", "price_step must be above 0."),
        ("price_step", "0.001", "0.001 has more than 2 decimals"),
        ("validity_days", "30.5", "'30.5' cannot be the setting validity_days."),
        ("validity_days", "1000000", "1000000 is out of range for the setting validity_days."),
        ("usage_window_days", "0", "usage_window_days must be above 0."),
        ("cost_formula", "lifo", "'lifo' cannot be the setting cost_formula."),
        ("currency", "dollars", "'dollars' is not a currency: three capital letters, such as USD."),
        ("clinic_name", "a" * 201, "The setting clinic_name takes 200 characters, not 201."),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_nothing_is_added(db, key, value, sentence):
    with pytest.raises(BadSetting) as refused:
        clinic.change_setting(db, key, value, at=NOON, by="mara")

    assert str(refused.value).startswith(sentence)
    assert clinic.settings(db) == clinic.Settings()


def test_an_unknown_setting_is_refused_by_its_name(db):
    with pytest.raises(UnknownSetting, match="No setting is called 'overhead'."):
        clinic.change_setting(db, "overhead", "0.20", at=NOON, by="mara")
