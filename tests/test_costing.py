"""What a session costs, line by line with its source, and which items serve an ingredient (C4, S5, S6)."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from inventory.vials import PharmacyBulk
from pricing import costing, formulations, price_list, sharing
from pricing.costing import NoDates
from pricing.covering import TooManyContainers
from pricing.protocols import UnknownTechnique
from pricing.sheets import LineKind
from pricing.sourcing import NothingHolds
from seed_data import reference
from tests.selling import STARTS_ON, Counter, line_of
from tests.shelf import NOW, TODAY, Clinic, refused
from tests.worked import example

GOLDEN = Path(__file__).parent / "golden" / "formulation_costs.csv"


@pytest.fixture
def counter(db):
    found = Counter(db, share_opened_vials=True)
    found.clinic.add_items(
        """
        HA      3 mL single_dose +0.15 of hyaluronate
        LIDO   20 mL multi_dose 28 d
        GSH     5 mL kit
        BULK   50 mL pharmacy_bulk of ascorbate
        CREAM  30 g  none topical
        NEEDLE  1 each none consumable
        SHARPS  1 each none consumable
        """
    )
    return found


def amounts(line):
    return line.actual, line.average, line.replacement


def test_a_sheet_lists_what_is_drawn_used_and_worked_each_with_its_source(counter):
    counter.offer("HA", "10 x 165.00")
    counter.offer("CREAM", "1 x 22.00")
    counter.offer("NEEDLE", "100 x 22.00")
    counter.offer("SHARPS", "1 x 12.00")
    counter.uses("CREAM 10", "NEEDLE 4", "SHARPS 0.02")

    (session,) = counter.cost(counter.recipe("HA 2.5")).sessions

    assert [(one.kind, one.code, one.containers, one.quantity, one.discarded) for one in session.lines] == [
        (LineKind.INJECTABLE, "HA", 1, Decimal("2.6"), Decimal("0.4")),
        (LineKind.TOPICAL, "CREAM", Decimal("0.3333"), 10, 0),
        (LineKind.CONSUMABLE, "NEEDLE", 4, 4, 0),
        (LineKind.CONSUMABLE, "SHARPS", Decimal("0.02"), Decimal("0.02"), 0),
        (LineKind.LABOUR, "numbing", 0, 20, 0),
        (LineKind.LABOUR, "injection", 0, 40, 0),
        (LineKind.OVERHEAD, "overhead", 0, 0, 0),
    ]
    assert [one.actual for one in session.lines] == [
        Decimal(amount) for amount in ("16.50", "7.33", "0.88", "0.24", "15.00", "30.00", "10.49")
    ]
    assert [one.source for one in session.lines] == [
        "formulation F-90 version 1",
        *["technique: nappage"] * 3,
        *["level L2: 45 an hour"] * 2,
        "setting overhead_rate: 15 % of the lines above",
    ]
    assert session.actual == sum(one.actual for one in session.lines) == Decimal("80.44")


def test_worked_example_32_an_hour_of_labour_and_fifteen_percent(counter):
    injectables, consumables, hours, rate, _, _ = example("WE-32").numbers_given
    counter.offer("HA", f"1 x {injectables}")
    counter.offer("NEEDLE", f"4 x {consumables}")
    counter.uses("NEEDLE 4")

    (session,) = counter.cost(counter.recipe("HA 2.5")).sessions

    labour = sum(one.actual for one in session.lines if one.kind is LineKind.LABOUR)
    assert labour == hours * rate
    assert session.actual == session.average == session.replacement == example("WE-32").numbers_expected[0]


def test_the_three_bases_differ_as_lots_stock_and_supplier_do(counter):
    counter.clinic.receive("HA", "A17 exp 2026-03-31 1 x 16.00\nB02 exp 2026-09-30 3 x 20.00")
    counter.offer("HA", "10 x 250.00")

    found = line_of(counter.cost(counter.recipe("HA 2.5")), "HA")

    assert amounts(found) == (Decimal("16.00"), Decimal("19.00"), Decimal("25.00"))


def test_a_kit_is_costed_whole(counter):
    counter.offer("GSH", "10 x 100.00")

    found = line_of(counter.cost(counter.recipe("GSH 3")), "GSH")

    assert (found.containers, found.discarded, found.actual) == (1, Decimal("1.9"), Decimal("10.00"))


def test_a_shared_vial_is_costed_by_the_doses_that_it_is_expected_to_serve(counter):
    counter.clinic.receive("LIDO", "A17 exp 2026-12-31 9 x 3.20")
    for patient in range(9):
        counter.clinic.treat(f"P-{patient}", "LIDO 3")

    found = line_of(counter.cost(counter.recipe("LIDO 3")), "LIDO")

    served = sharing.expected_doses(6, Decimal(9) / 90 * 28)
    assert found.stock == (20 / served).quantize(Decimal("0.0001"))
    assert found.actual == (found.stock * Decimal("0.16")).quantize(Decimal("0.01"))


def test_use_is_learned_up_to_today_however_far_ahead_the_course_begins(counter):
    counter.clinic.receive("LIDO", "A17 exp 2026-12-31 9 x 3.20")
    for patient in range(9):
        counter.clinic.treat(f"P-{patient}", "LIDO 3")
    recipe = counter.recipe("LIDO 3")

    soon, late = (line_of(counter.cost(recipe, on), "LIDO").stock for on in (STARTS_ON, date(2026, 5, 1)))

    assert soon == late


def test_a_price_of_the_supplier_s_that_is_not_in_force_yet_is_not_the_current_one(counter):
    counter.offer("HA", "1 x 16.00")
    counter.offer("HA", "1 x 99.00", valid_from=date(2026, 3, 1))

    found = line_of(counter.cost(counter.recipe("HA 2.5"), date(2026, 4, 1)), "HA")

    assert found.replacement == Decimal("16.00")


def test_pharmacy_bulk_is_refused(counter):
    recipe = counter.recipe("BULK 2")

    with refused(PharmacyBulk, "BULK is a pharmacy bulk package; it cannot be used in a treatment room."):
        counter.cost(recipe)


def test_an_ingredient_that_only_a_bulk_package_or_another_unit_holds_is_refused(counter):
    with refused(NothingHolds, "No item in use holds ascorbate in mL."):
        counter.cost(counter.recipe("of ascorbate 2 mL"))
    with refused(NothingHolds, "No item in use holds hyaluronate in g."):
        counter.cost(counter.recipe("of hyaluronate 2 g", code="F-91", protocol="P-91"))


def test_a_course_without_a_date_and_a_technique_that_nobody_knows_are_refused(counter):
    level = price_list.level(counter.db, "L2")
    with refused(NoDates, "A course has at least one session."):
        costing.cost_course(counter.db, counter.recipe("HA 2.5"), level=level, site=counter.site, dates=())
    protocol = counter.db.scalars(formulations.sa.select(costing.Protocol)).one()
    protocol.technique = "tattooing"
    with refused(UnknownTechnique, "No technique is called 'tattooing', so its consumables are not known."):
        counter.cost(formulations.latest(counter.db, "F-90"), protocol=protocol)


def test_more_than_three_sterile_products_in_a_mix_raise_a_flag(counter):
    counter.clinic.add_items("\n".join(f"V{n} 2 mL single_dose" for n in range(5)))

    three = counter.cost(counter.recipe("V0 1", "V1 1", "V2 1"))
    five = counter.cost(counter.recipe(*(f"V{n} 1" for n in range(5)), code="F-27", protocol="P-27"))

    assert "too_many_sterile_products" not in [flag.code for flag in three.flags]
    assert five.flags[0].code == "too_many_sterile_products"
    assert five.flags[0].message == (
        "5 sterile products are mixed, more than 3 (V0, V1, V2, V3, V4): "
        "not an immediate-use preparation (USP 797, 2023; rule VR-07)."
    )
    assert example("WE-27").expected.startswith("flag: more than 3 products")


def test_a_product_named_in_two_lines_is_one_product_of_the_mix(counter):
    counter.clinic.add_items("V1 2 mL single_dose\nV2 2 mL single_dose")

    found = counter.cost(counter.recipe("HA 1", "HA 1", "V1 1", "V2 1"))

    assert "too_many_sterile_products" not in [flag.code for flag in found.flags]
    assert [one.containers for one in found.sessions[0].lines if one.code == "HA"] == [1, 1]


def test_what_the_technique_uses_is_not_in_the_mix(counter):
    counter.clinic.add_items("\n".join(f"V{n} 2 mL single_dose" for n in range(3)))
    counter.uses("LIDO 1")

    found = counter.cost(counter.recipe("V0 1", "V1 1", "V2 1"))

    assert "too_many_sterile_products" not in [flag.code for flag in found.flags]


def test_an_item_that_nothing_prices_is_flagged_once_and_costed_at_zero(counter):
    counter.uses("NEEDLE 4", "SHARPS 1")
    counter.offer("SHARPS", "1 x 1.00")

    found = counter.cost(counter.recipe("HA 1", "HA 1"))

    assert [(flag.code, flag.message) for flag in found.flags] == [
        ("no_price_on_record", "Nothing says what HA costs; it is costed at 0.00."),
        ("no_price_on_record", "Nothing says what NEEDLE costs; it is costed at 0.00."),
    ]
    assert line_of(found, "NEEDLE").actual == 0


def test_what_was_bought_once_and_is_used_up_is_costed_at_its_last_cost(counter):
    counter.clinic.receive("HA", "A17 exp 2026-03-31 1 x 16.00\nB02 exp 2026-03-31 1 x 18.00")
    counter.clinic.treat("P-1", "HA 5")

    found = counter.cost(counter.recipe("HA 2.5"))

    assert amounts(line_of(found, "HA")) == (Decimal("18.00"),) * 3
    assert found.flags == ()


def test_a_formulation_that_is_inactive_is_flagged(counter):
    counter.offer("HA", "1 x 16.00")

    found = counter.cost(counter.recipe("HA 2.5", active=False, preparation_rule="blocked in US"))

    assert [(flag.code, flag.message) for flag in found.flags] == [
        ("inactive_formulation", "F-90 is inactive by default: blocked in US.")
    ]


# An ingredient is served by whichever of its items do it most cheaply.


@pytest.fixture
def of_sizes(db):
    found = Counter(db, share_opened_vials=True)
    found.clinic.add_items(
        """
        SMALL   2 mL single_dose of carnitine
        LARGE   5 mL single_dose of carnitine
        BULK  100 mL pharmacy_bulk of carnitine
        """
    )
    found.offer("SMALL", "1 x 5.00")
    found.offer("LARGE", "1 x 11.00")
    return found


def served(counter, quantity, *, code="F-90"):
    """What serves so much carnitine, as (SKU, containers)."""
    found = counter.cost(counter.recipe(f"of carnitine {quantity} mL", code=code, protocol=code))
    lines = [one for one in found.sessions[0].lines if one.kind is LineKind.INJECTABLE]
    return [(one.code, int(one.containers)) for one in lines]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("3.9", [("SMALL", 2)]),
        ("4.9", [("LARGE", 1)]),
        ("6.8", [("LARGE", 1), ("SMALL", 1)]),
        ("6.9", [("SMALL", 4)]),  # two syringes lose 0.20 of 7
    ],
)
def test_an_ingredient_s_dose_is_covered_by_the_cheapest_sizes_on_offer(of_sizes, quantity, expected):
    assert served(of_sizes, quantity) == expected


def test_the_sizes_in_stock_go_before_a_cheaper_one_on_offer(of_sizes):
    of_sizes.clinic.receive("LARGE", "A17 exp 2026-12-31 1 x 12.00")

    assert served(of_sizes, "3.9") == [("LARGE", 1)]


def test_stock_that_does_not_cover_the_dose_gives_way_to_what_is_on_offer(of_sizes):
    of_sizes.clinic.receive("LARGE", "A17 exp 2026-12-31 1 x 1.00")

    assert served(of_sizes, "7.5") == [("SMALL", 4)]


def test_stock_that_expires_before_the_session_is_not_in_stock(of_sizes):
    of_sizes.clinic.receive("LARGE", "A17 exp 2026-01-19 1 x 1.00")

    assert served(of_sizes, "3.9") == [("SMALL", 2)]


def test_an_item_that_nobody_prices_is_not_the_cheapest(of_sizes):
    of_sizes.clinic.add_items("GIFT 4 mL single_dose of carnitine")

    assert served(of_sizes, "3.9") == [("SMALL", 2)]


def test_an_item_taken_out_of_use_serves_no_longer(of_sizes):
    of_sizes.clinic.item("SMALL").active = False
    of_sizes.db.flush()

    assert served(of_sizes, "3.9") == [("LARGE", 1)]


def test_a_vial_that_many_share_is_weighed_by_what_the_dose_is_charged_with(of_sizes):
    of_sizes.clinic.add_items("MULTI 20 mL multi_dose 28 d of carnitine")
    of_sizes.offer("MULTI", "1 x 30.00")

    alone = served(of_sizes, "1.9")  # one dose of a vial that nobody else asks for costs 30.00
    of_sizes.clinic.receive("MULTI", "A17 exp 2026-12-31 9 x 30.00")
    for patient in range(27):
        of_sizes.clinic.treat(f"P-{patient}", "MULTI 2")
    found = served(of_sizes, "1.9", code="F-91")  # its share of 30.00 is about 3.50

    assert alone == [("SMALL", 1)]
    assert found == [("MULTI", 0)]


def test_the_parts_of_a_dose_add_up_and_each_item_gives_what_its_containers_hold(of_sizes):
    found = of_sizes.cost(of_sizes.recipe("of carnitine 6.8 mL"))

    small, large = line_of(found, "SMALL"), line_of(found, "LARGE")
    assert small.quantity + large.quantity == Decimal("6.8") + 2 * Decimal("0.10")
    assert (small.actual, large.actual) == (Decimal("5.00"), Decimal("11.00"))


def test_a_dose_in_the_wrong_unit_is_refused_before_it_is_searched_for(of_sizes):
    with refused(
        TooManyContainers, "A dose of 2501 would take more than 500 containers of 5: check the recipe."
    ):
        served(of_sizes, "2501")


# Every formulation of the reference tables, as another program costed it.


def golden():
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        return {
            row["formulation_code"]: Decimal(row["cost_by_container_usd"]) for row in csv.DictReader(file)
        }


def test_every_seeded_formulation_costs_at_replacement_what_its_containers_cost(db):
    reference.load(db, at=NOW)
    clinic = Clinic(db)
    level = price_list.level(db, "L2")

    found = {}
    for code in golden():
        recipe = formulations.latest(db, code)
        cost = costing.cost_course(db, recipe, level=level, site=clinic.site, dates=[TODAY])
        injectables = [one for one in cost.sessions[0].lines if one.source.startswith("formulation")]
        found[code] = sum(one.replacement for one in injectables)
        assert all(amounts(one)[0] == one.replacement for one in injectables), code

    assert len(found) == 30
    assert found == golden()
