"""The catalogue: what an item is, by which barcode it is known, and what it costs to buy again."""

from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import catalog
from inventory.catalog import (
    DoseClass,
    Ingredient,
    Item,
    ItemKind,
    NotWholeContainers,
    Offer,
    SkuTaken,
    Supplier,
    UnknownIngredient,
    UnknownItem,
    UnknownSupplier,
)
from inventory.measures import NotAQuantity, Unit, plain

TODAY = date(2026, 1, 15)


def vial(sku="HA-5", **other) -> Item:
    usual = {
        "name": "Hyaluronic acid, 5 mL vial",
        "kind": ItemKind.INJECTABLE,
        "unit": Unit.ML,
        "content": Decimal("5"),
        "dose_class": DoseClass.SINGLE_DOSE,
    }
    return Item(sku=sku, **(usual | other))


@pytest.fixture
def hyaluronic_acid(db) -> Item:
    return catalog.add_item(db, vial(gtin="09501101530003", pack_gtin="19501101530000", pack_containers=10))


@pytest.fixture
def suppliers(db) -> dict[str, Supplier]:
    found = {code: Supplier(code=code, name=f"{code.capitalize()} Ltd") for code in ("ASTER", "BIRCH")}
    db.add_all(found.values())
    db.flush()
    return found


def offer(db, item, supplier, *, price, pack=1, valid_from, preferred=True, lead_days=7) -> None:
    db.add(
        Offer(
            item_id=item.id,
            supplier_id=supplier.id,
            pack_containers=pack,
            pack_price=Decimal(price),
            lead_days=lead_days,
            valid_from=valid_from,
            preferred=preferred,
        )
    )
    db.flush()


def container_cost(db, item, *, on=TODAY) -> tuple[str, str] | None:
    found = catalog.replacements(db, [item.id], on=on).get(item.id)
    return found and (found.supplier, plain(found.container_cost))


def test_an_item_is_found_by_its_sku_and_an_unknown_one_is_refused(db, hyaluronic_acid):
    assert catalog.item(db, "HA-5") is hyaluronic_acid
    with pytest.raises(UnknownItem, match="No item has the SKU 'HA-6'."):
        catalog.item(db, "HA-6")


def test_ingredients_and_suppliers_are_found_by_their_codes_or_refused(db, suppliers):
    db.add(Ingredient(code="ING-001", name="Hyaluronic acid", category="hyaluronic acid"))
    db.flush()

    assert catalog.ingredient(db, "ING-001").name == "Hyaluronic acid"
    assert catalog.supplier(db, "ASTER") is suppliers["ASTER"]
    with pytest.raises(UnknownIngredient, match="No ingredient has the code 'ING-999'."):
        catalog.ingredient(db, "ING-999")
    with pytest.raises(UnknownSupplier, match="No supplier has the code 'CEDAR'."):
        catalog.supplier(db, "CEDAR")


def test_a_sku_is_taken_once(db, hyaluronic_acid):
    with pytest.raises(SkuTaken, match="An item with the SKU HA-5 is on record already."):
        catalog.add_item(db, vial())


@pytest.mark.parametrize("content", ["0.00001", "NaN", "1000000000"])
def test_a_container_holds_a_quantity_that_can_be_counted(db, content):
    with pytest.raises(NotAQuantity):
        catalog.add_item(db, vial(content=Decimal(content)))

    assert db.scalar(sa.select(sa.func.count()).select_from(Item)) == 0


@pytest.mark.parametrize(
    "impossible",
    [
        {"content": Decimal("0")},
        {"content": Decimal("-5")},
        {"overfill": Decimal("-0.1")},
        {"pack_containers": 0},
    ],
)
def test_the_database_itself_refuses_an_impossible_item(db, impossible):
    db.add(vial(**impossible))

    with pytest.raises(sa.exc.IntegrityError):
        db.flush()


def test_a_barcode_names_the_container_or_the_pack_of_ten(db, hyaluronic_acid):
    assert catalog.item_by_gtin(db, "09501101530003") == (hyaluronic_acid, 1)
    assert catalog.item_by_gtin(db, "19501101530000") == (hyaluronic_acid, 10)
    assert catalog.item_by_gtin(db, "00000000000000") is None


def test_seven_vials_of_5_ml_are_35_ml_and_a_part_of_a_vial_is_no_sealed_stock(hyaluronic_acid):
    assert catalog.whole_containers(hyaluronic_acid, Decimal("35")) == 7
    assert catalog.whole_containers(hyaluronic_acid, Decimal("0")) == 0
    with pytest.raises(NotWholeContainers) as refused:
        catalog.whole_containers(hyaluronic_acid, Decimal("36.2"))
    assert str(refused.value) == ("36.2 mL is not a whole number of sealed containers: one HA-5 holds 5 mL.")


@pytest.mark.parametrize(
    ("dose_class", "form", "loses"),
    [
        (DoseClass.SINGLE_DOSE, "vial", True),
        (DoseClass.SINGLE_DOSE, "prefilled_syringe", False),
        (DoseClass.NONE, "tube", False),
    ],
)
def test_drawing_loses_a_little_but_not_from_a_prefilled_syringe(dose_class, form, loses):
    assert vial(dose_class=dose_class, container_form=form).loses_on_drawing is loses


