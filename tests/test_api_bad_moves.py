"""Bad input to moves, transfers, counts and payments: for every field a named refusal, nothing changed."""

import json
from collections.abc import Iterator

import pytest

from tests.bad_input import cases, recorded
from tests.bad_input_moves import CALLS
from tests.calls import Clinic, opened
from tests.conftest import NewDatabase
from tests.corpus.clinic import address, furnish, with_keys

There = tuple[Clinic, dict[str, int]]


@pytest.fixture(scope="module")
def there(new_database: NewDatabase) -> Iterator[There]:
    """A clinic with something of most, in which nothing may change; and the keys of it."""
    with new_database() as database, opened(database, stocked=False) as found:
        yield found, furnish(found)


@pytest.mark.parametrize("name", CALLS)
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(there, name):
    here, keys = there
    before = recorded(here)
    for case in cases({name: CALLS[name]}):
        _, body, status = case.values
        sent = json.dumps(with_keys(body, keys))

        answer = here.post(address(CALLS[name].path, keys), data=sent, content_type="application/json")

        assert answer.status_code == status, (case.id, answer.text)
        assert answer.mimetype == "application/problem+json"
        assert answer.json["name"], case.id
        assert answer.json["detail"], case.id
    assert recorded(here) == before


def test_the_bodies_that_the_refused_ones_are_made_from_are_accepted(new_database):
    with new_database() as database, opened(database, stocked=False) as found:
        keys, odd = furnish(found), {}
        for name, call in CALLS.items():
            answer = found.post(address(call.path, keys), with_keys(call.body, keys))
            if answer.status_code not in (200, 201):
                odd[name] = answer.text

    # A course that was given back takes no second step; a count in which nothing was counted is not posted,
    # and what was never received is received and not counted.
    after = {"posting a count", "passing a course on", "moving a session", "a line of a count"}
    assert {name: said for name, said in odd.items() if name not in after} == {}
