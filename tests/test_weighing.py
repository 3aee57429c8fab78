"""A supplier's order put together: what could wait goes along where that pays (O2)."""

from dataclasses import replace
from decimal import Decimal

from inventory import levels, vials, weighing
from inventory.catalog import DoseClass, ItemKind
from inventory.clinic import Site
from inventory.evidence import Evidence
from inventory.usage import ItemFacts
from inventory.weighing import Weighed
from tests.orders import SHARING, WEEKLY, advice, facts, northfield, offer, seen
from tests.shelf import TODAY

SHORT = facts("2026-12-31 5", use=("1", 90), sku="SHORT")
ENOUGH = replace(facts("2026-12-31 36", use=("1", 90), sku="ENOUGH"), item_id=2)


def weighed(*items: ItemFacts, rate: Decimal | None = Decimal(1), **terms: Decimal) -> dict[str, Weighed]:
    """What is ordered of items that one supplier sells in boxes of 10 for 50.00, by SKU; one of its
    currency is so much in ours."""
    asked = replace(offer(price="50.00"), rate=rate)
    outlooks = [
        levels.outlook(item, replace(asked, supplier=northfield(**terms)), on=TODAY, settings=WEEKLY)
        for item in items
    ]
    each = [seen(item) for item in items]
    known = Evidence(days=90, lines=tuple(line for one in each for line in one.lines))
    told = weighing.items(outlooks, known, site=SHARING, on=TODAY, rules=())
    found = weighing.weigh(outlooks, told, settings=WEEKLY, on=TODAY)
    by_id = {item.item_id: item.sku for item in items}
    return {by_id[key]: one for key, one in found.items()}


def packs(found: dict[str, Weighed]) -> dict[str, int]:
    return {sku: one.packs for sku, one in found.items()}


def test_what_could_wait_waits_where_nothing_is_saved_by_it():
    found = weighed(SHORT, ENOUGH)

    assert found["SHORT"].packs > 0
    assert found["ENOUGH"].packs == 0


def test_what_could_wait_goes_along_to_reach_free_shipping():
    alone = weighed(SHORT, ENOUGH, shipping=Decimal(30))
    total = alone["SHORT"].packs * 50

    together = weighed(SHORT, ENOUGH, shipping=Decimal(30), free_shipping_from=Decimal(total + 40))

    assert alone["ENOUGH"].packs == 0
    assert together["ENOUGH"].packs > 0
    assert together["ENOUGH"].advice.joined


def test_what_could_wait_waits_where_free_shipping_is_out_of_reach():
    found = weighed(SHORT, ENOUGH, shipping=Decimal(30), free_shipping_from=Decimal(100_000))

    assert found["ENOUGH"].packs == 0


def test_the_suppliers_least_order_is_reached_by_what_could_wait():
    total = weighed(SHORT, ENOUGH)["SHORT"].packs * 50

    found = weighed(SHORT, ENOUGH, minimum_order=Decimal(total + 40))

    assert found["ENOUGH"].packs > 0
    assert found["ENOUGH"].advice.joined


def test_an_order_that_is_too_small_for_its_supplier_is_made_larger_as_long_as_it_keeps():
    known = weighed(SHORT)["SHORT"]
    worth = known.packs * 50

    larger, years = (weighed(SHORT, minimum_order=Decimal(times * worth))["SHORT"] for times in (2, 100))
    told = advice(SHORT, offer(price="50.00", minimum_order=Decimal(2 * worth)))

    assert (known.advice.grown, larger.advice.grown) == (False, True)
    assert 2 * known.packs <= larger.packs <= 2 * known.packs + 1
    assert (years.packs, years.held_up) == (0, True)
    assert told.order_packs == larger.packs
    assert "; it is more than otherwise, and makes the order large enough for Northfield's terms" in told.why


def test_terms_in_another_currency_are_weighed_in_ours():
    total = weighed(SHORT, ENOUGH)["SHORT"].packs * 50
    reached, beyond = Decimal(total) / 2, Decimal(total + 40) / 2

    alone, together = (
        weighed(SHORT, ENOUGH, rate=Decimal(2), minimum_order=least) for least in (reached, beyond)
    )

    assert alone["ENOUGH"].packs == 0
    assert together["ENOUGH"].packs > 0


def test_terms_of_which_nobody_tells_what_they_are_in_our_currency_are_left_out_and_that_is_said():
    strange = offer(price="50.00", currency="EUR", minimum_order=Decimal(100_000))
    known, unknown = (replace(strange, rate=rate) for rate in (Decimal(2), None))

    told, left_out = (advice(SHORT, terms) for terms in (known, unknown))

    assert told.order_packs == 0
    assert "all that is wanted of Northfield is not worth its smallest order or its shipping yet" in told.why
    assert left_out.order_packs > 0
    assert (
        "; its smallest order and shipping are in EUR and were not weighed: no offer on record has a price "
        "of Northfield in EUR beside ours"
    ) in left_out.why
    assert "were not weighed" not in told.why
    assert not weighing.order_terms(unknown).least


def test_the_same_day_gives_the_same_answer_in_any_company():
    assert weighed(SHORT)["SHORT"] == weighed(SHORT)["SHORT"]
    assert weighed(SHORT)["SHORT"].packs == weighed(ENOUGH, SHORT)["SHORT"].packs


def test_a_container_is_shared_by_its_class_and_the_sites_setting_and_open_as_long_as_label_and_rule_allow():
    numbing = replace(SHORT, dose_class=DoseClass.MULTI_DOSE, kind=ItemKind.INJECTABLE, in_use_hours=28 * 24)
    rule = vials.VialRule(dose_class="multi_dose", environment="any", max_days=14)
    alone = Site(code="ALONE", country="US", tax_region="", time_zone="UTC", share_opened_vials=False)

    shared, one_patients, needle = (
        weighing.vessel_of(levels.outlook(item, None, on=TODAY, settings=WEEKLY), site=site, rules=(rule,))
        for item, site in ((numbing, SHARING), (numbing, alone), (SHORT, SHARING))
    )

    assert (shared.single, shared.in_use_days) == (False, 14)
    assert one_patients.single
    assert (needle.single, needle.in_use_days) == (False, weighing.AGES)
