"""Every row of the vial rules: which count by themselves and where, and of what the others are told (S4)."""

from datetime import date

import pytest
import sqlalchemy as sa

from inventory import shelf, vial_advice, vials
from inventory.catalog import Item
from inventory.clinic import Site
from inventory.vials import PreparedIn, VialRule
from seed_data import reference
from tests.shelf import NOW

TODAY = date(2026, 1, 15)
BEFORE = date(2023, 10, 31)  # the last day of the chapter of 2008

NEW_YORK = {"country": "US", "tax_region": "NY"}
CALIFORNIA = {"country": "US", "tax_region": "CA"}
GERMANY = {"country": "DE", "tax_region": ""}
BRITAIN = {"country": "GB", "tax_region": ""}
JAPAN = {"country": "JP", "tax_region": ""}

LIDOCAINE, HYALURONIC = "RX-021", "MP-001"
DEOXYCHOLIC, BULK, AMPOULE, HYALURONIDASE, NUMBING, NEEDLE = (
    "RX-001", "RX-013", "MP-052", "RX-012", "TA-001", "CN-001",
)  # fmt: skip


@pytest.fixture
def book(db):
    reference.load(db, at=NOW)
    return db


def site(where):
    return Site(code="X", name="X", region="", time_zone="UTC", **where)


def told(book, sku, where, on=TODAY):
    """The codes of the rules that are told of an item, those that count by themselves with a star."""
    item = book.scalars(sa.select(Item).where(Item.sku == sku)).one()
    return [
        said.code[3:] + ("*" if said.counts else "")
        for said in vial_advice.of_item(book, item, site=site(where), on=on)
    ]


MULTI_DOSE_US = ["02*", "09*", "21*", "03"]
SINGLE_DOSE_US = ["01", "06", "07", "20"]


@pytest.mark.parametrize(
    ("sku", "where", "codes"),
    [
        (LIDOCAINE, NEW_YORK, MULTI_DOSE_US),
        (LIDOCAINE, CALIFORNIA, ["02*", "09*", "12*", "21*", "03"]),
        (LIDOCAINE, GERMANY, ["16*", "21*", "15"]),
        (LIDOCAINE, BRITAIN, ["21*"]),
        (LIDOCAINE, JAPAN, ["21*"]),
        (HYALURONIC, NEW_YORK, SINGLE_DOSE_US),
        (HYALURONIC, CALIFORNIA, ["01", "06", "07", "10", "11", "20"]),
        (HYALURONIC, GERMANY, ["15", "20"]),
        (HYALURONIC, BRITAIN, ["20"]),
        (AMPOULE, NEW_YORK, ["01", "06", "07", "08", "20"]),
        (DEOXYCHOLIC, NEW_YORK, ["01", "06", "07", "14", "20"]),
        (DEOXYCHOLIC, BRITAIN, ["20"]),
        (HYALURONIDASE, BRITAIN, ["17", "20"]),
        (HYALURONIDASE, NEW_YORK, SINGLE_DOSE_US),
        (BULK, NEW_YORK, ["13"]),
        (BULK, JAPAN, []),
        (NUMBING, NEW_YORK, ["22*"]),
        (NUMBING, GERMANY, ["22*"]),
        (NEEDLE, NEW_YORK, []),
    ],
)
def test_each_item_is_told_the_rules_that_speak_of_it_and_no_others(book, sku, where, codes):
    assert told(book, sku, where) == codes


def test_before_the_chapter_of_2023_the_old_text_spoke(book):
    assert told(book, HYALURONIC, NEW_YORK, on=BEFORE) == ["01", "04", "05", "20"]
    assert told(book, HYALURONIC, NEW_YORK, on=date(2023, 11, 1)) == SINGLE_DOSE_US


def test_every_row_is_told_of_some_item_somewhere_but_those_of_vaccines(book):
    codes = set()
    for item in book.scalars(sa.select(Item)):
        for where in (NEW_YORK, CALIFORNIA, GERMANY, BRITAIN):
            for on in (BEFORE, TODAY):
                codes.update(said.code for said in vial_advice.of_item(book, item, site=site(where), on=on))

    every = {rule.code: rule for rule in book.scalars(sa.select(VialRule))}
    assert set(every) - codes == {"VR-18", "VR-19"}
    assert all("vaccines" in every[code].jurisdiction for code in ("VR-18", "VR-19"))


@pytest.mark.parametrize(
    ("where", "room", "codes"),
    [
        (NEW_YORK, PreparedIn.PREPARATION_AREA, {"VR-02", "VR-09"}),
        (NEW_YORK, PreparedIn.TREATMENT_ROOM, {"VR-09", "VR-21"}),
        (CALIFORNIA, PreparedIn.PREPARATION_AREA, {"VR-02", "VR-09", "VR-12"}),
        (GERMANY, PreparedIn.PREPARATION_AREA, {"VR-16"}),
        (GERMANY, PreparedIn.TREATMENT_ROOM, {"VR-16", "VR-21"}),
        (BRITAIN, PreparedIn.PREPARATION_AREA, set()),
    ],
)
def test_what_limits_a_multi_dose_vial_is_the_law_where_it_is_and_the_room(book, where, room, codes):
    here = site(where)
    item = book.scalars(sa.select(Item).where(Item.sku == LIDOCAINE)).one()
    found = vials.limits(
        shelf.products(book, item_ids=[item.id])[item.id],
        expires_on=date(2027, 6, 30),
        opened_at=NOW,
        prepared_in=room,
        site=here,
        rules=vials.rules_in_force(book, here, TODAY),
    )

    named = {limit.rule.split()[0]: limit for limit in found}
    assert {code for code in named if code.startswith("VR")} == codes
    assert all(limit.source for limit in found)
