"""What the demo clinic's patients pay for their courses; one gives up, one does not come once (B2)."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from inventory.clinic import Site
from inventory.measures import to_cents_half_up
from pricing import course_events, course_life, course_money
from pricing.course_book import Method
from pricing.courses import Course, CourseSession

DEPOSIT = Decimal("0.25")
METHODS = (Method.CARD, Method.CARD, Method.CASH, Method.TRANSFER)
PAYS_BY_SESSION = 3  # every third course; the others are paid whole when the first session was received
GIVES_UP, STAYS_AWAY = 5, 4  # the courses of which this is told
DESK = "demo front desk"


def deposit(db: Session, course: Course, *, site: Site, at: datetime) -> None:
    """A quarter of the price, when the quote is accepted."""
    total = course_money.account(db, course.id).total
    _pay(db, course, to_cents_half_up(total * DEPOSIT), site=site, at=at, deposit=True)


def stays_away(db: Session, course: Course, session: CourseSession, *, site: Site, at: datetime) -> bool:
    """One patient does not come to the second session, once; it is moved by a week."""
    told = course.id == STAYS_AWAY and session.number == 2
    if not told or course_events.events(db, course.id):
        return False
    when = course_life.dated(course, on=None, site=site, at=at, by=DESK)
    course_life.miss(db, course, 2, when=when, reason="did not come, could not be reached")
    later = when.on + timedelta(days=7)
    course_life.move(db, course, 2, to=later, site=site, when=when, reason="had a cold; comes a week later")
    return True


def after(db: Session, course: Course, *, site: Site, at: datetime) -> None:
    """What is paid after a session was received; and one patient gives up after the first."""
    account = course_money.account(db, course.id)
    if course.id == GIVES_UP and account.sessions_used == 1:
        when = course_life.dated(course, on=None, site=site, at=at, by=DESK)
        note = "moves to another town"
        course_life.refund(db, course, when=when, method=Method.CARD, note=note)
        return
    if course.id % PAYS_BY_SESSION == 0 and account.sessions_owed:
        share = to_cents_half_up(account.total / (account.sessions_used + account.sessions_owed))
        _pay(db, course, min(account.due, share), site=site, at=at)
    else:
        _pay(db, course, account.due, site=site, at=at)


def _pay(
    db: Session, course: Course, amount: Decimal, *, site: Site, at: datetime, deposit: bool = False
) -> None:
    if not amount:
        return
    when = course_life.dated(course, on=None, site=site, at=at, by=DESK)
    method = METHODS[course.id % len(METHODS)]
    course_money.pay(db, course.id, amount, when=when, method=method, deposit=deposit)
