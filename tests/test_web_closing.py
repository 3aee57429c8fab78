"""Closing a month on its page: the checks first, one after the other, and nothing that disagrees (B4)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from api.auth import Role
from inventory import periods
from tests.deliveries import received
from tests.pages import Browser, House, said

pytest_plugins = ("tests.calls", "tests.pages")


def accountant(house: House) -> Browser:
    return house.as_(Role.ACCOUNTANT)


def test_the_last_month_that_is_over_is_closed_and_stays_closed(house: House):
    received(house, date(2025, 12, 20))
    browser = accountant(house)

    page = browser.get("/books/close")
    assert "Close December 2025" in said(page)
    assert said(page).count("agrees") == 3
    answer = browser.send("/books/close")

    assert "December 2025 is closed." in said(browser.follow(answer))
    with house.database.read() as db:
        assert periods.closed_through(db) == date(2025, 12, 31)
    assert "Every month that is over is closed" in said(browser.get("/books/close"))
    with house.database.write.begin() as db, pytest.raises(periods.PeriodClosed):
        periods.refuse_closed(db, date(2025, 12, 20))


def test_a_month_that_somebody_else_closed_meanwhile_is_not_closed_twice(house: House):
    received(house, date(2025, 12, 20))
    browser = accountant(house)
    fields = browser.hidden(browser.get("/books/close"))
    house.as_(Role.MANAGER).send("/books/close")

    answer = browser.post("/books/close", fields)

    assert answer.status_code == 409
    assert "2025-12 is not the next month to close" in said(answer)


def test_months_are_closed_one_after_the_other(house: House):
    received(house, date(2025, 12, 20))
    browser = accountant(house)
    browser.send("/books/close")
    house.clock.now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    browser = house.signed_in(house.give_password(Role.ACCOUNTANT))

    assert "Close January 2026" in said(browser.get("/books/close"))


def test_a_month_that_does_not_agree_is_not_closed(house: House, monkeypatch: pytest.MonkeyPatch):
    received(house, date(2025, 12, 20))
    monkeypatch.setattr("pricing.accounting.inventory_balance", lambda *_, **__: Decimal("164.99"))
    browser = accountant(house)

    assert "$0.01 apart" in said(browser.get("/books/close"))
    answer = browser.send("/books/close")

    assert answer.status_code == 409
    assert "December 2025 cannot be closed" in said(answer)
    with house.database.read() as db:
        assert periods.closed_through(db) is None
