"""Closing a month on its page: the checks first, one after the other, and nothing that disagrees (B4)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from api.auth import Role
from inventory import clinic, periods, stocktake
from inventory.stocktake import Scope
from tests.deliveries import received
from tests.pages import Browser, House, main, said
from tests.test_closing import unguarded

pytest_plugins = ("tests.calls", "tests.pages")


def accountant(house: House) -> Browser:
    return house.as_(Role.ACCOUNTANT)


def test_the_last_month_that_is_over_is_closed_and_stays_closed(house: House):
    received(house, date(2025, 12, 20))
    browser = accountant(house)

    page = browser.get("/books/close")
    assert "Close December 2025" in said(page)
    assert (said(page).count("agrees"), said(page).count("done")) == (5, 6)
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
    browser = accountant(house)
    fields = browser.hidden(browser.get("/books/close"))
    monkeypatch.setattr("pricing.accounting.inventory_balance", lambda *_, **__: Decimal("164.99"))

    assert "$0.01 apart" in said(browser.get("/books/close"))
    answer = browser.post("/books/close", fields)

    assert answer.status_code == 409
    assert "2025-12 cannot be closed" in said(answer)
    with house.database.read() as db:
        assert periods.closed_through(db) is None


def test_what_is_left_to_do_is_shown_with_where_it_is_done_and_closed_over_with_a_reason(house: House):
    received(house, date(2025, 12, 20))
    with house.database.write.begin() as db:
        site = clinic.site(db, "MAIN")
        at = datetime(2025, 12, 22, 15, tzinfo=UTC)
        stocktake.begin(db, Scope(), site=site, at=at, by="test")

    manager = house.as_(Role.MANAGER)
    page = manager.get("/books/close")
    assert 'href="/counts">No count is open</a>' in page.get_data(as_text=True)
    assert "an accountant or an admin may close the month as it is" in said(page)
    assert "<form" not in main(page)
    assert manager.post("/books/close", {**manager.hidden(manager.get("/counts")), "month": "2025-12",
                                         "reason": "never mind"}).status_code == 403  # fmt: skip

    browser = accountant(house)
    assert "one count was begun and is neither posted nor given up" in said(browser.get("/books/close"))
    assert browser.send("/books/close").status_code == 409
    browser.follow(browser.send("/books/close", reason="It is posted in January"))

    page = said(browser.get("/books/close"))
    assert "closed Jan 15, 2026, 10:00" in page or "It is posted in January" in page
    assert "One count was begun" in page


def test_an_admin_opens_the_last_month_again_and_the_history_says_why(house: House):
    received(house, date(2025, 12, 20))
    accountant(house).send("/books/close")

    assert accountant(house).get("/books/reopen").status_code == 403
    admin = house.as_(Role.ADMIN)
    assert admin.send("/books/reopen").status_code == 422
    admin.follow(admin.send("/books/reopen", reason="a bill came late"))

    page = said(admin.get("/books/close"))
    assert "Close December 2025" in page
    assert "a bill came late" in page
    with house.database.read() as db:
        assert periods.closed_through(db) is None


def test_the_month_says_on_every_later_look_that_it_did_not_move(house: House):
    received(house, date(2025, 12, 20))
    browser = accountant(house)
    browser.send("/books/close")
    assert "It is as it was closed" in said(browser.get("/books?month=2025-12"))
    assert "stock, accounts and every single fact are those that were kept" in said(browser.page)

    with house.database.write.begin() as db:
        unguarded(db, "documents")
        db.execute(sa.text("UPDATE documents SET reference = 'another'"))

    assert "The facts dated up to 2025-12-31 are not those" in said(browser.get("/books?month=2025-12"))


def test_the_trial_balance_of_any_day(house: House):
    received(house, date(2025, 12, 20))
    browser = accountant(house)

    page = said(browser.get("/books/trial-balance?on=2025-12-19"))
    assert "No account was touched" in page
    page = said(browser.get("/books/trial-balance?on=2025-12-20"))
    assert "165.00" in page
    assert "together they are nothing" in page
