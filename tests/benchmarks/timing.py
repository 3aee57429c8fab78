"""Timing: alternate ours and the floor in one run, so that a machine that slows down slows both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One workload: ours against its floor, both medians in milliseconds of wall time, and the goal."""

    name: str
    ours: float
    floor: float
    goal: float | None
    unit: str = "ms"

    @property
    def ratio(self) -> float:
        return self.ours / self.floor

    def line(self) -> str:
        goal = "" if self.goal is None else f"  goal at most {self.goal:g}  {'met' if self.ratio <= self.goal else 'MISSED'}"
        return f"{self.name:<62} {self.ours:>10.3f} {self.floor:>10.3f} {self.unit:<6} {self.ratio:>7.2f}{goal}"


def alternate(
    ours: Callable[[], object], floor: Callable[[], object], *, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> tuple[list[float], list[float]]:
    """Run both in turn; answers each run's milliseconds."""
    one, other = [], []
    for _ in range(rounds):
        start = clock()
        ours()
        middle = clock()
        floor()
        end = clock()
        one.append((middle - start) * 1000)
        other.append((end - middle) * 1000)
    return one, other


def median(values: list[float]) -> float:
    return statistics.median(values)


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]
