"""Several people at once: the last vial is used once, and whoever waited looks again (S8, S10)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier

import pytest

from inventory import holds, lots, receiving, wastage
from inventory.clinic import CostFormula, PlaceKind
from inventory.errors import Refusal
from inventory.layers import CostLayer
from inventory.lots import LotState
from inventory.proof import verify
from inventory.receiving import Delivery
from tests.shelf import BY, NOW, TODAY, Clinic

AT_ONCE = 4


def together(database, deeds):
    """Do all deeds at once, each in a transaction of its own; answers "done" or the name of the refusal."""
    start = Barrier(len(deeds))

    def run(deed):
        start.wait()
        with database.write() as db:
            try:
                deed(Clinic.at_main(db))
                db.commit()
            except Refusal as refusal:
                db.rollback()
                return refusal.name
        return "done"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return sorted(pool.map(run, deeds))


def opened(database, items, **clinic):
    with database.write() as db:
        drawn = Clinic(db, **clinic)
        drawn.add_items(items)
        db.commit()


def received(database, sku, picture):
    with database.write() as db:
        Clinic.at_main(db).receive(sku, picture)
        db.commit()


def test_the_last_vials_are_used_once_each(database):
    opened(database, "HA 3 mL single_dose")
    received(database, "HA", "A1 exp 2026-03-01 1 x 16.50\nA2 exp 2026-03-02 1 x 16.50")

    answers = together(database, [lambda clinic, n=n: clinic.treat(f"P-{n}", "HA 2") for n in range(AT_ONCE)])

    assert answers == ["NotEnoughStock", "NotEnoughStock", "done", "done"]
    with database.read() as db:
        assert Clinic.at_main(db).held("HA") == {}
        assert verify(db) == []


def test_one_of_many_discards_an_opened_vial(database):
    opened(database, "LIDO 20 mL multi_dose 28 d")
    received(database, "LIDO", "L1 exp 2026-12-31 2 x 3.20")
    with database.write() as db:
        clinic = Clinic.at_main(db)
        clinic.treat("P-1", "LIDO 5")
        clinic.treat("P-2", "LIDO 5")
        db.commit()

    def discard(clinic):
        first = clinic.opened("LIDO")[0]
        when = {"site": clinic.site, "at": NOW, "recorded_at": NOW, "by": BY}
        wastage.discard(clinic.db, first, **when)

    with database.read() as db:
        ids = [vial.id for vial in Clinic.at_main(db).opened("LIDO")]
    answers = together(database, [discard] * 2)

    # The second either waited and found the first vial closed, or came late and took the other one.
    assert answers in (["VialClosed", "done"], ["done", "done"])
    with database.read() as db:
        assert [vial.id for vial in Clinic.at_main(db).opened("LIDO")] in ([ids[1]], [])
        assert verify(db) == []


def test_a_recalled_lot_is_not_released_by_whoever_waited(database):
    opened(database, "HA 3 mL single_dose")
    received(database, "HA", "A17 exp 2026-12-31 2 x 16.50 quarantined")

    def hold(act):
        def deed(clinic):
            act(clinic.db, clinic.lot("HA", "A17"), at=NOW, by=BY, reason="the maker called")

        return deed

    together(database, [hold(holds.release), hold(holds.recall), hold(holds.release), hold(holds.recall)])

    with database.read() as db:
        clinic = Clinic.at_main(db)
        assert clinic.lot("HA", "A17").state is LotState.RECALLED
        assert clinic.held("HA") == {}
        assert clinic.held("HA", PlaceKind.QUARANTINE) == {"A17": 6}


@pytest.mark.parametrize("formula", CostFormula)
def test_two_first_deliveries_make_one_lot_and_one_pool(database, formula):
    opened(database, "HA 3 mL single_dose", formula=formula)

    def deliver(clinic):
        delivery = Delivery(clinic.item("HA"), "A17", date(2026, 12, 31), 2, Decimal("16.50"))
        receiving.receive(clinic.db, delivery, site=clinic.site, received_on=TODAY, recorded_at=NOW, by=BY)

    assert together(database, [deliver] * AT_ONCE) == ["done"] * AT_ONCE
    with database.read() as db:
        clinic = Clinic.at_main(db)
        assert clinic.held("HA") == {"A17": 6 * AT_ONCE}
        pooled = formula is CostFormula.WEIGHTED_AVERAGE
        assert db.query(CostLayer).count() == (1 if pooled else AT_ONCE)
        assert lots.find(db, clinic.item("HA"), "A17") is not None
        assert verify(db) == []
