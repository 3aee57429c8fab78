"""The worked examples on stock and cost, each read from the accountant's table."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from inventory import clinic as clinics
from inventory import gs1, vials, wastage
from inventory.clinic import CostFormula
from inventory.lots import Lot, LotState
from inventory.measures import fit, to_cents
from inventory.picking import NotEnoughStock
from inventory.vials import PreparedIn
from tests.shelf import BY, NOW, TODAY, Clinic, product, refused
from tests.worked import example


def numbers(code):
    """What is given and what is expected, as numbers."""
    row = example(code)
    return row.numbers_given, row.numbers_expected


def vials_of_hyaluronic_acid(db, loss):
    """WE-01's shelf: a pack of ten 3 mL vials with 0.15 overfill for 165.00."""
    _, content, overfill, containers, pack, _, _ = numbers("WE-01")[0]
    clinic = Clinic(db)
    clinics.change_setting(db, "draw_loss_ml", str(loss), at=NOW, by=BY)
    clinic.add_items(f"HA {content} mL single_dose +{overfill}")
    clinic.receive("HA", f"A17 exp 2026-12-31 {containers} x {pack / containers}")
    return clinic


@pytest.mark.parametrize("code", ["WE-01", "WE-02"])
def test_a_single_dose_vial_is_issued_whole_and_its_parts_add_up(db, code):
    given, expected = numbers(code)
    dose, loss = given[-2:]
    containers, issue, drawn, cost_of_use, discard, cost_of_discard = expected
    clinic = vials_of_hyaluronic_acid(db, loss)
    before = clinic.held("HA")["A17"]

    treated = clinic.treat("P-1", f"HA {dose}")

    use = treated.uses[0]
    assert before - clinic.held("HA")["A17"] == containers * clinic.item("HA").content
    assert (treated.cost, use.quantity, use.discarded) == (issue, drawn, discard)
    assert (use.value - use.discarded_value, use.discarded_value) == (cost_of_use, cost_of_discard)
    assert cost_of_use + cost_of_discard == issue


@pytest.mark.parametrize("code", ["WE-02b", "WE-02c"])
def test_the_overfill_covers_the_hold_up_and_does_not_stretch(db, code):
    given, (containers, *_) = numbers(code)
    dose, loss = given[-2:]
    clinic = vials_of_hyaluronic_acid(db, loss)

    clinic.treat("P-1", f"HA {dose}")

    assert 30 - clinic.held("HA")["A17"] == 3 * containers


def test_we_03_a_multi_dose_vial_over_twenty_eight_days(db):
    (_, content, bought, price, *rest), expected = numbers("WE-03")
    doses, days = rest[:3], [int(day) for day in rest[3:6]]
    unit, per_ml, used, cost_of_use, left, cost_of_rest, discard_day = expected
    clinic = Clinic(db, share_opened_vials=True)
    clinic.add_items(f"LIDO {content} mL multi_dose 28 d")
    clinic.receive("LIDO", f"L1 exp 2027-12-31 {bought} x {price / bought}")

    sessions = [
        clinic.treat(f"P-{day}", f"LIDO {dose}", at=NOW + timedelta(days=day))
        for dose, day in zip(doses, days, strict=True)
    ]
    when = {"site": clinic.site, "recorded_at": NOW, "by": BY}
    the_day = NOW + timedelta(days=int(discard_day))
    early = wastage.discard_due(db, at=the_day - timedelta(minutes=1), **when)
    due = wastage.discard_due(db, at=the_day, **when)

    assert (price / bought, unit / content) == (unit, per_ml)
    assert sum(session.uses[0].quantity for session in sessions) == used
    assert sum(session.cost for session in sessions) == cost_of_use
    assert early == ()
    assert [(one.quantity, one.value) for one in due] == [(left, cost_of_rest)]


def issue_of_three_deliveries(db, formula):
    opening, opening_cost, receipt, receipt_cost, issue = numbers("WE-04")[0]
    clinic = Clinic(db, formula)
    clinic.add_items("HA 1 each none")
    clinic.receive(
        "HA",
        f"""
        A17 exp 2027-12-31 {opening} x {opening_cost} on 2026-01-05
        B02 exp 2026-12-31 {receipt} x {receipt_cost} on 2026-01-10
        """,
    )
    value = clinic.value("HA")
    return clinic, value, clinic.treat("P-1", f"HA {issue}")


def test_we_04_moving_weighted_average(db):
    average, issue, closing, closing_value = numbers("WE-04")[1]

    clinic, before, treated = issue_of_three_deliveries(db, CostFormula.WEIGHTED_AVERAGE)

    assert before / 30 == average
    assert treated.cost == issue
    assert sum(clinic.held("HA").values()) == closing
    assert clinic.value("HA") == closing_value


def test_we_05_fifo_cost_while_another_lot_is_drawn(db):
    issue, closing, closing_value = numbers("WE-05")[1]

    clinic, _, treated = issue_of_three_deliveries(db, CostFormula.FIFO)

    assert treated.cost == issue
    assert clinic.value("HA") == closing_value
    assert sum(clinic.held("HA").values()) == closing
    assert {use.lot_number for use in treated.uses} == {"B02"}  # FEFO: it expires first


