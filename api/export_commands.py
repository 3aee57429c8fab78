"""The export commands: the accountants' workbook, and the journal for other software (B5, B6)."""

import errno
import signal
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from api import settings
from api.settings import utc_now
from pricing.mapping import TARGETS, Software

DAY = click.DateTime(["%Y-%m-%d"])
BY = "command line"


@click.group()
def export() -> None:
    """Write files for accountants."""
    # Whoever stops us gets no half file: what is half written is put away on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@export.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "since", type=DAY, required=True, help="The first day.")
@click.option("--to", "until", type=DAY, required=True, help="The last day.")
def accounting(out: Path, since: datetime, until: datetime) -> None:
    """Write the accountants' workbook of a period."""
    from api import cli, workbook
    from api.workbook_columns import LISTINGS

    _folder_of(out)
    database = cli.opened(settings.from_environment())
    period = {"since": since.date(), "until": until.date()}
    with database.read() as db, _bar("Workbook", len(LISTINGS)) as bar:
        bar.item_show_func = lambda told: told and f"{told[0]}: {told[1]:,} rows"
        seen: list[str] = []

        def told(sheet: str, rows: int) -> None:
            begun = sheet in seen
            seen.append(sheet)
            bar.update(0 if begun else 1, (sheet, rows))

        written = workbook.write_accounting(db, out, **period, at=utc_now(), by=BY, progress=told)
    rows, lists = sum(written.rows.values()), len(written.rows)
    click.echo(
        f"Wrote {out}: {rows} rows in {lists} lists, with a summary before and a control sheet behind."
    )


@export.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--from", "since", type=DAY, required=True, help="The first day.")
@click.option("--to", "until", type=DAY, required=True, help="The last day.")
@click.option(
    "--format", "software", type=click.Choice([one.value for one in TARGETS]), required=True,
    help="Who reads it: Xero, QuickBooks Online, QuickBooks Desktop, Sage 50, Beancount.",
)  # fmt: skip
def journal(out: Path, since: datetime, until: datetime, software: str) -> None:
    """Write the journal of a period for other accounting software.

    OUT is a file, or a folder: in a folder each file is named after its period and its control total.
    Where a program takes so many lines only, there are several files, numbered.
    """
    from api import cli, journal_files

    _folder_of(out)
    database = cli.opened(settings.from_environment())
    first, last = since.date(), until.date()
    with database.read() as db, _bar("Journal", (last - first).days + 1) as bar:

        def told(on: date, _: int) -> None:
            bar.update((on - first).days - bar.pos)

        made = journal_files.write(
            db, out, software=Software(software), since=first, until=last, progress=told
        )
    for part in made.parts:
        click.echo(
            f"Wrote {part.path}: {part.entries} entries, {part.lines} lines, control total {part.total}."
        )


def _folder_of(out: Path) -> None:
    if not out.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "There is no such folder", str(out.parent))


def _bar(label: str, length: int) -> Any:
    """A bar for who watches; a script's log is spared it."""
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())
