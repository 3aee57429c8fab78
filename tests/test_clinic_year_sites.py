"""The clinic-year of two sites: the product chooses what is fetched, no container is lost."""

import pytest

from inventory import policy
from inventory.elsewhere import HORIZON
from tests.benchmarks import clinic_year, clinic_year_sites
from tests.benchmarks.clinic_year import ITEMS
from tests.benchmarks.clinic_year_sites import MONDAY, WINDOW, Fetching, Site

PATHS = 16


def neighbours():
    """Two sites, of which the first has none of an item it will buy and the other far too much."""
    here, other = (Site(world, PATHS) for world in clinic_year.sites(2000))
    here.ours = Fetching(here.world, paths=PATHS, here=here, other=other)
    item = max(range(ITEMS), key=lambda one: here.world.needed[one, :90].sum())
    here.shelves.lots[item] = []
    other.shelves.lots[item] = [[90, 200], [120, 200]]
    return here, other, item


def test_two_sites_keep_every_container_and_pay_for_every_fetch():
    worlds = clinic_year.sites(2000)

    both, outcome = clinic_year_sites.lived(worlds, fetch=True, paths=PATHS)

    assert all(site.fetches for site in both)
    for item in range(ITEMS):
        tallies = [site.shelves.tallies[item] for site in both]
        had = sum(count for world in worlds for _, count in world.first_lots[item])
        had += sum(tally.bought for tally in tallies)
        left = sum(site.containers(item) for site in both)
        assert had == sum(tally.used + tally.expired for tally in tallies) + left
    paid = sum(site.fetches for site in both) * policy.Economics.transfer_cost
    assert outcome.shared == paid


def test_what_is_fetched_leaves_with_its_last_day_and_arrives_the_next_morning():
    here, other, item = neighbours()

    here.ours(here.shelves, 0, [item])

    sent = list(here.on_the_way)
    assert sent
    assert here.shelves.lots[item] == []
    assert sum(count for _, _, count in sent) == 400 - other.shelves.on_shelf(item)
    here.receive()
    assert here.shelves.lots[item] == sorted([last_day, count] for _, last_day, count in sent)
    assert {last_day for last_day, _ in here.shelves.lots[item]} <= {90, 120}
    assert here.on_the_way == []


def test_what_was_fetched_is_not_offered_again_on_the_day():
    here, other, item = neighbours()
    before = other.spare(0, [item])[item]

    here.ours(here.shelves, 0, [item])

    gone = sum(count for _, _, count in here.on_the_way)
    after = other.spare(0, [item])[item]
    assert 0 < gone == sum(count for _, count in before) - sum(count for _, count in after)
    with pytest.raises(ValueError, match="were promised and are not there"):
        other.give(item, 90, 201)


def test_what_is_on_the_way_is_not_offered_back():
    here, _, item = neighbours()
    here.on_the_way = [(item, 30, 500)]

    assert here.spare(0, [item]) == {item: ()}


def test_a_site_shows_its_use_its_plans_and_its_open_container_as_a_book_would():
    site = Site(clinic_year.sites(2000)[0], PATHS)

    for one in site.facts(0, range(ITEMS)):
        ware = site.world.wares[one.item_id]
        lines = [line for line in site.world.lines if line.item == one.item_id]
        used = [line for line in lines if line.kept and -WINDOW < line.day <= 0]
        whole = ware.content if ware.single else 1
        drawn = sum(-(-line.dose // whole) * whole for line in used)
        assert (one.used == drawn) if ware.single else (one.used >= drawn)  # what was thrown away is use
        walk_ins = {line.day for line in used if line.made == line.day}
        assert len(walk_ins) <= len(one.daily) <= len({line.day for line in used})
        planned = {line.day for line in lines if line.made <= 0 < line.gone and 0 < line.day <= HORIZON.days}
        assert {(due - MONDAY).days for due, _ in one.planned} == planned
        left, last_day = site.world.open_at_start[one.item_id]
        assert [batch.quantity for batch in one.opened] == ([left] if left and last_day >= 0 else [])
