"""Coming in: passwords, sessions that end, second factors, throttling, the first admin, the demo people."""

from base64 import urlsafe_b64encode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from api.auth import Role
from api.web import accounts, passwords, throttle
from api.web.passwords import Credential, WeakPassword
from api.web.sign_ins import SignIn
from tests.pages import PASSWORD, Browser, House, main, said

pytest_plugins = ("tests.calls", "tests.pages")
pytestmark = pytest.mark.usefixtures("quick_passwords")


def test_name_and_password_lead_to_the_page_that_was_asked_for(house: House):
    house.give_password(Role.MANAGER)
    browser = house.stranger()

    asked = browser.get("/stock?q=ha")
    assert asked.status_code == 303
    assert asked.headers["Location"] == "/sign-in?next=/stock%3Fq%3Dha"
    door = browser.follow(asked)
    fields = browser.hidden(door) | {"name": "manager person", "password": PASSWORD}
    answer = browser.post("/sign-in", fields)

    assert answer.headers["Location"] == "/stock?q=ha"
    assert browser.follow(answer).status_code == 200
    assert "Manager Person" in browser.get("/").get_data(as_text=True)


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(house: House):
    house.give_password(Role.MANAGER)

    wrong = house.come_in(Role.MANAGER, "violet harbour quietly eighty")
    unknown = house.stranger().send("/sign-in", name="Nobody Here", password=PASSWORD)

    assert wrong.status_code == unknown.status_code == 401
    assert said(wrong) == said(unknown).replace("Nobody Here", "Manager Person")
    assert "do not belong together" in said(wrong)


def test_somebody_without_a_password_cannot_sign_in_with_an_empty_one(house: House):
    assert house.come_in(Role.ACCOUNTANT, "").status_code == 401


def test_the_next_address_is_one_of_ours_or_the_first_page(house: House):
    house.give_password(Role.MANAGER)
    for elsewhere in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
    ):
        browser = house.stranger()
        fields = browser.hidden(browser.get("/sign-in"))
        answer = browser.post(
            "/sign-in", fields | {"name": "Manager Person", "password": PASSWORD, "next": elsewhere}
        )

        assert answer.headers["Location"] == "/"


def test_signing_in_gives_the_browser_a_new_name_and_ends_the_old_session(house: House):
    browser = house.as_(Role.MANAGER)
    before = browser.client.get_cookie("vialbook-session")

    fields = browser.hidden(browser.get("/account"))
    browser.post("/sign-in", fields | {"name": "Manager Person", "password": PASSWORD})
    after = browser.client.get_cookie("vialbook-session")

    assert before is not None
    assert after is not None
    assert before.value != after.value
    thief = house.stranger()
    thief.client.set_cookie("vialbook-session", before.value)
    assert thief.get("/stock").status_code == 303


def test_the_cookie_cannot_be_read_by_a_script_nor_sent_from_elsewhere(house: House):
    house.give_password(Role.MANAGER)

    plain = house.come_in(Role.MANAGER).headers.getlist("Set-Cookie")
    session = next(cookie for cookie in plain if cookie.startswith("vialbook-session="))

    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    assert "Secure" not in session  # there is no TLS on the machine itself


def test_over_tls_the_cookie_belongs_to_this_host_alone(house: House):
    house.give_password(Role.MANAGER)
    browser = house.stranger()
    page = browser.client.get("/sign-in", base_url="https://book.example")
    fields = browser.hidden(page) | {"name": "Manager Person", "password": PASSWORD}

    answer = browser.client.post("/sign-in", data=fields, base_url="https://book.example")

    session = next(cookie for cookie in answer.headers.getlist("Set-Cookie") if "session=" in cookie)
    assert session.startswith("__Host-vialbook-session=")
    assert "Secure" in session
    assert "Path=/" in session
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_of_the_cookie_and_the_password_only_digests_are_kept(house: House):
    browser = house.as_(Role.MANAGER)
    cookie = browser.client.get_cookie("vialbook-session")

    with house.database.read() as db:
        kept = [*db.scalars(sa.select(SignIn.token_hash)), *db.scalars(sa.select(Credential.password_hash))]

    assert cookie is not None
    assert cookie.value not in kept
    assert PASSWORD not in "".join(kept)
    assert any(text.startswith("$argon2id$") for text in kept)


