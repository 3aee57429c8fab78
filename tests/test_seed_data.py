"""The tables a clinic starts from: complete, sourced, consistent, and loaded once."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import resources
from math import ceil
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import vials
from inventory.catalog import DoseClass, Item, ItemKind, Offer, Supplier, replacements
from inventory.clinic import Site
from inventory.measures import Unit, to_cents_half_up
from pricing.formulations import Formulation, FormulationLine, FormulationVersion, LineKind
from pricing.price_list import PractitionerLevel, PriceBand, TaxRule
from pricing.protocols import Protocol, Technique, TechniqueFamily, TechniqueStep
from seed_data import UnknownTable, read, reference

TODAY = date(2026, 1, 15)
NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
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


# --- the files ---


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


# --- the load ---


def test_the_whole_catalogue_is_loaded(db: Session):
    loaded = reference.load(db, at=NOW)

    assert loaded.counts["ingredients"] == 124
    assert loaded.counts["items"] == 151
    assert loaded.counts["offers"] == 151
    assert loaded.counts["vial_rules"] == 22
    assert loaded.counts["formulations"] == 30
    assert loaded.counts["formulation_lines"] == 116
    assert loaded.counts["protocols"] == 25
    assert loaded.counts["price_bands"] == 52  # of 53: one names no currency
    assert loaded.counts["tax_rules"] == 44
    assert loaded.counts["accounts"] == 43


def test_a_second_load_adds_nothing_and_leaves_what_the_clinic_edited(db: Session):
    reference.load(db, at=NOW)
    serum = db.scalars(sa.select(Item).where(Item.sku == "AC-011")).one()
    serum.name = "Our own serum"
    level = db.scalars(sa.select(PractitionerLevel).where(PractitionerLevel.code == "L5")).one()
    level.multiplier = Decimal("1.25")
    band = db.scalars(sa.select(PriceBand).where(PriceBand.code == "PB-01")).one()
    band.high = Decimal("650")
    needles = db.scalars(
        sa.select(TechniqueStep).where(TechniqueStep.family == TechniqueFamily.FINE_NEEDLE)
    ).all()
    db.delete(needles[0])
    db.flush()
    db.expire_all()

    again = reference.load(db, at=datetime(2026, 2, 1, tzinfo=UTC))

    assert again.total == 0
    assert serum.name == "Our own serum"
    assert level.multiplier == Decimal("1.25")
    assert band.high == Decimal("650.00")
    assert db.scalar(sa.select(sa.func.count()).select_from(TechniqueStep)) == 64


def test_what_is_missing_is_added_beside_what_is_there(db: Session):
    db.add(Supplier(code="SUP-01", name="Our own supplier", lead_days=2))
    db.flush()

    loaded = reference.load(db, at=NOW)

    assert loaded.counts["suppliers"] == 7
    assert db.scalar(sa.select(Supplier.name).where(Supplier.code == "SUP-01")) == "Our own supplier"


@pytest.fixture
def items(db: Session) -> dict[str, Item]:
    reference.load(db, at=NOW)
    return {item.sku: item for item in db.scalars(sa.select(Item))}


def test_the_dose_class_comes_from_the_label_whatever_the_size_or_the_preservative(items):
    assert items["RX-016"].dose_class is DoseClass.SINGLE_DOSE  # 20 mL in one dose
    assert items["RX-001"].dose_class is DoseClass.SINGLE_DOSE  # preserved, and yet for one patient
    assert items["RX-021"].dose_class is DoseClass.MULTI_DOSE
    assert items["RX-013"].dose_class is DoseClass.PHARMACY_BULK
    assert items["MP-072"].dose_class is DoseClass.KIT
    assert items["AC-011"].dose_class is DoseClass.NONE
    assert items["CN-001"].dose_class is DoseClass.NONE


def test_an_in_use_time_of_no_hours_is_a_label_that_is_silent(items):
    assert items["RX-021"].in_use_hours == 672
    assert items["MP-001"].in_use_hours is None
    assert items["CN-001"].in_use_hours is None


def test_a_powder_vial_without_a_volume_is_counted_as_one(items):
    powder = items["MP-063"]

    assert (powder.unit, powder.content, powder.overfill) == (Unit.EACH, Decimal(1), Decimal(0))


def test_each_item_is_of_the_kind_that_the_books_file_it_under(items):
    assert items["MP-001"].kind is ItemKind.INJECTABLE
    assert items["RX-021"].kind is ItemKind.INJECTABLE
    assert items["TA-001"].kind is ItemKind.TOPICAL
    assert items["AC-002"].kind is ItemKind.RETAIL
    assert items["CN-035"].kind is ItemKind.RETAIL
    assert items["CN-001"].kind is ItemKind.CONSUMABLE
    assert items["MP-001"].sterile
    assert not items["CN-040"].sterile


def test_every_item_can_be_bought_again(db: Session, items):
    offers = replacements(db, [item.id for item in items.values()], on=TODAY)

    assert len(offers) == 151
    lidocaine = offers[items["RX-021"].id]
    assert (lidocaine.supplier, lidocaine.pack_containers) == ("SUP-06", 25)
    assert lidocaine.container_cost == Decimal("3.20")
    assert db.scalar(sa.select(sa.func.min(Offer.valid_from))) == date(2025, 1, 1)


def test_a_polycomponent_recipe_keeps_its_sixty_components_and_costs_one(db: Session):
    reference.load(db, at=NOW)

    kinds = db.scalars(
        sa.select(FormulationLine.kind)
        .join(FormulationVersion, FormulationVersion.id == FormulationLine.version_id)
        .join(Formulation, Formulation.id == FormulationVersion.formulation_id)
        .where(Formulation.code == "F-01")
    ).all()

    assert kinds.count(LineKind.COMPONENT) == 60
    assert kinds.count(LineKind.PRODUCT) == 1


def test_what_is_unapproved_is_inactive_until_the_clinic_decides(db: Session):
    reference.load(db, at=NOW)

    inactive = db.scalars(sa.select(Formulation.code).where(Formulation.active.is_(False))).all()

    assert inactive == ["F-23"]


def test_every_protocol_finds_its_technique_and_the_default_its_band(db: Session):
    reference.load(db, at=NOW)

    families = dict(
        db.execute(
            sa.select(Protocol.code, Technique.family).join(Technique, Technique.name == Protocol.technique)
        ).all()
    )
    bands = db.execute(
        sa.select(PriceBand.low, PriceBand.high)
        .join(Protocol, Protocol.treatment == PriceBand.family)
        .where(Protocol.code == "P-00", PriceBand.country == "US", PriceBand.area == "any")
    ).all()

    assert len(families) == 25
    assert families["P-00"] is TechniqueFamily.FINE_NEEDLE
    assert families["P-20"] is TechniqueFamily.MICRONEEDLING
    assert bands == [(Decimal("250.00"), Decimal("600.00"))]


def test_the_law_of_a_site_limits_an_opened_vial(db: Session):
    reference.load(db, at=NOW)
    oregon = Site(
        code="OR", name="Oregon", country="US", region="North America", tax_region="OR", time_zone="UTC"
    )
    california = Site(
        code="CA", name="California", country="US", region="North America", tax_region="CA", time_zone="UTC"
    )

    def in_force(site: Site) -> set[str]:
        return {rule.code for rule in vials.rules_in_force(db, site, TODAY)}

    assert in_force(oregon) == {"VR-02", "VR-09", "VR-21", "VR-22"}
    assert in_force(california) - in_force(oregon) == {"VR-12"}
    rules = {rule.code: rule for rule in db.scalars(sa.select(vials.VialRule))}
    assert rules["VR-09"].limit() == timedelta(days=28)
    assert rules["VR-21"].limit() == timedelta(0)  # with the session
    assert rules["VR-04"].effective_to == date(2023, 10, 31)


def test_a_tax_rate_is_a_fraction_with_its_dates(db: Session):
    reference.load(db, at=NOW)

    rules = {rule.code: rule for rule in db.scalars(sa.select(TaxRule))}

    assert rules["TX-US-CT"].rate == Decimal("0.0635")
    assert rules["TX-EU-FI2"].rate == Decimal("0.255")
    assert rules["TX-US-WA2"].rate is None
    assert rules["TX-US-NJ1"].effective_to == date(2012, 6, 30)
    assert rules["TX-001"].inclusive
    assert not rules["TX-US-CT"].inclusive


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
