"""Two people at one desk over HTTP at once: one is answered, the other refused by name (P4, B2)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from werkzeug.test import TestResponse

from inventory import proof as proof_of_stock
from pricing import proof
from tests.counter import TYPED, course, issued
from tests.pages import House

pytest_plugins = ("tests.calls", "tests.pages", "tests.counter")

PATIENCE = 60  # seconds, for a machine that has other things to do
ASKED = {**TYPED, "screening": {"allergies": []}}


@pytest.fixture
def here(at_the_desk: House) -> House:
    """The desk of the clinic that the tests of this file share."""
    return at_the_desk


@pytest.fixture(autouse=True)
def sound(here: House) -> Iterator[None]:
    """Whoever wins, the books hold."""
    yield
    with here.database.read() as db:
        assert [*proof_of_stock.verify(db), *proof.verify(db)] == []


def at_once(*calls: Callable[[], TestResponse]) -> list[TestResponse]:
    """Every call is sent at the same moment, each by a client of its own; the answers by their status."""
    ready = Barrier(len(calls))

    def send(call: Callable[[], TestResponse]) -> TestResponse:
        ready.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as people:
        answers = people.map(send, calls, timeout=PATIENCE)
        return sorted(answers, key=lambda answer: answer.status_code)


def posted(here: House, path: str, body: dict[str, Any], **headers: str) -> Callable[[], TestResponse]:
    return lambda: here.clinic.post(path, body, headers=headers)


def told(answers: list[TestResponse]) -> list[tuple[int, str]]:
    """Each answer's status and, of a refusal, its name."""
    return [(answer.status_code, answer.json.get("name", "")) for answer in answers]


def test_of_two_who_issue_one_quote_one_is_told_that_it_is_issued_already(here: House):
    key = here.clinic.made("/quotes", ASKED)["id"]

    answers = at_once(*[posted(here, f"/quotes/{key}/issue", {})] * 2)

    assert told(answers) == [(200, ""), (409, "WrongStatus")]
    assert "is issued already" in answers[1].json["detail"]
    assert here.clinic.seen(f"/quotes/{key}")["number"] == answers[0].json["number"]


def test_of_two_who_accept_one_quote_one_starts_a_course_and_accepting_again_is_refused(here: House):
    key = issued(here)

    answers = at_once(*[posted(here, f"/quotes/{key}/accept", {})] * 2)
    later = here.clinic.post(f"/quotes/{key}/accept", {})

    assert told(answers) == [(200, ""), (409, "WrongStatus")]
    assert told([later]) == [(409, "WrongStatus")]
    listed = here.clinic.seen("/courses?limit=500")["items"]
    assert sum(1 for one in listed if one["quote"] == key) == 1


def test_one_payment_sent_twice_at_once_with_one_key_is_taken_once(here: House):
    path = f"/courses/{course(here)}"
    body = {"amount": "250.00", "method": "card"}
    pay = posted(here, f"{path}/payments", body, **{"Idempotency-Key": "one-payment"})

    first, second = at_once(pay, pay)

    # The other waits and reads the same answer, or is told that the first is still being answered.
    assert first.status_code == 201
    assert second.status_code == 409 or second.json == first.json
    assert pay().json == first.json
    assert here.clinic.seen(path)["account"]["paid"] == "250.00"


def test_of_two_who_take_the_whole_price_one_is_told_that_it_is_too_much(here: House):
    path = f"/courses/{course(here)}"
    total = here.clinic.seen(path)["account"]["total"]

    answers = at_once(*[posted(here, f"{path}/payments", {"amount": total, "method": "cash"})] * 2)

    assert told(answers) == [(201, ""), (409, "PaidTooMuch")]
    assert here.clinic.seen(path)["account"]["due"] == "0.00"


def test_a_course_is_not_performed_while_it_is_given_back(here: House):
    key = course(here)
    here.clinic.made(f"/courses/{key}/payments", {"amount": "500.00", "method": "card"})
    treat = {"patient_ref": TYPED["patient_ref"], "course": key, "session_number": 1}
    back = {"method": "card", "note": "moves away"}

    answers = at_once(posted(here, "/sessions", treat), posted(here, f"/courses/{key}/refund", back))

    # Treated first, the session is not given back; given back first, nothing is treated any more.
    seen = here.clinic.seen(f"/courses/{key}")
    account = seen["account"]
    assert account["ended"] == "refund"
    if answers[1].status_code == 409:
        assert answers[1].json["name"] in ("CourseEnded", "SessionOver")
        assert (account["sessions_used"], account["paid"]) == (0, "0.00")
    else:
        assert (account["sessions_used"], account["paid"]) == (1, seen["sessions"][0]["price"])


def test_an_allergy_in_words_that_nobody_knows_is_kept_as_it_was_said_and_warned_of(here: House):
    made = here.clinic.made("/quotes", ASKED | {"screening": {"allergies": ["Quiddity-B (severe)"]}})

    (warned,) = [one for one in made["warnings"] if one["code"] == "unknown_allergen"]
    assert "Quiddity-B (severe)" in warned["message"]
    assert "a practitioner must judge it" in warned["message"]
    assert here.clinic.seen(f"/quotes/{made['id']}")["screening"]["allergies"] == ["Quiddity-B (severe)"]
    assert here.clinic.post(f"/quotes/{made['id']}/issue", {}).status_code == 200
