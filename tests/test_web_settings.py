"""The settings: each number with its source and history, sites, levels; two people see both versions."""

import dataclasses
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from api.auth import MAY as CALLS
from api.auth import Role
from api.web import explained, rights
from inventory import clinic
from inventory.clinic import SOURCES, Setting, Settings, Site
from pricing import price_list
from pricing.price_list import PractitionerLevel, PriceBand
from tests.pages import House, main, said

pytest_plugins = ("tests.calls", "tests.pages")


def value_of(house: House, key: str) -> object:
    with house.database.read() as db:
        return getattr(clinic.settings(db), key)


@pytest.fixture
def levels(house: House) -> None:
    """One level of practitioners."""
    with house.database.write.begin() as db:
        db.add(
            PractitionerLevel(
                code="L2",
                name="Registered nurse",
                multiplier=Decimal("1.1"),
                labour_rate=Decimal("38.00"),
                source="a survey of 2025",
            )
        )


# Numbers


def test_every_setting_is_explained_in_a_sentence():
    named = {field.name for field in dataclasses.fields(Settings)}

    assert set(explained.SETTINGS) == named == set(SOURCES)
    for one in explained.SETTINGS.values():
        assert one.sentence.endswith(".")


def test_every_number_stands_there_with_its_source(house: House):
    page = said(house.as_(Role.MANAGER).get("/settings"))

    assert "Overhead" in page
    assert "15 %" in page
    assert "5.00 USD" in page or "5 USD" in page
    for key, source in SOURCES.items():
        assert source[1:] in page, key


def test_a_number_is_changed_in_percent_with_a_reason_that_stays(house: House):
    manager = house.as_(Role.MANAGER)

    answer = manager.send("/settings/numbers/overhead_rate", value="18.5", reason="The new lease")

    assert "Overhead: 18.5 %." in said(manager.follow(answer))
    assert value_of(house, "overhead_rate") == Decimal("0.185")
    page = said(manager.get("/settings/numbers/overhead_rate"))
    assert "18.5 % The new lease Manager Person" in page
    assert page.index("18.5 % The new lease") < page.index("as supplied")
    assert "Manager Person, 15 Jan 2026, 10:00: The new lease" in said(manager.get("/settings"))


def test_a_number_needs_a_reason_and_must_be_one_that_is_possible(house: House):
    manager = house.as_(Role.MANAGER)

    silent = manager.send("/settings/numbers/overhead_rate", value="18")
    too_much = manager.send("/settings/numbers/overhead_rate", value="100", reason="all of it")
    nonsense = manager.send("/settings/numbers/overhead_rate", value="a fifth", reason="words")
    minus = manager.send("/settings/numbers/validity_days", value="-3", reason="back then")

    assert "Fill this in." in said(silent)
    assert too_much.status_code == nonsense.status_code == minus.status_code == 422
    assert "overhead_rate is a fraction below 1, not 1" in said(too_much)
    assert "a fifth" in main(nonsense)
    assert value_of(house, "overhead_rate") == Decimal("0.15")
    assert value_of(house, "validity_days") == 30


def test_a_choice_is_made_from_a_list(house: House):
    manager = house.as_(Role.MANAGER)

    assert "The average of what is there" in said(manager.get("/settings/numbers/cost_formula"))
    manager.send(
        "/settings/numbers/cost_formula", value="weighted_average", reason="as our accountant wants it"
    )

    assert value_of(house, "cost_formula") is clinic.CostFormula.WEIGHTED_AVERAGE
    assert manager.send("/settings/numbers/cost_formula", value="lifo", reason="no").status_code == 422


def test_of_two_who_change_a_number_the_second_sees_both_and_decides(house: House):
    first, second = house.as_(Role.MANAGER), house.as_(Role.ADMIN)
    fields = second.hidden(second.get("/settings/numbers/overhead_rate"))
    first.send("/settings/numbers/overhead_rate", value="18", reason="The new lease")

    stale = second.post("/settings/numbers/overhead_rate", fields | {"value": "20", "reason": "Heating"})

    assert stale.status_code == 409
    assert "Overhead 18 % 20 %" in said(stale)
    assert "Heating" in main(stale)
    assert value_of(house, "overhead_rate") == Decimal("0.18")
    again = second.post(
        "/settings/numbers/overhead_rate", second.hidden(stale) | {"value": "20", "reason": "Heating"}
    )
    assert again.status_code == 303
    assert value_of(house, "overhead_rate") == Decimal("0.20")


def test_the_same_change_sent_twice_is_one(house: House):
    manager = house.as_(Role.MANAGER)
    fields = manager.hidden(manager.get("/settings/numbers/validity_days")) | {
        "value": "45",
        "reason": "Easter",
    }

    for _ in range(2):
        assert manager.post("/settings/numbers/validity_days", fields).status_code == 303

    with house.database.read() as db:
        assert db.scalar(sa.select(sa.func.count()).where(Setting.key == "validity_days")) == 1


def test_an_unknown_setting_is_a_page_that_says_so(house: House):
    answer = house.as_(Role.MANAGER).get("/settings/numbers/colour")

    assert answer.status_code == 404
    assert "No setting is called 'colour'." in said(answer)


