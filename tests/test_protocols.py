"""Courses by protocol, consumables by technique (T2, T3, T4)."""

from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

import seed_data
from inventory.clinic import Settings
from inventory.measures import Unit
from pricing import formulations, protocols
from pricing.protocols import (
    BadPlan,
    OutsideProtocol,
    Step,
    Technique,
    TechniqueFamily,
    TechniqueStep,
    UnknownProtocol,
    UnknownTechnique,
)
from tests.recipes import REVISED_AT, general_facial, item, product, write


def test_a_course_is_typical_unless_something_else_is_asked_for():
    plan = protocols.sessions_of(general_facial())

    assert (plan.sessions, plan.interval_weeks, plan.outside) == (4, 2, False)


def test_the_whole_range_of_the_protocol_needs_no_reason():
    for sessions, weeks in [(3, 2), (6, 4)]:
        plan = protocols.sessions_of(general_facial(), sessions=sessions, interval_weeks=weeks)

        assert (plan.sessions, plan.interval_weeks, plan.outside) == (sessions, weeks, False)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"sessions": 2}, "P-00 has 3 to 6 sessions, not 2;"),
        ({"sessions": 7}, "P-00 has 3 to 6 sessions, not 7;"),
        ({"interval_weeks": 1}, "P-00 has 2 to 4 weeks apart, not 1;"),
        ({"interval_weeks": 5, "sessions": 8}, "3 to 6 sessions, not 8 and 2 to 4 weeks apart, not 5;"),
        ({"sessions": 7, "reason": "   "}, "needs a reason"),
    ],
)
def test_outside_the_protocol_is_refused_without_a_reason(asked, sentence):
    with pytest.raises(OutsideProtocol, match=sentence):
        protocols.sessions_of(general_facial(), **asked)


def test_outside_the_protocol_is_allowed_with_a_reason_that_is_kept():
    plan = protocols.sessions_of(general_facial(), sessions=8, reason=" deep scars ")

    assert (plan.sessions, plan.outside, plan.reason) == (8, True, "deep scars")


@pytest.mark.parametrize(
    "asked", [{"sessions": 0}, {"sessions": 101}, {"interval_weeks": 0}, {"interval_weeks": 105}]
)
def test_no_reason_makes_an_endless_or_empty_course(asked):
    with pytest.raises(BadPlan):
        protocols.sessions_of(general_facial(), reason="because", **asked)


def test_a_protocol_brings_the_newest_version_of_its_formulation(db):
    ampoule = item(db, "AMP")
    first = write(db, [product(ampoule, "2.5")])
    subject = general_facial(formulation_id=first.formulation_id)
    db.add(subject)
    db.flush()
    formulations.revise(
        db,
        formulations.formulation(db, "F-90"),
        [product(ampoule, "3")],
        at=REVISED_AT,
        by="Ines",
        reason="a larger face",
    )

    assert protocols.recipe(db, protocols.protocol(db, "P-00")).products[0].quantity == Decimal(3)


def test_the_database_itself_refuses_a_range_that_is_not_in_order(db):
    recipe = write(db, [product(item(db, "AMP"))])
    db.add(general_facial(formulation_id=recipe.formulation_id, sessions_min=5))

    with pytest.raises(IntegrityError, match="sessions_in_order"):
        db.flush()


def test_a_technique_uses_each_item_once_in_the_order_of_the_steps(db):
    gloves, needle = item(db, "GLOVES", unit=Unit.EACH), item(db, "NEEDLE", unit=Unit.EACH)
    cartridge = item(db, "CARTRIDGE", unit=Unit.EACH)
    steps = [
        (TechniqueFamily.FINE_NEEDLE, 1, Step.CLEANSING, gloves, "1"),
        (TechniqueFamily.FINE_NEEDLE, 2, Step.INJECTION, needle, "4"),
        (TechniqueFamily.FINE_NEEDLE, 3, Step.INJECTION, gloves, "1"),
        (TechniqueFamily.MICRONEEDLING, 1, Step.INJECTION, cartridge, "1"),
    ]
    db.add(Technique(name="nappage", family=TechniqueFamily.FINE_NEEDLE))
    db.add_all(
        TechniqueStep(family=family, position=position, step=step, item_id=of.id, quantity=Decimal(amount))
        for family, position, step, of, amount in steps
    )
    db.flush()

    assert protocols.consumables(db, "nappage") == ((gloves, Decimal(2)), (needle, Decimal(4)))
    with pytest.raises(UnknownTechnique, match="'acupuncture'"):
        protocols.consumables(db, "acupuncture")


def test_labour_is_consultation_numbing_and_injection_without_steps_of_no_length():
    settings = Settings(consultation_minutes=10)

    assert protocols.labour_minutes(general_facial(), settings) == (
        (Step.CONSULTATION, 10),
        (Step.NUMBING, 20),
        (Step.INJECTION, 40),
    )
    assert protocols.labour_minutes(general_facial(numbing_minutes=0), Settings()) == ((Step.INJECTION, 40),)
    assert protocols.labour_minutes(None, Settings()) == ((Step.NUMBING, 20), (Step.INJECTION, 40))


def test_every_technique_that_a_seeded_formulation_or_protocol_names_has_a_family_with_steps():
    families = {row["technique"]: TechniqueFamily(row["family"]) for row in seed_data.read("techniques")}
    steps = [(TechniqueFamily(row["family"]), Step(row["step"])) for row in seed_data.read("technique_steps")]
    named = {row["technique"] for table in ("formulations", "protocols") for row in seed_data.read(table)}

    assert named - set(families) == set()
    assert set(TechniqueFamily) == {family for family, _ in steps}
    for family in TechniqueFamily:
        assert {step for of, step in steps if of is family} == set(Step), family


def test_an_unknown_protocol_is_said_by_its_code(db):
    with pytest.raises(UnknownProtocol, match="'P-91'"):
        protocols.protocol(db, "P-91")
