"""Letting people in: the first admin, the demo people, sites, and who cannot be put out."""

import pytest
import sqlalchemy as sa

from api.auth import Person, Role
from api.web import accounts
from inventory import clinic
from tests.pages import PASSWORD, House, main, said

pytest_plugins = ("tests.calls", "tests.pages")
pytestmark = pytest.mark.usefixtures("quick_passwords")


def test_sessions_that_could_not_be_are_refused(house: House):
    refused = house.as_(Role.ADMIN).send("/access", idle_minutes="1", longest_hours="12")

    assert refused.status_code == 422
    assert "Must be from 5 to 240." in said(refused)


def test_the_last_admin_cannot_be_put_out(house: House):
    key = house.give_password(Role.ADMIN)

    refused = house.as_(Role.ADMIN).send(f"/people/{key}", role="manager", active="yes")

    assert refused.status_code == 409
    assert "the last admin who can sign in" in said(refused)


@pytest.fixture
def empty_house(house: House) -> House:
    """A book with nobody in it."""
    with house.database.write.begin() as db:
        db.execute(sa.delete(Person))
    return house


def test_in_a_new_book_the_printed_secret_makes_the_first_admin_once(empty_house: House):
    house = empty_house
    with house.database.write.begin() as db:
        secret = accounts.new_first_secret(db, at=house.clock.now)
    assert secret is not None
    browser = house.stranger()
    assert browser.get("/").headers["Location"] == "/first-start"

    wrong = browser.send("/first-start", secret="nope-nope", name="Nora First", new_password=PASSWORD)
    assert wrong.status_code == 403
    assert "not the secret that the program printed" in said(wrong)
    assert 'value="Nora First"' in main(wrong)

    done = browser.send("/first-start", secret=secret, name="Nora First", new_password=PASSWORD)
    assert browser.follow(done).status_code in (200, 409)  # a book without a site has no shelf to show
    assert browser.get("/people").status_code == 200
    assert house.stranger().get("/first-start").headers["Location"] == "/sign-in"
    with house.database.write.begin() as db:
        assert accounts.new_first_secret(db, at=house.clock.now) is None


def test_demo_people_sign_in_on_the_machine_itself_only(house: House):
    with house.database.write.begin() as db:
        demo = accounts.add_demo_people(db, at=house.clock.now)
        accounts.refuse_demo_abroad(db, "127.0.0.1")
        accounts.refuse_demo_abroad(db, "::1")
        accounts.refuse_demo_abroad(db, "localhost")
        for host in ("0.0.0.0", "192.168.1.20", "::", "book.example"):
            with pytest.raises(accounts.DemoPeopleAbroad, match="share a printed password"):
                accounts.refuse_demo_abroad(db, host)
    assert set(demo.names) == set(Role)

    browser = house.stranger()
    fields = browser.hidden(browser.get("/sign-in")) | {"name": "demo manager", "password": demo.password}
    from_afar = browser.client.post("/sign-in", data=fields, environ_base={"REMOTE_ADDR": "192.168.1.9"})
    assert from_afar.status_code == 401
    proxied = browser.post("/sign-in", fields, **{"X-Forwarded-For": "192.168.1.9"})  # and nobody said so
    assert proxied.status_code == 401
    assert browser.post("/sign-in", fields).status_code == 303


def test_a_person_of_one_site_sees_no_other(house: House):
    with house.database.write.begin() as db:
        second = clinic.open_site(
            db, code="SECOND", name="Harbour", country="US", region="North America", time_zone="UTC"
        )
        person = accounts.by_name(db, house.name_of(Role.PRACTITIONER))
        assert person is not None
        accounts.set_sites(db, person, [second.id])

    practitioner, manager = house.as_(Role.PRACTITIONER), house.as_(Role.MANAGER)

    assert "Main Street" not in practitioner.get("/stock").get_data(as_text=True)
    assert "Main Street" in manager.get("/stock").get_data(as_text=True)
    refused = practitioner.hidden(practitioner.get("/account"))
    practitioner.post("/site", refused | {"site": "MAIN", "next": "/stock"})
    assert "Main Street" not in practitioner.get("/stock").get_data(as_text=True)
    manager.post("/site", manager.hidden(manager.get("/account")) | {"site": "SECOND", "next": "/stock"})
    assert '<option value="SECOND" selected>' in manager.get("/stock").get_data(as_text=True)
