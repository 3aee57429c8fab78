"""Previews: what an act would change today and on every day since its date, and nothing of it kept (S12)."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
import sqlalchemy as sa

from inventory import corrections, history, holds, lots, proof, receiving, wastage
from inventory.balances import WouldHaveBeenNegative
from inventory.clinic import PLACES, CostFormula, PlaceKind
from inventory.errors import Refusal
from inventory.ledger import Movement, WasteReason
from inventory.lots import LotState
from inventory.preview import preview
from inventory.receiving import Delivery
from tests.shelf import BY, NOW, TODAY, Clinic, refused

EARLIER = NOW - timedelta(days=5)
WHEN = {"recorded_at": NOW, "by": BY}


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items("HA 3 mL single_dose +0.15\nLIDO 20 mL multi_dose 28 d")
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50")
    clinic.receive("LIDO", "L1 exp 2026-12-31 5 x 3.20")
    return clinic


def write_off(clinic, containers, at):
    wastage.write_off(
        clinic.db, clinic.lot("HA", "A17"), quantity_off=Decimal(3) * containers, reason=WasteReason.LOST,
        site=clinic.site, at=at, **WHEN,
    )  # fmt: skip


def test_a_backdated_write_off_shows_every_day_that_it_would_change(clinic):
    clinic.treat("P-1", "HA 2", at=NOW - timedelta(days=2), recorded_at=NOW)
    before = clinic.posted()

    found = preview(clinic.db, lambda: write_off(clinic, 2, EARLIER), **WHEN)

    (balance,) = found.balances
    assert (balance.spot.place, balance.spot.lot_number, balance.before, balance.after) == (
        "SHELF", "A17", 27, 21,
    )  # fmt: skip
    assert [(one.on, one.before, one.after) for one in found.days] == [
        (date(2026, 1, 10), 30, 24),
        (date(2026, 1, 13), 27, 21),
    ]
    assert [(one.on, one.before, one.after) for one in found.values] == [
        (date(2026, 1, 10), Decimal("165.00"), Decimal("132.00")),
        (date(2026, 1, 13), Decimal("148.50"), Decimal("115.50")),
    ]
    assert found.value_change == Decimal("-33.00")
    assert [(one.source, one.target, one.quantity) for one in found.movements] == [("SHELF", "WASTE", 6)]
    assert clinic.posted() == before
    assert clinic.held("HA") == {"A17": 27}


def test_what_would_be_refused_is_refused_with_the_same_words(clinic):
    clinic.treat("P-1", "HA 20", at=NOW - timedelta(days=2), recorded_at=NOW)

    sentence = "MAIN holds 9 mL of lot A17 sealed; 30 mL cannot be written off."
    with refused(wastage.NotThatMuch, sentence):
        preview(clinic.db, lambda: write_off(clinic, 10, EARLIER), **WHEN)
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.50", on=TODAY)
    with refused(
        WouldHaveBeenNegative,
        "On 2026-01-13 the place held 9 of the lot; 12 cannot have left on 2026-01-10.",
    ):
        preview(clinic.db, lambda: write_off(clinic, 4, EARLIER), **WHEN)
    assert proof.verify(clinic.db) == []


def test_a_session_shows_the_vial_that_it_would_open_and_one_that_it_would_draw_from(clinic):
    first = preview(clinic.db, lambda: clinic.treat("P-1", "LIDO 5"), **WHEN)
    clinic.treat("P-1", "LIDO 5")
    second = preview(clinic.db, lambda: clinic.treat("P-1", "LIDO 3"), **WHEN)

    assert [(one.sku, one.before, one.after) for one in first.vials] == [("LIDO", None, 15)]
    assert [(one.sku, one.before, one.after) for one in second.vials] == [("LIDO", 15, 12)]
    assert {one.spot.kind: (one.before, one.after) for one in first.balances} == {
        PlaceKind.SHELF: (100, 80),
        PlaceKind.OPENED: (0, 15),
    }


def test_a_reversal_shows_what_it_would_give_back(clinic):
    session = clinic.treat("P-1", "HA 2").session
    undo = {"at": NOW, "reason": "the wrong chart", **WHEN}

    found = preview(clinic.db, lambda: corrections.reverse_session(clinic.db, session, **undo), **WHEN)

    assert [(one.before, one.after) for one in found.balances] == [(27, 30)]
    assert found.value_change == Decimal("16.50")
    corrections.reverse_session(clinic.db, session, **undo)  # the preview has not done it


def test_a_recall_shows_the_state_and_where_the_stock_would_go(clinic):
    lot = clinic.lot("HA", "A17")

    found = preview(clinic.db, lambda: holds.recall(clinic.db, lot, at=NOW, by=BY, reason="letter"), **WHEN)

    assert [(one.lot_number, one.before, one.after) for one in found.lots] == [
        ("A17", LotState.RELEASED, LotState.RECALLED)
    ]
    assert {one.spot.kind: (one.before, one.after) for one in found.balances} == {
        PlaceKind.SHELF: (30, 0),
        PlaceKind.QUARANTINE: (0, 30),
    }
    assert found.values == ()
    assert clinic.lot("HA", "A17").state is LotState.RELEASED


def test_the_first_delivery_of_a_lot_shows_a_place_that_had_nothing(clinic):
    delivery = Delivery(clinic.item("HA"), "NEW", date(2027, 1, 31), 2, Decimal("17.90"))
    act = lambda: receiving.receive(  # noqa: E731
        clinic.db, delivery, site=clinic.site, received_on=TODAY, **WHEN
    )

    found = preview(clinic.db, act, **WHEN)

    assert [(one.spot.lot_number, one.before, one.after) for one in found.balances] == [("NEW", 0, 6)]
    assert lots.find(clinic.db, clinic.item("HA"), "NEW") is None


def ends_of_days(db, days):
    """What every place held of every lot at the end of each day, and what each item's stock was worth."""
    codes = dict(db.execute(sa.select(PLACES.c.id, PLACES.c.code)).all())
    held = {
        (on, codes[one.place_id], one.lot_id): one.quantity
        for on in days
        for one in history.held_at(db, on=on)
    }
    worth = {
        (on, sku): sum((row.value for row in history.valuation(db, on=on).rows if row.sku == sku), Decimal(0))
        for on in days
        for sku in ("HA", "LIDO")
    }
    return held, worth


