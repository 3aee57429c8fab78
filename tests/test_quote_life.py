"""The life of a quote: issued once, frozen, then accepted, declined, withdrawn or lapsed; revised beside."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory.allocations import Allocation
from pricing import courses, quote_life, quote_records, quotes
from pricing.courses import AnotherPatient
from pricing.quote_life import AllergenBlocks, QuoteLapsed, ReasonMissing, Superseded, WrongStatus
from pricing.quote_records import QuoteStatus
from tests.selling import STARTS_ON, allergic_to, facial
from tests.shelf import BY, NOW, TODAY, refused

LAST_DAY = date(2026, 2, 14)  # thirty days after it was issued
ON_THE_LAST_DAY = datetime(2026, 2, 14, 23, 59, tzinfo=NOW.tzinfo) + timedelta(hours=5)  # in New York
TOO_LATE = ON_THE_LAST_DAY + timedelta(minutes=1)


@pytest.fixture
def counter(db):
    return facial(db)


def status(counter, quote):
    return quote_records.state(counter.db, quote).status


def number(counter, quote):
    return quote_records.state(counter.db, quote).number


def issue(counter, quote, *, at=NOW, **more):
    return quote_life.issue(counter.db, quote, site=counter.site, at=at, by=BY, **more)


def accept(counter, quote, *, at=NOW, **more):
    return quote_life.accept(counter.db, quote, site=counter.site, at=at, by=BY, **more)


def revised(counter, quote, *, at=NOW, **changes):
    return quote_life.revise(counter.db, quote, counter.request(**changes), site=counter.site, at=at, by=BY)


def lapse(counter, on, at=NOW, **more):
    return quote_life.lapse_due(counter.db, on=on, at=at, by="nightly", **more)


def story(counter, quote):
    return [(one.status, one.reason) for one in quote_life.events(counter.db, quote)]


def test_an_issued_quote_has_a_number_a_day_and_a_last_day(counter):
    quote = counter.draft(at=NOW - timedelta(days=9))

    state = issue(counter, quote)

    assert (state.status, state.number) == (QuoteStatus.ISSUED, "Q-2026-00001")
    assert (state.issued_on, state.valid_until) == (TODAY, LAST_DAY)
    assert story(counter, quote) == [(QuoteStatus.ISSUED, "")]


def test_quotes_are_numbered_in_the_order_of_issue_and_each_year_anew(counter):
    drafts = [counter.draft() for _ in range(3)]

    late = datetime(2026, 12, 31, 23, 30, tzinfo=NOW.tzinfo) + timedelta(hours=5)  # still 2026 in New York
    for quote, at in zip(reversed(drafts), (NOW, late, late + timedelta(hours=1)), strict=True):
        issue(counter, quote, at=at)

    assert [number(counter, quote) for quote in drafts] == ["Q-2027-00001", "Q-2026-00002", "Q-2026-00001"]


def test_a_refused_transaction_gives_its_number_back(counter):
    first, second = counter.draft(), counter.draft()

    attempt = counter.db.begin_nested()
    issue(counter, first)
    attempt.rollback()
    issue(counter, second)

    assert number(counter, second) == "Q-2026-00001"
    assert status(counter, first) is QuoteStatus.DRAFT


def test_an_allergen_match_blocks_the_issue_until_a_practitioner_gives_a_reason(counter):
    quote = counter.draft(screening=allergic_to("hyaluronate"))

    with refused(
        AllergenBlocks,
        "Allergy to hyaluronate: the session uses hyaluronate. "
        "The quote cannot be issued until a practitioner overrides this with a reason.",
    ):
        issue(counter, quote)
    with pytest.raises(AllergenBlocks):
        issue(counter, quote, override="   ")
    assert (status(counter, quote), number(counter, quote)) == (QuoteStatus.DRAFT, None)

    issue(counter, quote, override=" skin test negative ")
    assert story(counter, quote) == [(QuoteStatus.ISSUED, "skin test negative")]


def test_accepting_starts_the_course_plans_its_sessions_and_promises_its_stock(counter):
    quote, course = counter.accepted()

    planned = courses.sessions(counter.db, course)
    promises = counter.db.scalars(sa.select(Allocation).order_by(Allocation.due_on, Allocation.item_id)).all()
    needle, serum = counter.clinic.item("NEEDLE").id, counter.clinic.item("HA").id
    assert status(counter, quote) is QuoteStatus.ACCEPTED
    assert (course.patient_ref, course.level, course.quote_id) == ("P-1", "L2", quote.id)
    assert [(one.number, one.planned_on, one.price, one.quoted_cost) for one in planned] == [
        (n, STARTS_ON + timedelta(weeks=2 * n - 2), Decimal(250), Decimal("71.74")) for n in range(1, 5)
    ]
    assert sorted((one.reference, one.item_id, one.due_on, one.quantity) for one in promises) == sorted(
        (f"course {course.id} session {one.number}", item, one.planned_on, Decimal(much))
        for one in planned
        for item, much in ((serum, 3), (needle, 4))  # a whole container of serum
    )
    assert {one.ended_at for one in promises} == {None}


def test_it_may_be_accepted_on_its_last_day_and_not_on_the_next_without_a_reason(counter):
    in_time, late = counter.issued(), counter.issued()

    accept(counter, in_time, at=ON_THE_LAST_DAY)
    with refused(
        QuoteLapsed,
        "Quote Q-2026-00002 was valid until 2026-02-14; a manager may accept it with a reason.",
    ):
        accept(counter, late, at=TOO_LATE)
    with pytest.raises(QuoteLapsed):
        accept(counter, late, at=TOO_LATE, late_reason="  ")
    course = accept(counter, late, at=TOO_LATE, late_reason="the patient was abroad")

    assert course.late_reason == "the patient was abroad"
    assert story(counter, late)[-1] == (QuoteStatus.ACCEPTED, "the patient was abroad")


def test_the_nightly_job_lapses_what_is_due_and_touches_nothing_else(counter):
    due, accepted, declined, withdrawn, draft = (
        counter.issued(), counter.issued(), counter.issued(), counter.issued(), counter.draft(),
    )  # fmt: skip
    accept(counter, accepted)
    quote_life.decline(counter.db, declined, at=NOW, by=BY)
    quote_life.withdraw(counter.db, withdrawn, at=NOW, by=BY, reason="a slip")
    fresh = counter.issued(at=NOW + timedelta(days=1))
    events = counter.db.scalar(sa.select(sa.func.count()).select_from(quote_life.QuoteEvent))

    on_the_last_day, the_day_after, again = (
        lapse(counter, LAST_DAY),
        lapse(counter, LAST_DAY + timedelta(days=1)),
        lapse(counter, LAST_DAY + timedelta(days=1)),
    )

    assert (on_the_last_day, the_day_after, again) == (0, 1, 0)
    assert [status(counter, one) for one in (due, accepted, declined, withdrawn, draft, fresh)] == [
        QuoteStatus.LAPSED,
        QuoteStatus.ACCEPTED,
        QuoteStatus.DECLINED,
        QuoteStatus.WITHDRAWN,
        QuoteStatus.DRAFT,
        QuoteStatus.ISSUED,
    ]
    assert story(counter, due)[-1] == (QuoteStatus.LAPSED, "valid until 2026-02-14")
    assert counter.db.scalar(sa.select(sa.func.count()).select_from(quote_life.QuoteEvent)) == events + 1


def test_a_site_whose_day_is_not_over_is_left_alone(counter):
    branch = counter.clinic.open_site("BRANCH")
    quote = counter.issued()

    assert lapse(counter, LAST_DAY + timedelta(days=1), site=branch) == 0
    assert lapse(counter, LAST_DAY + timedelta(days=1), site=counter.site) == 1
    assert status(counter, quote) is QuoteStatus.LAPSED


def test_a_lapsed_quote_is_accepted_with_a_reason_or_declined(counter):
    first, second = counter.issued(), counter.issued()
    lapse(counter, LAST_DAY + timedelta(days=1))

    with pytest.raises(QuoteLapsed):
        accept(counter, first, at=NOW)  # even if the clock says otherwise
    accept(counter, first, at=TOO_LATE, late_reason="the price is kept")
    quote_life.decline(counter.db, second, at=TOO_LATE, by=BY, reason="went elsewhere")

    assert [status(counter, one) for one in (first, second)] == [QuoteStatus.ACCEPTED, QuoteStatus.DECLINED]


def test_a_quote_whose_time_is_over_counts_as_lapsed_before_the_nightly_job_has_run(counter):
    state = quote_records.state(counter.db, counter.issued())

    assert quote_life.status_on(state, LAST_DAY) is QuoteStatus.ISSUED
    assert quote_life.status_on(state, LAST_DAY + timedelta(days=1)) is QuoteStatus.LAPSED
    state.status = QuoteStatus.ACCEPTED
    assert quote_life.status_on(state, LAST_DAY + timedelta(days=1)) is QuoteStatus.ACCEPTED


def test_taking_an_issued_quote_back_needs_a_reason_and_a_draft_none(counter):
    draft, quote = counter.draft(), counter.issued()

    with refused(ReasonMissing, "Withdrawing an issued quote needs a reason."):
        quote_life.withdraw(counter.db, quote, at=NOW, by=BY, reason=" ")
    quote_life.withdraw(counter.db, quote, at=NOW, by=BY, reason="the practitioner is on leave")
    quote_life.withdraw(counter.db, draft, at=NOW, by=BY, reason="")

    assert story(counter, quote)[-1] == (QuoteStatus.WITHDRAWN, "the practitioner is on leave")
    assert number(counter, draft) is None


STEPS = {
    "issued": issue,
    "accepted": accept,
    "declined": lambda counter, quote: quote_life.decline(counter.db, quote, at=NOW, by=BY),
    "withdrawn": lambda counter, quote: quote_life.withdraw(counter.db, quote, at=NOW, by=BY, reason="slip"),
    "revised": revised,
}


def reach(counter, reached):
    """A quote that has come so far."""
    if reached == "draft":
        return counter.draft()
    quote = counter.issued()
    if reached == "lapsed":
        lapse(counter, LAST_DAY + timedelta(days=1))
    elif reached != "issued":
        STEPS[reached](counter, quote)
    return quote


@pytest.mark.parametrize(
    ("reached", "step"),
    [
        ("draft", "accepted"), ("draft", "declined"),
        ("issued", "issued"),
        ("lapsed", "issued"), ("lapsed", "withdrawn"),
        *((over, step) for over in ("accepted", "declined", "withdrawn") for step in STEPS),
    ],
)  # fmt: skip
def test_a_step_that_the_status_does_not_allow_is_refused_and_changes_nothing(counter, reached, step):
    quote = reach(counter, reached)
    before = story(counter, quote)
    name = f"Quote draft {quote.id}" if reached == "draft" else "Quote Q-2026-00001"

    told = "already" if step == reached else f"; it cannot be {step}"
    with refused(WrongStatus, f"{name} is {reached} {told}.".replace(" ;", ";")):
        STEPS[step](counter, quote)

    assert (status(counter, quote), story(counter, quote)) == (reached, before)


def test_a_revision_stands_beside_the_old_one_until_it_is_issued(counter):
    old = counter.issued()

    new = revised(counter, old, starts_on=date(2026, 1, 27))
    assert (new.version, new.root_id, status(counter, new)) == (2, old.id, QuoteStatus.DRAFT)
    assert (status(counter, old), number(counter, new)) == (QuoteStatus.ISSUED, None)

    issue(counter, new)
    assert story(counter, old)[-1] == (QuoteStatus.WITHDRAWN, "version 2 was issued")
    assert number(counter, new) == number(counter, old) == "Q-2026-00001"
    assert number(counter, counter.issued()) == "Q-2026-00002"

    third = revised(counter, new)
    assert (third.version, third.root_id) == (3, old.id)


def test_the_old_one_can_be_accepted_while_its_revision_is_a_draft_and_then_that_is_all(counter):
    old = counter.issued()
    new = revised(counter, old)

    accept(counter, old)

    with refused(Superseded, "Version 1 of quote Q-2026-00001 was accepted; version 2 cannot be issued."):
        issue(counter, new)


def test_a_lapsed_version_is_withdrawn_too_when_its_revision_is_issued(counter):
    old = counter.issued()
    lapse(counter, LAST_DAY + timedelta(days=1))

    issue(counter, revised(counter, old, at=TOO_LATE), at=TOO_LATE)

    assert status(counter, old) is QuoteStatus.WITHDRAWN
    with pytest.raises(WrongStatus):
        accept(counter, old, at=TOO_LATE, late_reason="the price is kept")


def test_an_older_draft_is_not_issued_after_a_newer_one(counter):
    old = counter.draft()
    new = revised(counter, old)
    issue(counter, new)

    with refused(Superseded, "Version 2 of quote Q-2026-00001 was issued; version 1 cannot be issued."):
        issue(counter, old)


def test_a_revision_is_for_the_same_patient(counter):
    quote = counter.issued()

    with refused(AnotherPatient, "Quote Q-2026-00001 is for patient P-1, not P-2."):
        revised(counter, quote, patient_ref="P-2")


def test_a_quote_asked_again_is_priced_as_it_is_now(counter):
    quote = counter.issued(discount_rate=Decimal("0.05"))

    again = quotes.offer(counter.db, quotes.request_of(counter.db, quote), site=counter.site, on=TODAY)

    assert again.price.total == quote.total
