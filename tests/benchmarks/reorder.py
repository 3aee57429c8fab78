"""Reordering: ours and other rules through the same clinic-years, with what each cost, served and wasted.

`python -m tests.benchmarks reorder` prints the table: means with 95 % intervals, differences paired by seed,
and how much of the gap between the best common minimum and maximum and the clairvoyant bound each rule
closes. Fifty years tell that share to two points either way, two hundred to one. Seeds 0 to 199 were never
used to tune anything; tune on 1000 and up.
"""

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tests.benchmarks import clinic_year
from tests.benchmarks.clinic_year import ITEMS, YEAR, Line, World
from tests.benchmarks.clinic_year_bound import bound
from tests.benchmarks.clinic_year_ours import Foretold, Ours
from tests.benchmarks.clinic_year_rules import MinMax, ReorderPoint, same_for_all
from tests.benchmarks.clinic_year_run import BASE, SHARED, Outcome, Rule, Setting, Shelves, lived
from tests.benchmarks.clinic_year_sites import compared
from tests.benchmarks.timing import Figure

OURS, TOLD = "ours", "ours, told the demand to come"
TUNED, PER_ITEM = "min/max, tuned for all items", "min/max, tuned per item"
SAFETY, COVER = (0, 3, 7, 14, 21, 30), (3, 7, 14, 25, 40, 60)  # days tried for each item
WEEKS = 364  # days by which the past is moved: whole weeks
LEAST_CLOSED, LEAST_TOLD, MOST_WASTE, LEAST_FILL = 65.0, 83.0, 3.0, 99.85  # percent
LEAST_WINS, MOST_SECONDS = 0.9, 0.5
MANY = 500  # items, for the speed
FEW = 10  # seeds of the second setting, and of two sites
HEAD = (
    f"{'a year, money':<44}{'total':>16}{'order':>8}{'held':>8}{'expired':>9}{'lost':>8}"
    f"{'fill %':>8}{'waste %':>9}"
)


def rules(world: World, setting: Setting = BASE) -> dict[str, Rule]:
    """The rules by name; what is tuned was tuned on other seeds, or on this clinic's own past."""
    return {
        "min/max, typical (14 d safety, 30 d cover)": same_for_all(world, 14, 30),
        TUNED: same_for_all(world, 14, 10),
        PER_ITEM: tuned_per_item(world),
        "reorder point, safety stock": ReorderPoint(world, 1.5),
        "reorder point, safety stock, cap": ReorderPoint(world, 1.5, cap=True),
        "withdrawal and ageing, cap": ReorderPoint(world, 1.5, cap=True, ages=True),
        "withdrawal and ageing, cap, bookings": ReorderPoint(world, 1.0, cap=True, ages=True, bookings=True),
        OURS: Ours(world, setting=setting),
        TOLD: Foretold(world, setting=setting),
    }


def tuned_per_item(world: World) -> MinMax:
    """For each item the safety and cover that would have cost least in the past year, by simulation."""
    before = past(world)
    pairs = [(safety, cover) for safety in SAFETY for cover in COVER]
    costs = [lived(before, same_for_all(before, *pair))[1].by_item for pair in pairs]
    return MinMax(world, [pairs[int(np.argmin([cost[item] for cost in costs]))] for item in range(ITEMS)])


def past(world: World) -> World:
    """The year before as a year to be lived: its sessions, and the luck that its receipts show."""
    lines: list[Line] = []
    for line in world.lines:
        if -WEEKS <= line.day < 0:
            lines.append(line)
            moved = line._replace(day=line.day + WEEKS, made=line.made + WEEKS, gone=line.gone + WEEKS)
            lines.append(moved)
    random = np.random.default_rng([20240609, world.seed])
    delivery = np.empty((ITEMS, YEAR), dtype=np.int64)
    life = np.empty((ITEMS, YEAR), dtype=np.int64)
    for item, ware in enumerate(world.wares):
        seen = [receipt for receipt in world.receipts if receipt.item == item]
        delivery[item] = ware.delivery + random.choice([receipt.late for receipt in seen], YEAR)
        life[item] = random.choice([receipt.life for receipt in seen], YEAR)
    lines.sort(key=lambda line: line.day)
    return replace(world, lines=lines, delivery=delivery, life=life)


@dataclass(frozen=True)
class Played:
    """What the rules came to, by seed, and the bounds."""

    outcomes: dict[str, list[Outcome]]
    bounds: list[float]

    def totals(self, name: str) -> list[float]:
        """What a rule cost, by seed."""
        return [outcome.total for outcome in self.outcomes[name]]

    def closed(self, name: str) -> float:
        """The share of the gap between the tuned minimum and maximum and the bound, in percent."""
        tuned, least = statistics.fmean(self.totals(TUNED)), statistics.fmean(self.bounds)
        return 100 * (tuned - statistics.fmean(self.totals(name))) / (tuned - least)

    def closed_within(self, name: str) -> float:
        """Half the width of that share's 95 % interval: of a ratio of two means over the same seeds."""
        if len(self.bounds) < 2:
            return 0.0
        gaps = [tuned - least for tuned, least in zip(self.totals(TUNED), self.bounds, strict=True)]
        share = self.closed(name) / 100
        rest = [saved - share * gap for saved, gap in zip(self.saved(name, TUNED), gaps, strict=True)]
        return 196 * statistics.stdev(rest) / math.sqrt(len(rest)) / statistics.fmean(gaps)

    def saved(self, name: str, against: str) -> list[float]:
        """What a rule saves against another, by seed."""
        return [other - own for own, other in zip(self.totals(name), self.totals(against), strict=True)]

    def wins(self, name: str, against: str) -> int:
        """In how many seeds a rule costs less."""
        return sum(1 for saved in self.saved(name, against) if saved > 0)


