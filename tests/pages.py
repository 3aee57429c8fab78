"""Looking at the pages as people do: a browser without a script, one for each role, over a stopped clock."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from html import unescape

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.auth import Person, Role
from api.web import accounts, passwords, sign_ins
from api.web.sign_ins import Stage
from inventory import allocations, catalog, clinic, receiving
from inventory.allocations import Promise
from inventory.database import Database
from inventory.receiving import Delivery
from tests.calls import Clinic, Clock, opened

TODAY = date(2026, 1, 15)
PASSWORD = "violet harbour quietly ninety"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Browser:
    """One browser: its cookies, and the page it looks at."""

    client: FlaskClient
    page: TestResponse | None = None

    def get(self, path: str, **headers: str) -> TestResponse:
        self.page = self.client.get(path, headers=headers)
        return self.page

    def post(self, path: str, fields: dict[str, str], **headers: str) -> TestResponse:
        """Send exactly these fields."""
        self.page = self.client.post(path, data=fields, headers=headers)
        return self.page

    def send(self, path: str, **typed: str) -> TestResponse:
        """Open the form at an address, fill it in, send it."""
        hidden = self.hidden(self.get(path))
        return self.post(path, hidden | typed)

    def hidden(self, page: TestResponse) -> dict[str, str]:
        """What the form of a page carries unseen; of several forms on it the last."""
        token = [found for found in HIDDEN.findall(page.get_data(as_text=True)) if found[0] == "csrf"]
        return {name: unescape(value) for name, value in [*token, *HIDDEN.findall(main(page))]}

    def follow(self, answer: TestResponse) -> TestResponse:
        """Go where an answer sends the browser."""
        assert answer.status_code == 303, answer.get_data(as_text=True)[:2000]
        return self.get(answer.headers["Location"])


@dataclass
class House:
    """The clinic with its pages: `house.as_(Role.MANAGER)` is a browser in which the manager is signed in."""

    clinic: Clinic
    browsers: dict[Role, Browser] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.clinic.database

    @property
    def clock(self) -> Clock:
        return self.clinic.clock

    def stranger(self) -> Browser:
        return Browser(self.clinic.app.test_client())

    def as_(self, role: Role) -> Browser:
        """A browser in which somebody of the role is signed in; the same one each time."""
        if role not in self.browsers:
            self.browsers[role] = self.signed_in(self.give_password(role))
        return self.browsers[role]

    def signed_in(self, person_id: int) -> Browser:
        """A browser in which this person is signed in, without going through the door."""
        browser = self.stranger()
        with self.database.write.begin() as db:
            token = sign_ins.begin(db, accounts.person(db, person_id), stage=Stage.DONE, at=self.clock.now)
        browser.client.set_cookie("vialbook-session", token)
        return browser

    def name_of(self, role: Role) -> str:
        return f"{role.spoken.title()} Person"

    def give_password(self, role: Role) -> int:
        """Let the person of a role sign in with PASSWORD; answers their key."""
        with self.database.write.begin() as db:
            person = db.scalar(sa.select(Person).where(Person.name == self.name_of(role)))
            assert person is not None
            passwords.set_password(db, person, PASSWORD, at=self.clock.now)
            return person.id

    def come_in(self, role: Role, password: str = PASSWORD, browser: Browser | None = None) -> TestResponse:
        """Through the door: name and password."""
        browser = browser or self.stranger()
        return browser.send("/sign-in", name=self.name_of(role), password=password)


def main(page: TestResponse) -> str:
    """The content of a page, without the frame around it."""
    text = page.get_data(as_text=True)
    found = re.search(r"<main.*</main>", text, re.DOTALL)
    return found[0] if found else text


def said(page: TestResponse) -> str:
    """The content as it is read: without tags, spaces as one."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main(page))).split())


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    """A clinic of the test's own, with its pages."""
    with opened(database) as found:
        yield House(found)


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with as little work as it takes: its strength is its own tests' part."""
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords.nobody.cache_clear()


def promised(house: House, sku: str, quantity: str, *, due_on: date, site: str = "MAIN") -> None:
    """A booked session that will need so much."""
    with house.database.write.begin() as db:
        allocations.allocate(
            db,
            [Promise(catalog.item(db, sku).id, due_on, Decimal(quantity))],
            site_id=clinic.site(db, site).id,
            reference=f"course 1 session {due_on}",
            patient_ref="P-7",
            at=house.clock.now,
        )


def received(house: House, sku: str, containers: int, *, expires_on: date) -> None:
    """A delivery of the day at the main site."""
    with house.database.write.begin() as db:
        receiving.receive(
            db,
            Delivery(catalog.item(db, sku), "A1", expires_on, containers, Decimal("10.00")),
            site=clinic.site(db, "MAIN"),
            received_on=TODAY,
            recorded_at=house.clock.now,
            by="Manager Person",
        )
