"""Opening stock: what was there before the books began is owed to nobody, and can be taken back whole."""

from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import opening, opening_undone, periods, places, proof
from inventory.clinic import CostFormula, PlaceKind, Temperature
from inventory.errors import Refusal
from inventory.ledger import DOCUMENTS
from inventory.opening import ExpiresBeforeProduced, Held, NotYet
from inventory.opening_undone import NothingLeft, UsedSince
from inventory.periods import PeriodClosed
from inventory.places import UnknownPlace, WrongTemperature
from pricing import accounting, chart, reports
from tests.conftest import rolled_back
from tests.shelf import BY, NOW, TODAY, Clinic

ITEMS = """
    HA    3 mL  single_dose
    LIDO 20 mL  multi_dose  28 d
"""
D = Decimal
EXPIRES = date(2027, 6, 30)


def held(here: Clinic, sku: str, lot: str, containers: int, cost: str, **more: object) -> Held:
    said = {"expires_on": EXPIRES, "on": TODAY, **more}
    return Held(here.item(sku), lot, containers=containers, unit_cost=D(cost), **said)


def bring(here: Clinic, *lines: Held) -> list[str]:
    return opening.bring_in(here.db, lines, site=here.site, recorded_at=NOW, by=BY, reference="import 1")


def brought(here: Clinic) -> list[int]:
    ids = sa.select(DOCUMENTS.c.id).where(DOCUMENTS.c.reference == "import 1").order_by(DOCUMENTS.c.id)
    return list(here.db.scalars(ids))


def take_back(here: Clinic) -> int:
    return opening_undone.take_back(
        here.db, brought(here), site=here.site, at=NOW, by=BY, reason="wrong sheet"
    )


def assert_sound(here: Clinic) -> None:
    assert [breach for check in proof.INVARIANTS.values() for breach in check(here.db)] == []


