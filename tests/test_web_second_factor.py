"""The second factor: nothing opens without it, no code works twice, and it can be asked of a role."""

from datetime import timedelta

import pyotp
import pytest

from api.auth import Role
from api.web import sign_ins
from api.web.sign_ins import Limits
from tests.pages import PASSWORD, House, main, said

pytest_plugins = ("tests.calls", "tests.pages")
pytestmark = pytest.mark.usefixtures("quick_passwords")


def with_second_factor(house: House, role: Role) -> pyotp.TOTP:
    browser = house.as_(role)
    browser.post(
        "/account/second-factor", browser.hidden(browser.get("/account/second-factor")) | {"start": "yes"}
    )
    page = main(browser.get("/account/second-factor"))
    secret = page.split('class="secret">')[1].split("<")[0].replace(" ", "")
    clock = pyotp.TOTP(secret)
    turned_on = browser.send("/account/second-factor", code=clock.at(house.clock.now))
    assert turned_on.headers["Location"] == "/account"
    return clock


def test_with_a_second_factor_the_password_alone_opens_nothing(house: House):
    clock = with_second_factor(house, Role.MANAGER)
    house.clock.now += timedelta(minutes=1)
    browser = house.stranger()

    answer = browser.send("/sign-in", name="Manager Person", password=PASSWORD, next="/lots")
    assert answer.headers["Location"] == "/sign-in/code?next=/lots"
    assert browser.get("/stock").status_code == 303
    half = browser.client.get_cookie("vialbook-session")

    wrong = browser.send("/sign-in/code?next=/lots", code="000000")
    assert wrong.status_code in (401, 404)
    done = browser.post(
        "/sign-in/code",
        browser.hidden(browser.get("/sign-in/code?next=/lots")) | {"code": clock.at(house.clock.now)},
    )
    whole = browser.client.get_cookie("vialbook-session")

    assert done.headers["Location"] == "/lots"
    assert half is not None
    assert whole is not None
    assert half.value != whole.value
    assert browser.get("/stock").status_code == 200


def test_no_code_works_twice(house: House):
    clock = with_second_factor(house, Role.MANAGER)
    used = clock.at(house.clock.now)  # it turned the second factor on
    browser = house.stranger()
    browser.send("/sign-in", name="Manager Person", password=PASSWORD)

    again = browser.send("/sign-in/code", code=used)

    assert again.status_code == 401
    assert "used already" in said(again)


def test_the_code_must_follow_within_five_minutes(house: House):
    clock = with_second_factor(house, Role.MANAGER)
    browser = house.stranger()
    browser.send("/sign-in", name="Manager Person", password=PASSWORD)
    house.clock.now += timedelta(minutes=5)

    assert browser.get("/sign-in/code").headers["Location"] == "/sign-in"
    assert clock.at(house.clock.now)


def test_a_role_that_needs_a_second_factor_adds_it_before_anything_else(house: House):
    accountant = house.as_(Role.ACCOUNTANT)
    assert accountant.get("/stock").status_code == 200
    with house.database.write.begin() as db:
        needed = Limits(second_factor_roles=frozenset({Role.ACCOUNTANT}))
        sign_ins.change_limits(db, needed, at=house.clock.now, by="Admin Person")

    assert accountant.get("/stock").headers["Location"] == "/account/second-factor"
    with_second_factor(house, Role.ACCOUNTANT)
    assert accountant.get("/stock").status_code == 200
    assert house.as_(Role.MANAGER).get("/stock").status_code == 200


def test_an_admin_turns_off_the_second_factor_of_a_lost_telephone(house: House):
    with_second_factor(house, Role.MANAGER)
    key = house.give_password(Role.MANAGER)
    admin = house.as_(Role.ADMIN)

    admin.post(f"/people/{key}/forget-second-factor", admin.hidden(admin.get(f"/people/{key}")))

    assert house.come_in(Role.MANAGER).headers["Location"] == "/"
