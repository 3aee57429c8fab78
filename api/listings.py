"""Listings: a table of like rows with a header, filters and totals, over as many sheets as it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from api.spreadsheets import MOST_ROWS, Cell, Formula, Look, Role, Rows, Sheet, Value, letters

HEADER_ROW = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a listing; `total` puts its sum below, `zero` marks what is not zero in red."""

    title: str
    look: Look = Look.TEXT
    total: bool = False
    zero: bool = False


class Shelf(Protocol):
    """What gives a listing its sheets: the book that is being written."""

    def sheet(self, title: str, *, frozen: str = "A2", after: Sheet | None = None) -> Sheet:
        """A new sheet, at the end or after another."""
        ...


class Listing:
    """Rows of the same columns; other sheets reckon from it by the titles of its columns.

    When a sheet is full the listing goes on over the next, and every formula over both.
    """

    def __init__(
        self,
        book: Shelf,
        title: str,
        columns: Sequence[Column],
        *,
        frozen: str = "A2",
        most_rows: int = MOST_ROWS,
    ) -> None:
        self.title, self.columns, self.frozen, self.most_rows = title, tuple(columns), frozen, most_rows
        self.totals = {column.title: Decimal(0) for column in columns if column.total}
        self.gaps = {column.title: Decimal(0) for column in columns if column.zero}
        self.count = self._numbered = 0
        self._book = book
        self._places = {column.title: place for place, column in enumerate(columns)}
        self._looks = [column.look for column in columns]
        self._bodies: list[tuple[Sheet, int]] = []  # each sheet and its last row of the body
        self._summed = [place for place, column in enumerate(columns) if column.total]
        self._sums = [Decimal(0)] * len(columns)  # of the sheet that is being written
        self._sheet = self._open(book.sheet(title, frozen=frozen))

    @property
    def row(self) -> int:
        """The number of the row that comes next, on its sheet."""
        return HEADER_ROW + 1 if self._full else self._sheet.rows + 1

    def here(self, title: str) -> str:
        """The address of a column's cell in the row that comes next."""
        return f"{self.letter(title)}{self.row}"

    def letter(self, title: str) -> str:
        """The letter of a column."""
        return letters(self._places[title])

    def append(self, *values: Value) -> None:
        """Add a row."""
        assert len(values) == len(self.columns), (self.title, values)
        if self._full:
            self._close()
            number = len(self._bodies) + 1
            following = self._book.sheet(f"{self.title} {number}", frozen=self.frozen, after=self._sheet)
            self._sheet = self._open(following)
        self._rows.append(values)
        self.count += 1
        self._numbered += type(values[0]) in (int, Decimal)
        for place in self._summed:
            self._sums[place] += _amount(values[place])
        for title in self.gaps:
            self.gaps[title] += abs(_amount(values[self._places[title]]))

    def finish(self) -> None:
        """Write the totals of the last sheet; the listing is complete."""
        self._close()

    def total(self, title: str) -> Formula:
        """The sum of a column over all sheets."""
        return Formula(f"SUM({','.join(self._ranges(title))})" if self.count else "0", self.totals[title])

    def numbered(self) -> Formula:
        """How many rows have a number in the first column: a key, where not every row has one."""
        title = self.columns[0].title
        return Formula(f"COUNT({','.join(self._ranges(title))})" if self.count else "0", self._numbered)

    def sizes(self, title: str) -> Formula:
        """A column that should be zero, added up without its signs: zero only if every cell is."""
        terms = [f"SUMPRODUCT(ABS({part}))" for part in self._ranges(title)]
        return Formula("+".join(terms) or "0", self.gaps[title])

    def where(self, summed: str | None, criteria: Mapping[str, str]) -> str:
        """The formula that sums a column where others meet criteria, or counts the rows that do.

        A criterion is an address, a number, or text in double quotes.
        """
        terms = []
        for sheet, last in self._bodies:
            pairs = [f"{self._range(sheet, last, title)},{wanted}" for title, wanted in criteria.items()]
            if summed is None:
                terms.append(f"COUNTIFS({','.join(pairs)})")
            else:
                terms.append(f"SUMIFS({self._range(sheet, last, summed)},{','.join(pairs)})")
        return "+".join(terms) or "0"

    @property
    def _full(self) -> bool:
        return self._sheet.rows >= self.most_rows - 1  # the last row is for the totals

    def _ranges(self, title: str) -> list[str]:
        return [self._range(sheet, last, title) for sheet, last in self._bodies]

    def _range(self, sheet: Sheet, last: int, title: str) -> str:
        return sheet.reference(self._places[title], HEADER_ROW + 1, last)

    def _open(self, sheet: Sheet) -> Sheet:
        sheet.append([Cell(column.title, column.look, Role.HEADER) for column in self.columns])
        self._sums = [Decimal(0)] * len(self.columns)
        self._rows = Rows(sheet, self._looks)
        return sheet

    def _close(self) -> None:
        sheet, last = self._sheet, self._sheet.rows
        sheet.filter_to = f"A{HEADER_ROW}:{letters(len(self.columns) - 1)}{last}"
        if last == HEADER_ROW:
            return
        self._bodies.append((sheet, last))
        for title in self.totals:
            self.totals[title] += self._sums[self._places[title]]
        sheet.alarms += [
            f"{self.letter(title)}{HEADER_ROW + 1}:{self.letter(title)}{last}" for title in self.gaps
        ]
        if self.totals:
            cells: list[Cell | None] = []
            for place, column in enumerate(self.columns):
                value: Value = None
                if column.total:
                    letter = letters(place)
                    value = Formula(f"SUM({letter}{HEADER_ROW + 1}:{letter}{last})", self._sums[place])
                elif not place:
                    value = "Total"
                cells.append(Cell(value, column.look if column.total else Look.TEXT, Role.TOTAL))
            sheet.append(cells)


def _amount(value: Value) -> Decimal:
    if type(value) is Decimal:
        return value
    answer = value.answer if isinstance(value, Formula) else value
    return Decimal(answer) if isinstance(answer, Decimal | int) else Decimal(0)
