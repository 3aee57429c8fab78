"""What holds for every request: problems, bodies, conditions, pages, headers."""

import json
import re
import threading
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from api import auth
from api.auth import Role
from inventory.catalog import Item, Supplier
from inventory.errors import Invalid
from tests.calls import NEW_ITEM, Clinic


def items_on_record(here: Clinic) -> int:
    with here.database.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(Item)) or 0


def test_anybody_may_ask_whether_the_program_is_up(there):
    answer = there.get("/health", role=None)

    assert answer.status_code == 200
    assert answer.json["status"] == "ok"
    assert answer.json["version"]


def test_who_does_not_say_who_they_are_is_asked_to_sign_in(there):
    for header in (
        {},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer no"},
    ):
        answer = there.get("/items", role=None, headers=header)

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.mimetype == "application/problem+json"


def test_a_renewed_token_replaces_the_old_one(here):
    from api import auth

    with here.database.write.begin() as db:
        auth.issue_token(db, "Manager Person", role=Role.MANAGER, at=datetime(2026, 1, 16, tzinfo=UTC))

    assert here.get("/items").status_code == 401


def test_a_refusal_has_a_type_a_title_and_the_sentence_with_its_numbers(there):
    answer = there.get("/items/NOPE")

    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.json == {
        "type": "/problems/unknown-item",
        "title": "Unknown item",
        "status": 404,
        "detail": "No item has the SKU 'NOPE'.",
        "instance": "/api/v1/items/NOPE",
        "name": "UnknownItem",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/items/a%00b", 404),
        ("GET", "/items/" + "9" * 81, 404),
        ("DELETE", "/items", 405),
        ("TRACE", "/items", 405),
        ("GET", "//api/v1/items", 404),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(there, method, path, status):
    answer = there.call(method, path)

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == status
    assert ("Allow" in answer.headers) == (status == 405)


DEEP = "[" * 100_000 + "]" * 100_000
BODIES = {
    "not JSON": ("{", 400),
    "two values": ("{} {}", 400),
    "a list": ("[]", 400),
    "a string": ('"x"', 400),
    "NaN": ('{"content": NaN}', 400),
    "Infinity": ('{"content": -Infinity}', 400),
    "a name twice": ('{"sku": "A", "sku": "B"}', 400),
    "a name twice inside": ('{"x": {"a": 1, "a": 2}}', 400),
    "too deep": ('{"x": ' + DEEP + "}", 400),
    "an endless number": ('{"content": ' + "9" * 10_000 + "}", 400),
    "not UTF-8": (b'{"sku": "\xff"}', 400),
    "a float": ('{"content": 5.0}', 422),
    "an exponent": ('{"content": 1e999999}', 422),
    "half a character": ('{"sku": "\\ud800"}', 422),
    "NUL": ('{"sku": "A\\u0000B"}', 422),
    "no field": ("{}", 422),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_meant_changes_nothing(there, name):
    body, status = BODIES[name]
    before = items_on_record(there)

    answer = there.post("/items", data=body, content_type="application/json")

    assert answer.status_code == status, answer.text
    assert answer.json["detail"]
    assert items_on_record(there) == before


def test_a_body_that_is_not_json_is_415_and_one_that_is_too_large_is_413(here):
    assert (
        here.post("/items", data="sku=A", content_type="application/x-www-form-urlencoded").status_code == 415
    )
    assert here.post("/items", data=json.dumps(NEW_ITEM), content_type="text/plain").status_code == 415
    large = json.dumps(NEW_ITEM | {"note": "x" * 6_000_000})
    assert here.post("/items", data=large, content_type="application/json").status_code == 413
    assert here.post("/items", json.loads(json.dumps(NEW_ITEM))).status_code == 201


def test_every_wrong_field_is_named(there):
    answer = there.post("/items", NEW_ITEM | {"content": 5, "unit": "gallon", "colour": "red", "sterile": 1})

    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"content", "unit", "colour", "sterile"}


def test_an_address_takes_each_known_parameter_once(there):
    for query in ("limit=0", "limit=501", "limit=x", "colour=red", "limit=1&limit=2", "after=x", "kind=car"):
        answer = there.get(f"/items?{query}")

        assert answer.status_code == 422, query
        assert answer.json["detail"]


def test_what_can_be_edited_is_changed_by_who_read_its_last_version(here):
    read = here.get("/items/HA-3").headers["ETag"]

    missing = here.call("PATCH", "/items/HA-3", {"name": "A"})
    changed = here.call("PATCH", "/items/HA-3", {"name": "B"}, headers={"If-Match": read})
    stale = here.call("PATCH", "/items/HA-3", {"name": "C"}, headers={"If-Match": read})

    assert (missing.status_code, changed.status_code, stale.status_code) == (428, 200, 412)
    assert changed.headers["ETag"] != read
    assert here.seen("/items/HA-3")["name"] == "B"


def test_of_many_who_edit_at_once_one_wins_and_nobody_is_overwritten(here):
    read = here.get("/settings/price_step").headers["ETag"]
    answers = []

    def change(value: str) -> None:
        body = {"value": value, "reason": "new prices"}
        answers.append(here.call("PUT", "/settings/price_step", body, headers={"If-Match": read}))

    threads = [threading.Thread(target=change, args=(str(n),)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


def test_what_was_read_and_has_not_changed_is_not_sent_again(there):
    read = there.get("/items/HA-3").headers["ETag"]

    answer = there.get("/items/HA-3", headers={"If-None-Match": read})

    assert (answer.status_code, answer.data) == (304, b"")


def test_a_list_is_read_page_by_page_without_gap_or_repetition(here):
    with here.database.write.begin() as db:
        db.add_all(Supplier(code=f"S-{n:03}", name=f"Supplier {n}") for n in range(101))

    codes, address, pages = [], "/api/v1/suppliers?limit=25", 0
    while address:
        answer = here.get(address)
        codes += [one["code"] for one in answer.json["items"]]
        pages += 1
        link = answer.headers.get("Link")
        assert (link is None) == (answer.json["next"] is None)
        address = link[1 : link.index(">")] if link else None

    assert pages == 5
    assert codes == sorted(codes)
    assert len(set(codes)) == 102


def test_a_cursor_that_was_changed_or_is_another_lists_is_refused(there):
    cursor = there.seen("/items?limit=1")["next"]

    changed = there.get(f"/items?limit=1&after={cursor[:-3]}AAA")
    other_list = there.get(f"/ingredients?limit=1&after={cursor}")
    other_filter = there.get(f"/items?limit=1&kind=injectable&after={cursor}")

    for answer in (changed, other_list, other_filter):
        assert answer.status_code == 422
        assert answer.json["name"] == "BadCursor"


def test_every_answer_has_the_headers_that_protect_it(there):
    asked = [call.split(" ", 1) for call in auth.MAY]
    answers = [there.call(method, re.sub(r"<[^>]+>", "1", rule), role=Role.ADMIN) for method, rule in asked]
    answers += [there.get("/nowhere"), there.get("/health", role=None), there.get("/items", role=None)]

    for answer in answers:
        called = f"{answer.request.method} {answer.request.path}: {answer.status_code}"
        assert answer.status_code < 500, called
        assert answer.headers["X-Content-Type-Options"] == "nosniff", called
        assert answer.headers["X-Frame-Options"] == "DENY", called
        assert answer.headers["Referrer-Policy"] == "no-referrer", called
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; frame-ancestors 'none'" in policy, called
        assert answer.headers["Cache-Control"] in ("no-store", "private, no-cache"), called


def test_the_page_of_the_calls_needs_no_inline_script_and_nothing_from_elsewhere(there):
    page = there.get("/docs", role=None)

    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text.replace("<!DOCTYPE html>", "")
    assert page.text.count("<script") == page.text.count("<script src=")
    for file in ("start.js", "swagger-ui-bundle.js", "swagger-ui.css"):
        assert there.get(f"/docs/{file}", role=None).status_code == 200
    assert there.get("/docs/../app.py", role=None).status_code == 404


def test_a_fault_of_ours_undoes_everything_and_tells_nothing(there, monkeypatch):
    from api.rest import catalog as calls

    monkeypatch.setattr(calls, "one_item", lambda sku: 1 // 0 if sku == "never" else {}["secret"])

    answer = there.post("/items", NEW_ITEM)

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert items_on_record(there) == 4


def test_what_the_database_refuses_at_the_very_end_is_no_success(there, monkeypatch):
    from inventory import catalog

    # Two items of one SKU pass the domain unseen: only the database's constraint is left.
    monkeypatch.setattr(catalog, "add_item", lambda db, new: db.add(new) or new)
    monkeypatch.setattr("api.rest.catalog.one_item", lambda sku: ({"sku": sku}, {}))

    answer = there.post("/items", NEW_ITEM | {"sku": "HA-3"})

    assert answer.status_code == 409
    assert items_on_record(there) == 4


def test_a_refusal_may_carry_numbers_dates_and_lists(there):
    from api import errors

    class TooMuch(Invalid):
        """Too much."""

    with there.app.test_request_context("/x"):
        answer = errors.refused(
            TooMuch("Too much.", on=datetime(2026, 1, 15, tzinfo=UTC).date(), of=[Role.ADMIN])
        )

    assert answer.status_code == 422
    assert answer.get_json()["facts"] == {"on": "2026-01-15", "of": ["admin"]}
