"""The worked examples: what is given and what is expected, as an accountant wrote them down."""

import csv
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

NUMBER = re.compile(r"(?<![\w-])\d[\d,]*(?:\.\d+)?(?![\d-])")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Example:
    """One worked example; its numbers are read from its sentences."""

    code: str
    given: str
    expected: str

    @property
    def numbers_given(self) -> list[Decimal]:
        return numbers(self.given)

    @property
    def numbers_expected(self) -> list[Decimal]:
        return numbers(self.expected)

    @property
    def on(self) -> date:
        """The date that the example names."""
        found = DATE.search(self.given)
        assert found, self.given
        return date.fromisoformat(found[0])


def numbers(sentence: str) -> list[Decimal]:
    """Every number of a sentence that is not part of a date: `2,000.00 over 6` gives 2000.00 and 6."""
    return [Decimal(found.replace(",", "")) for found in NUMBER.findall(DATE.sub("", sentence))]


def example(code: str) -> Example:
    """The worked example with this code."""
    with (Path(__file__).parent / "worked_examples.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["example_id"]: row for row in csv.DictReader(file)}
    return Example(code, rows[code]["given"], rows[code]["expected"])