def played(seeds: Sequence[int], *, setting: Setting = BASE, tell: bool = False) -> Played:
    """All rules through the years of the seeds, as many at once as there are cores; the bound is one on the
    base setting."""
    outcomes: dict[str, list[Outcome]] = {}
    bounds = []
    with ProcessPoolExecutor() as pool:
        for seed, (year, least) in zip(seeds, pool.map(partial(_year, setting), seeds), strict=True):
            bounds.append(least)
            for name, outcome in year.items():
                outcomes.setdefault(name, []).append(outcome)
            if tell:
                print(f"  seed {seed}: ours {year[OURS].total:,.0f}, bound {least:,.0f}", flush=True)
    return Played(outcomes, bounds)


def _year(setting: Setting, seed: int) -> tuple[dict[str, Outcome], float]:
    """What the rules came to in the year of a seed, and the bound."""
    world = clinic_year.world(seed)
    played = rules(world, setting).items()
    year = {name: lived(world, rule, setting=setting)[1] for name, rule in played}
    return year, sum(bound(world)) if setting == BASE else 0.0


def _with_interval(values: Sequence[float], form: str = ",.0f") -> str:
    """A mean and half the width of its 95 % interval."""
    half = 1.96 * statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):{form}} ± {half:{form}}"


def table(results: Played, *, bounded: bool = True) -> Iterator[str]:
    """The results as lines of text; where no bound is known, nothing is said of the gap."""
    yield f"{HEAD}{'saved against tuned':>21}{'wins':>6}{'closed %':>13}"
    for name, outcomes in results.outcomes.items():
        yield (
            f"{_row(name, outcomes)}"
            f"{_with_interval(results.saved(name, TUNED)):>21}{results.wins(name, TUNED):>6}"
            + (f"{results.closed(name):>7.1f} ± {results.closed_within(name):.1f}" if bounded else "")
        )
    if bounded:
        yield f"{'clairvoyant bound':<44}{_with_interval(results.bounds):>16}"
    for other in results.outcomes:
        if other != OURS:
            saved = _with_interval(results.saved(OURS, other))
            yield f"ours saves {saved} a year against {other}, in {results.wins(OURS, other)} seeds"


def _row(name: str, outcomes: Sequence[Outcome]) -> str:
    """What a rule cost, served and wasted."""
    order, holding, expired, lost, fill, waste = (
        statistics.fmean(getattr(outcome, part) for outcome in outcomes)
        for part in ("order", "holding", "expired", "lost", "fill", "waste")
    )
    return (
        f"{name:<44}{_with_interval([outcome.total for outcome in outcomes]):>16}{order:>8,.0f}"
        f"{holding:>8,.0f}{expired:>9,.0f}{lost:>8,.0f}{fill:>8.2f}{waste:>9.2f}"
    )


def two_sites(seeds: Sequence[int]) -> Iterator[str]:
    """Ours at two sites that buy by themselves, and that fetch from each other, as lines of text."""
    with ProcessPoolExecutor() as pool:
        years = list(pool.map(compared, seeds))
    alone, sharing, fetches = zip(*years, strict=True)
    yield f"{HEAD}{'fetches':>10}"
    yield f"{_row('ours, each site by itself', alone)}{0:>10}"
    yield f"{_row('ours, fetching what the other will not use', sharing)}{statistics.fmean(fetches):>10.1f}"
    saved = [one.total - other.total for one, other in zip(alone, sharing, strict=True)]
    won = sum(1 for money in saved if money > 0)
    yield f"fetching saves {_with_interval(saved)} a year at both sites together, in {won} seeds"


def seconds_for_many() -> float:
    """CPU seconds of one run of advice on 500 items, learning apart."""
    items = []
    for seed in range(3000, 3000 + -(-MANY // ITEMS)):
        world = clinic_year.world(seed)
        ours = Ours(world)
        items += [replace(item, key=len(items) + n) for n, item in enumerate(ours.items(Shelves(world), 0))]
    start = time.process_time()
    ours.advised(items[:MANY], seed=0)
    return time.process_time() - start


def figures(*, seeds: int) -> Iterator[Figure]:
    """Print the table of so many seeds; then the figures that have goals. Misses are given as shortfalls."""
    results = played(range(seeds), tell=True)
    for line in table(results):
        print(line)
    few = range(min(seeds, FEW))
    print(f"orders dear and lines cheap, least orders, free shipping, price breaks; {len(few)} seeds:")
    for line in table(played(few, setting=SHARED), bounded=False):
        print(line)
    print(f"two sites of half the business each; {len(few)} seeds:")
    for line in two_sites(few):
        print(line)
    ours = results.outcomes[OURS]
    named = f"clinic-year, {seeds} seeds"
    closed, wins = results.closed(OURS), results.wins(OURS, PER_ITEM)
    fill = statistics.fmean(outcome.fill for outcome in ours)
    waste = statistics.fmean(outcome.waste for outcome in ours)
    yield Figure(f"{named}: gap left open", 100 - closed, most=100 - LEAST_CLOSED, unit="%")
    told = results.closed(TOLD)
    yield Figure(f"{named}: gap left open, told the demand", 100 - told, most=100 - LEAST_TOLD, unit="%")
    yield Figure(f"{named}: waste", waste, most=MOST_WASTE, unit="%")
    yield Figure(f"{named}: lines lost", 100 - fill, most=round(100 - LEAST_FILL, 2), unit="%")
    wanted = math.ceil(seeds * LEAST_WINS)
    yield Figure(
        f"{named}: to be won and won, min/max tuned per item", wanted, max(wins, 0.5), goal=1, unit="seeds"
    )
    yield Figure(f"advice on {MANY} items, CPU", seconds_for_many(), most=MOST_SECONDS, unit="s")
