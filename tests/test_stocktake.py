"""Stocktakes: differences with their price, a second count, and one document (S11, B1)."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import (
    clinic as clinics,
)
from inventory import (
    corrections,
    count_posting,
    counting,
    counts,
    differences,
    places,
    proof,
    stocktake,
)
from inventory.clinic import CostFormula, PlaceKind, Temperature
from inventory.count_posting import (
    NoReasonGiven,
    NotAllCounted,
    SecondCountNeeded,
)
from inventory.counts import CountState
from inventory.ledger import Document, DocumentKind, Movement
from pricing import accounting
from tests.counting import HOUR, begin, differing, line, post, stocked, write
from tests.shelf import BY, NOW, TODAY, Clinic, refused


@pytest.fixture
def clinic(db):
    return stocked(db)


def test_what_is_missing_goes_out_and_what_is_found_comes_in_under_one_document(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=27, B02=18, L1=40, L1_open="16.5", N1=100)

    posted = post(clinic, sheet, at=NOW + HOUR)

    assert clinic.held("HA") == {"A17": 27, "B02": 18}
    assert clinic.held("LIDO", PlaceKind.OPENED) == {"L1": Decimal("16.5")}
    assert clinic.moved("HA", document_id=posted.document_id) == [
        ("A17", "shelf", "count", 3, Decimal("16.50"), "weekly count"),
        ("B02", "count", "shelf", 3, Decimal("17.90"), "weekly count"),
    ]
    document = clinic.db.get_one(Document, posted.document_id)
    assert (document.kind, document.at, document.by, document.note) == (
        DocumentKind.COUNT, NOW, BY, "weekly count",
    )  # fmt: skip
    assert (sheet.state, sheet.ended_by, sheet.document_id) == (CountState.POSTED, BY, posted.document_id)
    assert proof.verify(clinic.db) == []


def test_differences_are_priced_before_they_are_posted_and_posted_at_that_price(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=27, B02=18, L1=40, L1_open="16.5", N1=100)

    priced = [(one.line.lot_number, one.change, one.value) for one in differing(clinic, sheet)]
    before = clinic.value("HA"), clinic.value("LIDO")
    posted = post(clinic, sheet)

    assert priced == [
        ("A17", -3, Decimal("-16.50")),
        ("B02", 3, Decimal("17.90")),
        ("L1", Decimal("-0.5"), Decimal("-0.25")),
    ]
    assert (posted.differences.gained, posted.differences.lost) == (Decimal("17.90"), Decimal("16.75"))
    assert clinic.value("HA") - before[0] == Decimal("1.40")
    assert clinic.value("LIDO") - before[1] == Decimal("-0.25")
    kept = [(one.change, one.value) for one in _lines(clinic, sheet)]
    assert kept == [
        (-3, Decimal("-16.50")),
        (3, Decimal("17.90")),
        (0, 0),
        (0, 0),
        (Decimal("-0.5"), Decimal("-0.25")),
    ]


def _lines(clinic, sheet):
    return differences.lines(clinic.db, sheet)


def test_a_posted_count_says_what_it_did_whatever_happens_afterwards(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=27, B02=18, L1=40, L1_open="16.5", N1=100)
    done = post(clinic, sheet).differences

    clinic.treat("P-2", "HA 45", at=NOW + HOUR)

    told = differences.differences(clinic.db, sheet)
    assert (told.gained, told.lost) == (done.gained, done.lost)
    assert [(one.change, one.value) for one in told.differing] == [
        (one.change, one.value) for one in done.differing
    ]
    assert told.outdated == told.again == ()


def test_the_journal_says_dr_or_cr_count_differences(clinic):
    sheet = begin(clinic)
    write(clinic, sheet, A17=24, B02=18, L1=40, L1_open=17, N1=100)

    post(clinic, sheet)

    (entry,) = [
        one
        for one in accounting.journal(clinic.db, since=TODAY, until=TODAY)
        if one.description.startswith("Stock count")
    ]
    assert [(one.account, one.debit, one.credit) for one in entry.lines] == [
        ("1200", Decimal("17.90"), 0),
        ("5120", Decimal("33.00"), 0),
        ("1200", 0, Decimal("33.00")),
        ("5120", 0, Decimal("17.90")),
    ]
    assert f"count {sheet.id}: weekly count" in entry.description


def test_a_large_difference_is_counted_a_second_time_before_it_is_posted(clinic):
    clinics.change_setting(clinic.db, "recount_value", "20.00", at=NOW, by=BY)
    sheet = begin(clinic)
    write(clinic, sheet, A17=24, B02=12, L1=40, L1_open=17, N1=100)

    assert [(one.line.lot_number, one.again) for one in differing(clinic, sheet)] == [
        ("A17", True), ("B02", False),
    ]  # fmt: skip
    with refused(
        SecondCountNeeded,
        "1 differences are so large that they are counted a second time, the first is "
        "lot A17 of HA: 6 mL less than the book.",
    ):
        post(clinic, sheet)
    write(clinic, sheet, again=True, by="niko", A17=27)

    again = line(clinic, sheet, "A17")
    assert (again.round, again.first, again.counted, again.counted_by) == (2, 24, 27, "niko")
    post(clinic, sheet)
    assert clinic.held("HA") == {"A17": 27, "B02": 12}


@pytest.mark.parametrize(("rate", "again"), [("0.1", True), ("0.25", False), ("0", False)])
def test_a_share_of_the_book_can_ask_for_a_second_count(clinic, rate, again):
    clinics.change_setting(clinic.db, "recount_rate", rate, at=NOW, by=BY)
    sheet = begin(clinic)
    write(clinic, sheet, N1=75)

    assert [one.again for one in differing(clinic, sheet)] == [again]


def test_nothing_is_posted_while_lines_have_no_number_unless_they_are_left_or_missing(clinic):
    sheet = begin(clinic)
    with refused(NotAllCounted, "Nothing is counted yet."):
        post(clinic, sheet)
    write(clinic, sheet, A17=30, B02=15, L1=40, L1_open=17)
    with refused(
        NotAllCounted,
        "1 of 5 lines have no number, the first is lot N1 of NEEDLE at Shelf, Main: "
        "count them, or say what becomes of them.",
    ):
        post(clinic, sheet)
    with refused(NoReasonGiven, "Say why the count is posted: it is kept with who posted it."):
        count_posting.post(clinic.db, sheet, at=NOW, by=BY, reason=" ")

    assert counting.rest_is_missing(clinic.db, sheet, at=NOW, by=BY) == 1
    assert [(one.line.lot_number, one.change) for one in differing(clinic, sheet)] == [("N1", -100)]
    write(clinic, sheet, N1=None)
    post(clinic, sheet, leave_uncounted=True)

    assert clinic.held("NEEDLE") == {"N1": 100}


def test_a_lot_in_the_wrong_place_is_carried_there_and_costs_nothing(clinic):
    places.add(clinic.db, clinic.site, code="FRIDGE", name="Fridge", temperature=Temperature.ANY)
    sheet = begin(clinic)
    fridge = places.place(clinic.db, clinic.site, "FRIDGE")
    found = stocktake.add_line(clinic.db, sheet, clinic.lot("HA", "A17"), place_id=fridge.id, at=NOW, by=BY)
    counting.write_down(
        clinic.db,
        sheet,
        [
            counting.Found(line(clinic, sheet, "A17", place="Shelf").id, Decimal(18)),
            counting.Found(found, Decimal(9)),
        ],
        at=NOW,
        recorded_at=NOW,
        by=BY,
    )
    before = clinic.value("HA")

    posted = post(clinic, sheet, leave_uncounted=True)

    assert [(one.change, one.moved, one.value) for one in posted.differences.differing] == [
        (-12, -9, Decimal("-16.50")), (9, 9, 0),
    ]  # fmt: skip
    assert clinic.moved("HA", document_id=posted.document_id) == [
        ("A17", "shelf", "shelf", 9, 0, "weekly count"),
        ("A17", "shelf", "count", 3, Decimal("16.50"), "weekly count"),
    ]
    assert clinic.value("HA") == before - Decimal("16.50")
    assert proof.verify(clinic.db) == []


def test_a_lot_that_is_used_up_by_the_book_and_found_is_put_on_the_sheet_at_its_last_cost(clinic):
    clinic.receive("HA", "B02 exp 2026-09-30 1 x 18.20", on=TODAY)
    clinic.treat("P-2", "HA 48", at=NOW)
    assert clinic.held("HA") == {}
    sheet = begin(clinic, at=NOW)
    shelf = clinic.place(PlaceKind.SHELF)

    stocktake.add_line(clinic.db, sheet, clinic.lot("HA", "B02"), place_id=shelf, at=NOW, by=BY)
    stocktake.add_line(clinic.db, sheet, clinic.lot("HA", "B02"), place_id=shelf, at=NOW, by=BY)
    write(clinic, sheet, B02=6)
    post(clinic, sheet, leave_uncounted=True)

    assert clinic.held("HA") == {"B02": 6}
    assert clinic.value("HA") == Decimal("36.40")


def test_an_opened_vial_of_which_nothing_is_left_is_closed(clinic):
    sheet = begin(clinic, place=places.place(clinic.db, clinic.site, "OPENED"))
    write(clinic, sheet, L1_open=0)

    post(clinic, sheet)

    assert clinic.opened("LIDO") == []
    assert proof.verify(clinic.db) == []


@pytest.mark.parametrize("formula", CostFormula)
def test_missing_stock_leaves_by_the_formula_and_a_posting_can_be_undone(db, formula):
    clinic = Clinic(db, formula)
    clinics.change_setting(db, "recount_value", "0", at=NOW, by=BY)
    clinics.change_setting(db, "recount_rate", "0", at=NOW, by=BY)
    clinic.add_items("HA 3 mL single_dose")
    clinic.receive("HA", "A17 exp 2026-06-30 1 x 10.00\nB02 exp 2026-09-30 3 x 33.33")
    before = clinic.value("HA")
    sheet = begin(clinic)
    write(clinic, sheet, A17=6, B02=3)

    posted = post(clinic, sheet)

    lost = {CostFormula.SPECIFIC: "66.66", CostFormula.FIFO: "43.33", CostFormula.WEIGHTED_AVERAGE: "55.00"}
    assert posted.differences.lost == Decimal(lost[formula])
    assert clinic.value("HA") == before + 10 - Decimal(lost[formula])
    for movement in db.scalars(
        sa.select(Movement).where(Movement.document_id == posted.document_id).order_by(Movement.id.desc())
    ).all():
        if not corrections.reversed_ids(db, [movement.id]):
            corrections.reverse(
                db, movement, at=NOW, recorded_at=NOW, by=BY, reason="counted the wrong shelf"
            )
    assert clinic.held("HA") == {"A17": 3, "B02": 9}
    assert clinic.value("HA") == before


def test_the_last_count_of_a_lot_is_that_of_the_latest_posted_sheet(clinic):
    sheet = begin(clinic, item_ids=[clinic.item("HA").id])
    write(clinic, sheet, A17=30)
    assert counts.last_counted(clinic.db, on=TODAY) == {}
    post(clinic, sheet, leave_uncounted=True)

    assert counts.last_counted(clinic.db, on=TODAY) == {clinic.lot("HA", "A17").id: TODAY}
    assert counts.last_counted(clinic.db, on=TODAY - timedelta(days=1)) == {}


def test_a_count_that_was_reversed_is_nobodys_last_count_from_that_day_on(clinic):
    first = begin(clinic, item_ids=[clinic.item("HA").id])
    write(clinic, first, A17=30)
    post(clinic, first, leave_uncounted=True)
    later = NOW + timedelta(days=3)
    second = begin(clinic)
    write(clinic, second, at=later, A17=27, B02=18, L1=40, L1_open=17, N1=100)
    posted = post(clinic, second, at=later)
    document = corrections.document(clinic.db, posted.document_id)
    a17, b02 = clinic.lot("HA", "A17").id, clinic.lot("HA", "B02").id

    day = later.date()
    assert counts.last_counted(clinic.db, on=day)[a17] == day

    corrections.reverse_document(
        clinic.db, document, at=later + timedelta(days=2), recorded_at=later, by=BY, reason="wrong shelf"
    )

    assert counts.last_counted(clinic.db, on=day)[b02] == day
    after = counts.last_counted(clinic.db, on=day + timedelta(days=2))
    assert after == {a17: TODAY}
