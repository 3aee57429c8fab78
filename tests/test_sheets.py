"""Lines of a cost sheet: whole containers, expected discards, three bases, each rounded once (C4)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from inventory import picking
from inventory.catalog import ItemKind, Replacement
from inventory.clinic import Settings
from inventory.layers import Worth
from pricing import sheets
from pricing.outlook import Drawn
from pricing.price_list import PractitionerLevel
from pricing.protocols import Step
from pricing.sheets import Dose, LineKind, Prices
from tests.shelf import containers, product

HA = product("HA 3 mL single_dose +0.15")
SYRINGE = product("PRP 2 mL single_dose syringe", key=2)
LIDO = product("LIDO 20 mL multi_dose", key=3)
CREAM = replace(product("CREAM 30 g none", key=4), kind=ItemKind.TOPICAL)
KIT = product("KIT 5 mL kit", key=5)
SETTINGS = Settings()
NURSE = PractitionerLevel(code="L2", name="Registered nurse", labour_rate=Decimal("45.00"))


def offer(of, price, containers=1):
    return Replacement(of.id, "SUP", "Supplier", containers, Decimal(price), minimum_packs=1, lead_days=7)


def prices(*, average=None, offers=(), last_cost=None, doses_used=None):
    return Prices(
        average=average or {},
        offers={one.item_id: one for one in offers},
        last_cost=last_cost or {},
        doses_used=doses_used or {},
    )


def drawn(of, needed, shelf):
    draws, missing = picking.plan(Decimal(needed), containers(of, shelf), loss=SETTINGS.draw_loss_ml)
    return Drawn(tuple(draws), missing)


def bill(of, needed, shelf, at=None):
    found = sheets.bill(Dose(of, Decimal(needed), "test"), drawn(of, needed, shelf), at or prices(), SETTINGS)
    return found.quantity, found.discarded, found.bought


def line(of, needed, shelf, at, worth=None):
    return sheets.item_line(
        Dose(of, Decimal(needed), "test"), drawn(of, needed, shelf), at, worth or {}, SETTINGS
    )


@pytest.mark.parametrize(
    ("needed", "shelf", "expected"),
    [
        ("2.5", "A1 exp 2026-03-01 30 mL", ("2.6", "0.4", 0)),  # WE-01
        ("2.5", "", ("2.6", "0.4", 3)),
        ("3.0", "", ("3", 0, 3)),  # WE-02b: the overfill serves
        ("3.2", "", ("3.3", "2.7", 6)),  # WE-02c: and does not stretch
        ("5.0", "A1 exp 2026-03-01 3 mL", ("5.1", "0.9", 3)),  # one is there, one is bought
        ("6.2", "A1 exp 2026-03-01 3 mL", ("6", 0, 3)),
    ],
)
def test_single_dose_is_billed_by_whole_containers_bought_or_not(needed, shelf, expected):
    assert bill(HA, needed, shelf) == tuple(map(Decimal, expected))


def test_a_prefilled_syringe_loses_nothing_and_a_kit_is_used_whole():
    assert bill(SYRINGE, "2", "") == (2, 0, 2)
    assert bill(KIT, "3", "") == (Decimal("3.1"), Decimal("1.9"), 5)


@pytest.mark.parametrize(
    ("used", "shelf", "expected"),
    [
        ("6", "A1 exp 2026-03-01 20 mL", ("3", "0.3333", 0)),
        ("6", "", ("3", "0.3333", "3.3333")),
        ("1", "", ("3", "17", "20")),
        ("1", "A1 discard 2026-03-01 1.5 mL", ("3", "17", "10")),  # half is there
    ],
)
def test_multi_dose_is_billed_with_its_share_of_the_discard_of_what_is_bought_too(used, shelf, expected):
    at = prices(doses_used={(LIDO.id, Decimal(3)): Decimal(used)})

    assert bill(LIDO, "3", shelf, at) == tuple(map(Decimal, expected))


def test_a_tube_is_billed_by_the_gram():
    assert bill(CREAM, "10", "") == (10, 0, 10)
    assert bill(CREAM, "10", "T1 exp 2026-12-31 30 g") == (10, 0, 0)


def test_the_three_bases_are_the_lots_drawn_the_mean_on_hand_and_the_supplier_s_price():
    shelf = "A1 exp 2026-03-01 3 mL\nB2 exp 2026-09-01 3 mL"
    worth = {1: Worth(Decimal(3), Decimal("16.50")), 2: Worth(Decimal(3), Decimal("17.90"))}
    at = prices(
        average={HA.id: Worth(Decimal(6), Decimal("34.40"))}, offers=[offer(HA, "181.00", containers=10)]
    )

    found = line(HA, "2.5", shelf, at, worth)

    assert (found.actual, found.average, found.replacement) == (
        Decimal("16.50"),
        Decimal("17.20"),
        Decimal("18.10"),
    )
    assert (found.containers, found.stock, found.kind) == (1, 3, LineKind.INJECTABLE)


def test_what_is_missing_is_costed_at_replacement_beside_what_is_there():
    at = prices(offers=[offer(HA, "18.10")], average={HA.id: Worth(Decimal(3), Decimal("16.50"))})

    found = line(HA, "5", "A1 exp 2026-03-01 3 mL", at, {1: Worth(Decimal(3), Decimal("16.50"))})

    assert found.actual == Decimal("34.60")
    assert found.average == Decimal("33.00")
    assert found.replacement == Decimal("36.20")


def test_a_shared_vial_costs_the_dose_and_its_share_of_the_discard():
    at = prices(
        offers=[offer(LIDO, "80.00", containers=25)], doses_used={(LIDO.id, Decimal(3)): Decimal("2.5")}
    )

    found = line(LIDO, "3", "A1 exp 2026-03-01 20 mL", at, {1: Worth(Decimal(20), Decimal("3.00"))})

    assert (found.quantity, found.discarded) == (3, 5)
    assert (found.actual, found.replacement) == (Decimal("1.20"), Decimal("1.28"))  # 8 mL of 20


def test_two_doses_of_one_item_have_each_their_own_share_of_the_discard():
    at = prices(doses_used={(LIDO.id, Decimal(3)): Decimal(6), (LIDO.id, Decimal(10)): Decimal(2)})

    assert bill(LIDO, "3", "", at)[1] == Decimal("0.3333")
    assert bill(LIDO, "10", "", at)[1] == 0


def test_without_stock_the_mean_is_the_supplier_s_price_and_without_an_offer_the_last_receipt_s():
    offered, received, held = (
        prices(offers=[offer(HA, "18.00")], last_cost={HA.id: Decimal(5)}),
        prices(last_cost={HA.id: Decimal("5.50")}),
        prices(average={HA.id: Worth(Decimal(3), Decimal("15.00"))}),
    )

    assert (offered.replacement_unit(HA), offered.average_unit(HA)) == (6, 6)
    assert (received.replacement_unit(HA), received.average_unit(HA)) == (Decimal("5.5"), Decimal("5.5"))
    assert (held.replacement_unit(HA), held.average_unit(HA)) == (5, 5)
    assert (prices().replacement_unit(HA), prices().known(HA)) == (0, False)
    assert all(at.known(HA) for at in (offered, received, held))


def test_an_amount_is_rounded_once_at_its_end():
    at = prices(offers=[offer(CREAM, "22.00")])

    assert line(CREAM, "10", "", at).actual == Decimal("7.33")  # of 7.3333
    assert line(CREAM, "0.02", "", at).actual == Decimal("0.01")


def test_labour_is_minutes_at_the_rate_of_the_level():
    found = sheets.labour_line(Step.INJECTION, 40, NURSE)

    assert (found.actual, found.average, found.replacement) == (Decimal("30.00"),) * 3
    assert (found.quantity, found.unit, found.kind) == (40, "min", LineKind.LABOUR)
    assert found.source == "level L2: 45 an hour"
    assert sheets.labour_line(Step.NUMBING, 25, NURSE).actual == Decimal("18.75")
    assert sheets.labour_line(Step.NUMBING, 1, replace_rate("44.70")).actual == Decimal("0.75")  # of 0.745


def replace_rate(rate):
    return PractitionerLevel(code="L2", name="Registered nurse", labour_rate=Decimal(rate))


def test_overhead_is_a_share_of_the_lines_on_each_basis_and_the_totals_add_up():
    at = prices(offers=[offer(HA, "32.00")])
    lines = (
        line(HA, "2.5", "A1 exp 2026-03-01 3 mL", at, {1: Worth(Decimal(3), Decimal("30.10"))}),
        sheets.labour_line(Step.INJECTION, 40, NURSE),
    )

    found = sheets.sheet(1, date(2026, 1, 20), lines, SETTINGS, ())

    overhead = found.lines[-1]
    assert overhead.kind is LineKind.OVERHEAD
    # 15 % of 60.10 is 9.015, half up; of 62.00 it is 9.30.
    assert (overhead.actual, overhead.average, overhead.replacement) == (
        Decimal("9.02"),
        Decimal("9.30"),
        Decimal("9.30"),
    )
    for basis in ("actual", "average", "replacement"):
        assert getattr(found, basis) == sum(getattr(one, basis) for one in found.lines)
