"""Timing: ours and the floor in turn in one run, so that a machine that slows down slows both."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Work = Callable[[], object]
Clock = Callable[[], float]

STEADY = 1.25  # what does not grow may still differ by so much on a machine with other things to do
HEAD = f"{'':<66}{'ours':>10}{'floor':>10} {'':<8}{'ratio':>7}  goal"


@dataclass(frozen=True)
class Figure:
    """One workload: ours against its floor, and the goal; without a floor or a goal it is information."""

    name: str
    ours: float
    floor: float | None = None
    goal: float | None = None  # the most that the ratio may be
    most_over: float | None = None  # or the most that ours may take beyond the floor
    most: float | None = None  # or the most that ours may be
    least: float | None = None  # or the least
    unit: str = "ms"

    @property
    def ratio(self) -> float | None:
        """How many times the floor ours takes."""
        return self.ours / self.floor if self.floor else None

    @property
    def verdict(self) -> str:
        """The goal, and whether it is met."""
        if self.goal is not None and self.ratio is not None:
            return f"at most {self.goal:g}  {'met' if self.ratio <= self.goal else 'MISSED'}"
        if self.most_over is not None and self.floor is not None:
            over = self.ours - self.floor
            met = "met" if over <= self.most_over else "MISSED"
            return f"{over:+.2f} {self.unit}, at most {self.most_over:+g}  {met}"
        if self.least is not None:
            return f"at least {self.least:g} {self.unit}  {'met' if self.ours >= self.least else 'MISSED'}"
        if self.most is not None:
            return f"at most {self.most:g} {self.unit}".rstrip() + (
                "  met" if self.ours <= self.most else "  MISSED"
            )
        return ""

    @property
    def missed(self) -> bool:
        """Whether there is a goal and it is not met."""
        return self.verdict.endswith("MISSED")

    def line(self) -> str:
        """The figure as one line under `HEAD`."""
        floor = "" if self.floor is None else f"{self.floor:.3f}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (
            f"{self.name:<66}{self.ours:>10.3f}{floor:>10} {self.unit:<8}{ratio:>7}  {self.verdict}".rstrip()
        )


def in_turn(
    one: Work, other: Work, *, rounds: int, warm: int = 10, clock: Clock = time.perf_counter
) -> tuple[list[float], list[float]]:
    """Run both in turn, `warm` times before it counts; answers the milliseconds of each run of each."""
    ours, floor = [], []
    gc.collect()
    gc.freeze()  # what was prepared for the works is not theirs to be searched for what is left over
    for number in range(warm + rounds):
        start = clock()
        one()
        middle = clock()
        other()
        end = clock()
        if number >= warm:
            ours.append((middle - start) * 1000)
            floor.append((end - middle) * 1000)
    gc.unfreeze()
    return ours, floor


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def tail(values: Sequence[float]) -> float:
    """What 99 of 100 runs stay below."""
    return sorted(values)[int(len(values) * 0.99)]


def compared(
    name: str, one: Work, other: Work, *, rounds: int, goal: float | None = None, warm: int = 10
) -> Figure:
    """The figure of the medians of two works run in turn."""
    ours, floor = in_turn(one, other, rounds=rounds, warm=warm)
    return Figure(name, middle(ours), middle(floor), goal)


def growth(name: str, movements: int, fewer: int, ours: Sequence[float], before: Sequence[float]) -> Figure:
    """What ours takes with ten times the movements behind the same lots: the same, but for the noise."""
    return Figure(
        f"{name}: {movements:,} movements, and {fewer:,}", middle(ours), middle(before), goal=STEADY
    )