@pytest.mark.parametrize("formula", CostFormula)
@pytest.mark.parametrize("seed", range(2))
def test_what_was_foreseen_is_what_then_happens_on_every_day(db, formula, seed):
    clinic, chance = Clinic(db, formula), Random(seed)
    clinic.add_items("HA 3 mL single_dose +0.15\nLIDO 20 mL multi_dose 28 d")
    clinic.receive("HA", "A17 exp 2026-12-31 9 x 16.51\nB02 exp 2026-06-30 6 x 17.90")
    clinic.receive("LIDO", "L1 exp 2026-12-31 6 x 3.20")
    days = [date(2026, 1, 5) + timedelta(days=number) for number in range(3, 11)]

    def act():
        at = NOW - timedelta(days=chance.choice([0, 0, 1, 3, 6]))
        kind = chance.randrange(4)
        if kind == 0:
            sku = chance.choice(["HA 2", "LIDO 4", "HA 4"])
            return lambda: clinic.treat("P-1", sku, at=at, recorded_at=NOW)
        if kind == 1:
            return lambda: write_off(clinic, 1, at)
        if kind == 2:
            moves = clinic.db.scalars(sa.select(Movement.id).order_by(Movement.id)).all()
            move = clinic.db.get_one(Movement, chance.choice(moves))
            return lambda: corrections.reverse(clinic.db, move, at=at, reason="no", **WHEN)
        hold = chance.choice([holds.quarantine, holds.release, holds.release])
        lot = clinic.lot("HA", chance.choice(["A17", "B02"]))
        return lambda: hold(clinic.db, lot, at=NOW, by=BY, reason="no")

    for _ in range(8):
        deed, before = act(), ends_of_days(db, days)
        try:
            found = preview(db, deed, **WHEN)
        except Refusal as refusal:
            with pytest.raises(type(refusal), match="."), db.begin_nested():
                deed()
            db.expire_all()
            continue
        assert ends_of_days(db, days) == before
        deed()
        after = ends_of_days(db, days)

        held = dict(before[0])
        for on in days:  # a day without a movement is as the day before it
            for one in found.balances:
                key = (one.spot.place, one.spot.lot_id)
                changes = [change for change in found.days if change.spot == one.spot and change.on <= on]
                if changes:
                    held[on, *key] = held.get((on, *key), 0) + changes[-1].after - changes[-1].before
        assert {key: much for key, much in held.items() if much} == after[0]
        worth = dict(before[1])
        for on, sku in worth:
            changes = [change for change in found.values if change.sku == sku and change.on <= on]
            worth[on, sku] += changes[-1].after - changes[-1].before if changes else 0
        assert worth == after[1]
        assert proof.verify(db) == []
