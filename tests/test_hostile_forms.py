"""Forms that nobody would fill in so: every form of every page answers in words, and breaks nothing."""

import re
from collections.abc import Iterator
from html import unescape

import pytest

from api.auth import Role
from api.web import rights
from inventory import proof
from pricing import proof as proof_of_quotes
from seed_data import reference
from tests import site_rules
from tests.calls import NOW, opened
from tests.conftest import NewDatabase
from tests.pages import House, main
from tests.test_api_sites import assign, furnished

FIELD = re.compile(r'<(?:input|select|textarea)\b[^>]*?\bname="([^"]+)"')
HOSTILE = (
    "", " ", "0", "-1", "9" * 40, "1e999", "NaN", "Infinity", "-0.0", "1,5", "٣", "null", "[]", "{}",
    "x" * 70_000, "\u202e\u0000\ud7ff", "\U0001f489", "'; DROP TABLE lots; --", "<script>alert(1)</script>",
    "2026-02-30", "0000-00-00", "9999-12-31", "../../etc/passwd", "{{ 7 * 7 }}", "%00%ff%n%s", "\r\nX: y",
)  # fmt: skip
LEFT_OUT = {"/sign-out", "/account/password", "/people/<id:person_id>/reset-password"}
"""What would end the session in which all this is sent."""


@pytest.fixture(scope="module")
def there(new_database: NewDatabase) -> Iterator[tuple[House, dict[str, int]]]:
    """A clinic with something of most that a clinic has, and an admin who works everywhere."""
    with new_database() as database:
        with database.write.begin() as db:
            reference.load(db, at=NOW)
        with opened(database, stocked=False) as found:
            for code in ("MAIN", "SOUTH"):
                site = {"code": code, "name": code.title(), "country": "US", "region": "North America"}
                found.made("/sites", site | {"time_zone": "America/New_York"})
            keys = dict.fromkeys(site_rules.KEYS.values(), 1) | furnished(found)
            assign(found, Role.ADMIN, ())
            yield House(found), keys


@pytest.mark.parametrize("call", sorted(call for call in rights.MAY if call.startswith("POST ")))
def test_a_form_answers_whatever_is_sent(there, call):
    house, keys = there
    rule = call.removeprefix("POST ")
    if rule in LEFT_OUT:
        pytest.skip("it would end the session")
    path = site_rules.example(rule, keys)
    path = re.sub(r"<id:\w+>", "2", path)
    browser = house.as_(Role.ADMIN)
    page = browser.get(path)
    token = browser.hidden(browser.get("/account"))
    names = {unescape(name) for name in FIELD.findall(main(page))} - {"csrf"} or {"reason", "site", "next"}

    for text in HOSTILE:
        answer = browser.client.post(path, data=dict.fromkeys(names, text) | {"csrf": token["csrf"]})
        assert answer.status_code < 500, (path, text[:40], main(answer)[:300])
        for name in sorted(names)[:12]:
            twice = {"csrf": token["csrf"], name: [text, text]}
            assert browser.client.post(path, data=twice).status_code < 500, (path, name, text[:40])


def test_after_all_that_the_books_are_sound(there):
    house, _ = there
    with house.database.read() as db:
        assert [*proof.verify(db), *proof_of_quotes.verify(db)] == []
