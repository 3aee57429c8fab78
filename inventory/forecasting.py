"""Forecasting: what an item will be asked for, learned from its ledger and from the calendar (O1).

Need is what is booked, each with its chance to take place, and what nobody has booked yet. A course session
stands in the ledger *and* in the calendar, so at a lag of so many days only those lines count as unknown
whose kind is booked later than that. How often an item is asked for drifts and swings with the clinic, so
old evidence fades: fast for what is used daily, slowly for what is used twice a year.

This is the statistics of the matter: numpy and floats, no database, no clock. Days are whole numbers from
today: `ago` counts back from today (0), a lag counts forward from tomorrow (1). Quantities are whole
numbers of the caller's smallest unit, such as 0.01 mL. Rates are lines a day; a line is one item drawn for
one session. The same arguments give the same answer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inventory import paces

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Whole = np.ndarray[Any, np.dtype[np.int64]]
    Which = np.ndarray[Any, np.dtype[np.bool_]]

LAGS = 64  # days ahead over which the booking lead is learned
WEEKS = 26  # weeks ahead over which the chance to show is learned
BLOCK = 14  # days over which use is counted together
FRESH = 14  # a line booked no longer ahead tells of today's taste; older bookings come in a row, and late
DRIFT = 0.25  # variance of the logarithm of an item's rate after a year
LEAD_WEIGHT = 150.0  # lines' worth of the clinic's booking leads in an item's
WEEKDAY_WEIGHT = 7.0  # lines' worth of a flat week
SHOWS = (0.9, 10.0)  # chance to show before any booking is seen, and its weight in bookings
DOSES = 64  # doses of an item that are kept
WEEK = 7  # days that a delivery takes where nobody promised any
ABSURD = 100  # times the item's usual dose: a slip of the keyboard


@dataclass(frozen=True)
class Lines:
    """What sessions drew or asked for in vain, one entry a line, in any order."""

    item: "Whole"  # place of the item in the caller's list
    ago: "Whole"  # days
    dose: "Whole"  # smallest units
    lead: "Whole"  # days that it had been in the calendar; 0 is a walk-in


@dataclass(frozen=True)
class Bookings:
    """Sessions that were due, as the calendar showed them; one that moved is one not kept."""

    due_ago: "Whole"
    made_ago: "Whole"
    gone_ago: "Whole"  # when it was withdrawn or moved; the day it was due where it was kept
    kept: "Which"


@dataclass(frozen=True)
class Vessel:
    """A container of an item: what it holds and who may share it (S3)."""

    content: int  # smallest units
    single: bool  # one patient's; the rest is thrown away
    in_use_days: int  # after opening; 0 is the same day


@dataclass(frozen=True)
class Demand:
    """What is believed about the need of one item from tomorrow on."""

    shape: float  # of the gamma distribution of the rate of fresh lines
    per_day: float  # its mean, fresh lines a day
    unknown: "Floats"  # by lag less 1: lines not in the calendar so long before, for each fresh line
    lines_per_fresh: float  # all lines for each fresh one
    weights: "Floats"  # by lag less 1: how busy the weekday is, 1 on average
    doses: "Whole"  # seen, smallest units
    containers_per_line: float
    booked: tuple[tuple[int, int, float], ...] = ()  # lag, dose, chance to take place


def weekdays(ago: "Whole", *, today: int) -> "Floats":
    """How busy each weekday is, Monday first, 1 on average; `today` is today's weekday."""
    import numpy as np

    seen = np.bincount((today - ago) % 7, minlength=7) + WEEKDAY_WEIGHT / 7
    return np.asarray(seen * 7 / seen.sum(), dtype=np.float64)


def chance_to_show(bookings: Bookings) -> "Floats":
    """By week ahead: how often a booking that stood so long before took place; shrunk to the week before."""
    import numpy as np

    chances, (chance, weight) = np.empty(WEEKS), SHOWS
    for week in range(WEEKS):
        seen_ago = bookings.due_ago + 7 * week + 1
        stood = (bookings.made_ago >= seen_ago) & (bookings.gone_ago < seen_ago)
        kept = float((bookings.kept & stood).sum())
        chance = (kept + weight * chance) / (float(stood.sum()) + weight)
        chances[week] = chance
    return chances


def unknown_share(lines: Lines, *, items: int) -> "Floats":
    """By item and lag less 1: the share of its lines booked later than that, shrunk to the clinic's."""
    import numpy as np

    lead = np.minimum(lines.lead, LAGS)
    counts = np.zeros((items, LAGS + 1))
    np.add.at(counts, (lines.item, lead), 1.0)
    later = np.cumsum(counts, 1)[:, :LAGS]
    clinic = (later.sum(0) + 1) / (counts.sum() + 1)
    return np.asarray((later + LEAD_WEIGHT * clinic) / (counts.sum(1)[:, None] + LEAD_WEIGHT))


