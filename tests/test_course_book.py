"""The book of a course, reckoned without a database: each step's lines balance, whatever happens (B2)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing import course_book, policies
from pricing.course_book import (
    BREAKAGE,
    CASH,
    DEFERRED,
    OUTPUT_TAX,
    RECEIVABLE,
    SESSIONS_DELIVERED,
    Sold,
    State,
)
from pricing.policies import RefundRule, Standing
from tests.worked import example


def dec(text: str | int) -> Decimal:
    return Decimal(text)


def sold(total="1500.00", sessions=5, tax="0", rate="0") -> Sold:
    price = dec(total) / sessions
    return Sold(dec(total), dec(tax), (price,) * sessions, dec(rate))


def after(terms: Sold, steps: Sequence[tuple]) -> State:
    """A course on which these things happened: ("pay", amount), ("use", n), ("undo", n), ("back", amount)."""
    state = State({}, dec(0), frozenset(), None)
    for what, value in steps:
        used, so_far = set(state.used), state.paid
        if what == "pay":
            change, so_far = course_book.paid(terms, state, dec(value)), so_far + dec(value)
        elif what == "use":
            change = course_book.used(terms, state, value)
            used.add(value)
        elif what == "undo":
            change = course_book.undone(terms, state, value)
            used.discard(value)
        elif what == "back":
            change, so_far = (
                course_book.given_back(terms, state, dec(value), credit=False),
                so_far - dec(value),
            )
        else:
            change = course_book.expired(state)
        assert sum(change.values()) == 0, (what, change)
        totals = {key: state.balance(key) + change.get(key, dec(0)) for key in {*state.balances, *change}}
        state = State(totals, so_far, frozenset(used), None)
    return state


def test_each_session_performed_earns_its_share_and_leaves_the_rest_owed():
    each, revenue, liability = example("WE-12").numbers_expected[0], dec(600), dec(900)
    found = after(sold(), [("pay", "1500.00"), ("use", 1)])
    assert found.balance(SESSIONS_DELIVERED) == each

    found = after(sold(), [("pay", "1500.00"), ("use", 1), ("use", 2)])
    assert (found.balance(SESSIONS_DELIVERED), found.balance(DEFERRED)) == (revenue, liability)


def test_expected_breakage_is_earned_along_with_the_sessions():
    terms = sold(rate="0.10")
    one = after(terms, [("pay", "1500.00"), ("use", 1)])
    assert one.balance(SESSIONS_DELIVERED) + one.balance(BREAKAGE) == dec("333.33")

    two = after(terms, [("pay", "1500.00"), ("use", 1), ("use", 2)])

    # WE-13: after two of five, 666.67 earned and 833.33 owed.
    assert two.balance(SESSIONS_DELIVERED) + two.balance(BREAKAGE) == dec("666.67")
    assert two.balance(DEFERRED) == dec("833.33")
    everything = after(terms, [("pay", "1500.00"), *(("use", number) for number in range(1, 6))])
    assert everything.balance(SESSIONS_DELIVERED) == dec(1500)
    assert everything.balance(BREAKAGE) == everything.balance(DEFERRED) == 0


def test_a_session_before_its_payment_is_owed_by_the_patient():
    found = after(sold(), [("use", 1), ("use", 2)])
    assert (found.balance(RECEIVABLE), found.balance(DEFERRED)) == (dec(-600), 0)

    found = after(sold(), [("use", 1), ("use", 2), ("pay", "1500.00")])
    assert (found.balance(RECEIVABLE), found.balance(DEFERRED)) == (0, dec(900))


def test_the_tax_of_payments_in_parts_is_in_the_end_the_tax_of_the_course():
    terms = sold("478.58", 1, tax="28.58")
    parts = after(terms, [("pay", "100.00"), ("pay", "100.01"), ("pay", "278.57")])

    assert parts.balance(OUTPUT_TAX) == dec("28.58")
    assert parts.balance(DEFERRED) == dec("450.00")


@pytest.mark.parametrize(("code", "received"), [("WE-07", 0), ("WE-08", 1), ("WE-09", 2), ("WE-10", 3)])
def test_a_course_ended_early_costs_its_sessions_at_the_single_price(code, received):
    standing = Standing(dec(900), dec(350), 3, received)

    assert policies.refund_of(RefundRule.SINGLE_PRICE, standing) == example(code).numbers_expected[0]


def test_a_fee_is_kept_of_what_is_given_back():
    standing = Standing(dec(1500), dec(350), 5, 2)

    given = policies.refund_of(RefundRule.SINGLE_PRICE, standing, admin_fee=dec("35.00"))

    assert given == example("WE-11").numbers_expected[0]


def test_a_refund_takes_back_its_tax_and_re_rates_what_was_delivered():
    # 900.00 for three with 20 % inside: 150.00 tax. One received at 350.00: 550.00 back, 350.00 kept.
    terms = sold("900.00", 3, tax="150.00")
    found = after(terms, [("pay", "900.00"), ("use", 1), ("back", "550.00")])

    assert found.balance(DEFERRED) == 0
    assert found.balance(OUTPUT_TAX) == dec("58.33")
    assert found.balance(SESSIONS_DELIVERED) == dec("291.67")
    assert found.balance(CASH) == dec(-350)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 60_000).map(lambda cents: dec(cents) / 100)),
        st.tuples(st.just("use"), st.integers(1, 6)),
        st.tuples(st.just("undo"), st.integers(1, 6)),
    ),
    max_size=20,
)


@given(STEPS, st.integers(100, 400_000), st.integers(0, 30), st.integers(0, 40), st.booleans())
def test_whatever_happens_the_books_of_a_course_balance(steps, cents, tax, breakage, ended):
    total = dec(cents) / 100
    in_it = (total * tax / 100).quantize(dec("0.01"))
    terms = Sold(total, in_it, (total / 6,) * 6, dec(breakage) / 100)
    kept, paid_so_far = [], dec(0)
    for what, value in steps:
        if what == "pay":
            value = min(value, total - paid_so_far)
            paid_so_far += value
            if not value:
                continue
        kept.append((what, value))
    if ended:
        kept.append(("expire", None))

    found = after(terms, kept)

    assert found.balance(DEFERRED) >= 0
    assert found.balance(RECEIVABLE) <= 0
    assert not (found.balance(DEFERRED) and found.balance(RECEIVABLE))
    assert found.balance(OUTPUT_TAX) == terms.tax_on(found.paid)
    earned = found.balance(SESSIONS_DELIVERED) + found.balance(BREAKAGE)
    assert 0 <= earned <= max(terms.net, found.paid)
    if paid_so_far == total and len(found.used) == 6 and not ended:
        assert found.balance(SESSIONS_DELIVERED) == terms.net
        assert earned == terms.net
        assert found.balance(DEFERRED) == found.balance(RECEIVABLE) == 0
    assert sum(found.balances.values()) == 0