def test_opening_stock_is_owed_to_nobody_and_has_a_column_of_its_own(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.receive("HA", "B02 exp 2026-09-30 5 x 17.90", on=TODAY)

    bring(here, held(here, "HA", "A17", 10, "16.50"), held(here, "LIDO", "L1", 2, "1.10"))

    totals = {one.account: one.closing for one in accounting.trial_balance(db, since=TODAY, until=TODAY)}
    rows = {row.item.sku: row.value for row in reports.roll_forward(db, since=TODAY, until=TODAY)}
    assert totals[chart.OWNER_EQUITY] == D("-167.20")
    assert totals[chart.GRNI] == D("-89.50")
    assert (rows["HA"].brought_in, rows["HA"].received, rows["HA"].closing) == (
        D("165.00"),
        D("89.50"),
        D("254.50"),
    )
    assert rows["LIDO"].opening == 0
    assert reports.reconcile(db, on=TODAY).difference == 0
    assert_sound(here)


@pytest.mark.parametrize("formula", list(CostFormula))
def test_it_is_taken_back_by_reversals_and_nothing_is_left_of_it(db, formula):
    here = Clinic(db, formula=formula)
    here.add_items(ITEMS)
    here.receive("HA", "B02 exp 2026-09-30 5 x 17.90")
    bring(
        here,
        held(here, "HA", "A17", 10, "16.50", on=date(2025, 11, 3)),
        held(here, "HA", "A17", 1, "17.33"),
        held(here, "LIDO", "L1", 2, "1.10"),
    )

    take_back(here)

    assert here.held("HA") == {"B02": D(15)}
    assert here.held("LIDO") == {}
    assert (here.value("HA"), here.value("LIDO")) == (D("89.50"), 0)
    totals = {one.account: one.closing for one in accounting.trial_balance(db, since=TODAY, until=TODAY)}
    assert totals[chart.OWNER_EQUITY] == 0
    assert_sound(here)
    with pytest.raises(NothingLeft):
        take_back(here)


def test_what_was_used_since_is_named_and_nothing_is_taken_back(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    bring(here, held(here, "HA", "A17", 10, "16.50"), held(here, "HA", "A18", 1, "16.50"))
    here.treat("P-1", "HA 2.5")

    with pytest.raises(UsedSince, match=r"lot A17: 30 came and 27 is still in its place \(session of 2026"):
        take_back(here)

    assert here.held("HA") == {"A17": D(27), "A18": D(3)}
    assert_sound(here)


def test_a_lot_that_has_expired_or_is_held_comes_into_quarantine(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    here.receive("HA", "B02 exp 2026-09-30 5 x 17.90 recalled")

    said = bring(
        here,
        held(here, "HA", "A17", 1, "16.50", expires_on=date(2026, 1, 14), on=date(2025, 6, 1)),
        held(here, "HA", "B02", 2, "16.50", expires_on=date(2026, 9, 30)),
    )

    assert here.held("HA", PlaceKind.QUARANTINE) == {"A17": D(3), "B02": D(21)}
    assert said == [
        "Lot A17 expired on 2026-01-14: it comes into quarantine.",
        "Lot B02 is recalled: what comes goes to quarantine. Lot B02 of HA is on record already; "
        "this adds to it.",
    ]
    assert_sound(here)


def test_it_goes_on_the_shelf_that_is_named_if_the_label_allows(db):
    here = Clinic(db)
    here.add_items(ITEMS)
    fridge = places.add(db, here.site, code="F1", name="Fridge 1", temperature=Temperature.COLD)
    here.item("LIDO").storage = "fridge_2_8"

    bring(here, held(here, "LIDO", "L1", 1, "1.10", place="fridge 1"))

    assert [one.place for one in places.stored(db, site=here.site, item_ids=[here.item("LIDO").id])] == ["F1"]
    with pytest.raises(UnknownPlace, match="has no shelf called 'F2'; it has .*F1"):
        bring(here, held(here, "LIDO", "L1", 1, "1.10", place="F2"))
    with pytest.raises(WrongTemperature, match="HA is kept at room_15_25, and Fridge 1 is not"):
        bring(here, held(here, "HA", "A17", 1, "1.10", place=fridge.code))


@pytest.mark.parametrize(
    ("changes", "refusal", "sentence", "field"),
    [
        ({"on": date(2026, 1, 16)}, NotYet, "2026-01-16 lies in the future", "on"),
        ({"on": date(2025, 12, 31)}, PeriodClosed, "closed through 2025-12-31", "on"),
        ({"produced_on": date(2027, 7, 1)}, ExpiresBeforeProduced, "before it was produced", "expires_on"),
        ({"lot_number": "A" * 21}, Refusal, "1 to 20 characters, not 21", "lot_number"),
        ({"containers": 0}, Refusal, "1 to 1000000 containers, not 0", "containers"),
        ({"containers": 10**6, "unit_cost": D(10**6)}, Refusal, "exceed", "unit_cost"),
        ({"unit_cost": D("0.0000001")}, Refusal, "at most six decimals", "unit_cost"),
    ],
)
def test_a_line_that_cannot_be_is_refused_and_nothing_comes(db, changes, refusal, sentence, field):
    here = Clinic(db)
    here.add_items(ITEMS)
    periods.close(db, date(2025, 12, 1), at=NOW, by=BY)
    said = {
        "lot_number": "A17",
        "expires_on": EXPIRES,
        "containers": 1,
        "unit_cost": D(1),
        "on": TODAY,
        **changes,
    }

    with pytest.raises(refusal, match=sentence) as caught:
        bring(here, held(here, "HA", "A16", 1, "1"), Held(here.item("HA"), **said))

    assert caught.value.facts["field"] == field
    assert here.posted() == 0


@settings(max_examples=25, derandomize=True)
@given(
    counts=st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 9), st.integers(0, 5_000)), max_size=9),
    used=st.integers(0, 3),
)
def test_whatever_comes_the_books_agree_and_it_all_goes_back_or_none(shared_database, counts, used):
    with rolled_back(shared_database) as db:
        here = Clinic(db)
        here.add_items(ITEMS)
        bring(here, *(held(here, "HA", lot, count, str(D(cents) / 100)) for lot, count, cents in counts))
        enough = sum(count for _, count, _ in counts) >= used
        for number in range(used if enough else 0):
            here.treat(f"P-{number}", "HA 2")

        assert reports.reconcile(db, on=TODAY).difference == 0
        try:
            take_back(here)
        except UsedSince:
            assert used
        except NothingLeft:
            assert not counts
        else:
            assert (here.held("HA"), here.value("HA")) == ({}, 0)
        assert reports.reconcile(db, on=TODAY).difference == 0
        assert_sound(here)
