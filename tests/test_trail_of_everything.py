"""Whatever a call or a form changes has its entry in the audit trail; what changes nothing has none (I15)."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
import sqlalchemy as sa

from api import auth
from api.auth import Role
from api.migrations.tables import every_table
from api.web import rights
from inventory import proof_of_trail, recording
from inventory.database import Database, add_many, add_row, add_rows
from inventory.trail import TRAIL
from tests import site_rules
from tests.calls import BASE, NOW, opened
from tests.corpus.clinic import address, digest, furnish, with_keys
from tests.corpus.honest import HONEST
from tests.pages import House, main

pytest_plugins = ("tests.calls", "tests.pages")

WRITES = ("POST", "PUT", "PATCH")
UNTOLD = {"sign_ins", "sign_in_failures"} | recording.NOT_FOLLOWED
TYPED = {
    "reason": "an error", "note": "an error", "why": "an error", "patient_ref": "P-77", "quantity": "1",
    "amount": "1.00", "method": "cash", "name": "Another name", "planned_on": "2026-02-20",
    "message": "hello", "value": "12", "price": "300.00",
}  # fmt: skip
FIELD = re.compile(r'<input (?![^>]*type="(?:hidden|file|checkbox|radio)")[^>]*name="([^"]+)"[^>]*>')
VALUE = re.compile(r'value="([^"]*)"')
AREA = re.compile(r'<textarea [^>]*name="([^"]+)"')
CHOICE = re.compile(r'<select [^>]*name="([^"]+)".*?</select>', re.DOTALL)
OPTION = re.compile(r'<option value="([^"]+)"')
PICK = re.compile(r'<input [^>]*type="(?:checkbox|radio)"[^>]*>')


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, dict[str, int]]]:
    """A clinic with something of most; in a file, for which calls write what depends on no engine."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('trail') / 'book.sqlite'}")
    every_table().create_all(database.engine)
    with opened(database, stocked=False) as found:
        keys = dict.fromkeys(site_rules.KEYS.values(), 1) | furnish(found)
        yield House(found), keys
    database.engine.dispose()


def state(house: House) -> tuple[dict[str, str], int]:
    """Every table that is followed, and how many entries there are."""
    tables = {name: found for name, found in digest(house.database).items() if name not in UNTOLD}
    with house.database.read() as db:
        return tables, db.scalar(sa.select(sa.func.count()).select_from(TRAIL)) or 0


def compared(house: House, deed) -> tuple[bool, str]:
    """Do something; whether it changed something, and what is wrong with its entries."""
    before, entries = state(house)
    deed()
    after, now = state(house)
    changed = sorted(name for name in after if after[name] != before.get(name))
    if changed and now == entries:
        return True, f"changed {', '.join(changed)} without an entry"
    return bool(changed), "" if changed or now == entries else f"{now - entries} entries about nothing"


def calls(keys: dict[str, int]) -> Iterator[tuple[str, str, str, object]]:
    """Every call that writes: those of which a good body is known first, the others with what there is."""
    for call, body in HONEST.items():
        method, _, path = call.partition(" ")
        yield call, method, BASE + address(path, keys), with_keys(body, keys)
    for call in auth.MAY:
        method, _, rule = call.partition(" ")
        if method in WRITES and call not in auth.ASKING:
            known = site_rules.BODIES.get(call.replace(BASE, ""), {})
            path = re.sub(r"<[^>]*>", "1", site_rules.example(rule, keys))
            yield call, method, path, with_keys(known, keys)


