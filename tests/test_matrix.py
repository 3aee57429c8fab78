"""Roles, routes and states of a person: who was put out, whose session is over, who sees no costs (P5)."""

import io
import logging
import re
from collections.abc import Iterator
from datetime import timedelta

import openpyxl
import pypdfium2
import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from api import auth, watching
from api.auth import Person, Role
from api.migrations.tables import every_table
from api.web import passwords, rights, sign_ins
from inventory.database import Database
from tests import site_rules
from tests.calls import BASE, NOW, Clinic, opened
from tests.corpus.clinic import digest, furnish
from tests.pages import PASSWORD, House
from tests.test_api_sites import RECEIPT, USE
from tests.test_web_second_factor import with_second_factor

pytest_plugins = ("tests.calls", "tests.pages")

PLANTED = "98765.43"
TELLING = ("98765", "98,765", "197530", "32921")  # of a vial, of two, of a millilitre
There = tuple[House, dict[str, int]]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    """A clinic with something of most, and one vial that cost far more than anything else, and was used.

    In a file: who may what does not depend on the database, which the other tests of rights ask of both.
    """
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('matrix') / 'book.sqlite'}")
    every_table().create_all(database.engine)
    with opened(database, stocked=False) as found:
        keys = dict.fromkeys(site_rules.KEYS.values(), 1) | furnish(found)
        dear = RECEIPT | {"unit_cost": PLANTED, "expires_on": "2026-02-01", "containers": 2, "site": "MAIN"}
        received = found.made("/receipts", dear | {"lot_number": "DEAR"})
        keys |= {"receipt": received["id"], "only_south": received["lot"]["id"]}
        keys["session"] = found.made("/sessions", {"patient_ref": "P-55", "site": "MAIN"} | USE)["id"]
        keys["movement"] = max(one["id"] for one in found.seen("/movements?limit=500")["items"])
        yield House(found), keys
    database.engine.dispose()


def calls(keys: dict[str, int]) -> Iterator[tuple[str, str, str]]:
    """Every call and page: its name in the table, its method, and an address of something that is there."""
    for call in (*auth.MAY, *rights.MAY):
        method, _, rule = call.partition(" ")
        address = site_rules.example(rule, keys).replace("<path:patient_ref>", "P-55")
        yield call, method, re.sub(r"<[^>]*>", "1", address).replace("SOUTH", "MAIN")


def read(answer: TestResponse) -> str:
    """What an answer says, whatever kind of file it is."""
    data = answer.get_data()
    if data[:4] == b"%PDF":
        return "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(data))
    if data[:2] == b"PK":
        book = openpyxl.load_workbook(io.BytesIO(data))
        return " ".join(
            str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row
        )
    return data.decode(errors="replace")


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.MANAGER])
def test_a_cost_is_told_to_no_one_who_may_not_see_it_in_whatever_form(there, role):
    house, keys = there
    told, kinds = {}, set()
    for call, method, address in calls(keys):
        if method != "GET" or role not in (auth.MAY | rights.MAY)[call]:
            continue
        asked = address + ("?from=2026-01-01&to=2026-01-31" if "exports" in address else "")
        asked += f"?vials={keys['vial']}" if address.endswith("labels.pdf") else ""
        pages = not address.startswith("/api")
        answer = house.as_(role).get(asked) if pages else house.clinic.get(asked, role=role)
        assert answer.status_code < 500, (call, read(answer)[:300])
        kinds.add(answer.mimetype)
        if any(number in read(answer) for number in TELLING):
            told[call] = answer.status_code

    assert {"application/json", "text/html", "application/pdf"} <= kinds
    if role is Role.MANAGER:  # who does see it, in each of the forms
        assert {f"GET {BASE}/lots", "GET /lots/<id:lot_id>", f"GET {BASE}/exports/accounting.xlsx"} <= set(
            told
        )
    else:
        assert told == {}


@pytest.fixture
def put_out(there: There) -> Iterator[There]:
    """The manager is no longer active."""
    house, keys = there
    house.as_(Role.MANAGER)
    change(house, active=False)
    yield house, keys
    change(house, active=True)


def change(house: House, *, active: bool) -> None:
    with house.database.write.begin() as db:
        db.execute(sa.update(Person).where(Person.name == "Manager Person").values(active=active))


def test_who_was_put_out_does_nothing_any_more_by_token_or_by_cookie(put_out):
    house, keys = put_out
    before = digest(house.database)
    for call, method, address in calls(keys):
        body = {} if method != "GET" else None
        if address.startswith("/api"):
            assert house.clinic.call(method, address, body).status_code == 401, call
        else:
            answer = house.as_(Role.MANAGER).client.open(address, method=method)
            assert answer.status_code in (303, 401), call
            assert "/sign-in" in answer.headers.get("Location", "/sign-in"), call

    assert digest(house.database) == before
    assert house.come_in(Role.MANAGER).status_code == 401


@pytest.mark.parametrize("idle", [timedelta(minutes=30), timedelta(hours=12), timedelta(days=400)])
def test_a_session_that_is_over_opens_no_page(there, idle):
    house, keys = there
    browser = house.signed_in(house.give_password(Role.ADMIN))
    house.clock.now = NOW + idle
    try:
        for call, method, address in calls(keys):
            if not address.startswith("/api"):
                answer = browser.client.open(address, method=method)
                assert answer.status_code == (303 if method == "GET" else 401), call
    finally:
        house.clock.now = NOW


