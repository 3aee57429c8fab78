"""Dry runs: what they foresee is what the session then does, and nothing moves for it (S3, S4, S7)."""

from decimal import Decimal
from random import Random

import pytest
import sqlalchemy as sa

from inventory import dry_run
from inventory.ledger import Movement
from inventory.picking import NotEnoughStock, NotFirstToExpire
from inventory.treatments import Line, Visit
from inventory.vials import PreparedIn
from tests.shelf import NOW, Clinic, line, refused

ITEMS = """
    HA      3 mL  single_dose  +0.15
    KIT     1 each kit
    LIDO   20 mL  multi_dose   28 d
    NEEDLE  1 each none        consumable
"""


@pytest.fixture
def clinic(db):
    clinic = Clinic(db, share_opened_vials=True)
    clinic.add_items(ITEMS)
    clinic.receive("HA", "A17 exp 2026-03-31 4 x 16.50\nB02 exp 2026-09-30 9 x 17.90")
    clinic.receive("LIDO", "L01 exp 2026-06-30 4 x 5.00")
    clinic.receive("KIT", "K01 exp 2026-06-30 9 x 40.00")
    clinic.receive("NEEDLE", "N01 exp 2028-06-30 90 x 0.10")
    return clinic


def foresee(clinic: Clinic, *wanted: str | Line, **visit: PreparedIn):
    lines = [one if isinstance(one, Line) else line(*one.split()) for one in wanted]
    return dry_run.foresee(clinic.db, Visit("P-1", NOW, **visit), lines, site=clinic.site, recorded_at=NOW)


def test_it_says_what_is_discarded_and_what_stays_open_and_nothing_moves(clinic):
    moved = clinic.db.scalar(sa.select(sa.func.count()).select_from(Movement))

    ha, lidocaine = foresee(clinic, "HA 2", "LIDO 3")

    assert (ha.lot_number, ha.used, ha.discarded, ha.kept) == ("A17", Decimal("2.1"), Decimal("0.9"), 0)
    assert (lidocaine.opened, lidocaine.discarded, lidocaine.kept) == (1, 0, 17)
    assert lidocaine.kept_until is not None
    assert clinic.db.scalar(sa.select(sa.func.count()).select_from(Movement)) == moved


def test_in_the_treatment_room_the_rest_of_a_shared_vial_is_discarded_too(clinic):
    [lidocaine] = foresee(clinic, "LIDO 3", prepared_in=PreparedIn.TREATMENT_ROOM)

    assert (lidocaine.discarded, lidocaine.kept, lidocaine.kept_until) == (17, 0, None)


def test_what_is_refused_is_refused_here_in_the_same_words(clinic):
    with refused(NotEnoughStock, "HA: 99 mL needed, 39 mL usable on 2026-01-15."):
        foresee(clinic, "HA 99")
    later = Line(Decimal(2), sku="HA", lot_id=clinic.lot("HA", "B02").id)
    with refused(NotFirstToExpire, "HA: lot A17 expires first; taking another needs a reason."):
        foresee(clinic, later)


@pytest.mark.parametrize("seed", range(25))
def test_what_it_foresees_is_what_the_session_does(clinic, seed):
    chance = Random(seed)
    room = chance.choice(list(PreparedIn))
    if chance.random() < 0.5:
        clinic.treat("P-0", f"LIDO {chance.randint(1, 30)}")  # leaves a vial open
    wanted = [
        f"HA {chance.randint(1, 60) / 10}",
        f"LIDO {chance.randint(1, 40)}",
        "LIDO 2",
        "KIT 1",
        "NEEDLE 4",
    ]

    foreseen = foresee(clinic, *wanted, prepared_in=room)
    treated = clinic.treat("P-1", *wanted, prepared_in=room)

    said = [(one.sku, one.lot_number, one.used, one.discarded) for one in foreseen]
    assert said == [(use.sku, use.lot_number, use.quantity, use.discarded) for use in treated.uses]