def test_whatever_a_call_changes_has_its_entry(there):
    house, keys = there
    wrong, done = {}, set()
    _, begun = state(house)
    for call, method, path, body in calls(keys):
        role = Role.ADMIN if Role.ADMIN in auth.MAY.get(call, auth.STOCKROOM) else Role.MANAGER
        headers = {"Idempotency-Key": f"{call} {path}".replace(" ", "-")[:200]} if method == "POST" else {}
        changed, said = compared(
            house,
            lambda method=method, path=path, body=body, role=role, headers=headers: house.clinic.call(
                method, path, body, role=role, headers=headers
            ),
        )
        wrong |= {call: said} if said else {}
        done |= {call} if changed else set()

    assert wrong == {}
    assert len(done) >= 25, sorted(done)
    with house.database.read() as db:
        assert proof_of_trail.verify(db) == []
        written = db.execute(sa.select(TRAIL.c.by, TRAIL.c.text).where(TRAIL.c.number > begun)).all()
    assert {by for by, _ in written} <= {"Admin Person", "Manager Person"}
    assert all("/api/v1/" in text for _, text in written)


def filled(page, hidden: dict[str, str]) -> dict[str, str]:
    """The form of a page with something in every field."""
    text = main(page)
    fields = dict(hidden)
    for found in FIELD.finditer(text):
        value = VALUE.search(found[0])
        fields[found[1]] = unescape(value[1]) if value and value[1] else TYPED.get(found[1], "1")
    fields |= {name: TYPED.get(name, "an error") for name in AREA.findall(text)}
    for found in CHOICE.finditer(text):
        options = OPTION.findall(found[0])
        fields[found[1]] = unescape(options[0]) if options else ""
    for box in PICK.findall(text):
        name = re.search(r'name="([^"]+)"', box)
        value = VALUE.search(box)
        if name and value:
            fields.setdefault(name[1], unescape(value[1]))
    return fields


def test_whatever_a_form_changes_has_its_entry(there):
    house, keys = there
    wrong, done = {}, set()
    person = house.give_password(Role.ADMIN)
    for call in rights.MAY:
        method, _, rule = call.partition(" ")
        if method != "POST" or call in rights.ASKING or Role.ADMIN not in rights.MAY[call]:
            continue
        browser = house.signed_in(person)  # one of the forms ends sign-ins
        path = re.sub(r"<[^>]*>", "1", site_rules.example(rule, keys))
        page = browser.get(path if f"GET {rule}" in rights.MAY else path.rsplit("/", 1)[0] or "/")
        fields = filled(page, browser.hidden(page))
        changed, said = compared(
            house, lambda browser=browser, path=path, fields=fields: browser.post(path, fields)
        )
        # An entry may be about sign-ins, which are not compared: looking at a page touches them.
        wrong |= {call: said} if said.startswith("changed") else {}
        done |= {call} if changed else set()

    assert wrong == {}
    assert len(done) >= 12, sorted(done)
    with house.database.read() as db:
        assert proof_of_trail.verify(db) == []


def test_every_table_is_followed_or_named_with_why_not():
    followed = {table.name for table in recording.tables()}

    assert followed | recording.NOT_FOLLOWED >= set(every_table().tables)
    assert recording.NOT_FOLLOWED - {"alembic_version"} <= set(every_table().tables)
    assert {"movements", "settings", "items", "people", "person_sites", "credentials", "periods"} <= followed


@pytest.mark.parametrize("way", ["object", "row", "rows", "many", "statement"])
def test_no_way_into_the_database_leads_past_the_trail(database, way):
    setting = every_table().tables["settings"]
    facts = {"key": "currency", "value": "EUR", "at": NOW, "by": "x", "reason": ""}
    from inventory.clinic import Setting

    with database.write.begin() as db:
        if way == "object":
            db.add(Setting(**facts))
        elif way == "row":
            add_row(db, setting, **facts)
        elif way == "rows":
            add_rows(db, setting, [facts, facts])
        elif way == "many":
            add_many(db, setting, ("id", *facts), [(7, *facts.values())])
        else:
            db.execute(sa.insert(setting), [facts | {"id": 9}])

    with database.read() as db:
        assert proof_of_trail.verify(db) == []
        assert db.scalar(sa.select(sa.func.count()).select_from(TRAIL)) == 1
