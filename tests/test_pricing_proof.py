"""The proof of the quotes finds what it must: sound books are sound, each way of breaking them is named."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory.proof import Breach
from pricing import course_life, course_money, courses, proof, quote_life
from pricing.course_book import Method
from pricing.proof import INVARIANTS, MOST_SENTENCES
from tests.selling import facial
from tests.shelf import BY, NOW

GUARDED = (
    "quotes", "quote_stages", "quote_sessions", "quote_lines", "quote_events", "course_entries",
    "course_lines", "course_events",
)  # fmt: skip


@pytest.fixture
def counter(db):
    """A counter where every step of a quote's life was taken, and a course is under way."""
    found = facial(db)
    found.tax("0.0635")
    found.clinic.receive("HA", "A17 exp 2026-12-31 9 x 16.50")
    _, course = found.accepted(patient_ref="P-COURSE")
    for number in (1, 3):
        treated = perform(found, course, number)
    how = {"at": NOW, "recorded_at": NOW, "by": BY, "reason": "the wrong chart"}
    courses.reverse_session(db, treated.session, **how)
    when = course_life.dated(course, on=None, site=found.site, at=NOW, by=BY)
    course_money.pay(db, course.id, Decimal("500.00"), when=when, method=Method.CARD)
    later = date(2026, 3, 20)
    course_life.move(db, course, 4, to=later, site=found.site, when=when, reason="on holiday")
    old = found.issued()
    new = quote_life.revise(db, old, found.request(sessions=5), site=found.site, at=NOW, by=BY)
    quote_life.issue(db, new, site=found.site, at=NOW, by=BY)
    quote_life.decline(db, found.issued(), at=NOW, by=BY, reason="too dear")
    quote_life.withdraw(db, found.issued(), at=NOW, by=BY, reason="a slip")
    found.draft()
    found.issued(at=NOW - timedelta(days=40))
    quote_life.lapse_due(db, on=date(2026, 1, 15), at=NOW, by="nightly")
    return found


def perform(counter, course, number=None):
    return courses.perform(
        counter.db,
        course,
        number,
        visit_at=NOW,
        site=counter.site,
        recorded_at=NOW,
        by=BY,
        patient_ref=course.patient_ref,
    )


def names(db):
    return {breach.invariant for breach in proof.verify(db)}


PLACEHOLDERS = {
    "[ACCEPTED]": "(SELECT quote_id FROM quote_states WHERE status = 'accepted')",
    "[ISSUED]": "(SELECT quote_id FROM quote_states WHERE status = 'issued')",
    "[DECLINED]": "(SELECT quote_id FROM quote_states WHERE status = 'declined')",
    "[DRAFT]": "(SELECT quote_id FROM quote_states WHERE status = 'draft')",
    "[LAPSED]": "(SELECT quote_id FROM quote_states WHERE status = 'lapsed')",
    "[COURSE]": "(SELECT id FROM courses)",
}


def break_it(db, statement):
    """Do what no function of ours would; the guards of the database are laid aside for it."""
    for table in GUARDED:
        if db.get_bind().dialect.name == "sqlite":
            db.execute(sa.text(f"DROP TRIGGER IF EXISTS {table}_no_update"))
            db.execute(sa.text(f"DROP TRIGGER IF EXISTS {table}_no_delete"))
        else:
            db.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    for placeholder, key in PLACEHOLDERS.items():
        statement = statement.replace(placeholder, key)
    assert db.execute(sa.text(statement)).rowcount, statement
    db.expire_all()


def test_books_where_every_step_was_taken_are_sound(counter):
    assert proof.verify(counter.db) == []


def test_empty_books_are_sound(db):
    assert proof.verify(db) == []


def test_a_course_that_is_over_is_sound(counter):
    counter.clinic.receive("HA", "B02 exp 2026-12-31 9 x 16.50")
    _, course = counter.accepted(patient_ref="P-2")
    for _ in range(4):
        perform(counter, course)

    assert proof.verify(counter.db) == []


