"""The clinic-year is a fair yardstick: it loses no container, its bound holds, ours is played as is."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from api import bench_command
from tests.benchmarks import clinic_year, reorder
from tests.benchmarks.clinic_year import HISTORY, YEAR
from tests.benchmarks.clinic_year_bound import bound
from tests.benchmarks.clinic_year_ours import Foretold, Ours
from tests.benchmarks.clinic_year_rules import ReorderPoint, same_for_all
from tests.benchmarks.clinic_year_run import Setting, Shelves, lived

SMALL = (2000, 2001, 2002)  # neither those of the goals nor those of the tuning


@pytest.mark.parametrize(
    ("seed", "typical", "tuned", "ageing", "least"),
    [
        (0, 35_059.60, 22_339.98, 19_088.96, 4_748.99),
        (1, 19_301.77, 18_379.31, 14_498.47, 4_869.56),
    ],
)
def test_the_rules_cost_what_another_simulator_of_the_same_clinic_found(seed, typical, tuned, ageing, least):
    world = clinic_year.world(seed)

    rules = [
        same_for_all(world, 14, 30),
        same_for_all(world, 14, 10),
        ReorderPoint(world, 1.5, cap=True, ages=True),
    ]

    assert [round(lived(world, rule)[1].total, 2) for rule in rules] == [typical, tuned, ageing]
    assert sum(bound(world)) == pytest.approx(least, abs=0.005)


@pytest.mark.parametrize("seed", SMALL)
def test_ours_is_not_dearer_than_the_reorder_point_and_loses_no_container(seed):
    world = clinic_year.world(seed)

    shelves, ours = lived(world, Ours(world, paths=32))
    point = lived(world, ReorderPoint(world, 1.5, cap=True))[1]

    assert ours.total < point.total
    assert all(least <= cost + 1e-6 for least, cost in zip(bound(world), ours.by_item, strict=True))
    for item, tally in enumerate(shelves.tallies):
        had = sum(count for _, count in world.first_lots[item]) + tally.bought
        assert had == tally.used + tally.expired + shelves.position(item)
        if not tally.lost:
            assert tally.used == world.needed[item, HISTORY : HISTORY + YEAR].sum()


def test_ours_told_the_demand_to_come_misses_and_wastes_less_but_not_less_than_the_bound():
    world = clinic_year.world(2000)

    ours, told = (lived(world, rule(world, paths=32))[1] for rule in (Ours, Foretold))

    assert sum(bound(world)) < told.total < ours.total
    assert told.fill > ours.fill
    assert told.waste < ours.waste


def test_the_same_clinic_gets_the_same_advice():
    def advice():
        world = clinic_year.world(2000)
        return Ours(world)(Shelves(world), 0, range(20))

    assert advice() == advice()


def test_minimum_and_maximum_for_each_item_are_tuned_on_the_past_alone():
    world = clinic_year.world(2000)

    before = reorder.past(world)

    assert {line.day for line in before.lines if line.day >= 0} <= set(range(reorder.WEEKS))
    asked = sum(len(found) for day, found in before.sessions.items() if day >= 0)
    assert asked == sum(len(found) for day, found in world.sessions.items() if -reorder.WEEKS <= day < 0)


def test_where_the_sources_are_not_the_command_says_so_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_command, "ROOT", tmp_path)

    answer = CliRunner().invoke(bench_command.bench, ["reorder"])

    assert answer.exit_code == 1
    assert f"kept with the sources of vialbook and not in {tmp_path}" in answer.output


def test_the_years_are_played_where_only_the_program_is_installed():
    """What `make run` installs has neither a browser's driver nor PostgreSQL's."""
    without = "import sys; sys.modules |= {'psycopg': None, 'playwright': None}; "
    play = "sys.argv = ['benchmarks', 'nothing']; from tests.benchmarks.__main__ import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", without + play],
        cwd=bench_command.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "no benchmark is called 'nothing'; there are " in done.stderr


def test_an_order_too_small_for_its_supplier_grows_and_pays_freight_until_it_ships_free():
    world = clinic_year.world(2000)
    setting = Setting(line=0.0, order=1.0, freight=2.0, free_from=1e6, least=500.0)
    shelves = Shelves(world, setting)

    def once(shelves, day, due):
        return {due[0]: 1} if day == 0 else {}

    shelves.live(0, once)
    item = next(item for item in range(clinic_year.ITEMS) if shelves.coming[item])
    bought = shelves.coming[item][0].containers // world.wares[item].pack

    assert shelves.shared == 3.0
    assert shelves.worth({item: bought}) >= 500 > shelves.worth({item: bought - 1})
