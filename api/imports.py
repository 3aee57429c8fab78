"""Imports: lists that people bring become items, offers or opening stock, all rows or none.

A row that cannot be taken is named with its number, its field and a sentence. The same file is taken
once: what it added carries the file's fingerprint.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api import cells, columns
from api.cells import BadCell
from api.columns import Column, Kind
from api.entries import BUILD, Entry, Known, look_up
from api.tables import Cell, Row, Table, read_table
from inventory import catalog, receiving
from inventory.catalog import Item, Offer
from inventory.clinic import Site
from inventory.errors import Conflict, Invalid, NotFound, Refusal
from inventory.ledger import Document
from inventory.receiving import Delivery

MOST_REFUSALS = 100
"""After so many rows that the books refuse, the rest is not tried: the file needs another look anyway."""


@dataclass(frozen=True)
class RowOutcome:
    """What became of one row; a good one may still carry something to look at."""

    row: int
    ok: bool
    message: str = ""
    field: str = ""


@dataclass(frozen=True)
class ImportReport:
    """Every row's outcome, and how many were imported: all, none, or with `partial` the good ones."""

    rows: tuple[RowOutcome, ...]
    imported: int
    total: int
    document: str
    ignored: tuple[str, ...]  # headers that name no field of this kind of list


class UnknownKind(NotFound):
    """No list is of this kind."""


class BadCells(Invalid):
    """Some cells of a row cannot be what their columns ask for; all of them are told at once."""

    def __init__(self, cells: list[tuple[int, str]]) -> None:
        super().__init__(" ".join(sentence for _, sentence in cells))
        self.cells = cells  # the place of each in its row, and what is wrong with it


class WrongColumns(Invalid):
    """The headers do not name what this kind of list needs."""


class AlreadyImported(Conflict):
    """This very file was imported before."""


def run(
    db: Session, kind: str, name: str, data: bytes, *, partial: bool, at: datetime, by: str, site: Site
) -> ImportReport:
    """Import a file. Nothing is imported unless every row is good, or `partial` asks for the good ones.

    Raises UnknownKind, WrongColumns, AlreadyImported, or a refusal of `tables.read_table`. Whoever only
    wants to try a file rolls back afterwards.
    """
    try:
        list_kind = Kind(kind)
    except ValueError:
        raise UnknownKind(f"{kind!r} is none of the lists {', '.join(Kind)}.") from None
    document = f"import {hashlib.sha256(data).hexdigest()[:12]}"
    _refuse_repetition(db, list_kind, document)
    table = read_table(name, data)
    found, ignored = _match(list_kind, table)
    known = look_up(db, list_kind, on=site.day(at), document=document)
    entries, outcomes = _read(list_kind, table, found, known)

    whole = db.begin_nested()
    outcomes += _add_all(db, entries, at=at, by=by, site=site)
    if keep := partial or all(outcome.ok for outcome in outcomes):
        whole.commit()
    else:
        whole.rollback()
    return ImportReport(
        rows=tuple(sorted(outcomes, key=lambda outcome: outcome.row)),
        imported=sum(outcome.ok for outcome in outcomes) if keep else 0,
        total=len(table.rows),
        document=document,
        ignored=ignored,
    )


def _refuse_repetition(db: Session, kind: Kind, document: str) -> None:
    earlier = {
        Kind.ITEMS: sa.select(Item.id).where(Item.source == document),
        Kind.OFFERS: sa.select(Offer.id).where(Offer.source == document),
        Kind.OPENING_STOCK: sa.select(Document.id).where(Document.reference == document),
    }[kind]
    if db.scalar(earlier.limit(1)) is not None:
        raise AlreadyImported(f"This file was imported before, as {document!r}; nothing is imported twice.")


def _match(kind: Kind, table: Table) -> tuple[dict[int, Column], tuple[str, ...]]:
    """Which column of the file is which field, and the headers that name none."""
    meanings = columns.by_heading(columns.OF_KIND[kind])
    found: dict[int, Column] = {}
    ignored = []
    for place, header in enumerate(table.headers):
        column = meanings.get(columns.heading(header))
        if column is None:
            ignored.extend([header] if header else [])
            continue
        twin = next((other for other, taken in found.items() if taken is column), None)
        if twin is not None:
            raise WrongColumns(
                f"The columns {table.headers[twin]!r} and {header!r} both say the {column.field}: keep one."
            )
        found[place] = column
    missing = [column.field for column in columns.OF_KIND[kind] if column.required]
    missing = [field for field in missing if field not in {column.field for column in found.values()}]
    if missing:
        said = ", ".join(repr(header[:40]) for header in table.headers if header)
        raise WrongColumns(f"A list of {kind} needs columns for {', '.join(missing)}; this file has {said}.")
    return found, tuple(ignored)


