"""The command `vialbook import`: a list from a file, with a bar that shows how far it is."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from api import import_sheets, imports, tables
from api.imports import ImportReport
from inventory.clinic import Site
from inventory.database import Database
from inventory.recording import Signed, sign

MANY = 2_000  # rows from which a bar is shown


@dataclass(frozen=True)
class Asked:
    """What is to be imported, and how."""

    kind: str
    file: Path
    dry_run: bool
    partial: bool
    corrected: Path | None


class Bar:
    """A bar on the terminal, for lists that take a while; nothing where nobody looks."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None
        self._done = 0

    def tell(self, stage: str, done: int, total: int) -> None:
        """How far it is: another stage begins another bar."""
        if stage != self._stage:
            self.close()
            self._stage, self._done = stage, 0
            shown = total >= MANY and stage != "Done" and click.get_text_stream("stderr").isatty()
            opened: AbstractContextManager[Any] = (
                click.progressbar(length=total, label=stage, file=click.get_text_stream("stderr"))
                if shown
                else nullcontext()
            )
            self._bar = opened.__enter__()
        if self._bar is not None:
            self._bar.update(done - self._done)
            self._done = done

    def close(self) -> None:
        """End the bar, so that what is said next stands on a line of its own."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


def run(
    database: Database, asked: Asked, *, by: str, at: datetime, site_of: Callable[[Session], Site]
) -> bool:
    """Import the list and say what became of it; answers whether all that was asked was done."""
    size = asked.file.stat().st_size
    if size > tables.LARGEST_FILE:
        raise tables.FileTooLarge(f"The file has {size:,} bytes; at most {tables.LARGEST_FILE:,} are read.")
    kind = imports.kind_of(asked.kind)
    brought = imports.read(asked.file.name, asked.file.read_bytes())
    bar = Bar()
    with database.write() as db:
        sign(db, Signed(by, at, "vialbook import"))
        report = imports.take(
            db,
            kind,
            brought,
            partial=asked.partial,
            at=at,
            by=by,
            site=site_of(db),
            dry_run=asked.dry_run,
            progress=bar.tell,
        )
        bar.close()
        if report.imported and not asked.dry_run:
            db.commit()
    if asked.corrected is not None:
        import_sheets.corrected(asked.corrected, kind, brought, report, at=at, by=by)
    _say(report, asked)
    return asked.partial or not report.refused


def _say(report: ImportReport, asked: Asked) -> None:
    for note in report.notes:
        click.echo(note, err=True)
    for header in report.ignored:
        click.echo(f"The column {header!r} was ignored.", err=True)
    for row in report.rows:
        if not row.ok:
            click.echo(row.message, err=True)
        elif row.message and not row.repeated:
            click.echo(f"Row {row.row}, look again: {row.message}", err=True)
    verb = "would be imported" if asked.dry_run else "imported"
    click.echo(f"{report.imported} of {report.total} rows {verb}.")
    if report.repeated:
        click.echo(f"{report.repeated} were imported before and are not added again.")
    if report.id is not None:
        click.echo(f"This is import {report.id}.")