def rates(lines: Lines, *, items: int, days: int, drift: float = DRIFT) -> tuple["Floats", "Floats"]:
    """Shape and mean (lines a day at the clinic's present pace) of each item's rate.

    A Gamma-Poisson filter over blocks of two weeks: before each block the rate may have drifted, which adds
    to its relative variance; then the block's lines are added to the evidence. A block counts by the pace
    of the whole clinic, so a season is not taken for a change of taste. Few days of history are few blocks.
    """
    import numpy as np

    blocks = max(1, -(-days // BLOCK))
    block = np.minimum(lines.ago // BLOCK, blocks - 1)  # 0 is the latest
    counts = np.zeros((items, blocks))
    np.add.at(counts, (lines.item, block), 1.0)
    lengths = np.full(blocks, float(BLOCK))
    lengths[-1] = days - BLOCK * (blocks - 1) if days else float(BLOCK)
    exposure = lengths * paces.against_today(counts.sum(0), lengths)
    mean = (counts.sum(1) + 0.5) / (exposure.sum() + 1)
    shape = np.full(items, 0.5)
    for nth in range(blocks - 1, -1, -1):
        shape = 1 / (1 / shape + drift * lengths[nth] / 365)
        evidence = shape / mean + exposure[nth]
        shape = shape + counts[:, nth]
        mean = shape / evidence
    return shape, mean


def learn(
    lines: Lines,
    bookings: Bookings,
    vessels: Sequence[Vessel],
    *,
    today: int,
    days: int,
    ahead: Sequence[Sequence[tuple[int, int]]],
) -> list[Demand]:
    """What is believed about every item's need, from `days` days of history and the bookings ahead.

    `today` is today's weekday (Monday 0); `ahead` has for each item its bookings as (lag, dose), from
    tomorrow (1) on. An item never used is believed to be asked for about once in twice the history. Lines
    that cannot be are left out: of no or less than no dose, of days to come or before the history; a dose a
    hundred times the item's usual one counts as that.
    """
    import numpy as np

    lines = _sound(lines, items=len(vessels), days=days)
    unknown = unknown_share(lines, items=len(vessels))
    fresh = lines.lead <= FRESH
    recent = Lines(lines.item[fresh], lines.ago[fresh], lines.dose[fresh], lines.lead[fresh])
    shapes, means = rates(recent, items=len(vessels), days=days)
    of_fresh = np.maximum(unknown[:, FRESH], 0.02)
    week, chances = weekdays(lines.ago, today=today), chance_to_show(bookings)
    weights = week[(today + 1 + np.arange(7 * LAGS)) % 7]
    order = np.lexsort((lines.ago, lines.item))
    starts = np.searchsorted(lines.item[order], np.arange(len(vessels) + 1))
    learned = []
    for place, vessel in enumerate(vessels):
        mine = order[starts[place] : starts[place + 1]]
        doses = lines.dose[mine]
        used = _used(lines.ago[mine], doses, vessel, days=days)
        learned.append(
            Demand(
                shape=float(shapes[place]),
                per_day=float(means[place]),
                unknown=unknown[place] / of_fresh[place],
                lines_per_fresh=1 / float(of_fresh[place]),
                weights=weights,
                doses=doses[:DOSES] if len(doses) else np.array([vessel.content], dtype=np.int64),
                containers_per_line=(used + (1.0 if vessel.single else 0.5)) / (len(doses) + 1.0),
                booked=tuple(
                    (lag, dose, float(chances[min((lag - 1) // 7, WEEKS - 1)])) for lag, dose in ahead[place]
                ),
            )
        )
    return learned


def _sound(lines: Lines, *, items: int, days: int) -> Lines:
    """The lines that can have been."""
    import numpy as np

    sound = (lines.dose > 0) & (lines.ago >= 0) & (lines.ago <= max(days, 1)) & (lines.lead >= 0)
    item, dose = lines.item[sound], lines.dose[sound]
    order = np.lexsort((dose, item))
    starts = np.searchsorted(item[order], np.arange(items + 1))
    middle = (
        order[np.minimum((starts[:-1] + starts[1:]) // 2, max(len(order) - 1, 0))] if len(order) else order
    )
    most = dose[middle] * ABSURD if len(order) else np.zeros(items, dtype=np.int64)
    return Lines(item, lines.ago[sound], np.minimum(dose, most[item]), lines.lead[sound])


def _used(ago: "Whole", doses: "Whole", vessel: Vessel, *, days: int) -> int:
    """How many containers a history of doses opens."""
    import numpy as np

    if vessel.single:
        return int((-(-doses // vessel.content)).sum())
    volume = np.bincount(days - np.minimum(ago, days), doses, days + 1).astype(np.int64)
    at = np.flatnonzero(volume)
    left, until, opened = 0, -1, 0
    for day, dose in zip(at.tolist(), volume[at].tolist(), strict=True):
        left = left if until >= day else 0
        fresh = max(0, -(-(dose - left) // vessel.content))
        left += fresh * vessel.content - dose
        until = day + vessel.in_use_days if fresh else until
        opened += fresh
    return opened


def ranks(paths: int, tilt: float) -> tuple["Floats", "Floats"]:
    """Which share of all cases needs less than each path does, and the share that the path stands for.

    Much is asked for in few cases, and it is these that lose sessions: with a tilt above one they get more
    paths than their share, and less weight each.
    """
    import numpy as np

    edges = 1 - (1 - np.arange(paths + 1) / paths) ** tilt
    return (edges[1:] + edges[:-1]) / 2, np.diff(edges)


def _counts(demand: Demand, exposure: float, ranks: "Floats") -> "Whole":
    """How many lines nobody has booked come at each rank: the quantiles of a Poisson number whose rate is
    a gamma one, which are of the negative binomial distribution."""
    import numpy as np

    mean = demand.per_day * exposure
    most = int(mean + 12 * math.sqrt(mean + mean * mean / demand.shape) + 30)
    share = exposure / (demand.shape / demand.per_day + exposure)
    before = np.arange(most)
    steps = np.log((before + demand.shape) / (before + 1)) + math.log(max(share, 1e-300))
    first = demand.shape * math.log1p(-share)
    chances = np.exp(first + np.concatenate([[0.0], np.cumsum(steps)]))
    found: Whole = np.searchsorted(np.cumsum(chances), ranks).astype(np.int64)
    return found


def volumes(
    demand: Demand, vessel: Vessel, random: Any, *, cases: tuple["Floats", "Floats"], days: int
) -> tuple["Whole", "Whole", "Floats"]:
    """What may be asked for and in how many lines, [path, lag less 1], and each path's lines a day.

    The paths have the numbers of unbooked lines that `cases` say (`ranks`), and each booking takes place on
    its share of them, so that few tell as much as many; days, doses and rates are drawn. In smallest units;
    for a single-dose container in containers, since no two lines share one.
    """
    import numpy as np

    ranks, shares = cases
    paths, lags = len(ranks), np.arange(days)
    unknown = demand.unknown[np.minimum(lags, len(demand.unknown) - 1)]
    until = np.cumsum(demand.weights[lags % len(demand.weights)] * unknown)
    exposure = float(until[-1])
    number = _counts(demand, exposure, ranks)
    rate = random.gamma(demand.shape + number, 1 / (demand.shape / demand.per_day + exposure))
    total = int(number.sum())
    on = np.minimum(np.searchsorted(until, random.random(total) * exposure, side="right"), days - 1)
    cell = np.repeat(np.arange(paths) * days, number) + on
    doses = -(-demand.doses // vessel.content) if vessel.single else demand.doses
    drawn = doses[random.integers(0, len(doses), total)]
    counts = np.bincount(cell, minlength=paths * days).reshape(paths, days)
    volume = np.bincount(cell, drawn, paths * days).astype(np.int64).reshape(paths, days)
    for lag, dose, chance in demand.booked:
        if lag <= days:
            asked = -(-dose // vessel.content) if vessel.single else dose
            order = random.permutation(paths)
            comes = (np.cumsum(shares[order]) - shares[order] / 2 < chance)[np.argsort(order)]
            volume[:, lag - 1] += asked * comes
            counts[:, lag - 1] += comes
    return volume, counts, rate * demand.lines_per_fresh


def openings(
    volume: "Whole", *, content: "Whole", in_use: "Whole", left: "Whole", last_day: "Whole"
) -> "Whole":
    """Containers opened on each day for what is asked, [item, path, day]: the opened one first, what is left
    of it thrown away after its days in use. `left` and `last_day` are of the one open now."""
    import numpy as np

    paths, days = volume.shape[1:]
    rest = np.repeat(left[:, None], paths, 1)
    until = np.repeat(last_day[:, None], paths, 1)
    opened = np.empty_like(volume)
    for day in range(1, days + 1):
        rest = np.where(until < day, 0, rest)
        fresh = np.maximum(0, -(-(volume[:, :, day - 1] - rest) // content[:, None]))
        rest = rest + fresh * content[:, None] - volume[:, :, day - 1]
        until = np.where(fresh > 0, day + in_use[:, None], until)
        opened[:, :, day - 1] = fresh
    return opened


def delivery_days(
    promised: int | None, late: Sequence[int], *, assumed: Sequence[int] = (0, 0, 1, 2)
) -> "Whole":
    """Days from order to receipt, as samples: what the supplier promises, later by what its receipts were.

    The assumed lateness counts as so many receipts, and fades as receipts come in. No promise is a week's.
    """
    import numpy as np

    promised = WEEK if promised is None else promised
    days: Whole = np.maximum(1, promised + np.array([*assumed, *late], dtype=np.int64))
    return days


def lives(
    nominal: int, own: Sequence[float], others: Sequence[float], *, assumed: Sequence[float] = (0.6, 0.8)
) -> "Whole":
    """Days of life left at receipt, as samples: the item's receipts, and as many as twenty of the clinic's.

    `own` and `others` are fractions of the nominal life in days that receipts had left; the latest last.
    """
    import numpy as np

    fractions = [*own, *others[-20:]] or list(assumed)
    days: Whole = np.maximum(1, np.floor(nominal * np.array(fractions)).astype(np.int64))
    return days
