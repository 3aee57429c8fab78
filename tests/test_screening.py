"""What a patient said, against what the session holds: every yes is a warning, an allergy blocks (T6)."""

import pytest

from inventory.catalog import Ingredient
from pricing import formulations, protocols, screening
from pricing.screening import SAID, Screening
from seed_data import reference
from tests.selling import Counter
from tests.shelf import NOW


@pytest.fixture
def seeded(db):
    reference.load(db, at=NOW)
    return db


def screened(db, *said, code="F-01", **answers):
    """The cautions about a session of a seeded formulation, with what its technique uses."""
    recipe = formulations.latest(db, code)
    items = [item.id for item, _ in protocols.consumables(db, recipe.technique)]
    items += [line.item.id for line in recipe.products if line.item is not None]
    return screening.screen(db, Screening(allergies=said, **answers), recipe, items)


def codes(cautions):
    return [one.code for one in cautions]


def blocked(db, said, code="F-01"):
    """The sentence that blocks the issue; none if nothing does."""
    return next((one.message for one in screened(db, said, code=code) if one.blocks), None)


def test_a_patient_who_said_no_to_everything_gets_no_caution(seeded):
    assert screened(seeded) == ()


@pytest.mark.parametrize("answer", ["pregnant", "autoimmune", "skin_infection", "nsaids"])
def test_every_yes_is_a_caution_that_does_not_block(seeded, answer):
    (found,) = screened(seeded, **{answer: True})

    assert found == screening.Caution(answer, SAID[answer])
    assert not found.blocks


def test_who_takes_nsaids_or_aspirin_is_sent_to_the_prescriber_and_never_told_to_stop():
    assert "ask your prescriber" in SAID["nsaids"]
    assert "aspirin" in SAID["nsaids"]
    for sentence in SAID.values():
        assert "stop" not in sentence.casefold()


def test_all_that_was_answered_is_told_at_once_allergies_first(seeded):
    found = screened(seeded, "latex", "thiamine", pregnant=True, nsaids=True)

    assert codes(found) == ["unknown_allergen", "allergen_match", "pregnant", "nsaids"]


def test_an_allergy_to_an_ingredient_blocks_and_says_what_the_session_uses(seeded):
    assert blocked(seeded, "hyaluronic acid", "F-04") == (
        "Allergy to hyaluronic acid: the session uses Hyaluronic acid, non-crosslinked 2%. "
        "The quote cannot be issued until a practitioner overrides this with a reason."
    )


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("fish", "F-12"),  # by class: PDRN is of salmon or trout
        ("salmon", "F-12"),
        ("bee venom", "F-29"),  # hyaluronidase: bee or wasp venom cross-allergy
        ("bee stings", "F-29"),
        ("wasps", "F-29"),
        ("insect venom", "F-29"),
        ("soy", "F-23"),
        ("Soya", "F-23"),
        ("benzyl alcohol", "F-22"),
        ("sulphites", "F-05"),
        ("sulfites", "F-05"),  # as an American writes it
        ("HA", "F-04"),  # a class of two letters
        ("ha", "F-01"),
    ],
)
def test_an_allergy_is_found_by_allergen_class_however_it_is_written(seeded, said, code):
    assert blocked(seeded, said, code) is not None


@pytest.mark.parametrize(
    "said",
    [
        "Hyaluronic acid",
        "HYALURONIC ACID",
        "vitamin C (ascorbic acid)",
        "ascorbic acid",
        "VITC20",
        "Vitamin C",
    ],
)
def test_an_allergy_is_found_by_an_ingredient_s_name_or_code(seeded, said):
    assert blocked(seeded, said, "F-05") is not None


def test_an_allergy_is_found_among_the_declared_components(seeded):
    found = blocked(seeded, "thiamine", "F-01")

    assert found is not None
    assert "Vitamin B1 thiamine" in found


@pytest.mark.parametrize(
    "said",
    [
        "lidocaine",
        "allergic to lidocaine",
        "tetracaine",
        "amide anaesthetic",
        "ester anaesthetic",
        "ester anesthetics",
        "local anaesthetics",
    ],
)
def test_an_allergy_is_found_in_the_numbing_cream(seeded, said):
    found = blocked(seeded, said, "F-04")

    assert found is not None
    assert "Benzocaine/lidocaine/tetracaine cream" in found


def test_an_allergy_is_found_in_a_consumable_by_its_name(seeded):
    found = blocked(seeded, "chlorhexidine", "F-04")

    assert found is not None
    assert "Chlorhexidine 2% / alcohol 70% applicator" in found
    assert blocked(seeded, "needle phobia", "F-04") is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("vitamin B1", "F-05"),
        ("folic acid", "F-04"),  # an acid, but another one
        ("vitamin C", "F-04"),
        ("milk protein", "F-29"),
        ("arnica cream", "F-04"),
    ],
)
def test_an_allergy_to_something_else_on_record_is_noted_and_does_not_block(seeded, said, code):
    (found,) = screened(seeded, said, code=code)

    assert not found.blocks
    assert found.code in ("allergy_noted", "unknown_allergen")


def test_an_allergy_that_is_known_and_not_in_the_session_is_noted(seeded):
    (found,) = screened(seeded, "salmon", code="F-04")

    assert (found.code, found.message) == (
        "allergy_noted",
        "Allergy to salmon: nothing in this session is classed so.",
    )


@pytest.mark.parametrize("said", ["latex", "penicillin", "Äpfel", "xy", "сульфиты", "%", "plantain"])
def test_an_allergy_that_nothing_on_record_is_classed_as_is_for_the_practitioner_to_judge(seeded, said):
    (found,) = screened(seeded, f" {said} ")

    assert (found.code, found.blocks) == ("unknown_allergen", False)
    assert found.message == (
        f"Allergy to {said}: no ingredient on record is classed so; a practitioner must judge it."
    )


@pytest.mark.parametrize(
    "said", ["", "  ", "none", "None known", "no known allergies", "NKDA", "n/a", "no", "-"]
)
def test_who_has_no_allergy_is_not_allergic_to_what_has_no_known_allergen(seeded, said):
    assert screened(seeded, said) == ()


def test_an_ingredient_without_a_class_is_found_by_its_name(db):
    counter = Counter(db)
    counter.clinic.add_items("HA 3 mL single_dose of hyaluronate")

    found = screening.screen(db, Screening(allergies=("hyaluronate",)), counter.recipe("HA 2.5"), [])

    assert codes(found) == ["allergen_match"]


def test_the_classes_of_a_cell_are_told_apart():
    assert screening.classes("amide anaesthetic, methylparaben") == {"amide anaesthetic", "methylparaben"}
    assert screening.classes("HA / bacterial fermentation residue") == {
        "ha",
        "bacterial fermentation residue",
    }
    assert screening.classes("ester + amide anaesthetics") == {"ester", "amide anaesthetics"}
    assert screening.classes("fish (salmon / trout DNA)") == {"fish", "salmon", "trout dna"}
    assert screening.classes("none known") == frozenset()
    assert screening.classes("") == frozenset()


def test_every_seeded_class_is_found_when_it_is_said_as_it_stands(seeded):
    for ingredient in seeded.query(Ingredient):
        for said in screening.classes(ingredient.allergen_class):
            assert screening.concerns(said, ingredient), (said, ingredient.code)
