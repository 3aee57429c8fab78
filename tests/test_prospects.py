"""How sure the cost of a quote is, as a call and as a page, for who keeps the books (C5, P5)."""

from decimal import Decimal

import pytest

from api.auth import Role
from tests.counter import course, drafted, issued
from tests.pages import House, said

pytest_plugins = ("tests.calls", "tests.pages", "tests.counter")


@pytest.fixture
def here(at_the_desk: House) -> House:
    """The desk of the clinic that the tests of this file share."""
    return at_the_desk


def test_the_call_foretells_every_session_with_its_chance_and_its_range(here: House):
    key = issued(here)

    seen = here.clinic.seen(f"/quotes/{key}/prospect")

    assert [one["number"] for one in seen["sessions"]] == [1, 2, 3, 4]
    for one in seen["sessions"]:
        assert Decimal(one["cost"]["low"]) <= Decimal(one["cost"]["mean"]) <= Decimal(one["cost"]["high"])
    assert Decimal(seen["whole"]["mean"]) > Decimal(seen["total"]["mean"]) > 0
    assert Decimal(seen["net"]) == Decimal(here.clinic.seen(f"/quotes/{key}")["total"])
    margin = 1 - Decimal(seen["whole"]["mean"]) / Decimal(seen["net"])
    assert abs(Decimal(seen["margin"]["rate"]) - margin) < Decimal("0.0001")
    assert seen == here.clinic.seen(f"/quotes/{key}/prospect")


def test_with_a_discount_it_says_how_many_sessions_must_be_held(here: House):
    key = drafted(here, discount="5")

    seen = here.clinic.seen(f"/quotes/{key}/prospect")

    assert Decimal(seen["discount_rate"]) > 0
    assert Decimal(seen["discount"]["expected_sessions"]) < 4
    assert Decimal(seen["discount"]["kept"]) > 0


def test_only_sessions_to_come_are_foretold(here: House):
    key = course(here)
    quote_id = here.clinic.seen(f"/courses/{key}")["quote"]
    here.clinic.made(
        "/sessions",
        {"patient_ref": "P-100", "site": "MAIN", "course": key, "at": "2026-01-15T15:00:00+00:00"},
    )

    seen = here.clinic.seen(f"/quotes/{quote_id}/prospect")

    assert [one["number"] for one in seen["sessions"]] == [2, 3, 4]


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER])
def test_who_does_not_keep_the_books_sees_neither_call_nor_page(here: House, role: Role):
    key = issued(here)

    assert here.clinic.get(f"/quotes/{key}/prospect", role=role).status_code == 403
    assert here.as_(role).get(f"/quotes/{key}/prospect").status_code == 403
    assert "How sure" not in said(here.as_(role).get(f"/quotes/{key}"))


def test_the_page_says_it_in_words(here: House):
    key = issued(here)
    browser = here.as_(Role.MANAGER)
    assert "How sure is the cost?" in said(browser.get(f"/quotes/{key}"))

    page = said(browser.get(f"/quotes/{key}/prospect"))

    assert "8 in 10: $" in page
    assert "Break-even" in page
    assert "3.7 times of 4" in page
    assert "Paid ahead and not refunded" in page
