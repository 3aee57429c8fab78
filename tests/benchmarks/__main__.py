"""The command: `python -m tests.benchmarks [--quick] [NAME ...]` prints the figures and their goals."""

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from seed_data.demo import DAYS
from tests.benchmarks import (
    asof,
    book,
    certainty,
    dispense,
    importing,
    loading,
    over_http,
    papers,
    quoting,
    reading,
    recall,
    receiving,
    reorder,
    sizing,
    timing,
    workbook,
)
from tests.benchmarks.book import Book
from tests.benchmarks.timing import Figure


class Size(NamedTuple):
    """How large the books are, and how often each work is run."""

    lots: int
    movements: int
    rounds: int
    lines: int
    days: int
    shelf: int  # lots in the clinic whose pages are looked at
    courses: int  # foretold
    seeds: int  # clinic-years
    stocked: int = 20_000  # lots in the clinic under load


FULL = Size(
    lots=100_000,
    movements=1_000_000,
    rounds=300,
    lines=5_000,
    days=DAYS,
    shelf=10_000,
    courses=600,
    seeds=200,
)
QUICK = Size(
    lots=5_000,
    movements=50_000,
    rounds=60,
    lines=500,
    days=30,
    shelf=1_000,
    courses=40,
    seeds=1,
    stocked=8_000,
)


class Books(NamedTuple):
    """The large book, one of the same lots with a tenth of the movements, and a small one."""

    large: Book
    short: Book
    small: Book


def built(folder: Path, size: Size) -> Books:
    """The books of a run."""
    return Books(
        book.build(folder, size.lots, size.movements),
        book.build(folder, size.lots, size.movements // 10),
        book.build(folder, 1_000, 10_000),
    )


def works(folder: Path, size: Size) -> dict[str, Callable[[], Iterable[Figure]]]:
    """Every benchmark by its name; the books are made when the first of them asks."""

    @cache
    def books() -> Books:
        print(f"Building books of {size.lots:,} lots and {size.movements:,} movements ...", flush=True)
        return built(folder, size)

    return {
        "reading": lambda: reading.figures(books().large, books().short, rounds=size.rounds),
        "quoting": lambda: quoting.figures(books().large, books().short, rounds=size.rounds // 3),
        "asof": lambda: asof.figures(
            book.build(folder, size.lots + 1, size.movements), rounds=max(3, size.rounds // 30)
        ),
        "dispense": lambda: dispense.figures(folder, *books(), rounds=size.rounds),
        "over_http": lambda: over_http.figures(books().large, rounds=size.rounds),
        "receiving": lambda: receiving.figures(books().large, lines=size.lines, rounds=5),
        "recall": lambda: recall.figures(books().large, rounds=size.rounds // 3),
        "importing": lambda: importing.figures(folder, rows=size.lines * 10),
        "loading": lambda: loading.figures(folder, days=size.days),
        "load": lambda: _of_tests("load").figures(
            folder, lots=size.stocked, rounds=max(3, size.rounds // 60), each=max(40, size.rounds // 4)
        ),
        "workbook": lambda: workbook.figures(folder, rows=size.lots),
        "papers": lambda: papers.figures(rounds=size.rounds // 3),
        "certainty": lambda: certainty.figures(courses=size.courses),
        "reorder": lambda: reorder.figures(seeds=size.seeds),
        "sizing": lambda: sizing.figures(),
        "pages": lambda: _of_tests("pages").figures(
            folder, lots=size.shelf, days=size.days, rounds=size.rounds // 3
        ),
    }


def _of_tests(name: str) -> Any:
    """A benchmark that needs what only the tests are installed with: the others run without (README)."""
    return import_module(f"tests.benchmarks.{name}")


def main() -> int:
    """Run the benchmarks; the status is 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small books: that it works, not how fast")
    parser.add_argument("name", nargs="*", help="only these, such as dispense or reading")
    parser.add_argument("--seeds", type=int, metavar="N", help="clinic-years that reorder plays")
    asked = parser.parse_args()
    size = QUICK if asked.quick else FULL
    if asked.seeds is not None:
        size = size._replace(seeds=asked.seeds)
    missed = False
    with TemporaryDirectory() as folder:
        todo = works(Path(folder), size)
        if unknown := sorted(set(asked.name) - set(todo)):
            parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(todo)}")
        print(timing.HEAD)
        for name, figures in todo.items():
            if not asked.name or name in asked.name:
                for figure in figures():
                    missed = missed or figure.missed
                    print(figure.line(), flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
