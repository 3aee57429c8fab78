"""Levels, bands, tax rules and the clinic's own prices: which one counts where and when (T5)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import seed_data
from pricing import price_list
from pricing.price_list import (
    BadListPrice,
    NoBand,
    PractitionerLevel,
    PriceBand,
    TaxRule,
    UnknownLevel,
)
from pricing.protocols import Protocol
from pricing.stages import taxed_amount
from seed_data import rows
from tests.recipes import general_facial, item, product, write
from tests.worked import example

TODAY = date(2026, 12, 1)
AT = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)

MARKETS = {
    "US": ("North America", "USD"),
    "GB": ("Europe", "GBP"),
    "DE": ("Europe", "EUR"),
    "FR": ("Europe", "EUR"),
    "PL": ("Europe", "PLN"),
}


@pytest.fixture
def bands(db: Session) -> Session:
    """A book with the price bands of the reference table."""
    found = [rows.price_band(row) for row in seed_data.read("price_bands") if row["currency"]]
    db.execute(sa.insert(PriceBand), found)
    return db


@pytest.fixture
def taxes(db: Session) -> Session:
    """A book with the tax rules of the reference table."""
    db.execute(sa.insert(TaxRule), [rows.tax_rule(row) for row in seed_data.read("tax_rules")])
    return db


def band(db: Session, country: str, treatment: str, area: str, on: date = TODAY) -> price_list.Band:
    region, currency = MARKETS[country]
    return price_list.band_for(
        db, region=region, country=country, currency=currency, treatment=treatment, area=area, on=on
    )


def add_band(db: Session, code: str, low: str, high: str, **changes: object) -> None:
    usual = {
        "region": "North America",
        "country": "US",
        "currency": "USD",
        "treatment": "mesotherapy (general)",
        "family": "mesotherapy (general)",
        "area": "any",
        "unit": "session",
        "valid_from": date(2021, 1, 1),
        "source": code,
    }
    db.add(PriceBand(code=code, low=Decimal(low), high=Decimal(high), **{**usual, **changes}))
    db.flush()


def test_the_general_facial_costs_250_to_600_in_the_united_states_and_says_who_says_so(bands):
    protocol = next(row for row in seed_data.read("protocols") if row["protocol_code"] == "P-00")

    found = band(bands, "US", protocol["treatment"], protocol["area"])

    assert (found.low, found.high, found.currency) == (Decimal("250.00"), Decimal("600.00"), "USD")
    assert found.source == 'article "Mesotherapy Facial, Steps, Benefits, Side Effects, Cost"'


@pytest.mark.parametrize(
    ("country", "treatment", "area", "code"),
    [
        ("US", "mesotherapy, cellulite", "thighs", "PB-02"),  # 300 to 800 is wider than 500 to 800
        ("US", "mesotherapy, polycomponent", "full face", "PB-01"),  # nothing special: the general one
        ("US", "deoxycholic acid", "submental", "PB-01"),
        ("GB", "mesotherapy (general)", "full face", "PB-05"),  # a full face is a face
        (
            "GB",
            "mesotherapy, dark circles",
            "eye contour",
            "PB-06",
        ),  # of two equals the one that begins lower
        ("DE", "mesotherapy (general)", "decollete", "PB-19"),  # "face or decollete"
        ("DE", "mesotherapy, hydration", "full face", "PB-08"),  # the treatment before the country
        ("FR", "mesotherapy, cellulite", "thighs", "PB-15"),  # the region's band, for want of its own
        ("PL", "microneedling", "face + neck", "PB-31"),
        ("PL", "mesotherapy, polycomponent", "cheeks", "PB-42"),  # cheeks belong to the face
    ],
)
def test_the_band_that_matches_best_is_taken(bands, country, treatment, area, code):
    assert band(bands, country, treatment, area).code == code


def test_the_area_goes_before_any_area_and_the_treatment_before_the_general_one(db):
    add_band(db, "ANY", "250", "600")
    add_band(db, "ANY-SPECIAL", "260", "610", family="mesotherapy, melasma")
    assert band(db, "US", "mesotherapy, melasma", "full face").code == "ANY-SPECIAL"

    add_band(db, "FACE", "270", "620", area="face")
    assert band(db, "US", "mesotherapy, melasma", "full face").code == "FACE"

    add_band(db, "FULL-FACE", "280", "630", area="full face")
    assert band(db, "US", "mesotherapy, melasma", "full face").code == "FULL-FACE"

    add_band(db, "FULL-FACE-SPECIAL", "290", "640", area="full face", family="mesotherapy, melasma")
    assert band(db, "US", "mesotherapy, melasma", "full face").code == "FULL-FACE-SPECIAL"


def test_the_country_goes_before_its_region_even_if_the_region_s_band_is_newer(db):
    add_band(db, "OWN", "200", "300", country="DE", region="Europe", currency="EUR")
    add_band(
        db,
        "REGION",
        "100",
        "500",
        country="EU/UK",
        region="Europe",
        currency="EUR",
        valid_from=date(2026, 9, 1),
    )

    assert band(db, "DE", "mesotherapy (general)", "full face").code == "OWN"
    assert band(db, "FR", "mesotherapy (general)", "full face").code == "REGION"


def test_the_newest_band_in_force_on_the_date_counts(db):
    add_band(db, "OLD", "200", "500", valid_from=date(2021, 1, 1))
    add_band(db, "NEW", "300", "700", valid_from=date(2026, 12, 1))

    assert band(db, "US", "mesotherapy (general)", "full face", date(2026, 11, 30)).code == "OLD"
    assert band(db, "US", "mesotherapy (general)", "full face", date(2026, 12, 1)).code == "NEW"


def test_bands_for_whole_treatments_visits_and_other_treatments_price_no_session(db):
    add_band(db, "WHOLE", "900", "2500", unit="whole treatment")
    add_band(db, "OTHER", "400", "400", family="package illustration", area="face")

    with pytest.raises(NoBand, match=r"USD speaks for mesotherapy \(general\), full face, in US"):
        band(db, "US", "mesotherapy (general)", "full face")


def test_no_band_of_another_country_or_currency_or_a_later_date_is_borrowed(bands):
    with pytest.raises(NoBand, match="in FR"):
        band(bands, "FR", "mesotherapy (general)", "eye contour")  # Germany's 179 is not France's
    with pytest.raises(NoBand, match="in CHF"):
        price_list.band_for(
            bands,
            region="Europe",
            country="CH",
            currency="CHF",
            treatment="mesotherapy (general)",
            area="full face",
            on=TODAY,
        )
    with pytest.raises(NoBand, match="on 2026-08-31"):
        band(bands, "FR", "mesotherapy, cellulite", "thighs", date(2026, 8, 31))


@pytest.mark.parametrize("code", ["WE-18", "WE-19", "WE-20", "WE-21", "WE-22"])
def test_new_jersey_taxes_by_the_rule_of_the_day(taxes, code):
    given = example(code)

    rule = price_list.tax_for(taxes, country="US", region="NJ", on=given.on)

    taxed = taxed_amount(given.numbers_given[0], rule)
    assert [taxed.tax] == given.numbers_expected
    assert not rule.inclusive


def test_connecticut_adds_its_sales_tax_and_rounds_it_half_up(taxes):
    given = example("WE-16")

    taxed = taxed_amount(
        given.numbers_given[0], price_list.tax_for(taxes, country="US", region="CT", on=TODAY)
    )

    assert [taxed.tax, taxed.total] == given.numbers_expected


def test_a_british_price_contains_its_tax(taxes):
    given = example("WE-17")

    taxed = taxed_amount(given.numbers_given[0], price_list.tax_for(taxes, country="GB", region="", on=TODAY))

    assert [taxed.tax, taxed.net] == given.numbers_expected
    assert taxed.total == Decimal("350.00")


@pytest.mark.parametrize(
    ("country", "region", "on", "code"),
    [
        ("US", "TX", TODAY, "TX-US-XX"),  # no rule of its own: the other states'
        ("US", "", TODAY, "TX-US-XX"),
        ("US", "WA", TODAY, "TX-US-WA"),  # "cosmetic service (medical spa)", not its tax on retail
        ("US", "MN", TODAY, "TX-US-XX"),  # its own rules are for other supplies
        ("CA", "ON", TODAY, "TX-CA-ON"),
        ("CA", "BC", TODAY, "TX-CA-GST"),
        ("AU", "", TODAY, "TX-AU"),
        ("DE", "", TODAY, "TX-EU-DE"),
        ("FI", "", date(2024, 8, 31), "TX-EU-FI1"),
        ("FI", "", date(2024, 9, 1), "TX-EU-FI2"),
        ("SK", "", date(2024, 12, 31), "TX-EU-SK1"),
        ("SK", "", date(2025, 1, 1), "TX-EU-SK2"),
    ],
)
def test_the_region_s_own_rule_goes_before_the_country_s(taxes, country, region, on, code):
    assert price_list.tax_for(taxes, country=country, region=region, on=on).code == code


def test_rates_keep_their_decimals(taxes):
    finland = price_list.tax_for(taxes, country="FI", region="", on=TODAY)
    connecticut = price_list.tax_for(taxes, country="US", region="CT", on=TODAY)

    assert (finland.rate, connecticut.rate) == (Decimal("0.255"), Decimal("0.0635"))


@pytest.mark.parametrize(
    ("country", "region", "on"),
    [
        ("BR", "", TODAY),
        ("CA", "NS", TODAY),  # harmonised, but its rate is not on record: never Ontario's nor the GST alone
        ("GB", "", date(2011, 1, 3)),
    ],
)
def test_where_no_rule_is_known_the_tax_is_zero_and_says_to_check(taxes, country, region, on):
    tax = price_list.tax_for(taxes, country=country, region=region, on=on)

    where = f"{country} {region}".strip()
    assert (tax.rate, tax.code) == (0, "")
    assert tax.note == f"no tax rule for cosmetic service in {where} on {on}: 0 %, check"


def test_a_rule_without_a_rate_taxes_nothing(taxes):
    tax = price_list.tax_for(
        taxes, country="US", region="WA", supply="products used up in a facial", on=TODAY
    )

    assert (tax.rate, tax.code) == (0, "")


@pytest.fixture
def nurse(db: Session) -> PractitionerLevel:
    level = PractitionerLevel(
        code="L2", name="Registered nurse", multiplier=Decimal(1), labour_rate=Decimal(45)
    )
    db.add(level)
    db.flush()
    return level


@pytest.fixture
def facial(db: Session) -> Protocol:
    subject = general_facial(formulation_id=write(db, [product(item(db, "AMP"))]).formulation_id)
    db.add(subject)
    db.flush()
    return subject


def test_a_level_is_found_by_its_code_and_an_unknown_one_is_refused(db, nurse):
    assert price_list.level(db, "L2") is nurse
    with pytest.raises(UnknownLevel, match="'L9'"):
        price_list.level(db, "L9")


def test_every_edit_of_a_level_counts_its_version_up(db, nurse):
    nurse.labour_rate = Decimal("47.50")
    db.flush()

    assert nurse.version == 2


def test_the_clinic_s_own_price_counts_from_its_date_and_ends_when_it_is_ended(db, nurse, facial):
    for price, start in [("300", date(2026, 1, 1)), ("320.50", date(2026, 6, 1)), (None, date(2026, 9, 1))]:
        price_list.set_list_price(
            db,
            facial,
            nurse,
            None if price is None else Decimal(price),
            valid_from=start,
            at=AT,
            by="Mara",
        )

    def on(day: date) -> Decimal | None:
        return price_list.list_price(db, facial, nurse, day)

    assert on(date(2025, 12, 31)) is None
    assert on(date(2026, 5, 31)) == Decimal("300.00")
    assert on(date(2026, 6, 1)) == Decimal("320.50")
    assert on(date(2026, 9, 1)) is None


def test_a_price_set_again_for_the_same_day_replaces_the_one_before(db, nurse, facial):
    for price in ("300", "310"):
        price_list.set_list_price(db, facial, nurse, Decimal(price), valid_from=TODAY, at=AT, by="Mara")

    assert price_list.list_price(db, facial, nurse, TODAY) == Decimal(310)


@pytest.mark.parametrize("price", ["0", "-1", "10.001", "NaN", "Infinity"])
def test_a_list_price_that_is_no_price_is_refused(db, nurse, facial, price):
    with pytest.raises(BadListPrice):
        price_list.set_list_price(db, facial, nurse, Decimal(price), valid_from=TODAY, at=AT, by="Mara")


def test_the_database_itself_refuses_a_band_that_is_upside_down(db):
    with pytest.raises(IntegrityError, match="low_to_high"):
        add_band(db, "ODD", "600", "250")
