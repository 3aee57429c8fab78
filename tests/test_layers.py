"""Cost layers: what leaves takes its share of value, and what empties a layer takes all of it (C1, C2)."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest

from inventory import layers
from inventory.clinic import CostFormula
from inventory.layers import LAYERS, LayerSpent, LayersRunOut, Share, Want
from inventory.measures import value_of_part
from tests.shelf import Clinic, refused

FORMULAS = list(CostFormula)


def drawn(db, formula=CostFormula.SPECIFIC):
    clinic = Clinic(db, formula)
    clinic.add_items("HA 1 each none consumable")
    return clinic


def take(clinic, formula, number, quantity):
    lot = clinic.lot("HA", number)
    return layers.take(clinic.db, formula, [Want(lot.item_id, lot.id, Decimal(quantity))])[0]


def values(shares):
    return [(share.quantity, share.value) for share in shares]


def test_three_units_for_a_hundred_leave_without_making_or_losing_a_cent(db):
    clinic = drawn(db)
    clinic.receive("HA", "A17 exp 2026-12-31 3 x 33.333333")
    # Three at a third each round to 100.00 (C3: the receipt is worth whole cents).
    assert clinic.value("HA") == Decimal("100.00")

    left = [take(clinic, CostFormula.SPECIFIC, "A17", 1)[0].value for _ in range(3)]

    assert left == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]
    assert clinic.value("HA") == 0


def test_two_at_one_dollar_and_one_at_a_dollar_and_a_cent_leave_nothing_behind(db):
    # A peer averaged 3.01 over 3 units to 1.00 each and kept 0.01 of value with no stock.
    clinic = drawn(db, CostFormula.WEIGHTED_AVERAGE)
    clinic.receive("HA", "A17 exp 2026-12-31 2 x 1.00\nB02 exp 2026-12-31 1 x 1.01")

    left = [take(clinic, CostFormula.WEIGHTED_AVERAGE, "A17", 1)[0].value for _ in range(3)]

    assert sum(left) == Decimal("3.01")
    assert clinic.value("HA") == 0


def test_a_unit_cost_of_a_tenth_of_a_cent_is_kept_and_adds_up(db):
    # A peer rounded the unit cost to the currency, and a thousand needles cost nothing.
    clinic = drawn(db)
    clinic.receive("HA", "A17 exp 2026-12-31 1000 x 0.001")

    left = [take(clinic, CostFormula.SPECIFIC, "A17", 10)[0].value for _ in range(100)]

    assert sum(left) == Decimal("1.00")
    assert set(left) == {Decimal("0.01")}


def test_seventy_issues_of_a_tenth_end_at_exactly_zero(db):
    clinic = drawn(db)
    clinic.receive("HA", "A17 exp 2026-12-31 7 x 1.11")

    left = [take(clinic, CostFormula.SPECIFIC, "A17", "0.1")[0].value for _ in range(70)]

    assert sum(left) == Decimal("7.77")
    assert clinic.value("HA") == 0


def test_half_a_cent_goes_to_the_even_cent():
    # 0.25 over 10 units: one unit is worth 0.025, which is 0.02; of 0.75 it is 0.075, which is 0.08.
    assert value_of_part(Decimal("0.25"), Decimal(1), Decimal(10)) == Decimal("0.02")
    assert value_of_part(Decimal("0.75"), Decimal(1), Decimal(10)) == Decimal("0.08")


def test_specific_takes_the_cost_of_the_very_lot(db):
    clinic = drawn(db)
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.00\nB02 exp 2026-06-30 20 x 17.50 on 2026-01-10")

    assert values(take(clinic, CostFormula.SPECIFIC, "B02", 12)) == [(12, Decimal("210.00"))]


def test_specific_takes_the_older_receipt_of_the_same_lot_first(db):
    clinic = drawn(db)
    clinic.receive(
        "HA",
        """
        A17 exp 2026-12-31 10 x 17.50 on 2026-01-10
        A17 exp 2026-12-31 10 x 16.00 on 2026-01-05
        """,
    )

    shares = take(clinic, CostFormula.SPECIFIC, "A17", 12)

    assert values(shares) == [(10, Decimal("160.00")), (2, Decimal("35.00"))]


def test_fifo_takes_the_items_oldest_cost_whichever_lot_is_drawn(db):
    clinic = drawn(db, CostFormula.FIFO)
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.00\nB02 exp 2026-06-30 20 x 17.50 on 2026-01-10")

    shares = take(clinic, CostFormula.FIFO, "B02", 12)

    assert values(shares) == [(10, Decimal("160.00")), (2, Decimal("35.00"))]
    assert clinic.value("HA") == Decimal("315.00")


def test_weighted_average_keeps_one_pool_an_item(db):
    clinic = drawn(db, CostFormula.WEIGHTED_AVERAGE)
    clinic.receive("HA", "A17 exp 2026-12-31 10 x 16.00\nB02 exp 2026-06-30 20 x 17.50 on 2026-01-10")

    shares = take(clinic, CostFormula.WEIGHTED_AVERAGE, "B02", 12)

    assert values(shares) == [(12, Decimal("204.00"))]
    assert db.query(LAYERS).count() == 1


def test_several_wants_of_one_lot_share_its_layers_in_turn(db):
    clinic = drawn(db)
    clinic.receive("HA", "A17 exp 2026-12-31 3 x 33.333333")
    lot = clinic.lot("HA", "A17")
    want = Want(lot.item_id, lot.id, Decimal(1))

    taken = layers.take(db, CostFormula.SPECIFIC, [want, want, want])

    assert [shares[0].value for shares in taken] == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]


@pytest.mark.parametrize("formula", FORMULAS)
def test_more_than_the_layers_hold_is_refused_and_takes_nothing(db, formula):
    clinic = drawn(db, formula)
    clinic.receive("HA", "A17 exp 2026-12-31 3 x 10.00")
    lot = clinic.lot("HA", "A17")

    with refused(LayersRunOut, f"The layers lack 1 of 4 for lot {lot.id}."):
        take(clinic, formula, "A17", 4)

    assert clinic.value("HA") == Decimal("30.00")


def test_what_is_given_back_is_exactly_what_was_taken(db):
    clinic = drawn(db)
    clinic.receive("HA", "A17 exp 2026-12-31 3 x 33.333333")
    shares = take(clinic, CostFormula.SPECIFIC, "A17", 2)

    layers.give_back(db, shares)

    assert clinic.value("HA") == Decimal("100.00")


def test_a_receipt_that_was_used_cannot_be_taken_back_from_its_layer(db):
    clinic = drawn(db)
    receipt = clinic.receive("HA", "A17 exp 2026-12-31 3 x 10.00")[0].receipt
    take(clinic, CostFormula.SPECIFIC, "A17", 1)

    sentence = (
        "The receipt brought 3 for 30.00 and only 2 for 20.00 of it is left. Write off or count instead."
    )
    with refused(LayerSpent, sentence):
        layers.take_exactly(db, Share(receipt.layer_id, Decimal(3), Decimal("30.00")))


def test_a_split_makes_and_loses_no_cent():
    shares = [Share(1, Decimal(3), Decimal("10.00")), Share(2, Decimal(2), Decimal("7.01"))]

    used, wasted = layers.split(shares, Decimal("3.5"))

    assert values(used) == [(3, Decimal("10.00")), (Decimal("0.5"), Decimal("1.75"))]
    assert values(wasted) == [(Decimal("1.5"), Decimal("5.26"))]


@pytest.mark.parametrize("seed", range(200))
def test_however_a_layer_is_drawn_its_parts_add_up_and_it_ends_at_zero(seed):
    chance = Random(seed)
    quantity = Decimal(chance.randint(1, 400_000)).scaleb(-4)
    value = Decimal(chance.randint(0, 100_000)).scaleb(-2)
    worth, left, quantity_left = value, [], quantity

    while quantity_left:
        part = min(quantity_left, Decimal(chance.randint(1, 100_000)).scaleb(-4))
        left.append(value_of_part(worth, part, quantity_left))
        worth -= left[-1]
        quantity_left -= part

    assert sum(left) == value
    assert worth == 0
    assert min(left) >= 0


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("seed", range(3))
def test_by_every_formula_what_left_and_what_is_left_are_what_was_paid(db, formula, seed):
    chance = Random(seed)
    clinic = drawn(db, formula)
    paid = Decimal(0)
    for number in range(6):
        received = clinic.receive(
            "HA",
            f"L{number} exp 2026-12-31 {chance.randint(1, 9)} x {Decimal(chance.randint(1, 9999)) / 1000}",
            on=date(2026, 1, 1 + number),
        )
        paid += received[0].receipt.value

    left = Decimal(0)
    for number in range(6):
        held = clinic.held("HA")[f"L{number}"]
        part = Decimal(chance.randint(1, int(held * 10_000))).scaleb(-4)
        left += sum(share.value for share in take(clinic, formula, f"L{number}", part))

    assert left + clinic.value("HA") == paid