def test_a_password_that_was_hashed_otherwise_than_today_is_hashed_anew_by_signing_in(house: House):
    house.give_password(Role.MANAGER)
    earlier = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)

    def kept() -> str:
        with house.database.read() as db:
            return db.scalars(sa.select(Credential.password_hash)).one()

    with house.database.write.begin() as db:
        db.execute(sa.update(Credential).values(password_hash=earlier))
    refused, after_it = house.come_in(Role.MANAGER, PASSWORD + "!"), kept()
    first, then = house.come_in(Role.MANAGER), kept()
    second, last = house.come_in(Role.MANAGER), kept()

    assert (refused.status_code, first.status_code, second.status_code) == (401, 303, 303)
    assert after_it == earlier
    assert not passwords.HASHER.check_needs_rehash(then)
    assert last == then  # once


def test_a_session_ends_after_half_an_hour_without_use_and_lives_on_with_it(house: House):
    browser = house.as_(Role.MANAGER)

    for _ in range(3):
        house.clock.now += timedelta(minutes=29)
        assert browser.get("/stock").status_code == 200
    house.clock.now += timedelta(minutes=30)

    assert browser.get("/stock").status_code == 303


def test_a_session_ends_after_twelve_hours_however_busy(house: House):
    browser = house.as_(Role.MANAGER)
    began = house.clock.now

    while house.clock.now - began < timedelta(hours=11, minutes=30):
        house.clock.now += timedelta(minutes=20)
        assert browser.get("/vials").status_code == 200
    house.clock.now = began + timedelta(hours=12)

    assert browser.get("/vials").status_code == 303


def test_signing_out_ends_the_session_in_the_book_too(house: House):
    browser = house.as_(Role.MANAGER)
    cookie = browser.client.get_cookie("vialbook-session")

    answer = browser.post("/sign-out", browser.hidden(browser.get("/account")))
    assert cookie is not None
    browser.client.set_cookie("vialbook-session", cookie.value)

    assert answer.headers["Location"] == "/sign-in"
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert browser.get("/stock").status_code == 303


def test_an_admin_who_puts_somebody_out_has_them_out_at_once(house: House):
    manager = house.as_(Role.MANAGER)
    key = house.give_password(Role.MANAGER)
    admin = house.as_(Role.ADMIN)

    admin.post(f"/people/{key}/end-sessions", admin.hidden(admin.get(f"/people/{key}")))

    assert manager.get("/stock").status_code == 303


def test_a_new_role_holds_from_the_next_request_on(house: House):
    manager = house.as_(Role.MANAGER)
    key = house.give_password(Role.MANAGER)
    assert manager.get("/receive").status_code == 200

    house.as_(Role.ADMIN).send(f"/people/{key}", role="front_desk", active="yes")

    assert manager.get("/receive").status_code == 403


def test_after_five_failures_an_account_waits_and_another_does_not(house: House):
    house.give_password(Role.MANAGER)
    house.give_password(Role.ACCOUNTANT)
    for _ in range(throttle.FREE_BY_ACCOUNT):
        assert house.come_in(Role.MANAGER, "wrong wrong wrong").status_code == 401

    refused = house.come_in(Role.MANAGER)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "61"
    assert "Try again in 61 seconds" in said(refused)
    assert house.come_in(Role.ACCOUNTANT).status_code == 303

    house.clock.now += timedelta(seconds=61)
    assert house.come_in(Role.MANAGER).status_code == 303


def test_an_address_that_tries_many_names_waits_for_all_of_them(house: House):
    house.give_password(Role.MANAGER)
    for number in range(throttle.FREE_BY_ADDRESS):
        house.stranger().send("/sign-in", name=f"Guess {number}", password="x")

    assert house.come_in(Role.MANAGER).status_code == 429


def test_tries_at_once_are_counted_one_by_one(house: House):
    house.give_password(Role.MANAGER)
    fields = [(browser := house.stranger(), browser.hidden(browser.get("/sign-in"))) for _ in range(16)]

    def guess(one: tuple[Browser, dict[str, str]]) -> int:
        typed = {"name": house.name_of(Role.MANAGER), "password": "wrong wrong wrong"}
        return one[0].post("/sign-in", one[1] | typed).status_code

    with ThreadPoolExecutor(8) as people:
        told = Counter(people.map(guess, fields))

    assert told == {401: throttle.FREE_BY_ACCOUNT, 429: 16 - throttle.FREE_BY_ACCOUNT}