def test_settings_are_for_whom_their_calls_are_for(house: House):
    same = {
        "POST /settings/numbers/<code:key>": "PUT /api/v1/settings/<code:key>",
        "POST /settings/sites/new": "POST /api/v1/sites",
        "POST /settings/prices/<code:protocol>/<code:level>": "POST /api/v1/list-prices",
        "POST /settings/levels/<code:code>": "PATCH /api/v1/levels/<code:code>",
        "POST /settings/suppliers/new": "POST /api/v1/suppliers",
        "POST /settings/suppliers/<code:code>/edit": "PATCH /api/v1/suppliers/<code:code>",
        "POST /settings/suppliers/<code:code>/offer": "POST /api/v1/offers",
    }
    for page, call in same.items():
        assert rights.MAY[page] == CALLS[call], page
    refused = house.as_(Role.FRONT_DESK).get("/settings")
    assert refused.status_code == 403
    assert "Changing the settings is for manager or admin" in said(refused)


# Sites


def test_a_site_is_opened_with_its_places_and_its_clock(house: House):
    with house.database.write.begin() as db:
        db.add(_band())
    manager = house.as_(Role.MANAGER)

    answer = manager.send(
        "/settings/sites/new",
        name="Quai Ouest", code="QUAI", country="fr", region="Europe", time_zone="Europe/Paris",
        share_opened_vials="yes",
    )  # fmt: skip

    assert "Quai Ouest is open." in said(manager.follow(answer))
    with house.database.read() as db:
        site = clinic.site(db, "QUAI")
        assert (site.country, site.time_zone, site.share_opened_vials) == ("FR", "Europe/Paris", True)
        assert len(clinic.places(db, site.id)) == 8
    assert "Europe/Paris" in main(manager.get("/settings/sites/new"))


def test_a_site_with_a_code_that_is_taken_or_a_clock_that_is_none_is_refused(house: House):
    manager = house.as_(Role.MANAGER)
    site = {
        "name": "Two",
        "code": "MAIN",
        "country": "US",
        "region": "North America",
        "time_zone": "Europe/Paris",
    }

    taken = manager.send("/settings/sites/new", **site)
    nowhere = manager.send("/settings/sites/new", **site | {"code": "TWO", "time_zone": "Europe/Atlantis"})

    assert taken.status_code == 409
    assert "A site with the code MAIN is open already." in said(taken)
    assert nowhere.status_code == 422
    assert "'Europe/Atlantis' is not a time zone." in said(nowhere)
    with house.database.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Site)) == 1


def test_sharing_opened_vials_is_a_site_s_own_choice_and_both_versions_are_shown(house: House):
    first, second = house.as_(Role.MANAGER), house.as_(Role.ADMIN)
    fields = second.hidden(second.get("/settings/sites/MAIN"))
    first.send("/settings/sites/MAIN", name="Main Street", share_opened_vials="yes")

    stale = second.post("/settings/sites/MAIN", fields | {"name": "High Street"})

    with house.database.read() as db:
        assert clinic.site(db, "MAIN").share_opened_vials
    assert stale.status_code == 409
    assert "Name Main Street High Street" in said(stale)
    assert "Opened vials shared not shared" in said(stale)
    second.post("/settings/sites/MAIN", second.hidden(stale) | {"name": "High Street"})
    with house.database.read() as db:
        assert clinic.site(db, "MAIN").name == "High Street"


# Levels and tables


@pytest.mark.usefixtures("levels")
def test_a_level_is_changed_and_both_versions_are_shown_to_the_second(house: House):
    first, second = house.as_(Role.MANAGER), house.as_(Role.ADMIN)
    fields = second.hidden(second.get("/settings/levels/L2"))
    typed = {"name": "Registered nurse", "multiplier": "1.15", "labour_rate": "38.00"}
    first.send("/settings/levels/L2", **typed)

    stale = second.post("/settings/levels/L2", fields | typed | {"multiplier": "1.2"})

    assert stale.status_code == 409
    assert "Multiplier 1.15 1.2" in said(stale)
    with house.database.read() as db:
        assert price_list.level(db, "L2").multiplier == Decimal("1.15")
    second.post("/settings/levels/L2", second.hidden(stale) | typed | {"multiplier": "1.2"})
    with house.database.read() as db:
        assert price_list.level(db, "L2").multiplier == Decimal("1.2")
    assert "a survey of 2025" in said(first.get("/settings/levels"))


def test_bands_taxes_and_rules_are_shown_with_their_sources(house: House):
    with house.database.write.begin() as db:
        db.add(_band())
    manager = house.as_(Role.MANAGER)

    assert "Europe, FR" in said(manager.get("/settings/bands"))
    assert "a price list of 2026" in said(manager.get("/settings/bands"))
    assert manager.get("/settings/taxes").status_code == 200
    assert manager.get("/settings/vial-rules").status_code == 200


def _band() -> PriceBand:
    return PriceBand(
        code="PB-9", region="Europe", country="FR", currency="EUR", treatment="mesotherapy (general)",
        family="mesotherapy (general)", area="any", unit="session", low=Decimal(120), high=Decimal(240),
        valid_from=date(2026, 1, 1), source="a price list of 2026",
    )  # fmt: skip
