"""Imports: lists that people bring become items, offers, formulations or opening stock, all rows or none.

A row that cannot be taken is named with its number, its field and a sentence; one that is read with a
doubt says so. Nothing is taken twice: neither the same file nor a row that an earlier file brought.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api import adding, entries, headers, import_records, repeated, tables
from api.cells import BadCell, Doubt
from api.columns import Kind
from api.entries import BUILD, Entry, Known
from api.headers import Headed
from api.headers import WrongColumns as WrongColumns  # who imports finds this refusal here too
from api.import_records import Import
from api.outcomes import RowOutcome as RowOutcome
from api.tables import Row, Table, Unusable
from inventory import clinic
from inventory.clinic import Site
from inventory.errors import NotFound, Refusal

TOLD_EVERY = 1_000  # rows
Progress = Callable[[str, int, int], None]
"""Is told what is being done, to how many rows so far and of how many."""


@dataclass(frozen=True)
class ImportReport:
    """Every row's outcome, and how many were imported: all, none, or with `partial` the good ones."""

    rows: tuple[RowOutcome, ...]
    imported: int
    total: int
    document: str
    ignored: tuple[str, ...]  # headers that name no field of this kind of list
    repeated: int = 0  # rows that were imported before, and are not added again
    notes: tuple[str, ...] = ()  # what is to be said of the file as a whole
    id: int | None = None  # of the import, when something was taken over

    @property
    def refused(self) -> int:
        """How many rows cannot be taken."""
        return sum(not row.ok for row in self.rows)

    @property
    def doubtful(self) -> int:
        """How many good rows carry something to look at."""
        return sum(row.ok and bool(row.message) for row in self.rows)


@dataclass(frozen=True)
class Brought:
    """A file as it was read, before the book is asked anything."""

    name: str
    fingerprint: str
    table: Table = field(repr=False)


class UnknownKind(NotFound):
    """No list is of this kind."""


def read(name: str, data: bytes) -> Brought:
    """Read a file. Raises a refusal of `tables.read_table`."""
    shown = "".join(letter for letter in name if letter.isprintable())[:200]
    return Brought(shown, hashlib.sha256(data).hexdigest(), tables.read_table(name, data))


def kind_of(word: str) -> Kind:
    """The kind of list that a word names. Raises UnknownKind."""
    try:
        return Kind(word)
    except ValueError:
        raise UnknownKind(f"{word!r} is none of the lists {', '.join(Kind)}.") from None


def run(
    db: Session,
    kind: str,
    name: str,
    data: bytes,
    *,
    partial: bool,
    at: datetime,
    by: str,
    site: Site,
    dry_run: bool = False,
) -> ImportReport:
    """Read a file and import it, as `take` does."""
    of_kind = kind_of(kind)
    brought = read(name, data)
    return take(db, of_kind, brought, partial=partial, at=at, by=by, site=site, dry_run=dry_run)