def test_of_an_ipv6_address_only_the_half_that_its_owner_cannot_choose_is_counted(house: House):
    for number in range(throttle.FREE_BY_ADDRESS):
        browser = house.stranger()
        typed = browser.hidden(browser.get("/sign-in")) | {"name": f"Guess {number}", "password": "x"}
        near = {"REMOTE_ADDR": f"2001:db8:1:2::{number:x}"}
        assert browser.client.post("/sign-in", data=typed, environ_base=near).status_code == 401

    def status(address: str) -> int:
        return browser.client.post("/sign-in", data=typed, environ_base={"REMOTE_ADDR": address}).status_code

    assert status("2001:db8:1:2:ffff::1") == 429
    assert status("2001:db8:1:3::1") == 401


@pytest.mark.parametrize("said", ["5", "null", "[" * 3_000, '["done"]', '{"a": 1, "b": 2}', "%"])
def test_a_notice_that_is_none_of_ours_is_not_shown(house: House, said):
    browser = house.as_(Role.FRONT_DESK)
    browser.client.set_cookie("vialbook-notice", urlsafe_b64encode(said.encode()).decode())

    assert browser.get("/account").status_code == 200


@pytest.mark.parametrize("held", ["[" * 100_000, '{"a":' * 50_000, "5", '"x"', "{"])
def test_what_a_form_held_may_be_anything_and_signing_in_goes_on(house: House, held):
    house.give_password(Role.MANAGER)

    answer = house.stranger().send(
        "/sign-in", name=house.name_of(Role.MANAGER), password=PASSWORD, held=held, next="/"
    )

    assert answer.status_code == 303


def test_one_good_sign_in_forgets_the_failures_before_it(house: House):
    house.give_password(Role.MANAGER)
    for _ in range(3):
        for _ in range(throttle.FREE_BY_ACCOUNT - 1):
            house.come_in(Role.MANAGER, "wrong wrong wrong")
        assert house.come_in(Role.MANAGER).status_code == 303


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short pass", "12 to 128 characters, not 10"),
        ("x" * 129, "12 to 128 characters, not 129"),
        ("password1234", "hard to guess"),
        ("manager person", "hard to guess"),
        ("aaaaaaaaaaaaaaa", "hard to guess"),
    ],
)
def test_a_password_that_can_be_guessed_is_refused_and_says_what_would_do(password, why):
    with pytest.raises(WeakPassword, match=why):
        passwords.check_strength(password, name="Manager Person")


def test_any_letters_will_do_for_a_password():
    passwords.check_strength("лиловая гавань тихо", name="Manager Person")
    passwords.check_strength("k2hf-9sxm-qwrt", name="Manager Person")


def test_a_new_password_needs_the_present_one_and_ends_the_other_sessions(house: House):
    here = house.as_(Role.MANAGER)
    elsewhere = house.signed_in(house.give_password(Role.MANAGER))
    new = "seven lanterns under the bridge"

    refused = here.send("/account/password", password="not that one at all", new_password=new)
    assert refused.status_code == 403
    assert "The present password is not that one." in said(refused)
    assert new not in refused.get_data(as_text=True)
    assert elsewhere.get("/stock").status_code == 200

    assert here.send("/account/password", password=PASSWORD, new_password=new).status_code == 303
    assert here.get("/stock").status_code == 200
    assert elsewhere.get("/stock").status_code == 303
    assert house.come_in(Role.MANAGER, new).status_code == 303


def test_who_was_given_a_password_by_an_admin_chooses_their_own_first(house: House):
    house.give_password(Role.FRONT_DESK)
    with house.database.read() as db:
        key = accounts.by_name(db, "Front Desk Person").id  # type: ignore[union-attr]
    admin = house.as_(Role.ADMIN)
    told = admin.post(f"/people/{key}/reset-password", admin.hidden(admin.get(f"/people/{key}")))
    password = main(told).split('class="secret">')[1].split("<")[0]

    browser = house.stranger()
    browser.follow(browser.send("/sign-in", name="Front Desk Person", password=password))

    assert browser.get("/stock").headers["Location"] == "/account/password"
    changed = browser.send("/account/password", password=password, new_password="seven lanterns under it")
    assert changed.status_code == 303
    assert browser.get("/stock").status_code == 200
