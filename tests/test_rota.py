"""The rota: what is due for a count, by a year's use and by what is on the shelf (S11)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import rota
from inventory.rota import DAYS, ItemFacts
from tests.counting import begin, post, stocked, write
from tests.shelf import RECEIVED_ON, TODAY

values = st.dictionaries(st.integers(1, 30), st.decimals(0, 9999, places=2), max_size=12)


def facts(sku, used, held, *, since="2025-01-01", counted=None):
    when = None if counted is None else date.fromisoformat(counted)
    return ItemFacts(
        int.from_bytes(sku.encode()), sku, sku, Decimal(used), Decimal(held), date.fromisoformat(since), when
    )


def test_four_fifths_of_the_money_is_a_and_the_last_twentieth_is_c():
    found = rota.grades({1: Decimal(70), 2: Decimal(15), 3: Decimal(11), 4: Decimal(4), 5: Decimal(0)})

    assert found == {1: "A", 2: "A", 3: "B", 4: "C", 5: "C"}


def test_the_stricter_of_use_and_worth_counts():
    rows = rota.rota([facts("USED", 900, 1), facts("HELD", 1, 900), facts("SPARE", 1, 1)])

    assert {row.sku: row.grade for row in rows} == {"USED": "A", "HELD": "A", "SPARE": "C"}


@pytest.mark.parametrize(
    ("since", "counted", "due_on"),
    [
        ("2025-01-01", None, "2025-04-02"),
        ("2025-01-01", "2025-12-31", "2026-04-01"),
        ("2026-01-10", "2025-06-30", "2026-04-11"),  # gone and come back meanwhile
    ],
)
def test_an_item_is_due_so_many_days_after_its_last_count_or_its_arrival(since, counted, due_on):
    (row,) = rota.rota([facts("HA", 10, 10, since=since, counted=counted)])

    assert row.grade == "A"
    assert row.due_on == date.fromisoformat(due_on)


def test_the_most_overdue_comes_first():
    rows = rota.rota([
        facts("NEW", 100, 100, since="2026-01-01"), facts("OLD", 100, 100), facts("CHEAP", 0, 0),
    ])  # fmt: skip

    assert [row.sku for row in rows] == ["OLD", "CHEAP", "NEW"]


@given(values)
def test_whatever_things_are_worth_each_has_a_grade_and_none_is_above_one_worth_more(worth):
    found = rota.grades(worth)

    assert found.keys() == worth.keys()
    assert all(found[one] <= found[other] for one in worth for other in worth if worth[one] > worth[other])
    top = [key for key, grade in found.items() if grade == "A"]
    if any(worth.values()):
        assert sum(worth[key] for key in top) >= Decimal("0.8") * sum(worth.values())


def test_the_rota_of_a_site_knows_what_was_used_is_held_and_was_counted(db):
    clinic = stocked(db)
    clinic.treat("P-2", "HA 6")

    rows = {row.sku: row for row in rota.read(db, site=clinic.site, on=TODAY)}

    assert {
        sku: (row.used_value, row.held_value, row.since, row.counted_on) for sku, row in rows.items()
    } == {
        "HA": (Decimal("33.00"), Decimal("221.50"), RECEIVED_ON, None),
        "LIDO": (Decimal("1.50"), Decimal("28.47"), RECEIVED_ON, None),
        "NEEDLE": (0, Decimal("7.00"), RECEIVED_ON, None),
    }
    assert rota.due(db, site=clinic.site, on=TODAY) == []
    soon = RECEIVED_ON + timedelta(days=DAYS["A"])
    assert [row.sku for row in rota.due(db, site=clinic.site, on=soon)] == ["HA"]
    sheet = begin(clinic, item_ids=[clinic.item("HA").id])
    write(clinic, sheet, A17=24)
    post(clinic, sheet, leave_uncounted=True)
    assert rota.due(db, site=clinic.site, on=soon) == []
