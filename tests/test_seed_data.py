"""Loading the reference tables: everything once, in the book's own words, and never over an edit."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, vials
from inventory.catalog import DoseClass, Item, ItemKind, Offer, Supplier, replacements
from inventory.clinic import Site
from inventory.measures import Unit
from pricing import costing, formulations, price_list
from pricing.formulations import Formulation, FormulationLine, FormulationVersion, LineKind
from pricing.price_list import PractitionerLevel, PriceBand, TaxRule
from pricing.protocols import Protocol, Technique, TechniqueFamily, TechniqueStep
from seed_data import reference

TODAY = date(2026, 1, 15)
NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)


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


def test_with_an_empty_shelf_each_formulation_costs_what_the_golden_table_says(db: Session):
    reference.load(db, at=NOW)
    site = clinic.open_site(
        db, code="MAIN", name="Main", country="US", region="North America", time_zone="America/New_York"
    )
    nurse = price_list.level(db, "L2")

    costs = {}
    for code in db.scalars(sa.select(Formulation.code)):
        recipe = formulations.latest(db, code)
        course = costing.cost_course(db, recipe, level=nurse, site=site, dates=[TODAY])
        drawn = [line for line in course.sessions[0].lines if line.kind == "injectable"]
        costs[code] = sum(line.replacement for line in drawn)

    with (Path(__file__).parent / "golden" / "formulation_costs.csv").open(encoding="utf-8") as lines:
        golden = {
            row["formulation_code"]: Decimal(row["cost_by_container_usd"]) for row in csv.DictReader(lines)
        }
    assert costs == golden
