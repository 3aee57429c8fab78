"""The tables a clinic starts from: whole, sourced, consistent with each other and with the golden costs."""

import csv
from decimal import Decimal
from importlib import resources
from math import ceil
from pathlib import Path

import pytest

from inventory.catalog import DoseClass
from inventory.measures import to_cents_half_up
from seed_data import UnknownTable, read

TABLES = sorted(
    file.name.removesuffix(".csv")
    for file in resources.files("seed_data").iterdir()
    if file.name.endswith(".csv")
)
GOLDEN = Path(__file__).parent / "golden"


def column(table: str, name: str) -> list[str]:
    return [row[name] for row in read(table)]


def golden(name: str) -> list[dict[str, str]]:
    with (GOLDEN / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("ingredients", 124),
        ("products", 106),
        ("consumables", 45),
        ("formulations", 30),
        ("protocols", 25),
        ("price_bands", 53),
        ("practitioner_levels", 7),
        ("tax_rules", 44),
        ("vial_rules", 22),
        ("chart_of_accounts", 43),
        ("suppliers", 8),
        ("source_disagreements", 19),
    ],
)
def test_every_table_is_whole(table, rows):
    assert len(read(table)) == rows


@pytest.mark.parametrize("table", TABLES)
def test_every_row_names_its_source_and_says_what_is_illustrative(table):
    for row in read(table):
        assert row["source"].strip(), row
        assert row["illustrative"] in {"Y", "N", "part"}, row
        # A row that is wholly invented may not look as if it were found somewhere, and the other way round.
        assert row["source"] != "illustrative" or row["illustrative"] == "Y", row


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_named_in_the_list_of_sources(table):
    sources = (resources.files("seed_data") / "SOURCES.md").read_text(encoding="utf-8")

    assert f"`{table}.csv`" in sources


def test_the_list_of_sources_shows_each_default_where_the_articles_disagree():
    sources = (resources.files("seed_data") / "SOURCES.md").read_text(encoding="utf-8")

    for row in read("source_disagreements"):
        assert f"| {row['topic']} | {row['recommended_default']} |" in sources


def test_a_table_that_is_not_shipped_is_refused():
    with pytest.raises(UnknownTable, match="'potions'"):
        read("potions")


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("ingredients", "ingredient_code"),
        ("products", "sku"),
        ("consumables", "code"),
        ("suppliers", "supplier_code"),
        ("formulations", "formulation_code"),
        ("protocols", "protocol_code"),
        ("techniques", "technique"),
        ("price_bands", "band_code"),
        ("practitioner_levels", "level_code"),
        ("tax_rules", "rule_code"),
        ("vial_rules", "rule_id"),
        ("chart_of_accounts", "account_code"),
    ],
)
def test_no_code_is_used_twice(table, code):
    codes = column(table, code)

    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("table", "name", "target", "code"),
    [
        ("products", "primary_ingredient_code", "ingredients", "ingredient_code"),
        ("products", "supplier_code", "suppliers", "supplier_code"),
        ("consumables", "supplier_code", "suppliers", "supplier_code"),
        ("formulation_lines", "formulation_code", "formulations", "formulation_code"),
        ("formulation_lines", "ingredient_code", "ingredients", "ingredient_code"),
        ("protocols", "formulation_code", "formulations", "formulation_code"),
        ("formulations", "technique", "techniques", "technique"),
        ("protocols", "technique", "techniques", "technique"),
    ],
)
def test_every_reference_leads_somewhere(table, name, target, code):
    assert set(column(table, name)) - {""} <= set(column(target, code))


def test_every_sku_of_a_formulation_or_a_technique_is_in_the_catalogue():
    skus = {*column("products", "sku"), *column("consumables", "code")}

    assert len(skus) == 151
    assert set(column("formulation_lines", "sku")) - {""} <= skus
    assert set(column("technique_steps", "sku")) <= skus


@pytest.mark.parametrize("name", ["gtin14_each_illustrative", "gtin14_pack_illustrative"])
def test_the_check_digit_of_every_gtin_is_right(name):
    for gtin in column("products", name):
        weighted = sum(int(digit) * (3, 1)[n % 2] for n, digit in enumerate(gtin))

        assert len(gtin) == 14
        assert weighted % 10 == 0, gtin


def test_each_gtin_stands_for_one_pack_or_one_container():
    gtins = [*column("products", "gtin14_each_illustrative"), *column("products", "gtin14_pack_illustrative")]

    assert len(set(gtins)) == 212


def test_each_family_of_techniques_has_its_own_way_into_the_skin_and_every_step():
    own = {"fine_needle": "CN-010", "mesogun": "CN-020", "microneedling": "CN-030"}

    for family, sku in own.items():
        steps = [row for row in read("technique_steps") if row["family"] == family]

        assert {row["step"] for row in steps} == {
            "consultation",
            "cleansing",
            "numbing",
            "injection",
            "aftercare",
        }
        assert sku in {row["sku"] for row in steps}
        assert not {row["sku"] for row in steps} & (set(own.values()) - {sku})


def test_a_consumable_is_used_as_often_as_its_table_calls_typical():
    typical = {row["code"]: row["per_session_typical"] for row in read("consumables")}

    for row in read("technique_steps"):
        if row["sku"] in typical:
            assert row["quantity"] == typical[row["sku"]], row


def test_a_rule_that_the_machine_applies_gives_a_time_for_a_class_of_container():
    automatic = {row["rule_id"]: row for row in read("vial_rules") if row["automatic"] == "Y"}

    assert sorted(automatic) == ["VR-02", "VR-09", "VR-12", "VR-16", "VR-21", "VR-22"]
    for row in automatic.values():
        assert row["max_hours"] or row["max_days"], row
        assert row["dose_class"] in {word.value for word in DoseClass}, row
        assert row["environment_code"] in {"any", "preparation_area", "treatment_room"}, row
        assert "ISO 5" not in row["environment"], row


@pytest.mark.parametrize("row", golden("formulation_costs"), ids=lambda row: row["formulation_code"])
def test_a_formulation_costs_the_fewest_containers_that_hold_its_dose(row):
    """Rule S3: loss of 0.10 mL per product, none from a pre-filled syringe; the overfill counts."""
    products = {product["sku"]: product for product in read("products")}
    total, opened = Decimal(0), []
    for line in read("formulation_lines"):
        if line["formulation_code"] != row["formulation_code"] or line["line_type"] != "product":
            continue
        product = products[line["sku"]]
        loss = Decimal(0) if product["container_form"] == "prefilled_syringe" else Decimal("0.10")
        holds = Decimal(product["unit_volume"]) + Decimal(product["overfill_ml_usp1151"])
        needed = ceil((Decimal(line["quantity"]) + loss) / holds)
        total += needed * Decimal(product["pack_price_usd"]) / Decimal(product["pack_qty"])
        opened.append(f"{line['sku']} x {needed}")

    assert "; ".join(opened) == row["containers_opened"]
    assert to_cents_half_up(total) == Decimal(row["cost_by_container_usd"])
