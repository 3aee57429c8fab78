"""Headers: where a list begins, which of its columns is which field, and which rows are not of the list.

People put a title above, merge headers over two rows, repeat them on every page and sum up below.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api import columns
from api.columns import Column, Kind
from api.tables import Cell, Row, Table
from inventory.errors import Invalid

SEARCHED = 20  # rows at the top among which the headers are looked for
OURS = frozenset({"problem", "result"})  # columns that a corrected sheet has of us
TOTAL = re.compile(
    r"(grand |sub)?total\b.*|totals\b.*|sum\b.*|summe\b.*|gesamt\w*\b.*|zwischensumme\b.*|somme\b.*|suma\b.*"
)
EXAMPLE = "EXAMPLE"
"""How the row begins that a template shows as an example."""


@dataclass(frozen=True)
class Headed:
    """A list whose columns are known: the rows below its headers, and what was left out."""

    headers: tuple[str, ...]
    number: int  # of the row of headers
    found: dict[int, Column]  # by their place
    rows: tuple[Row, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


class WrongColumns(Invalid):
    """The headers do not name what this kind of list needs."""


def find(kind: Kind, table: Table) -> Headed:
    """The list in a table. Raises WrongColumns when no row names what this kind of list needs."""
    wanted = columns.OF_KIND[kind]
    meanings = columns.by_heading(wanted)
    rows = [Row(table.number, table.headers), *table.rows]

    def known(headers: Sequence[str]) -> int:
        return len({one.field for text in headers if (one := columns.meant(text, meanings))})

    best, headers, height = 0, table.headers, 1
    for place, candidate, rows_high in _candidates(rows, table, meanings):
        more = known(candidate) - known(headers)
        if more > 0 or (place == 0 and rows_high == 1):
            best, headers, height = place, candidate, rows_high
    found, ignored = _match(kind, headers, meanings)
    notes = [*table.notes]
    if best:
        notes.append(f"The headers are in row {rows[best].number}; what stands above them was left out.")
    if height == 2:
        notes.append(f"The headers stand in two rows, {rows[best].number} and {rows[best + 1].number}.")
    body, left_out = _body(rows[best + height :], headers, found, table)
    return Headed(headers, rows[best + height - 1].number, found, tuple(body), ignored, (*notes, *left_out))


def _candidates(
    rows: Sequence[Row], table: Table, meanings: dict[str, Column]
) -> Iterator[tuple[int, tuple[str, ...], int]]:
    """Each of the first rows as headers, alone and together with the one below it."""
    for place, row in enumerate(rows[:SEARCHED]):
        texts = _texts(row)
        yield place, texts, 1
        if place + 1 < len(rows) and table.merged and rows[place + 1].number == row.number + 1:
            yield place, _joined(_spread(texts, row, table), _texts(rows[place + 1]), meanings), 2


def _texts(row: Row) -> tuple[str, ...]:
    return tuple("" if cell is None else " ".join(str(cell).split()) for cell in row.cells)


def _spread(texts: tuple[str, ...], row: Row, table: Table) -> tuple[str, ...]:
    """The headers of a row, each over all the columns that are merged under it."""
    found = list(texts)
    for (top, left), (_, right) in table.merged:
        if top == row.number - 1 and left < len(found):
            found += [""] * (right + 1 - len(found)) if right < 100 else []
            for place in range(left + 1, min(right + 1, len(found))):
                found[place] = found[left]
    return tuple(found)


def _joined(above: Sequence[str], below: Sequence[str], meanings: dict[str, Column]) -> tuple[str, ...]:
    """The headers of two rows: what both say together, or else the lower one, if it names a field."""
    width = max(len(above), len(below))
    found = []
    for one, other in zip(
        (*above, *[""] * (width - len(above))), (*below, *[""] * (width - len(below))), strict=True
    ):
        choices = (f"{one} {other}".strip(), other, one)
        found.append(next((text for text in choices if columns.meant(text, meanings)), choices[0]))
    return tuple(found)


def _match(
    kind: Kind, headers: Sequence[str], meanings: dict[str, Column]
) -> tuple[dict[int, Column], tuple[str, ...]]:
    """Which column of the file is which field, and the headers that name none."""
    found: dict[int, Column] = {}
    ignored = []
    for place, header in enumerate(headers):
        column = columns.meant(header, meanings)
        if column is None:
            ignored.extend([header] if header and columns.heading(header) not in OURS else [])
            continue
        twin = next((other for other, taken in found.items() if taken is column), None)
        if twin is not None:
            raise WrongColumns(
                f"The columns {headers[twin]!r} and {header!r} both say the {column.field}: keep one."
            )
        found[place] = column
    missing = [column.field for column in columns.OF_KIND[kind] if column.required]
    missing = [field for field in missing if field not in {column.field for column in found.values()}]
    if missing:
        said = ", ".join(repr(header[:40]) for header in headers if header)
        raise WrongColumns(f"A list of {kind} needs columns for {', '.join(missing)}; this file has {said}.")
    return found, tuple(ignored)


def _body(
    rows: Sequence[Row], headers: tuple[str, ...], found: dict[int, Column], table: Table
) -> tuple[list[Row], list[str]]:
    """The rows of the list, without totals, repeated headers and the template's example."""
    filled = _filled(table, {row.number for row in rows})
    body, notes = [], []
    required = [place for place, column in found.items() if column.required]
    first = next((place for place, column in found.items() if column.field in ("sku", "code")), 0)
    for row in rows:
        if row.number in filled:
            row = Row(row.number, _with(row.cells, filled[row.number]))
        if _texts(row) == headers:
            notes.append(f"Row {row.number} repeats the headers and was left out.")
        elif _is_total(row, required):
            notes.append(f"Row {row.number} is a total and was left out.")
        elif first < len(row.cells) and str(row.cells[first]).startswith(EXAMPLE):
            notes.append(f"Row {row.number} is the template's example and was left out.")
        else:
            body.append(row)
    return body, notes


def _filled(table: Table, numbers: set[int]) -> dict[int, dict[int, Cell]]:
    """What merged cells of one column say to the rows that they span."""
    values = {row.number: row.cells for row in table.rows}
    filled: dict[int, dict[int, Cell]] = {}
    for (top, left), (bottom, right) in table.merged:
        cells = values.get(top + 1, ())
        if left == right and top + 1 in numbers and left < len(cells) and bottom - top < len(values):
            for number in range(top + 2, bottom + 2):
                filled.setdefault(number, {})[left] = cells[left]
    return filled


def _with(cells: tuple[Cell, ...], more: dict[int, Cell]) -> tuple[Cell, ...]:
    wide = [*cells, *[""] * (max(more) + 1 - len(cells))]
    for place, cell in more.items():
        wide[place] = cell
    return tuple(wide)


def _is_total(row: Row, required: Sequence[int]) -> bool:
    """Whether a row sums up: it says so in its one text, and some of what a row must have is missing."""
    texts = [cell for cell in row.cells if isinstance(cell, str) and any(map(str.isalpha, cell))]
    if len(texts) != 1 or not TOTAL.fullmatch(texts[0].strip().casefold()):
        return False
    return any(place >= len(row.cells) or row.cells[place] in ("", None) for place in required)
