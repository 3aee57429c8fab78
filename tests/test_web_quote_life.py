"""The life of a quote in the browser: issued, accepted, revised, printed; who sees what of it."""

from datetime import timedelta

import pytest

from api.auth import Role
from pricing import quote_records
from tests.calls import NOW
from tests.counter import TYPED, drafted, issued, step
from tests.pages import House, main, said
from tests.test_quote_document import text_of

pytest_plugins = ("tests.calls", "tests.pages", "tests.counter")


@pytest.fixture
def here(at_the_desk: House) -> House:
    """The desk of the clinic that the tests of this file share."""
    return at_the_desk


def test_a_draft_is_saved_issued_and_accepted_and_its_course_is_planned(here: House):
    browser = here.as_(Role.FRONT_DESK)
    key = drafted(here)
    assert "Nothing is promised" in said(browser.get(f"/quotes/{key}"))

    assert "is issued; it stands until" in step(browser, key, "issue")
    answer = browser.send(f"/quotes/{key}/accept")

    assert answer.headers["Location"].startswith("/courses/")


def test_issued_at_once_it_has_its_number(here: House):
    browser = here.as_(Role.FRONT_DESK)

    page = browser.get(f"/quotes/{issued(here)}")

    assert "Quote Q-2026-" in said(page)
    assert "Patient declines" in said(page)


def test_an_allergen_match_is_issued_by_a_practitioner_with_a_reason_that_is_kept(here: House):
    key = drafted(here, allergies="hyaluronic acid")
    desk, practitioner = here.as_(Role.FRONT_DESK), here.as_(Role.PRACTITIONER)

    assert "A practitioner can issue" in said(desk.get(f"/quotes/{key}"))
    assert "cannot be issued until a practitioner" in step(desk, key, "issue", "it will be fine")
    assert "cannot be issued until a practitioner" in step(practitioner, key, "issue")
    assert "is issued" in step(practitioner, key, "issue", "skin test negative")

    assert "skin test negative" in said(desk.get(f"/quotes/{key}"))


def test_a_lapsed_quote_is_accepted_by_a_manager_with_a_reason(here: House):
    key = issued(here)
    here.clock.now = NOW + timedelta(days=40)
    for role in Role:  # their sessions ended meanwhile
        here.browsers.pop(role, None)
    desk, boss = here.as_(Role.FRONT_DESK), here.as_(Role.MANAGER)

    assert "a manager can accept it with a reason" in said(desk.get(f"/quotes/{key}"))
    assert "was valid until" in step(desk, key, "accept", "they asked nicely")
    assert "was valid until" in step(boss, key, "accept")
    answer = boss.send(f"/quotes/{key}/accept", reason="agreed on the phone in time")

    assert answer.headers["Location"].startswith("/courses/")
    for role in Role:
        here.browsers.pop(role, None)


def test_withdrawing_an_issued_quote_needs_a_reason_and_a_draft_does_not(here: House):
    browser = here.as_(Role.FRONT_DESK)

    assert "needs a reason" in step(browser, issued(here), "withdraw")
    assert "Withdrawn." in step(browser, drafted(here), "withdraw")


def test_a_revision_is_a_version_beside_the_old_and_replaces_it_when_issued(here: House):
    browser = here.as_(Role.FRONT_DESK)
    key = issued(here)

    page = browser.get(f"/quotes/{key}/revise")
    assert 'value="P-100"' in main(page)
    fields = browser.hidden(page) | TYPED | {"sessions": "6", "do": "issue"}
    done = browser.post(f"/quotes/{key}/revise", fields)

    assert done.status_code == 303
    assert "version 2" in said(browser.follow(done))
    assert "Withdrawn" in said(browser.get(f"/quotes/{key}"))


def test_a_revision_for_another_patient_is_refused(here: House):
    browser = here.as_(Role.FRONT_DESK)
    key = issued(here)

    fields = browser.hidden(browser.get(f"/quotes/{key}/revise")) | TYPED
    refused = browser.post(f"/quotes/{key}/revise", fields | {"patient_ref": "P-555", "do": "draft"})

    assert refused.status_code == 409
    assert "is for patient P-100, not P-555" in said(refused)


def test_the_patients_copy_carries_what_every_patient_must_read_and_no_cost(here: House):
    key = issued(here, nsaids="yes")
    boss = here.as_(Role.MANAGER)

    page = text_of(boss.get(f"/quotes/{key}/quote.pdf").get_data())

    for sentence in (
        "No drug is approved by the FDA for mesotherapy",
        "Serious infections have been reported",
        "not guaranteed",
        "The product, its maker and its lot will be recorded",
        "Insurance does not cover",
        "After each session",
        "ask your prescriber",
    ):
        assert sentence in page
    for never in ("vegan", "natural", "no side effects", "18 months", "argin", "Cost of", "stop taking"):
        assert never not in page
    with here.database.read() as db:
        quote = quote_records.quote(db, key)
        hidden = [quote.cost, quote.floor]
    for amount in hidden:
        assert f"{amount:,.2f}" not in page


def test_a_draft_says_on_paper_that_it_is_none(here: House):
    paper = here.as_(Role.FRONT_DESK).get(f"/quotes/{drafted(here)}/quote.pdf").get_data()

    assert "Draft: not an offer" in text_of(paper)


def test_the_front_desks_page_of_a_quote_has_no_cost_anywhere(here: House):
    key = issued(here, sessions="6")
    desk, boss = (
        main(here.as_(Role.FRONT_DESK).get(f"/quotes/{key}")),
        main(here.as_(Role.MANAGER).get(f"/quotes/{key}")),
    )

    with here.database.read() as db:
        quote = quote_records.quote(db, key)
        secret = [f"{quote.cost:,.2f}", f"{quote.floor:,.2f}"]
    assert secret[0] in boss
    for amount in secret:
        assert amount not in desk
    for word in ("argin", "Drift", "Cost of"):
        assert word not in desk
