"""Forms that forgive: double clicks, the back button, sessions that end, and two who edit at once."""

import re
import threading
from datetime import timedelta

import pytest

from api.auth import Role
from inventory import catalog
from inventory.ledger import Movement
from tests.pages import Browser, House, main, said
from tests.shelves import count, on_hand, received

pytest_plugins = ("tests.calls", "tests.pages")


def test_a_double_click_does_it_once_and_both_answers_are_the_same(house: House):
    lot = received(house, containers=5)
    browser = house.as_(Role.MANAGER)
    fields = browser.hidden(browser.get(f"/lots/{lot}/write-off")) | {"containers": "1", "reason": "broken"}

    first = browser.post(f"/lots/{lot}/write-off", fields)
    second = browser.post(f"/lots/{lot}/write-off", fields)

    assert first.headers["Location"] == second.headers["Location"]
    assert "Wrote off" in said(browser.follow(second))
    assert on_hand(house, "HA-3") == 12


def test_two_clicks_at_the_same_time_do_it_once(house: House):
    lot = received(house, containers=9)
    browser = house.as_(Role.MANAGER)
    fields = browser.hidden(browser.get(f"/lots/{lot}/write-off")) | {"containers": "1", "reason": "broken"}
    cookie = browser.client.get_cookie("vialbook-session")
    assert cookie is not None
    answers = []

    def click() -> None:
        client = house.clinic.app.test_client()
        client.set_cookie("vialbook-session", cookie.value)
        answers.append(client.post(f"/lots/{lot}/write-off", data=fields).status_code)

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert answers == [303] * 4
    assert on_hand(house, "HA-3") == 24


def test_the_back_button_and_other_numbers_are_a_second_act_after_a_question(house: House):
    lot = received(house, containers=5)
    browser = house.as_(Role.MANAGER)
    path = f"/lots/{lot}/write-off"
    fields = browser.hidden(browser.get(path)) | {"containers": "1", "reason": "broken"}
    browser.post(path, fields)

    asked = browser.post(path, fields | {"containers": "2"})
    assert asked.status_code == 409
    assert "You have sent this form once already" in said(asked)
    assert on_hand(house, "HA-3") == 12
    again = browser.post(path, fields | browser.hidden(asked) | {"containers": "2"})

    assert again.status_code == 303
    assert on_hand(house, "HA-3") == 6


def test_a_refused_form_may_be_corrected_and_sent_under_the_same_key(house: House):
    lot = received(house, containers=5)
    browser = house.as_(Role.MANAGER)
    refused = browser.send(f"/lots/{lot}/write-off", containers="50", reason="broken")

    done = browser.post(
        f"/lots/{lot}/write-off", browser.hidden(refused) | {"containers": "5", "reason": "broken"}
    )

    assert done.status_code == 303


@pytest.mark.usefixtures("quick_passwords")
def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing_typed(house: House):
    lot = received(house)
    browser = house.as_(Role.MANAGER)
    path = f"/lots/{lot}/quarantine"
    fields = browser.hidden(browser.get(path)) | {"reason": "a long story\r\nof a wet box"}
    house.clock.now += timedelta(minutes=31)

    door = browser.post(path, fields)
    assert door.status_code == 401
    assert "Nothing you typed is lost" in said(door)
    entered = browser.hidden(door) | {"name": "Manager Person", "password": "violet harbour quietly ninety"}
    form = browser.follow(browser.post("/sign-in", entered))

    assert "of a wet box" in main(form)
    sent = browser.hidden(form)
    assert sent["request_key"] == fields["request_key"]
    assert browser.post(path, sent | {"reason": "a wet box"}).status_code == 303


def test_a_draft_is_nobody_elses(house: House):
    lot = received(house)
    manager, admin = house.as_(Role.MANAGER), house.as_(Role.ADMIN)
    fields = manager.hidden(manager.get(f"/lots/{lot}/quarantine")) | {
        "reason": "private words",
        "csrf": "old",
    }
    kept = manager.post(f"/lots/{lot}/quarantine", fields)

    assert "private words" in main(manager.follow(kept))
    assert "private words" not in main(admin.get(kept.headers["Location"]))


def test_two_who_edit_one_item_both_see_both_versions(house: House):
    first, second = house.as_(Role.MANAGER), house.as_(Role.ADMIN)
    mine = editing(first)
    theirs = editing(second)
    assert first.post("/stock/HA-3/edit", mine | {"name": "Hyaluronic, new label"}).status_code == 303

    stale = second.post("/stock/HA-3/edit", theirs | {"name": "HA 2 %", "maker": "Acme"})
    assert stale.status_code == 409
    assert "Somebody else changed this since you opened it" in said(stale)
    assert "Name Hyaluronic, new label HA 2 %" in said(stale)
    done = second.post(
        "/stock/HA-3/edit", theirs | second.hidden(stale) | {"name": "HA 2 %", "maker": "Acme"}
    )

    assert done.status_code == 303
    with house.database.read() as db:
        assert catalog.item(db, "HA-3").name == "HA 2 %"


def editing(browser: Browser) -> dict[str, str]:
    page = browser.get("/stock/HA-3/edit")
    shown = re.findall(r'<input id="f-[^"]+" name="([^"]+)" type="[a-z]+" value="([^"]*)"', main(page))
    chosen = re.findall(
        r'<select id="f-[^"]+" name="([^"]+)".*?<option value="([^"]*)" selected', main(page), re.DOTALL
    )
    return browser.hidden(page) | dict(shown) | dict(chosen) | {"active": "yes"}


def test_an_unknown_field_and_a_control_character_are_refused_by_name(house: House):
    lot = received(house)
    browser = house.as_(Role.MANAGER)

    unknown = browser.send(f"/lots/{lot}/quarantine", reason="x", role="admin")
    strange = browser.send(f"/lots/{lot}/quarantine", reason="a\x0bb")

    assert unknown.status_code == 422
    assert "Role" in said(unknown)
    assert strange.status_code == 422
    assert "U+000B" in said(strange)
    assert count(house, Movement) == 1