@pytest.mark.parametrize(
    ("dose_class", "one_patient"),
    [
        (DoseClass.SINGLE_DOSE, True),
        (DoseClass.KIT, True),
        (DoseClass.MULTI_DOSE, False),
        (DoseClass.PHARMACY_BULK, False),
        (DoseClass.NONE, False),
    ],
)
def test_what_serves_one_patient_follows_from_the_dose_class_alone(dose_class, one_patient):
    assert dose_class.one_patient is one_patient


def test_an_offer_counts_from_its_first_day_until_a_later_one_replaces_it(db, hyaluronic_acid, suppliers):
    offer(db, hyaluronic_acid, suppliers["ASTER"], price="165.00", pack=10, valid_from=date(2026, 1, 1))
    offer(db, hyaluronic_acid, suppliers["ASTER"], price="180.00", pack=10, valid_from=date(2026, 1, 15))

    assert container_cost(db, hyaluronic_acid, on=date(2025, 12, 31)) is None
    assert container_cost(db, hyaluronic_acid, on=date(2026, 1, 1)) == ("ASTER", "16.5")
    assert container_cost(db, hyaluronic_acid, on=date(2026, 1, 14)) == ("ASTER", "16.5")
    assert container_cost(db, hyaluronic_acid, on=date(2026, 1, 15)) == ("ASTER", "18")


def test_a_preferred_offer_wins_over_a_newer_and_cheaper_one(db, hyaluronic_acid, suppliers):
    offer(db, hyaluronic_acid, suppliers["ASTER"], price="18.00", valid_from=date(2025, 6, 1))
    offer(
        db, hyaluronic_acid, suppliers["BIRCH"], price="15.00", valid_from=date(2026, 1, 1), preferred=False
    )

    assert container_cost(db, hyaluronic_acid) == ("ASTER", "18")


def test_a_suppliers_later_offer_replaces_its_earlier_one_even_if_that_was_preferred(
    db, hyaluronic_acid, suppliers
):
    offer(db, hyaluronic_acid, suppliers["ASTER"], price="18.00", valid_from=date(2025, 6, 1))
    offer(
        db, hyaluronic_acid, suppliers["ASTER"], price="19.00", valid_from=date(2026, 1, 1), preferred=False
    )

    assert container_cost(db, hyaluronic_acid) == ("ASTER", "19")


def test_of_two_offers_of_one_day_the_cheaper_container_wins(db, hyaluronic_acid, suppliers):
    offer(db, hyaluronic_acid, suppliers["ASTER"], price="20.00", valid_from=date(2026, 1, 1))
    offer(db, hyaluronic_acid, suppliers["BIRCH"], price="150.00", pack=10, valid_from=date(2026, 1, 1))

    assert container_cost(db, hyaluronic_acid) == ("BIRCH", "15")


def test_items_without_an_offer_are_left_out(db, hyaluronic_acid, suppliers):
    needle = catalog.add_item(
        db, vial("NEEDLE", unit=Unit.EACH, content=Decimal(1), dose_class=DoseClass.NONE)
    )
    offer(db, hyaluronic_acid, suppliers["ASTER"], price="18.00", valid_from=date(2026, 1, 1))

    found = catalog.replacements(db, [hyaluronic_acid.id, needle.id], on=TODAY)

    assert list(found) == [hyaluronic_acid.id]
    assert catalog.replacements(db, [], on=TODAY) == {}


def test_a_gtin_is_kept_in_fourteen_digits_so_that_every_label_of_it_is_found(db):
    added = catalog.add_item(db, vial("BOX", gtin="9524000000019", pack_gtin="19524000000016"))

    assert added.gtin == "09524000000019"
    assert catalog.item_by_gtin(db, "09524000000019") == (added, 1)


@pytest.mark.parametrize(
    ("digits", "sentence"),
    [
        ("09524000000018", "09524000000018 is not a GTIN: its last digit should be 9."),
        ("952400000001", "952400000001 is not a GTIN: its last digit should be 8."),
        ("95240000000", "'95240000000' is not a GTIN: 8, 12, 13 or 14 digits."),
        ("0952400000001⁹", "'0952400000001⁹' is not a GTIN: 8, 12, 13 or 14 digits."),
    ],
)
def test_what_no_label_carries_is_no_gtin(digits, sentence):
    with pytest.raises(catalog.BadGtin) as refusal:
        catalog.gtin_14(digits)

    assert str(refusal.value) == sentence


def test_one_label_means_one_item(db):
    catalog.add_item(db, vial("FIRST", gtin="09524000000019", pack_gtin="19524000000016"))
    second = catalog.add_item(db, vial("SECOND"))

    with pytest.raises(catalog.GtinTaken, match="is on record as FIRST's already"):
        catalog.add_item(db, vial("THIRD", gtin="19524000000016"))
    with pytest.raises(catalog.GtinTaken, match="is on record as FIRST's already"):
        catalog.change_item(db, second, {"pack_gtin": "9524000000019"})
    with pytest.raises(catalog.GtinTaken, match="container and of a pack"):
        catalog.add_item(db, vial("FOURTH", gtin="09524000000026", pack_gtin="9524000000026"))