def _read(
    kind: Kind, table: Table, found: dict[int, Column], known: Known
) -> tuple[list[Entry], list[RowOutcome]]:
    """The good rows as entries, and the outcomes of the others."""
    commas = {
        place
        for place, column in found.items()
        if column.numeric
        and any(
            place < len(row.cells) and cells.writes_decimal_commas(row.cells[place]) for row in table.rows
        )
    }
    entries, outcomes = [], []
    for row in table.rows:
        try:
            entries.append(BUILD[kind](row.number, _values(row, table, found, commas), known))
        except BadCells as bad:
            said = " ".join(f"Row {row.number}, {table.headers[place]}: {why}" for place, why in bad.cells)
            field = found[bad.cells[0][0]].field
            outcomes.append(RowOutcome(row.number, ok=False, message=said, field=field))
        except Refusal as refused:
            field = str(refused.facts.get("field", ""))
            header = next(
                (table.headers[place] for place, column in found.items() if column.field == field), ""
            )
            where = f"Row {row.number}, {header}" if header else f"Row {row.number}"
            outcomes.append(RowOutcome(row.number, ok=False, message=f"{where}: {refused}", field=field))
    return entries, outcomes


def _values(row: Row, table: Table, found: dict[int, Column], commas: set[int]) -> dict[str, Any]:
    if any(cell not in ("", None) for cell in row.cells[len(table.headers) :]):
        raise BadCell("there are more cells than headers; is there a comma inside a number?")
    values, bad = {}, []
    for place, column in found.items():
        cell: Cell = row.cells[place] if place < len(row.cells) else None
        try:
            if place in commas and cells.may_be_thousands(cell):
                raise BadCell(
                    f"{cell} can have a decimal point or a thousands mark: other rows have decimal commas."
                )
            values[column.field] = _value(column, cell)
        except BadCell as refused:
            bad.append((place, str(refused)))
    if bad:
        raise BadCells(bad)
    return values


def _value(column: Column, cell: Cell) -> Any:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        if column.required:
            raise BadCell("it is empty.")
        return column.default
    return column.read(cell)


def _add_all(db: Session, entries: Sequence[Entry], *, at: datetime, by: str, site: Site) -> list[RowOutcome]:
    """Add the entries together; where the books refuse, halve until the refused rows stand alone."""
    outcomes: list[RowOutcome] = []
    waiting, refusals = [entries], 0
    while waiting:
        batch = waiting.pop()
        if not batch:
            continue
        if refusals >= MOST_REFUSALS:
            untried = f"not tried, for {MOST_REFUSALS} rows were refused before."
            outcomes += [
                RowOutcome(entry.row, ok=False, message=f"Row {entry.row}: {untried}") for entry in batch
            ]
            continue
        attempt = db.begin_nested()
        try:
            outcomes += _add(db, batch, at=at, by=by, site=site)
            attempt.commit()
        except Refusal as refused:
            attempt.rollback()
            if len(batch) == 1:
                refusals += 1
                outcomes.append(RowOutcome(batch[0].row, ok=False, message=f"Row {batch[0].row}: {refused}"))
            else:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
    return outcomes


def _add(db: Session, batch: Sequence[Entry], *, at: datetime, by: str, site: Site) -> list[RowOutcome]:
    said = {entry.row: [entry.hint] for entry in batch}
    deliveries: dict[date, list[Entry]] = {}
    for entry in batch:
        if isinstance(entry.subject, Delivery):
            deliveries.setdefault(entry.on, []).append(entry)
        elif isinstance(entry.subject, Item):
            catalog.add_item(db, entry.subject)
        else:
            db.add(entry.subject)
    db.flush()
    for on, arrived in sorted(deliveries.items()):
        lines = [entry.subject for entry in arrived]
        received = receiving.receive_many(db, lines, site=site, received_on=on, recorded_at=at, by=by)
        for entry, receipt in zip(arrived, received, strict=True):
            said[entry.row].extend(receipt.warnings)
    return [RowOutcome(row, ok=True, message=" ".join(filter(None, words))) for row, words in said.items()]