WAYS_TO_BREAK = {
    "quotes add up": [
        "UPDATE quotes SET subtotal = subtotal + 1 WHERE id = [DRAFT]",
        "UPDATE quotes SET total = total + 1 WHERE id = [ISSUED]",
        "UPDATE quotes SET tax = tax - 1, total = total - 1 WHERE id = [ISSUED]",
        "UPDATE quotes SET tax_inclusive = (1 = 1) WHERE id = [ISSUED]",
        "UPDATE quote_sessions SET price = price + CASE number WHEN 1 THEN 2 ELSE -2 END WHERE"
        " quote_id = [DRAFT] AND number <= 2",
    ],
    "prices are in their band": [
        "UPDATE quotes SET band_low = 25001 WHERE id = [DECLINED]",
        "UPDATE quotes SET band_high = 24999 WHERE id = [DECLINED]",
        "UPDATE quotes SET floor = 25001 WHERE id = [DECLINED]",
    ],
    "sessions are as planned": [
        "UPDATE quotes SET sessions = 3 WHERE id = [DRAFT]",
        "UPDATE quotes SET starts_on = '2026-01-21' WHERE id = [DRAFT]",
        "UPDATE quote_sessions SET number = 7 WHERE quote_id = [DRAFT] AND number = 4",
        "DELETE FROM quote_sessions WHERE quote_id = [DRAFT]",
    ],
    "costs are their lines": [
        "UPDATE quote_lines SET actual = actual + 1 WHERE quote_id = [DRAFT] AND session = 2 AND"
        " position = 1",
        "UPDATE quote_sessions SET average = average + 1 WHERE quote_id = [DRAFT]",
        "DELETE FROM quote_lines WHERE quote_id = [DRAFT] AND session = 1",
        "UPDATE quotes SET cost = cost + 1 WHERE id = [DRAFT]",
    ],
    "stages are all there": [
        "DELETE FROM quote_stages WHERE quote_id = [DRAFT] AND name = 'list'",
        "DELETE FROM quote_stages WHERE quote_id = [DRAFT]",
    ],
    "numbers have no gaps": [
        "UPDATE number_series SET last = last + 1 WHERE year = 2026",
        "UPDATE number_series SET last = last - 1 WHERE year = 2026",
        "UPDATE quote_states SET number = 'Q-2025-00009' WHERE quote_id = [LAPSED]",
        "UPDATE quote_states SET number = 'Q-2026-00001' WHERE quote_id = [DECLINED]",
    ],
    "quotes stand where their events left them": [
        "UPDATE quote_states SET status = 'lapsed' WHERE status = 'declined'",
        "UPDATE quote_states SET number = NULL WHERE status = 'issued'",
        "UPDATE quote_states SET issued_on = '2026-01-15' WHERE status = 'draft'",
        "DELETE FROM quote_events WHERE quote_id = [LAPSED] AND status = 'lapsed'",
        "UPDATE quote_states SET status = 'issued' WHERE status = 'withdrawn'",
    ],
    "courses are what was promised": [
        "UPDATE courses SET quote_id = [DECLINED]",
        "UPDATE courses SET patient_ref = 'P-OTHER'",
        "UPDATE course_sessions SET price = price + 1 WHERE number = 4",
        "UPDATE course_sessions SET planned_on = '2027-01-01' WHERE number = 4",
        "UPDATE course_sessions SET quoted_cost = 0 WHERE number = 4",
        "DELETE FROM course_sessions WHERE number = 4",
    ],
    "performed sessions are the patient's": [
        "UPDATE treatment_sessions SET patient_ref = 'P-OTHER'",
    ],
    "promises are of planned sessions": [
        "UPDATE allocations SET ended_at = NULL",
        "UPDATE allocations SET ended_at = made_at",
        "UPDATE allocations SET quantity = quantity + 1",
        "UPDATE allocations SET reference = 'course 0 session 1'",
        "UPDATE course_sessions SET session_id = NULL WHERE number = 1",
        "DELETE FROM allocations",
        "UPDATE allocations SET due_on = '2026-12-01'",
        "UPDATE allocations SET patient_ref = 'P-OTHER'",
    ],
    "entries of courses balance": [
        "UPDATE course_lines SET credit = credit + 100 WHERE credit > 0",
        "DELETE FROM course_lines WHERE account = '1000'",
    ],
    "nothing is owed the wrong way round": [
        "UPDATE course_lines SET credit = 9999900, debit = 0 WHERE account = '1100'",
        "UPDATE course_lines SET credit = 0, debit = 9999900 WHERE account = '2100'",
    ],
    "nothing follows the end of a course": [
        "UPDATE course_entries SET kind = 'expired' WHERE id = (SELECT MIN(id) FROM course_entries)",
    ],
    "sessions are used up as the book says": [
        "UPDATE course_entries SET kind = 'forfeited' WHERE kind = 'performed' AND number = 1",
        "UPDATE course_entries SET number = 2 WHERE kind = 'performed' AND number = 1",
        "UPDATE course_entries SET kind = 'performed' WHERE kind = 'undone'",
        "UPDATE course_sessions SET settled = 'forfeited' WHERE number = 2",
    ],
    "money of courses is what was paid": [
        "UPDATE course_entries SET amount = amount + 100 WHERE kind = 'payment'",
        "UPDATE course_lines SET debit = debit - 100 WHERE account = '1000'",
    ],
}
BROKEN = [(invariant, way) for invariant, ways in WAYS_TO_BREAK.items() for way in ways]


@pytest.mark.parametrize(("invariant", "statement"), BROKEN, ids=[way[:60] for _, way in BROKEN])
def test_each_way_of_breaking_the_books_is_named(counter, invariant, statement):
    break_it(counter.db, statement)

    assert invariant in names(counter.db)


def test_every_way_to_break_a_book_is_of_an_invariant():
    assert set(WAYS_TO_BREAK) <= set(INVARIANTS)


def test_a_price_above_its_band_is_sound_where_a_manager_overrode_it(counter):
    break_it(
        counter.db,
        "UPDATE quotes SET band_high = 24999, price_override = 'a friend of the house' WHERE id = [DECLINED]",
    )

    assert proof.verify(counter.db) == []


def test_a_breach_says_where_and_by_how_much(counter):
    break_it(counter.db, "UPDATE quotes SET subtotal = subtotal + 100 WHERE id = [DRAFT]")
    key = counter.db.scalar(sa.text(f"SELECT {PLACEHOLDERS['[DRAFT]']}"))

    assert proof.verify(counter.db) == [
        Breach(
            "quotes add up",
            f"The sessions of quote {key} add up to 1000.00; it says 1001.00 less 0.00.",
        )
    ]


def test_a_broken_book_does_not_fill_the_screen(counter):
    for _ in range(MOST_SENTENCES):
        counter.draft()
    break_it(counter.db, "UPDATE quotes SET cost = cost + 1")

    assert len(proof.verify(counter.db)) == MOST_SENTENCES