def test_we_06_no_cent_is_left_over(db):
    (units, cost, *issues), expected = numbers("WE-06")
    clinic = Clinic(db)
    clinic.add_items("HA 1 each none")
    clinic.receive("HA", f"A17 exp 2026-12-31 {units} x {round(cost / units, 6)}")

    left = [clinic.treat("P-1", f"HA {issue}").cost for issue in issues]

    assert left == expected[:3]
    assert sum(left) == expected[3] == cost
    assert clinic.value("HA") == 0


def test_we_25_day_zero_is_the_last_day_of_the_month(db):
    row = example("WE-25")
    label = row.given.split()[-1]
    last_day = date.fromisoformat(row.expected[-10:])

    expires_on = gs1.day(label, on=TODAY, name="expiry")

    lot = Lot(number="A17", expires_on=expires_on, state=LotState.RELEASED)
    assert expires_on == last_day
    assert lot.usable(last_day)
    assert not lot.usable(last_day + timedelta(days=1))


def test_we_26_opening_never_extends_the_printed_expiry(db):
    row = example("WE-26")
    clinic = Clinic(db)
    here = ZoneInfo(clinic.site.time_zone)
    opened_at = datetime(row.on.year, row.on.month, row.on.day, 9, tzinfo=here)
    lidocaine = product("LIDO 20 mL multi_dose")
    clinic.add_items("LIDO 20 mL multi_dose 28 d")
    assert clinic.item("LIDO").in_use_hours == 28 * 24

    found = vials.discard_at(
        lidocaine,
        expires_on=gs1.day("270200", on=TODAY, name="expiry"),
        opened_at=opened_at,
        prepared_in=PreparedIn.PREPARATION_AREA,
        site=clinic.site,
        rules=[],
    )

    assert "270200" in row.given
    assert "end of 2027-02-28" in row.expected
    assert found.at == datetime(2027, 3, 1, tzinfo=here)


def test_we_27_five_sterile_products_in_one_mix_raise_a_flag(db):
    products, expected = int(numbers("WE-27")[0][0]), example("WE-27").expected
    clinic = Clinic(db)
    for number in range(products):
        clinic.add_items(f"S{number} 5 mL single_dose")
        clinic.receive(f"S{number}", "L1 exp 2026-12-31 1 x 1.00")

    treated = clinic.treat("P-1", *[f"S{number} 1" for number in range(products)])

    assert f"more than {numbers('WE-27')[1][0]} products" in expected
    assert "not an immediate-use preparation" in expected
    assert treated.flags == (
        "5 sterile products are mixed, more than 3 (S0, S1, S2, S3, S4): "
        "not an immediate-use preparation (USP 797, 2023; rule VR-07).",
    )


def test_we_28_needles_are_changed_and_counted(db):
    (points, change_after), (needles, price, cost) = numbers("WE-28")[0], _needles()
    clinic = Clinic(db)
    clinic.add_items("NEEDLE 1 each none consumable")
    clinic.receive("NEEDLE", f"N1 exp 2030-12-31 100 x {price}")

    assert fit(points, change_after) == needles
    assert clinic.treat("P-1", f"NEEDLE {needles}").cost == cost


def _needles():
    first, *_, price, cost = numbers("WE-28")[1]
    return first, price, cost


def test_we_29_fifty_grams_of_numbing_cream_are_more_than_one_tube(db):
    (area, grams, square), (needed, tube, *_) = numbers("WE-29")
    clinic = Clinic(db)
    clinic.add_items(f"EMLA {tube} g none 90 d topical")
    clinic.receive("EMLA", "E1 exp 2026-12-31 1 x 30.00")
    assert area * grams / square == needed

    with refused(NotEnoughStock, "EMLA: 50 g needed, 30 g usable on 2026-01-15."):
        clinic.treat("P-1", f"EMLA {needed}")
    clinic.receive("EMLA", "E1 exp 2026-12-31 1 x 30.00")
    clinic.treat("P-1", f"EMLA {needed}")

    assert [vial.remaining for vial in clinic.opened("EMLA")] == [2 * tube - needed]


def test_we_30_a_large_single_dose_vial_wastes_what_a_small_dose_leaves(db):
    (milligrams, content, strength), (used, discarded, wasted) = numbers("WE-30")
    clinic = Clinic(db)
    clinics.change_setting(db, "draw_loss_ml", "0", at=NOW, by=BY)
    clinic.add_items(f"TXA {content} mL single_dose")
    clinic.receive("TXA", "T1 exp 2026-12-31 1 x 10.00")

    use = clinic.treat("P-1", f"TXA {milligrams / strength}").uses[0]

    assert (use.quantity, use.discarded) == (used, discarded)
    assert to_cents(use.discarded / content) == wasted / 100
    assert clinic.opened("TXA") == []  # never save the rest