def take(
    db: Session,
    kind: Kind,
    brought: Brought,
    *,
    partial: bool,
    at: datetime,
    by: str,
    site: Site,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Import what was read. Nothing is unless every row is good, or `partial` asks for the good ones.

    With `dry_run` nothing is whatever is in it, and the report says what would be. Raises WrongColumns.
    """
    headed = headers.find(kind, brought.table)
    key = 0 if dry_run else import_records.begin(db)
    if earlier := repeated.whole_file(db, kind, brought.fingerprint, site=site):
        return _all_repeated(headed, earlier)
    tell = progress or _silent
    known = entries.look_up(db, on=site.day(at), document=import_records.source_of(key))
    made, outcomes = _read(db, kind, headed, known, site=site, hidden=brought.table.hidden, tell=tell)
    if kind is Kind.FORMULATIONS:
        made, broken = _whole_recipes(headed, made, {one.row for one in outcomes})
        outcomes += broken
    again = repeated.rows(db, kind, made, site=site)
    outcomes += [RowOutcome(row, ok=True, message=words, repeated=True) for row, words in again.items()]
    new = [entry for entry in made if entry.row not in again]

    tell("Checking against the book", 0, len(new))
    before = import_records.newest_document(db)
    act = adding.Act(site=site, at=at, by=by, reference=known.document)
    added = adding.add(db, kind, new, act=act, refused=any(not one.ok for one in outcomes),
                       partial=partial, dry_run=dry_run)  # fmt: skip
    outcomes += [one if one.ok else _placed(one, headed) for one in added.outcomes]
    imported = sum(one.ok for one in added.outcomes) if added.kept else 0
    if imported and not dry_run:
        _record(db, key, kind, brought, headed, act=act, imported=imported, again=len(again), before=before)
    tell("Done", len(headed.rows), len(headed.rows))
    return ImportReport(
        rows=tuple(sorted(outcomes, key=lambda outcome: outcome.row)),
        imported=imported,
        total=len(headed.rows),
        document=known.document if imported and not dry_run else "",
        ignored=headed.ignored,
        repeated=len(again),
        notes=headed.notes,
        id=key if imported and not dry_run else None,
    )


def _whole_recipes(
    headed: Headed, made: Sequence[Entry], refused: set[int]
) -> tuple[list[Entry], list[RowOutcome]]:
    """Without the good rows of formulations that have a bad one: half a recipe is another recipe."""
    place = next(at for at, one in headed.found.items() if one.field == "code")
    bad = {
        str(row.cells[place]).strip().casefold()
        for row in headed.rows
        if row.number in refused and place < len(row.cells)
    }
    broken = [entry for entry in made if entry.subject.code.casefold() in bad]
    words = "another row of {} cannot be taken, and half a recipe is another recipe."
    outcomes = [
        RowOutcome(
            one.row, ok=False, message=f"Row {one.row}: {words.format(one.subject.code)}", field="code"
        )
        for one in broken
    ]
    return [entry for entry in made if entry not in broken], outcomes


def _placed(outcome: RowOutcome, headed: Headed) -> RowOutcome:
    """What the book refuses, with where it stands in the file."""
    header = next((headed.headers[at] for at, one in headed.found.items() if one.field == outcome.field), "")
    where = f"Row {outcome.row}, {header}" if header else f"Row {outcome.row}"
    return replace(outcome, message=f"{where}: {outcome.message}")


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody is waiting to be told."""


def _all_repeated(headed: Headed, earlier: Import) -> ImportReport:
    """The very same file was taken over whole before: nothing of it is added."""
    words = f"was imported on {earlier.at:%Y-%m-%d} by {earlier.by}, as import {earlier.id}"
    rows = tuple(
        RowOutcome(row.number, ok=True, message=f"It {words}; not added again.", repeated=True)
        for row in headed.rows
    )
    note = f"This file {words}; nothing is imported twice."
    return ImportReport(rows, 0, len(rows), "", headed.ignored, len(rows), (note, *headed.notes))


def _record(
    db: Session,
    key: int,
    kind: Kind,
    brought: Brought,
    headed: Headed,
    *,
    act: adding.Act,
    imported: int,
    again: int,
    before: int,
) -> None:
    stock = kind is Kind.OPENING_STOCK
    db.add(
        Import(
            id=key,
            kind=kind.value,
            file_name=brought.name,
            fingerprint=brought.fingerprint,
            site_id=act.site.id,
            at=act.at,
            by=act.by,
            total=len(headed.rows),
            imported=imported,
            repeated=again,
            first_document=before + 1 if stock else None,
            last_document=import_records.newest_document(db) if stock else None,
        )
    )
    db.flush()


def _read(
    db: Session,
    kind: Kind,
    headed: Headed,
    known: Known,
    *,
    site: Site,
    hidden: frozenset[int],
    tell: Progress,
) -> tuple[list[Entry], list[RowOutcome]]:
    """The good rows as entries, and the outcomes of the others."""
    currency = clinic.settings(db).currency
    readers = [
        (
            place,
            column,
            column.among(
                (row.cells[place] for row in headed.rows if place < len(row.cells)),
                country=site.country,
                currency=currency,
            ),
        )
        for place, column in headed.found.items()
    ]
    reader = _Reader(headed, readers, build=BUILD[kind], known=known, hidden=hidden)
    found: list[Entry] = []
    refused: list[RowOutcome] = []
    for count, row in enumerate(headed.rows):
        if not count % TOLD_EVERY:
            tell("Reading the rows", count, len(headed.rows))
        one = reader.entry(row)
        if isinstance(one, Entry):
            found.append(one)
        else:
            refused.append(one)
    return found, refused


@dataclass(frozen=True)
class _Reader:
    """Reads the rows of one file."""

    headed: Headed
    readers: Sequence[tuple[int, Any, Callable[[Any], Any]]]
    build: Callable[[int, dict[str, Any], Known], Entry]
    known: Known
    hidden: frozenset[int]

    def entry(self, row: Row) -> Entry | RowOutcome:
        """What a row says, or why it cannot be taken: every bad cell at once."""
        values: dict[str, Any] = {}
        bad: list[tuple[str, str]] = []
        doubts: list[str] = []
        cells, width = row.cells, len(row.cells)
        for place, column, read_cell in self.readers:
            cell = cells[place] if place < width else None
            if cell is None or cell == "" or (isinstance(cell, str) and cell.isspace()):
                values[column.field] = column.default
                if column.required:
                    bad.append((column.field, f"{self._where(row, place)}: it is empty."))
                continue
            try:
                if type(cell) is Unusable:
                    raise BadCell(cell.why)
                value = read_cell(cell)
            except BadCell as refusal:
                bad.append((column.field, f"{self._where(row, place)}: {refusal}"))
                continue
            if type(value) is Doubt:
                doubts.append(f"{self.headed.headers[place]}: {value.words}")
                value = value.value
            values[column.field] = value
        if width > len(self.headed.headers) and any(
            cell not in ("", None) for cell in cells[len(self.headed.headers) :]
        ):
            words = "there are more cells than headers; is there a comma inside a number?"
            return RowOutcome(row.number, ok=False, message=f"Row {row.number}: {words}")
        if bad:
            said = " ".join(words for _, words in bad)
            return RowOutcome(row.number, False, said, bad[0][0], problems=tuple(bad))
        return self._built(row, values, doubts)

    def _built(self, row: Row, values: dict[str, Any], doubts: list[str]) -> Entry | RowOutcome:
        try:
            entry = self.build(row.number, values, self.known)
        except Refusal as refusal:
            asked = str(refusal.facts.get("field", ""))
            place = next((at for at, one, _ in self.readers if one.field == asked), None)
            where = f"Row {row.number}" if place is None else self._where(row, place)
            return RowOutcome(row.number, ok=False, message=f"{where}: {refusal}", field=asked)
        if row.number in self.hidden:
            doubts.append("This row is hidden in the spreadsheet.")
        if not doubts:
            return entry
        return Entry(entry.row, entry.subject, " ".join(filter(None, (*doubts, entry.hint))))

    def _where(self, row: Row, place: int) -> str:
        return f"Row {row.number}, {self.headed.headers[place]}"