def test_a_form_needs_its_token_in_its_body_and_json_as_plain_text_is_no_form(there):
    house, keys = there
    browser = house.as_(Role.ADMIN)
    token = browser.hidden(browser.get("/account"))["csrf"]
    before = digest(house.database)
    for call, method, address in calls(keys):
        if method != "POST" or address.startswith("/api") or call in rights.OPEN:
            continue
        queried = browser.client.post(f"{address}?csrf={token}", data={"reason": "x"})
        plain = browser.client.post(address, data='{"csrf": "' + token + '"}', content_type="text/plain")
        for answer in (queried, plain):
            assert answer.status_code in (303, 404), (call, answer.status_code)
    kept = ("form_drafts", "trail")  # what was typed is kept to be sent again
    after = digest(house.database)
    assert {name for name in after if after[name] != before[name]} <= set(kept)


def test_a_name_that_is_not_there_costs_as_much_work_as_one_that_is(house: House, monkeypatch):
    """Equal time is equal work: as many passwords are hashed, with the same parameters."""
    house.give_password(Role.MANAGER)
    done: list[str] = []
    verify = passwords.HASHER.verify

    class Counting:
        def verify(self, kept: str, typed: str) -> bool:
            done.append(kept.rsplit("$", 2)[0])
            return verify(kept, typed)

        def __getattr__(self, name: str) -> object:
            return getattr(passwords_hasher, name)

    passwords_hasher = passwords.HASHER
    passwords.nobody()
    monkeypatch.setattr(passwords, "HASHER", Counting())
    seen = []
    for name in ("Manager Person", "Nobody Here", "Accountant Person"):  # the last has no password at all
        done.clear()
        assert house.stranger().send("/sign-in", name=name, password=PASSWORD + "!").status_code == 401
        seen.append(tuple(done))

    assert len(seen[0]) == 1
    assert seen[0] == seen[1] == seen[2]


def test_of_a_token_only_a_digest_is_kept_anywhere_in_the_book(there):
    house, _ = there
    with house.database.read() as db:
        for name in sa.inspect(house.database.engine).get_table_names():
            for row in db.execute(sa.select(sa.literal_column("*")).select_from(sa.table(name))):
                for token in house.clinic.tokens.values():
                    assert token not in str(tuple(row)), name
        assert db.scalars(sa.select(Person.token_hash)).all()


def test_an_admin_who_ends_sessions_and_a_renewed_token_hold_at_once(house: House):
    browser = house.as_(Role.MANAGER)
    assert browser.get("/account").status_code == 200
    with house.database.write.begin() as db:
        person = db.scalars(sa.select(Person).where(Person.name == "Manager Person")).one()
        sign_ins.end_all(db, person.id, at=NOW)
    assert browser.get("/account").status_code == 303


def test_a_token_that_is_renewed_leaves_the_old_one_dead(database):
    with opened(database) as here:
        old = Clinic(here.app, here.database, here.clock, dict(here.tokens))
        with here.database.write.begin() as db:
            here.tokens[Role.MANAGER] = auth.issue_token(db, "Manager Person", role=Role.MANAGER, at=NOW)
        assert old.get("/items").status_code == 401
        assert here.get("/items").status_code == 200


def test_no_secret_is_told_again_logged_or_kept_as_it_is(there, caplog, monkeypatch):
    """Canaries: each is planted where it belongs, then whatever can be asked is asked, well and badly."""
    house, keys = there
    monkeypatch.setenv("VIALBOOK_SECRET", "canary-of-the-program-itself")
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(watching.REQUESTS, "propagate", True)
    factor, browser = with_second_factor(house, Role.ADMIN).secret, house.as_(Role.ADMIN)
    address = house.clinic.made("/calendars", {}, role=Role.ADMIN)["address"]
    assert house.clinic.app.test_client().get(address).status_code == 200
    house.come_in(Role.PRACTITIONER, "canary-that-was-typed-wrong")
    planted = {
        PASSWORD, factor, "canary-of-the-program-itself", "canary-that-was-typed-wrong",
        address.rpartition("/")[2].removesuffix(".ics"), *house.clinic.tokens.values(),
        str(browser.client.get_cookie("vialbook-session").value),
    }  # fmt: skip

    told = []
    for call, method, path in calls(keys):
        if path.startswith("/api"):
            body = None if method == "GET" else {"reason": "canary", "unknown": 1}
            answer = house.clinic.call(method, path, body, role=Role.ADMIN)
        elif method == "GET":
            answer = browser.get(path)
        else:
            continue
        told.append((call, f"{answer.headers} {read(answer)}"))
    told.append(("the log", "\n".join(watching.JsonLines().format(one) for one in caplog.records)))
    told += [(name, row) for name, rows in kept(house.database) for row in rows]

    assert {name for name, _ in told} >= {
        "the log",
        "people",
        "credentials",
        "sign_ins",
        "trail",
        "calendars",
    }
    assert [(name, secret) for name, text in told for secret in planted if secret in text] == []


def kept(database: Database) -> Iterator[tuple[str, list[str]]]:
    """Every row of every table, as who takes the file or a dump reads it."""
    with database.read() as db:
        for name in sa.inspect(database.engine).get_table_names():
            every = sa.select(sa.literal_column("*")).select_from(sa.table(name))
            yield name, [repr(tuple(row)) for row in db.execute(every)]
