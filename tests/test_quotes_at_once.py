"""Several people at the same counter: numbers without gaps, one winner, nothing sold or lapsed twice (P4)."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import date
from threading import Barrier, Event

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, treatments
from inventory.clinic import Site
from inventory.database import Database
from inventory.errors import Refusal
from pricing import courses, quote_life, quote_records
from pricing.courses import AlreadyPerformed, Course, CourseSession
from pricing.quote_life import QuoteLapsed, Superseded, WrongStatus
from pricing.quote_records import Quote, QuoteState, QuoteStatus
from tests.selling import Counter, facial
from tests.shelf import BY, NOW

PATIENCE = 30  # seconds, for a machine that has other things to do


def prepared(database: Database, act: Callable[[Counter], object]) -> object:
    """What a clinic that is open for business had done before everybody came at once."""
    with database.write() as db:
        counter = facial(db)
        counter.clinic.receive("HA", "A17 exp 2026-12-31 9 x 16.50")
        done = act(counter)
        db.commit()
        return done


def at_once(database: Database, *acts: Callable[[Session, Site], object]) -> list[object]:
    """Everybody begins at the same moment; what each got, or the refusal that each read."""
    ready = Barrier(len(acts))

    def run(act: Callable[[Session, Site], object]) -> object:
        ready.wait(PATIENCE)
        with database.write() as db:
            try:
                result = act(db, clinic.site(db, "MAIN"))
                db.commit()
            except Refusal as refused:
                db.rollback()
                return type(refused)
            return result

    with ThreadPoolExecutor(len(acts)) as people:
        return list(people.map(run, acts, timeout=PATIENCE))


@contextmanager
def meanwhile(database: Database, act: Callable[[Session, Site], object]) -> Iterator[Future[object]]:
    """Somebody else begins while the block holds its transaction open, and can go on only after it."""
    begun = Event()

    def run() -> object:
        begun.set()
        return at_once(database, act)[0]

    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(run)
        assert begun.wait(PATIENCE)
        wait([waiting], timeout=0.3)  # long enough to run into us
        yield waiting


def issue(key: int) -> Callable[[Session, Site], str | None]:
    def act(db: Session, site: Site) -> str | None:
        return quote_life.issue(db, quote_records.quote(db, key), site=site, at=NOW, by=BY).number

    return act


def accept(key: int, late_reason: str = "") -> Callable[[Session, Site], int]:
    def act(db: Session, site: Site) -> int:
        quote = quote_records.quote(db, key)
        return quote_life.accept(db, quote, site=site, at=NOW, by=BY, late_reason=late_reason).id

    return act


def lapse(db: Session, site: Site) -> int:
    return quote_life.lapse_due(db, on=date(2026, 3, 1), at=NOW, by="nightly")


def statuses(database: Database) -> list[QuoteStatus]:
    with database.read() as db:
        return list(db.scalars(sa.select(QuoteState.status).order_by(QuoteState.quote_id)))


def test_quotes_issued_at_once_in_a_new_year_are_numbered_without_gaps(database):
    keys = prepared(database, lambda counter: [counter.draft().id for _ in range(8)])

    numbers = at_once(database, *map(issue, keys))

    assert sorted(numbers) == [f"Q-2026-{n:05}" for n in range(1, 9)]


def test_one_who_is_refused_among_others_leaves_no_gap(database):
    def act(counter):
        return [counter.draft().id for _ in range(4)] + [counter.issued().id]

    *drafts, issued = prepared(database, act)

    numbers = at_once(database, *map(issue, [*drafts, issued]))

    assert numbers.count(WrongStatus) == 1
    assert sorted(one for one in numbers if isinstance(one, str)) == [f"Q-2026-{n:05}" for n in range(2, 6)]


def test_of_two_who_issue_one_quote_one_wins(database):
    key = prepared(database, lambda counter: counter.draft().id)

    results = at_once(database, issue(key), issue(key))

    assert sorted(map(str, results)) == sorted(["Q-2026-00001", str(WrongStatus)])


def test_of_two_who_accept_one_quote_one_starts_a_course(database):
    key = prepared(database, lambda counter: counter.issued().id)

    results = at_once(database, accept(key), accept(key))

    assert results.count(WrongStatus) == 1
    with database.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Course)) == 1
        assert db.scalar(sa.select(sa.func.count()).select_from(CourseSession)) == 4


def test_of_two_versions_issued_at_once_one_stands(database):
    def act(counter):
        first = counter.draft()
        second = quote_life.revise(counter.db, first, counter.request(), site=counter.site, at=NOW, by=BY)
        return first.id, second.id

    first, second = prepared(database, act)

    results = at_once(database, issue(first), issue(second))

    # The older one was issued before the newer and withdrawn by it, or was too late.
    assert results[1] == "Q-2026-00001"
    assert results[0] in ("Q-2026-00001", Superseded)
    expected = QuoteStatus.DRAFT if results[0] is Superseded else QuoteStatus.WITHDRAWN
    assert statuses(database) == [expected, QuoteStatus.ISSUED]


def test_two_who_revise_one_quote_write_two_versions(database):
    key = prepared(database, lambda counter: counter.issued().id)

    def revise(db, site):
        quote = quote_records.quote(db, key)
        request = quote_life.quotes.request_of(db, quote)
        return quote_life.revise(db, quote, request, site=site, at=NOW, by=BY).version

    assert sorted(at_once(database, revise, revise)) == [2, 3]


def test_the_nightly_job_does_not_lapse_what_is_being_accepted(database):
    key = prepared(database, lambda counter: counter.issued().id)

    with database.write() as db:
        accept(key)(db, clinic.site(db, "MAIN"))
        db.flush()
        with meanwhile(database, lapse) as nightly:
            db.commit()
            assert nightly.result(PATIENCE) == 0

    assert statuses(database) == [QuoteStatus.ACCEPTED]


def test_what_is_being_lapsed_is_not_accepted_without_a_reason(database):
    key = prepared(database, lambda counter: counter.issued().id)

    with database.write() as db:
        assert lapse(db, clinic.site(db, "MAIN")) == 1
        with meanwhile(database, accept(key)) as patient:
            db.commit()
            assert patient.result(PATIENCE) is QuoteLapsed

    assert statuses(database) == [QuoteStatus.LAPSED]


def test_of_two_who_perform_one_session_one_draws_stock(database):
    course_id = prepared(database, lambda counter: counter.accepted()[1].id)

    def perform(db, site):
        found = courses.course(db, course_id)
        return courses.perform(
            db, found, 1, visit_at=NOW, site=site, recorded_at=NOW, by=BY, patient_ref="P-1"
        ).session.id

    results = at_once(database, perform, perform)

    assert results.count(AlreadyPerformed) == 1
    with database.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(treatments.TreatmentSession)) == 1


def test_a_refusal_at_the_last_moment_gives_the_number_back(database):
    first, second = prepared(database, lambda counter: (counter.draft().id, counter.draft().id))

    with database.write() as db:
        assert issue(first)(db, clinic.site(db, "MAIN")) == "Q-2026-00001"
        with meanwhile(database, issue(second)) as other:
            db.rollback()
            assert other.result(PATIENCE) == "Q-2026-00001"

    with database.read() as db:
        numbered = db.scalars(sa.select(Quote.id).join(QuoteState).where(QuoteState.number.isnot(None)))
        assert numbered.all() == [second]


def test_a_promise_row_is_refused_by_the_committed_database_too(database):
    key = prepared(database, lambda counter: counter.issued().id)

    with database.write() as db, pytest.raises(sa.exc.DBAPIError, match="only added, never changed"):
        db.execute(sa.update(Quote).where(Quote.id == key).values(total=1))
