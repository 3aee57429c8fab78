"""Recipes in versions that are added and never changed (T1)."""

from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from inventory.measures import NotAQuantity, Unit
from pricing import formulations
from pricing.formulations import (
    BadLine,
    FormulationLine,
    FormulationTaken,
    LineKind,
    NewLine,
    NoProducts,
    TooManyLines,
    UnknownFormulation,
)
from tests.recipes import REVISED_AT, WRITTEN_AT, component, hydration, ingredient, item, product, write


def test_a_recipe_keeps_its_products_with_quantities_and_its_components_without(db):
    hyaluronic, vitamin = ingredient(db, "HA"), ingredient(db, "VITA")
    ampoule = item(db, "AMP", ingredient=hyaluronic)

    write(db, [product(ampoule), replace(component("Retinol"), ingredient_id=vitamin.id)])

    recipe = formulations.latest(db, "F-90")
    assert (recipe.code, recipe.version, recipe.technique) == ("F-90", 1, "nappage")
    assert [(line.item, line.quantity, line.unit) for line in recipe.products] == [
        (ampoule, Decimal("2.5"), Unit.ML)
    ]
    assert [(line.name, line.declared_amount) for line in recipe.components] == [("Retinol", "trace")]
    # The ampoule's line names no ingredient; its item's must be screened all the same (T6).
    assert recipe.ingredients == (hyaluronic, vitamin)


def test_a_product_may_name_an_ingredient_and_leave_the_item_open(db):
    hyaluronic = ingredient(db, "HA")

    recipe = write(
        db,
        [NewLine(LineKind.PRODUCT, "any HA", ingredient_id=hyaluronic.id, quantity=Decimal(3), unit=Unit.ML)],
    )

    assert recipe.products[0].item is None
    assert recipe.products[0].ingredient is hyaluronic


def test_a_revision_stands_beside_the_old_version(db):
    ampoule = item(db, "AMP")
    write(db, [product(ampoule, "2.5")])

    revised = formulations.revise(
        db,
        formulations.formulation(db, "F-90"),
        [product(ampoule, "3")],
        at=REVISED_AT,
        by="Ines",
        reason="a larger face",
    )

    assert revised.version == 2
    assert formulations.latest(db, "F-90") == revised
    assert formulations.version(db, "F-90", 1).products[0].quantity == Decimal("2.5")
    assert formulations.version(db, "F-90", 2).products[0].quantity == Decimal(3)


def test_a_version_once_written_cannot_be_changed(db):
    write(db, [product(item(db, "AMP"))])

    with pytest.raises(sa.exc.DBAPIError, match="only added, never changed"):
        db.execute(sa.update(FormulationLine).values(quantity=Decimal(9)))


def test_a_recipe_may_have_a_hundred_lines_and_no_more(db):
    ampoule = item(db, "AMP")
    hundred = [product(ampoule), *(component(f"component {n}") for n in range(2, 101))]

    with pytest.raises(TooManyLines, match="at most 100 lines, not 101"):
        write(db, [*hundred, component("component 101")])

    recipe = write(db, hundred)
    assert len(recipe.products) + len(recipe.components) == 100
    assert recipe.components[-1].name == "component 100"


@pytest.mark.parametrize("amount", ["0", "-1", "-0.0001"])
def test_a_product_of_no_or_less_than_no_quantity_is_refused(db, amount):
    with pytest.raises(BadLine, match=rf"Line 1, AMP: {amount} mL is not a quantity above 0"):
        write(db, [product(item(db, "AMP"), amount)])


@pytest.mark.parametrize("amount", ["NaN", "0.00001", "1e12"])
def test_what_is_no_quantity_at_all_is_refused(db, amount):
    with pytest.raises(NotAQuantity):
        write(db, [product(item(db, "AMP"), amount)])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"item_id": None}, "needs an item or an ingredient"),
        ({"quantity": None}, "needs a quantity and its unit"),
        ({"unit": None}, "needs a quantity and its unit"),
        ({"unit": Unit.IU}, "the item is counted in mL, not in IU"),
        ({"item_id": 987654}, "no item has the key 987654"),
        ({"ingredient_id": 987654}, "no ingredient has the key 987654"),
        ({"kind": LineKind.COMPONENT}, "neither an item nor a quantity of its own"),
    ],
)
def test_a_line_that_says_too_little_or_too_much_is_refused_with_its_number(db, changes, sentence):
    ampoule = item(db, "AMP")

    with pytest.raises(BadLine, match=f"^Line 2, AMP: .*{sentence}"):
        write(db, [product(ampoule), replace(product(ampoule), **changes)])

    assert db.scalar(sa.select(sa.func.count()).select_from(FormulationLine)) == 0


def test_a_recipe_without_a_product_is_refused(db):
    with pytest.raises(NoProducts, match="None of the 1 lines is a product"):
        write(db, [component("Retinol")])
    with pytest.raises(NoProducts):
        write(db, [])


def test_a_code_is_taken_once(db):
    lines = [product(item(db, "AMP"))]
    write(db, lines)

    with pytest.raises(FormulationTaken, match="F-90 is on record already"):
        write(db, lines)


def test_a_formulation_of_no_volume_is_refused(db):
    with pytest.raises(BadLine, match="total volume of 0 mL"):
        formulations.add_formulation(
            db,
            hydration(total_volume_ml="0"),
            [product(item(db, "AMP"))],
            at=WRITTEN_AT,
            by="Mara",
        )


def test_what_is_not_on_record_is_said_by_code_and_version(db):
    write(db, [product(item(db, "AMP"))])

    with pytest.raises(UnknownFormulation, match="'F-91'"):
        formulations.latest(db, "F-91")
    with pytest.raises(UnknownFormulation, match="'F-90' in version 2"):
        formulations.version(db, "F-90", 2)
    with pytest.raises(UnknownFormulation, match="'F-91'"):
        formulations.formulation(db, "F-91")


def test_the_database_itself_refuses_a_product_without_a_quantity(db):
    recipe = write(db, [product(item(db, "AMP"))])
    db.add(
        FormulationLine(
            version_id=recipe.version_id,
            line_no=2,
            kind=LineKind.PRODUCT,
            item_id=recipe.products[0].item.id,
            name="AMP",
            unit=Unit.ML,
        )
    )

    with pytest.raises(IntegrityError, match="product_measured"):
        db.flush()
