"""Opened vials: until when each may be used, and who may open what (S2, S4, S5)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from inventory import vials, wastage
from inventory.catalog import DoseClass, ItemKind
from inventory.clinic import PlaceKind
from inventory.vials import LotNotUsable, OpensInItsSession, PharmacyBulk, PreparedIn, UnknownVial, VialRule
from inventory.wastage import PatientNeeded
from tests.shelf import BY, NOW, TODAY, Clinic, product, refused

LIDO = replace(product("LIDO 20 mL multi_dose"), in_use_hours=28 * 24)
OPENED_AT = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)  # ten in the morning in New York


def rule(code="VR-02", **facts):
    known = {
        "jurisdiction": "US",
        "country": "US",
        "dose_class": "multi_dose",
        "automatic": True,
        "text": "28 days after opening",
        "source": "test",
    }
    return VialRule(code=code, **{"region": "", "environment": "any", **known, **facts})


@pytest.fixture
def clinic(db):
    clinic = Clinic(db)
    clinic.add_items("""
        LIDO   20 mL  multi_dose  28 d
        HA      3 mL  single_dose
        KIT     1 each kit
        BULK  100 mL  pharmacy_bulk
    """)
    return clinic


def deadline(
    clinic, of=LIDO, *, expires_on=date(2027, 12, 31), rules=(), prepared_in=PreparedIn.PREPARATION_AREA
):
    return vials.discard_at(
        of,
        expires_on=expires_on,
        opened_at=OPENED_AT,
        prepared_in=prepared_in,
        site=clinic.site,
        rules=rules,
    )


def test_the_label_gives_the_time_after_opening(clinic):
    found = deadline(clinic)

    assert found.at == OPENED_AT + timedelta(days=28)
    assert found.rule == "label: 672 h in use"


def test_opening_never_extends_the_printed_expiry(clinic):
    found = deadline(clinic, expires_on=date(2026, 1, 31))

    assert found.at == datetime(2026, 2, 1, 5, 0, tzinfo=UTC)  # the end of the 31st in New York
    assert found.rule == "printed expiry 2026-01-31"


def test_a_silent_label_leaves_the_printed_expiry(clinic):
    silent = replace(LIDO, in_use_hours=None)

    assert deadline(clinic, silent, expires_on=date(2026, 12, 31)).rule == "printed expiry 2026-12-31"


def test_the_strictest_rule_in_force_wins_over_a_generous_label(clinic):
    rules = [rule(max_days=28), rule("VR-09", max_hours=6, text="6 hours at the chair side")]

    found = deadline(clinic, replace(LIDO, in_use_hours=90 * 24), rules=rules)

    assert found.at == OPENED_AT + timedelta(hours=6)
    assert found.rule == "VR-09 US: 6 hours at the chair side"


@pytest.mark.parametrize(
    "other",
    [
        rule(max_hours=1, dose_class="single_dose"),
        rule(max_hours=1, environment="treatment_room"),
        rule(),  # it names no time
    ],
)
def test_a_rule_for_something_else_limits_nothing(clinic, other):
    assert deadline(clinic, rules=[other]).rule == "label: 672 h in use"


def test_a_rule_of_the_treatment_room_limits_what_is_opened_there(clinic):
    there = rule(max_hours=1, environment="treatment_room")

    found = deadline(clinic, rules=[there], prepared_in=PreparedIn.TREATMENT_ROOM)

    assert found.at == OPENED_AT + timedelta(hours=1)


def test_a_consumable_is_no_vial_to_the_rules(clinic):
    wipes = replace(LIDO, kind=ItemKind.CONSUMABLE, in_use_hours=None)

    assert deadline(clinic, wipes, rules=[rule(max_hours=1)]).rule == "printed expiry 2027-12-31"


def test_rules_count_where_and_while_they_are_in_force(clinic):
    clinic.db.add_all(
        [
            rule("HERE", max_days=28),
            rule("EVERYWHERE", country="*", max_days=28),
            rule("ELSEWHERE", country="DE", max_days=28),
            rule("ANOTHER STATE", region="CA", max_days=28),
            rule("BY HAND", automatic=False, max_days=28),
            rule("PAST", max_days=28, effective_to=date(2026, 1, 14)),
            rule("LAST DAY", max_days=28, effective_to=TODAY),
            rule("FIRST DAY", max_days=28, effective_from=TODAY),
            rule("TO COME", max_days=28, effective_from=date(2026, 1, 16)),
        ]
    )
    clinic.db.flush()

    codes = {found.code for found in vials.rules_in_force(clinic.db, clinic.site, TODAY)}

    assert codes == {"HERE", "EVERYWHERE", "LAST DAY", "FIRST DAY"}


@pytest.mark.parametrize(
    ("dose_class", "refusal", "sentence"),
    [
        (
            DoseClass.SINGLE_DOSE,
            OpensInItsSession,
            "LIDO is single dose: the session that uses it opens it.",
        ),
        (DoseClass.KIT, OpensInItsSession, "LIDO is kit: the session that uses it opens it."),
        (
            DoseClass.PHARMACY_BULK,
            PharmacyBulk,
            "LIDO is a pharmacy bulk package; it cannot be used in a treatment room.",
        ),
    ],
)
def test_only_what_may_be_kept_is_opened_by_itself(dose_class, refusal, sentence):
    with refused(refusal, sentence):
        vials.check_openable(replace(LIDO, dose_class=dose_class))


@pytest.mark.parametrize("dose_class", [DoseClass.MULTI_DOSE, DoseClass.NONE])
def test_what_may_be_kept_may_be_opened(dose_class):
    vials.check_openable(replace(LIDO, dose_class=dose_class))


def open_vial(clinic, sku="LIDO", number="L1", *, at=NOW, **more):
    return wastage.open_vial(
        clinic.db, clinic.lot(sku, number), site=clinic.site, at=at, recorded_at=NOW, by=BY, **more
    )


def test_an_opened_vial_has_its_own_record_and_its_cost_stays(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 2 x 3.20")

    opened = open_vial(clinic)

    assert (opened.opened_at, opened.opened_by, opened.prepared_in, opened.patient_ref) == (
        NOW,
        "mara",
        PreparedIn.PREPARATION_AREA,
        None,
    )
    assert opened.remaining == 20
    assert clinic.held("LIDO") == {"L1": 20}
    assert clinic.held("LIDO", PlaceKind.OPENED) == {"L1": 20}
    assert clinic.value("LIDO") == Decimal("6.40")
    assert clinic.moved("LIDO")[-1] == ("L1", "shelf", "opened", 20, 0, None)


def test_a_vial_opened_in_the_treatment_room_is_somebodys(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 2 x 3.20")

    assert open_vial(clinic, prepared_in=PreparedIn.TREATMENT_ROOM, patient_ref="P-1").patient_ref == "P-1"
    with refused(PatientNeeded, "A LIDO opened in the treatment room is one patient's: say whose."):
        open_vial(clinic, prepared_in=PreparedIn.TREATMENT_ROOM)


@pytest.mark.parametrize(
    ("lot", "state", "held"),
    [
        ("L1 exp 2026-12-31 1 x 3.20 quarantined", "quarantined", 0),
        ("L1 exp 2026-12-31 1 x 3.20 recalled", "recalled", 0),
    ],
)
def test_a_vial_of_a_lot_that_is_held_back_is_not_opened(clinic, lot, state, held):
    clinic.receive("LIDO", lot)

    sentence = (
        f"Lot L1 of LIDO is {state}, expires on 2026-12-31 and holds {held} mL on the shelf: "
        "no 20 mL container of it can be opened."
    )
    with refused(LotNotUsable, sentence):
        open_vial(clinic)


def test_a_vial_of_an_expired_lot_is_not_opened_but_it_is_on_its_last_day(clinic):
    clinic.receive("LIDO", "L1 exp 2026-01-15 2 x 3.20\nL2 exp 2026-01-14 1 x 3.20")

    assert open_vial(clinic).discard_at == datetime(2026, 1, 16, 5, 0, tzinfo=UTC)
    sentence = (
        "Lot L2 of LIDO is released, expires on 2026-01-14 and holds 20 mL on the shelf: "
        "no 20 mL container of it can be opened."
    )
    with refused(LotNotUsable, sentence):
        open_vial(clinic, number="L2")


def test_the_last_container_is_opened_once(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 1 x 3.20")
    open_vial(clinic)

    sentence = (
        "Lot L1 of LIDO is released, expires on 2026-12-31 and holds 0 mL on the shelf: "
        "no 20 mL container of it can be opened."
    )
    with refused(LotNotUsable, sentence):
        open_vial(clinic)


def test_a_vial_may_be_recorded_late_though_its_lot_has_been_used_since(clinic):
    clinic.receive("LIDO", "L1 exp 2026-12-31 3 x 3.20", on=date(2026, 1, 5))
    clinic.treat("P-1", "LIDO 25", at=NOW)

    opened = open_vial(clinic, at=NOW - timedelta(days=2))

    assert opened.remaining == 20
    assert clinic.held("LIDO", PlaceKind.OPENED) == {"L1": 35}
    with pytest.raises(LotNotUsable, match="holds 0 mL on the shelf"):
        open_vial(clinic, at=NOW - timedelta(days=2))


@pytest.mark.parametrize("sku", ["HA", "KIT"])
def test_a_single_dose_container_is_not_opened_by_itself(clinic, sku):
    clinic.receive(sku, "L1 exp 2026-12-31 1 x 3.20")
    kind = {"HA": "single dose", "KIT": "kit"}[sku]

    with refused(OpensInItsSession, f"{sku} is {kind}: the session that uses it opens it."):
        open_vial(clinic, sku)


def test_a_pharmacy_bulk_package_is_opened_by_nobody_here(clinic):
    clinic.receive("BULK", "L1 exp 2026-12-31 1 x 3.20")

    sentence = "BULK is a pharmacy bulk package; it cannot be used in a treatment room."
    with refused(PharmacyBulk, sentence):
        open_vial(clinic, "BULK")
    with refused(PharmacyBulk, sentence):
        clinic.treat("P-1", "BULK 5")


def test_a_vial_that_is_not_on_record_is_refused_by_its_key(db):
    with refused(UnknownVial, "No opened vial has the key 987654."):
        vials.vial(db, 987654)


def test_a_rule_of_the_european_union_counts_in_its_countries_alone(clinic):
    clinic.db.add(rule("VR-16", country="EU", max_days=28))
    clinic.db.flush()

    clinic.site.country = "DE"
    in_germany = [one.code for one in vials.rules_in_force(clinic.db, clinic.site, TODAY)]
    clinic.site.country = "GB"
    in_britain = [one.code for one in vials.rules_in_force(clinic.db, clinic.site, TODAY)]

    assert (in_germany, in_britain) == (["VR-16"], [])
