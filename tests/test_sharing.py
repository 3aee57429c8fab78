"""How many doses an opened vial serves, and what stock a dose is charged with (C4, S4)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import allocations, corrections, shelf, wastage
from inventory.allocations import Promise
from inventory.catalog import Ingredient, Offer
from inventory.vials import OpenedVial, VialRule
from pricing import sharing, sharing_hints
from tests.ordering import Shop
from tests.shelf import BY, NOW, TODAY, Clinic, product

LIDO = product("LIDO 20 mL multi_dose")

MEANS = (".25", ".5", "1", "2", "4", "8", "16")
EXPECTED = {
    2: ("1.2212", "1.3935", "1.6321", "1.8647", "1.9817", "1.9997", "2.0000"),
    3: ("1.2477", "1.4837", "1.8964", "2.4587", "2.8901", "2.9966", "3.0000"),
    5: ("1.2500", "1.4998", "1.9957", "2.9249", "4.2185", "4.9405", "4.9999"),
    10: ("1.2500", "1.5000", "2.0000", "2.9999", "4.9877", "8.2908", "9.9621"),
    20: ("1.2500", "1.5000", "2.0000", "3.0000", "5.0000", "8.9996", "16.4449"),
}
"""1 + the sum of P(Poisson(mean) >= j) for j from 1 to room - 1, reckoned with another program."""


@pytest.mark.parametrize(
    ("room", "mean", "doses"),
    [(room, mean, one) for room, row in EXPECTED.items() for mean, one in zip(MEANS, row, strict=True)],
)
def test_the_doses_that_an_opened_vial_serves_follow_the_renewal_formula(room, mean, doses):
    found = sharing.expected_doses(room, Decimal(mean))

    assert found.quantize(Decimal("0.0001")) == Decimal(doses)


def test_a_vial_with_room_for_one_dose_or_that_nobody_else_asks_for_serves_one():
    assert sharing.expected_doses(1, Decimal(16)) == 1
    assert sharing.expected_doses(20, Decimal(0)) == 1


def test_room_for_a_million_doses_is_reckoned_as_fast_as_for_a_hundred():
    # A dose of 0.0001 of a vial of 1000 IU leaves room for ten million.
    assert sharing.expected_doses(10_000_000, Decimal(4)).quantize(Decimal("0.0001")) == 5


@pytest.mark.parametrize(
    ("dose", "doses", "charged"),
    [
        ("3", "6", "3.3333"),  # six doses of 3 leave 2 of 20 to be discarded
        ("3", "2.5", "8"),
        ("3", "1", "20"),  # not shared: the whole vial
        ("4", "5", "4"),
        ("4", "5.5", "4"),  # never less than the dose
        ("20", "1", "20"),
        ("25", "3", "26.6667"),  # one whole vial, and 5 of the next
        ("40", "1", "40"),
    ],
)
def test_a_dose_is_charged_with_itself_and_its_share_of_what_will_be_discarded(dose, doses, charged):
    assert sharing.charged_stock(LIDO, Decimal(dose), Decimal(doses)) == Decimal(charged)


def doses_used(clinic, dose="3", *, on=TODAY, site=None):
    found = shelf.products(clinic.db, skus=["LIDO"])[clinic.item("LIDO").id]
    return sharing.doses_used(clinic.db, found, Decimal(dose), site=site or clinic.site, on=on)


def clinic_with_lidocaine(db, *, shared=True, label="28 d"):
    clinic = Clinic(db, share_opened_vials=shared)
    clinic.add_items(f"LIDO 20 mL multi_dose {label}")
    clinic.receive("LIDO", "A17 exp 2027-12-31 50 x 3.20", on=date(2025, 6, 2))
    return clinic


def treat_on(clinic, *days, quantity=3, **other):
    return [
        clinic.treat(f"P-{day}", f"LIDO {quantity}", at=NOW - timedelta(days=day), **other)
        for day in sorted(days, reverse=True)
    ]


def test_where_vials_are_not_shared_one_patient_s_dose_is_all_that_a_vial_serves(db):
    clinic = clinic_with_lidocaine(db, shared=False)
    treat_on(clinic, *range(1, 31))

    assert doses_used(clinic) == 1


def test_use_is_learned_from_the_sessions_of_the_last_ninety_days(db):
    clinic = clinic_with_lidocaine(db)
    treat_on(clinic, *range(1, 46), 91, 120)  # half a session a day; the last two are too long ago

    # In 28 days 14 more doses are asked for, and the vial has room for six.
    assert doses_used(clinic) == sharing.expected_doses(6, Decimal(45) / 90 * 28)


def test_a_session_that_drew_twice_is_one_and_another_site_s_sessions_are_not_ours(db):
    clinic = clinic_with_lidocaine(db)
    branch = clinic.open_site("BRANCH", share_opened_vials=True)
    clinic.receive("LIDO", "B02 exp 2027-12-31 5 x 3.20", site=branch)
    treat_on(clinic, 2, quantity=25)
    treat_on(clinic, 1, site=branch)

    assert doses_used(clinic) == sharing.expected_doses(6, Decimal(1) / 90 * 28)


def test_a_session_that_was_undone_was_never_asked_for(db):
    clinic = clinic_with_lidocaine(db)
    treat_on(clinic, 2)
    undone = clinic.treat("P-9", "LIDO 3")

    corrections.reverse_session(
        db, undone.session, at=NOW, recorded_at=NOW, by="mara", reason="wrong patient"
    )

    assert doses_used(clinic) == sharing.expected_doses(6, Decimal(1) / 90 * 28)


def test_the_strictest_of_label_and_rule_says_how_long_a_vial_may_wait_for_the_next_patient(db):
    clinic = clinic_with_lidocaine(db, label="28 d")
    treat_on(clinic, *range(1, 46))
    db.add(
        VialRule(
            code="VR-T", jurisdiction="test", country="US", dose_class="multi_dose", max_days=7,
            automatic=True, text="seven days", source="test",
        )
    )  # fmt: skip
    db.flush()

    assert doses_used(clinic) == sharing.expected_doses(6, Decimal(45) / 90 * 7)


def test_where_neither_label_nor_rule_speaks_a_vial_waits_28_days(db):
    clinic = clinic_with_lidocaine(db, label="")
    treat_on(clinic, *range(1, 46))

    assert doses_used(clinic) == sharing.expected_doses(6, Decimal(45) / 90 * 28)


def test_a_dose_of_more_than_a_vial_shares_the_last_vial_that_it_opens(db):
    clinic = clinic_with_lidocaine(db)
    treat_on(clinic, *range(1, 46))

    # Of 25 mL the first vial gives 20; the 5 mL from the next leave room for three more such doses.
    assert doses_used(clinic, "25") == sharing.expected_doses(4, Decimal(45) / 90 * 28)
    assert doses_used(clinic, "20") == 1
    assert doses_used(clinic, "40") == 1


SIZES = {"1 mL": (9, 1), "5 mL": (26, 5), "10 mL": (40, 10), "20 mL": (66, 20)}  # price, doses


@pytest.mark.parametrize(
    ("rate", "days", "best", "cost"),
    [
        (".05", 7, "1 mL", "9.00"), (".1", 7, "1 mL", "9.00"), (".2", 7, "1 mL", "9.00"),
        (".5", 7, "5 mL", "6.54"), ("1", 7, "10 mL", "5.24"), ("2", 7, "10 mL", "4.05"),
        (".05", 28, "1 mL", "9.00"), (".1", 28, "5 mL", "7.33"), (".2", 28, "5 mL", "5.53"),
        (".5", 28, "10 mL", "4.05"), ("1", 28, "20 mL", "3.31"), ("2", 28, "20 mL", "3.30"),
    ],
)  # fmt: skip
def test_the_cheapest_size_grows_with_what_is_asked_for_while_it_is_open(rate, days, best, cost):
    mean = Decimal(rate) * days

    costs = {
        size: sharing.per_session(Decimal(price), room=room, mean=mean)
        for size, (price, room) in SIZES.items()
    }

    assert min(costs, key=lambda size: costs[size]) == best
    assert costs[best].quantize(Decimal("0.01")) == Decimal(cost)


def test_a_large_vial_pays_from_a_demand_on_that_is_the_same_however_long_it_is_open():
    mean = sharing.break_even(Decimal(40), room=10, against=Decimal(9))

    assert mean == pytest.approx(Decimal("3.449"), abs=Decimal("0.001"))
    assert sharing.break_even(Decimal(100), room=10, against=Decimal(9)) is None


@pytest.fixture
def shop(db) -> Shop:
    """A clinic that shares opened vials and buys lidocaine in two sizes; a dose is 4 mL."""
    shop = Shop(db, share_opened_vials=True)
    shop.add_items("LIDO-5 5 mL multi_dose 28 d")
    numbing = Ingredient(code="LIDO", name="Lidocaine", category="anaesthetics")
    db.add(numbing)
    db.flush()
    for sku, price in (("LIDO", "16.00"), ("LIDO-5", "9.00")):
        shop.item(sku).ingredient_id = numbing.id
        offer = {"pack_containers": 1, "pack_price": Decimal(price), "lead_days": 3}
        db.add(
            Offer(
                item_id=shop.item(sku).id,
                supplier_id=shop.supplier.id,
                valid_from=date(2025, 1, 1),
                **offer,
            )
        )
    db.flush()
    shop.receive("LIDO", "L1  exp 2026-12-31  9 x 16.00  on 2025-12-01")
    return shop


def planned(shop: Shop, due_on: date, number: int = 1) -> None:
    allocations.allocate(
        shop.db,
        [Promise(shop.item("LIDO").id, due_on, Decimal(4))],
        site_id=shop.site.id,
        reference=f"course 1 session {number}",
        patient_ref="P-7",
        at=NOW,
    )


def test_sizes_are_compared_by_what_a_session_costs_as_the_ingredient_is_used(shop):
    assert sharing.sizes(shop.db, shop.item("LIDO"), site=shop.site, on=TODAY) == []
    shop.treat("P-1", "LIDO 4")

    small, large = sharing.sizes(shop.db, shop.item("LIDO"), site=shop.site, on=TODAY)

    assert (small.sku, small.doses, small.per_session, small.wasted) == ("LIDO-5", 1, 9, Decimal("0.2000"))
    assert (large.sku, large.doses, large.cheapest) == ("LIDO", 5, False)
    assert large.per_session > 9
    mean = sharing.break_even(Decimal(16), room=5, against=Decimal(9))
    assert large.pays_from == (mean / 28).quantize(Decimal("0.01"))


def test_what_a_session_costs_falls_with_the_demand_and_is_told_for_half_and_twice_of_it(shop):
    for number in range(9):
        shop.treat(f"P-{number}", "LIDO 4")

    small, large = sharing.sizes(shop.db, shop.item("LIDO"), site=shop.site, on=TODAY)

    rate = Decimal(9) / 90
    assert [one.sessions_a_day for one in large.at_demand] == [
        (rate * times).quantize(Decimal("0.0001")) for times in sharing.DEMANDS
    ]
    assert [one.per_session for one in large.at_demand] == [
        sharing.to_cents_half_up(16 / sharing.expected_doses(5, rate * times * 28))
        for times in sharing.DEMANDS
    ]
    half, now, twice = (one.per_session for one in large.at_demand)
    assert half > now == large.per_session > twice
    assert {one.per_session for one in small.at_demand} == {9}  # room for one dose: nothing to share


def test_of_two_open_vials_what_is_planned_is_taken_from_the_one_that_ends_first(shop):
    shop.treat("P-1", "LIDO 4")
    lot = shop.lot("LIDO", "L1")
    wastage.open_vial(shop.db, lot, site=shop.site, at=NOW, recorded_at=NOW, by=BY)
    first, second = shop.db.scalars(sa.select(OpenedVial).order_by(OpenedVial.remaining))
    first.discard_at, second.discard_at = NOW + timedelta(days=3), NOW + timedelta(days=6)
    for ahead in (1, 2):
        planned(shop, TODAY + timedelta(days=ahead), number=ahead)
    left = {vial.discard_at: vial.remaining for vial in (first, second)}

    found = sharing_hints.hints(shop.db, site=shop.site, on=TODAY)

    use = Decimal(4) / 28
    spared = sum(left.values()) - 8 - use * 5
    assert sum(int(hint.sentence.split()[0]) for hint in found) <= spared / 4
    assert [hint.on for hint in found][-1] == TODAY + timedelta(days=5)
    second.discard_at = first.discard_at
    (hint,) = sharing_hints.hints(shop.db, site=shop.site, on=TODAY)
    assert "would use up the 2 opened, which have" in hint.sentence


def test_sessions_that_would_empty_an_open_vial_are_named_where_it_would_expire(shop):
    shop.treat("P-1", "LIDO 4")
    vial = shop.db.scalars(sa.select(OpenedVial)).one()
    vial.discard_at = NOW + timedelta(days=5)
    planned(shop, TODAY + timedelta(days=2))

    (hint,) = sharing_hints.hints(shop.db, site=shop.site, on=TODAY)

    assert (hint.sku, hint.on) == ("LIDO", TODAY + timedelta(days=4))
    assert hint.sentence == (
        "2 more sessions with LIDO by 2026-01-19 would use up the opened one, which has 16 mL left: "
        "1 planned until then."
    )
    shop.site.share_opened_vials = False
    assert sharing_hints.hints(shop.db, site=shop.site, on=TODAY) == []


def test_a_session_a_day_too_late_for_an_open_vial_is_named_and_one_that_is_far_is_not():
    days = [(TODAY + timedelta(days=ahead), Decimal(4)) for ahead in (1, 4, 12)]

    found = sharing_hints.moved(LIDO, days, open_for=2)

    assert [hint.on for hint in found] == [TODAY + timedelta(days=4)]
    assert "would share the opened one 1 day earlier, by 2026-01-18" in found[0].sentence
    assert sharing_hints.moved(LIDO, days, open_for=3, opened=()) == []
