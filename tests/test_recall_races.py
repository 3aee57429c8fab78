"""A recall while patients are being treated: no session after its answer has used the lot (S10)."""

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from decimal import Decimal
from multiprocessing import get_context

import pytest

from inventory import clinic as clinics
from inventory import corrections, holds, tracing, transfers, treatments
from inventory.clinic import PlaceKind
from inventory.database import Database
from inventory.holds import AlreadyThere
from inventory.moving import Load
from inventory.proof import verify
from tests.shelf import BY, NOW, Clinic
from tests.test_races import opened, received, together

AT_ONCE = 3
BEFORE_THE_RECALL, AFTER_IT = 4, 3  # sessions, so that it comes in the middle
PLENTY = 20_000  # vials; nobody waits so long for the recall's turn
WHEN = {"at": NOW, "recorded_at": NOW, "by": BY}


def treat_many(url: str, name: str) -> list[tuple[int, str]]:
    """Treat one patient after the other until some after the recall; answers sessions and their lots."""
    database = Database(url)
    done: list[tuple[int, str]] = []
    while sum(lot != "A1" for _, lot in done) < AFTER_IT:
        with database.write() as db:
            treated = Clinic.at_main(db).treat(f"{name}-{len(done)}", "HA 2")
            db.commit()
            done.append((treated.session.id, treated.uses[0].lot_number))
    database.engine.dispose()
    return done


def recall_soon(url: str) -> set[int]:
    """Wait until some were treated, recall the lot, and answer who received it by then."""
    database = Database(url)
    while True:
        with database.read() as db:
            clinic = Clinic.at_main(db)
            if len(tracing.trace(db, clinic.lot("HA", "A1")).sessions) >= BEFORE_THE_RECALL:
                break
    with database.write() as db:
        lot = Clinic.at_main(db).lot("HA", "A1")
        holds.recall(db, lot, at=NOW, by=BY, reason="maker's letter")
        answer = {one.session_id for one in tracing.trace(db, lot).sessions}
        db.commit()
    database.engine.dispose()
    return answer


@pytest.mark.parametrize(
    "pool", [ThreadPoolExecutor, lambda size: ProcessPoolExecutor(size, mp_context=get_context("spawn"))]
)
def test_no_session_after_the_answer_of_a_recall_has_used_the_lot(database, pool):
    opened(database, "HA 3 mL single_dose")
    received(database, "HA", f"A1 exp 2026-03-01 {PLENTY} x 16.50\nA2 exp 2026-09-30 {PLENTY} x 16.50")
    url = database.engine.url.render_as_string(hide_password=False)

    executor: Executor
    with pool(AT_ONCE + 1) as executor:
        told = executor.submit(recall_soon, url)
        treating = [executor.submit(treat_many, url, f"P{number}") for number in range(AT_ONCE)]
        answer = told.result()
        done = [one for each in treating for one in each.result()]

    # Who used the lot was treated before the recall's answer, and stands in it; all others had another lot.
    assert {session for session, lot in done if lot == "A1"} == answer
    assert len(answer) >= BEFORE_THE_RECALL
    assert {lot for session, lot in done if session not in answer} == {"A2"}
    assert len(done) - len(answer) == AT_ONCE * AFTER_IT
    with database.read() as db:
        clinic = Clinic.at_main(db)
        assert {one.session_id for one in tracing.trace(db, clinic.lot("HA", "A1")).sessions} == answer
        assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A1": 3 * (PLENTY - len(answer))}
        assert verify(db) == []


def test_of_many_who_recall_at_once_one_does_and_the_others_are_told_since_when(database):
    opened(database, "HA 3 mL single_dose")
    received(database, "HA", "A1 exp 2026-12-31 4 x 16.50")
    said = []

    def recall(clinic):
        try:
            holds.recall(clinic.db, clinic.lot("HA", "A1"), at=NOW, by=BY, reason="maker's letter")
        except AlreadyThere as refusal:
            said.append(str(refusal))
            raise

    assert together(database, [recall] * 3) == ["AlreadyThere", "AlreadyThere", "done"]
    sentence = (
        "Lot A1 is recalled already since 2026-01-15 15:00 UTC (mara: maker's letter); 12 mL of it is left."
    )
    assert said == [sentence] * 2


def test_a_lot_that_is_recalled_while_it_is_sent_and_undone_ends_in_quarantine_whole(database):
    opened(database, "HA 3 mL single_dose")
    received(database, "HA", "A1 exp 2026-12-31 10 x 16.50")
    with database.write() as db:
        clinic = Clinic.at_main(db)
        clinic.open_site("SOUTH")
        session = clinic.treat("P-1", "HA 2").session.id
        db.commit()

    def recall(clinic):
        holds.recall(clinic.db, clinic.lot("HA", "A1"), at=NOW, by=BY, reason="maker's letter")

    def send(clinic):
        south = clinics.site(clinic.db, "SOUTH")
        load = Load(clinic.lot("HA", "A1"), Decimal(12))
        transfers.send(clinic.db, [load], source=clinic.site, target=south, **WHEN)

    def undo(clinic):
        treated = treatments.session(clinic.db, session)
        corrections.reverse_session(clinic.db, treated, **WHEN, reason="the wrong chart")

    answers = together(database, [recall, send, undo])

    assert answers[1:] == ["done", "done"]
    assert answers[0] in ("done", "LotNotUsable", "NotOnTheShelf")  # who sends may come too late
    with database.read() as db:
        clinic = Clinic.at_main(db)
        assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A1": 30}
        assert clinic.held("HA", PlaceKind.TRANSIT) == {}
        assert clinic.held("HA") == {}
        assert verify(db) == []
