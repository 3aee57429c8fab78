"""The book of the instant: what moves before, during and after a count, and what that does to it (S11)."""

from datetime import date, timedelta

import pytest

from inventory import (
    corrections,
    differences,
    holds,
    periods,
    proof,
    wastage,
)
from inventory.clinic import PlaceKind
from inventory.count_posting import (
    CountOutdated,
    DifferencesChanged,
)
from inventory.counting import CountedAtAnotherTime
from tests.counting import HOUR, begin, differing, line, post, stocked, write
from tests.shelf import BY, NOW, TODAY, refused


@pytest.fixture
def clinic(db):
    return stocked(db)


def test_what_moves_after_a_line_is_counted_does_not_falsify_its_difference(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=27, B02=15, L1=40, L1_open=17, N1=100)

    clinic.treat("P-2", "HA 6", "LIDO 2", at=NOW + HOUR)
    clinic.receive("HA", "A17 exp 2026-06-30 2 x 16.60", on=TODAY)
    posted = post(clinic, sheet, at=NOW + 2 * HOUR)

    assert clinic.held("HA")["A17"] == 27 - 6 + 6
    assert clinic.held("LIDO", PlaceKind.OPENED) == {"L1": 15}
    assert [(one.line.lot_number, one.change) for one in posted.differences.differing] == [("A17", -3)]
    assert proof.verify(clinic.db) == []


def test_what_moved_before_and_is_entered_late_explains_the_difference(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, at=NOW + HOUR, A17=24, B02=15, L1=40, L1_open=17, N1=100)
    assert [one.change for one in differing(clinic, sheet)] == [-6]

    # Yesterday's session, entered this afternoon: its two vials were gone when the shelf was counted.
    clinic.treat("P-2", "HA 6", at=NOW - 20 * HOUR, recorded_at=NOW + 2 * HOUR)

    assert differing(clinic, sheet) == ()
    assert line(clinic, sheet, "A17").learned == -6
    post(clinic, sheet, at=NOW + 3 * HOUR)
    assert clinic.held("HA")["A17"] == 24
    assert proof.verify(clinic.db) == []


def test_undoing_a_session_that_never_took_place_changes_the_book_of_the_count(clinic):
    wrong = clinic.treat("P-2", "HA 6", at=NOW)
    sheet = begin(clinic, at=NOW + HOUR)
    write(clinic, sheet, at=NOW + HOUR, A17=30, B02=15, L1=40, L1_open=17, N1=100)
    assert [one.change for one in differing(clinic, sheet)] == [6]

    later = NOW + 2 * HOUR
    corrections.reverse_session(
        clinic.db, wrong.session, at=later, recorded_at=later, by=BY, reason="the wrong chart"
    )

    assert differing(clinic, sheet) == ()
    post(clinic, sheet, at=NOW + 3 * HOUR)
    assert clinic.held("HA")["A17"] == 30


def test_a_sheet_that_was_filled_in_before_is_compared_with_the_book_of_that_time(clinic):
    sheet = begin(clinic)
    clinic.treat("P-2", "HA 6", at=NOW + 2 * HOUR)

    write(clinic, sheet, at=NOW + HOUR, recorded_at=NOW + 3 * HOUR, A17=30, B02=15, L1=40, L1_open=17, N1=100)

    assert differing(clinic, sheet) == ()
    assert line(clinic, sheet, "A17").book == 30
    for wrong in (NOW - HOUR, NOW + 4 * HOUR):
        with pytest.raises(CountedAtAnotherTime):
            write(clinic, sheet, at=wrong, recorded_at=NOW + 3 * HOUR, A17=30)


def test_only_what_was_looked_at_is_posted(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=27, B02=15, L1=40, L1_open=17, N1=100)
    seen = _digest(clinic, sheet)
    write(clinic, sheet, A17=24)

    with refused(
        DifferencesChanged,
        "Something was counted or recorded since you looked: the differences are others now. "
        "Look at them again.",
    ):
        post(clinic, sheet, seen=seen)
    post(clinic, sheet, seen=_digest(clinic, sheet))


def _digest(clinic, sheet):
    return differences.differences(clinic.db, sheet).digest


def test_a_count_of_a_closed_month_is_refused(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=27, B02=15, L1=40, L1_open=17, N1=100)
    february = NOW + timedelta(days=30)
    periods.close(clinic.db, date(2026, 1, 1), at=february, by=BY)

    sentence = "The books are closed through 2026-01-31; nothing can be dated 2026-01-15."
    with refused(periods.PeriodClosed, sentence):
        post(clinic, sheet, at=february)
    with refused(periods.PeriodClosed, sentence):
        begin(clinic)
    with refused(periods.PeriodClosed, sentence):
        write(clinic, sheet, A17=30)
    write(clinic, sheet, at=february, A17=30, B02=15, L1=40, L1_open=17, N1=97)
    post(clinic, sheet, at=february)
    assert clinic.held("NEEDLE") == {"N1": 97}


def test_a_lot_held_back_after_it_was_counted_is_settled_in_quarantine(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=27, B02=18, L1=40, L1_open=17, N1=100)
    for number in ("A17", "B02"):
        holds.quarantine(clinic.db, clinic.lot("HA", number), at=NOW + HOUR, by=BY, reason="warm box")

    post(clinic, sheet, at=NOW + 2 * HOUR)

    assert clinic.held("HA") == {}
    assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A17": 27, "B02": 18}
    assert proof.verify(clinic.db) == []


def test_what_is_missing_and_gone_by_the_book_since_must_be_counted_again(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=27, B02=15, L1=40, L1_open=17, N1=100)
    clinic.treat("P-2", "HA 30", at=NOW + HOUR)

    with refused(
        CountOutdated,
        "3 mL less than the book was counted of lot A17 of HA at Shelf, Main, and since then it was used up "
        "or moved by the book: count it again, or take its number back.",
    ):
        post(clinic, sheet, at=NOW + 2 * HOUR)


def test_a_vial_discarded_after_it_was_counted_must_be_counted_again(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=30, B02=15, L1=40, L1_open=18, N1=100)
    (vial,) = clinic.opened("LIDO")
    later = NOW + HOUR
    wastage.discard(clinic.db, vial, site=clinic.site, at=later, recorded_at=later, by=BY)

    with pytest.raises(CountOutdated, match="1 mL more than the book was counted of opened vial"):
        post(clinic, sheet, at=NOW + 2 * HOUR)
    write(clinic, sheet, at=NOW + 2 * HOUR, L1_open=0)
    post(clinic, sheet, at=NOW + 2 * HOUR)
    assert proof.verify(clinic.db) == []
