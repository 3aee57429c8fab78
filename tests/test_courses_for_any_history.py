"""Whatever a clinic does with its courses, in any order, the book of each adds up (B2, P5)."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from inventory import clinic as clinics
from inventory import proof as proof_of_stock
from inventory.errors import Refusal
from inventory.treatments import TreatmentSession
from pricing import course_life, course_money, courses, deferred, proof
from pricing.course_book import Method
from pricing.course_life import Fee
from seed_data import reference
from tests.selling import facial
from tests.shelf import BY, NOW, TODAY

POLICIES = ("PC-00", "PC-01", "PC-02", "PC-03", "PC-05", "PC-06", "PC-07")
STEPS = (
    *("pay",) * 4, *("perform",) * 4, *("move",) * 2, "miss", "miss", "without", "back", "back", "pass",
    "refund", "night",
)  # fmt: skip


def step(desk, course, chance, at):
    """One thing that might happen to a course; what the clinic refuses does not happen."""
    site, db = desk.site, desk.db
    number, what = chance.randint(1, 5), chance.choice(STEPS)
    when = course_life.dated(course, on=None, site=site, at=at, by=BY)
    if what == "pay":
        amount = Decimal(chance.randint(1, 40_000)) / 100
        course_money.pay(db, course.id, amount, when=when, method=Method.CARD)
    elif what == "perform":
        facts = {"visit_at": at, "site": site, "recorded_at": at, "by": BY}
        courses.perform(db, course, number, patient_ref=course.patient_ref, **facts)
    elif what == "move":
        to = when.on + timedelta(days=chance.randint(-2, 60))
        course_life.move(db, course, number, to=to, site=site, when=when, reason="ill", fee=Fee(Method.CASH))
    elif what == "miss":
        course_life.miss(db, course, number, when=when, fee=Fee(Method.CASH))
    elif what == "without":
        course_life.complete_without_stock(db, course, number, when=when, reason="laser only")
    elif what == "back":
        _back(db, course, number, when)
    elif what == "pass":
        course_life.transfer(db, course, f"P-{chance.randint(1, 9)}", when=when, reason="a gift")
    elif what == "refund" and chance.random() < 0.3:
        course_life.refund(db, course, when=when, method=Method.CARD, note="moves away")
    elif what == "night":
        course_life.expire_due(db, on=when.on, at=at, by=BY, site=site)


def _back(db, course, number, when):
    """Take back whatever happened to a session."""
    found = next((one for one in courses.sessions(db, course) if one.number == number), None)
    if found is not None and found.session_id is not None:
        session = db.get_one(TreatmentSession, found.session_id)
        courses.reverse_session(db, session, at=when.at, recorded_at=when.at, by=BY, reason="the wrong chart")
    else:
        course_life.take_back(db, course, number, when=when, reason="a slip")


@pytest.mark.parametrize("seed", range(7))
def test_the_book_of_a_course_adds_up_after_anything(db, seed):
    chance = Random(seed)
    desk = facial(db)
    reference.load(db, at=NOW)
    desk.clinic.receive("HA", "A17 exp 2028-12-31 99 x 16.50")
    desk.clinic.receive("NEEDLE", "N1 exp 2028-12-31 999 x 0.22")
    sold = []
    for policy in chance.sample(POLICIES, 2):
        clinics.change_setting(db, "cancellation_policy", policy, at=NOW, by=BY)
        sold.append(desk.accepted(starts_on=TODAY, sessions=4)[1])
    at, done = NOW, 0
    for _ in range(30):
        at += timedelta(days=chance.choice((0, 0, 1, 5, 12)), hours=1)
        attempt = db.begin_nested()
        try:
            step(desk, chance.choice(sold), chance, at)
            db.flush()
        except Refusal:
            attempt.rollback()
            db.expire_all()
        else:
            attempt.commit()
            done += 1

    assert done > 5
    assert proof.verify(db) == []
    assert proof_of_stock.verify(db) == []
    for row in deferred.balances(db, on=desk.site.day(at)):
        account = course_money.account(db, row.course_id)
        assert (row.paid, row.earned, row.deferred, row.receivable, row.sessions_owed) == (
            account.paid, account.earned, account.deferred, account.receivable, account.sessions_owed,
        )  # fmt: skip
        due = Decimal(0) if account.ended else course_money.refund_due(db, row.course_id).amount
        assert 0 <= due <= account.paid
