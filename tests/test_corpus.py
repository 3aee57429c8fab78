"""The hostile corpus: every case is answered as it says, nothing changes, and memory stays bounded."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calls import Clinic, opened
from tests.conftest import NewDatabase
from tests.corpus import clinic, write
from tests.corpus.honest import HONEST
from tests.faults import corpus

There = tuple[Clinic, dict[str, int], str]


@pytest.fixture(scope="module")
def there(new_database: NewDatabase) -> Iterator[There]:
    """A clinic in which nothing may change, the keys of what is in it, and an admin's cookie."""
    with new_database() as database, opened(database, stocked=False) as found:
        yield found, clinic.furnish(found), corpus.signed_in(found)


def test_the_corpus_is_what_its_ranges_say_and_large_enough():
    kept = {path.name: path.read_text("ascii") for path in corpus.FOLDER.glob("*.jsonl")}

    assert kept == write.written(), "python -m tests.corpus.write"
    assert sum(text.count("\n") for text in kept.values()) >= 5_000


@pytest.mark.parametrize("category", corpus.categories())
def test_what_is_hostile_is_answered_as_expected_and_changes_nothing(there, engine_name, category):
    found, keys, cookie = there

    # What a database makes of a value is asked of both; files never reach one before they are read.
    every = 1 if engine_name == "sqlite" else 40 if category in ("csv", "workbooks") else 7
    tally = corpus.send_all(category, found, keys, cookie, every=every)

    assert tally.breaches == []
    assert tally.sent > 1


def test_bytes_that_are_hardly_http_stop_nothing_and_change_nothing(tmp_path: Path):
    tally = corpus.knock_at(tmp_path / "home")

    assert tally.breaches == []
    assert tally.sent > 50


def test_what_the_hostile_requests_are_made_of_is_accepted_as_it_is(new_database):
    with new_database() as database, opened(database, stocked=False) as found:
        keys, odd = clinic.furnish(found), {}
        for call, body in HONEST.items():
            path = clinic.address(call.removeprefix("POST "), keys)
            answer = found.post(path, clinic.with_keys(body, keys))
            if answer.status_code not in (200, 201):
                odd[call] = answer.text

    assert odd == {}


def test_a_breach_is_seen(there):
    """The judge itself: a wrong status, a text said again, and a change are each told."""
    found, _, _ = there
    case = {"id": "x-1", "expect": [200], "absent": "<b>"}
    tally = corpus.Tally()

    corpus.note(tally, case, 200, b"fine")
    assert tally.breaches == []
    corpus.note(tally, case, 422, b"")
    corpus.note(tally, case, 200, b"a <b> b")
    corpus.note(tally, case | {"expect": [500]}, 500, b"")
    assert len(tally.breaches) == 3

    before = clinic.digest(found.database)
    found.made("/suppliers", {"code": f"S-{os.getpid()}", "name": "Harbour"})
    changed = {name for name, seen in clinic.digest(found.database).items() if seen != before[name]}
    assert changed - {"trail_head"} == {"suppliers", "trail"}
