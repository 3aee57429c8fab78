"""Outcomes: what became of one row of a list that somebody brought."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RowOutcome:
    """What became of one row; a good one may still carry something to look at."""

    row: int
    ok: bool
    message: str = ""
    field: str = ""
    repeated: bool = False  # it was imported before, and is not added again
    problems: tuple[tuple[str, str], ...] = ()  # each field in which something is wrong, and what
