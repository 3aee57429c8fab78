"""The commands of privacy: putting away what was kept long enough, a patient's file, forgetting them."""

import json
from pathlib import Path
from typing import Any

import click

from api import settings
from api.settings import utc_now

BY = "command line"


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be put away.")
def purge(dry_run: bool) -> None:
    """Put away sign-ins, answers to requests, lists and logs that were kept long enough.

    How long is a setting of the clinic. Facts of the book are never purged.
    """
    from api import cli, purging

    environment = settings.from_environment()
    database, now = cli.opened(environment), utc_now()
    if dry_run:
        with database.read() as db:
            found = purging.due(db, environment, at=now)
    else:
        with database.write.begin() as db:
            found = purging.purge(db, environment, at=now, by=BY)
    for kept in found:
        click.echo(f"{kept.due:>8}  {kept.words.lower()}, kept for {kept.said}")
    total = sum(kept.due for kept in found)
    click.echo(f"{total} {'would be' if dry_run else 'were'} put away.")


@click.group()
def patient() -> None:
    """Hand out or forget what the book holds of a patient."""


@patient.command("export")
@click.argument("ref")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def export(ref: str, out: Path) -> None:
    """Write all that the book holds of a patient, as JSON or, by the name of the file, as .xlsx."""
    from api import cli, patient_file
    from pricing import privacy

    database = cli.opened(settings.from_environment())
    with database.read() as db:
        held = privacy.held(db, ref)
        if out.suffix.lower() == ".xlsx":
            patient_file.write(out, held, at=utc_now(), by=BY)
        else:
            out.write_text(json.dumps(patient_file.plain(held), indent=2) + "\n", "utf-8")
    click.echo(f"Wrote {out}: {held.rows} rows of {len(held.kinds)} kinds.")


@patient.command("erase")
@click.argument("ref")
@click.option("--reason", required=True, help="Kept on record, without the chart number.")
@click.option("--early", is_flag=True, help="Although the trace for recalls should still be kept.")
def erase(ref: str, reason: str, early: bool) -> None:
    """Forget a patient: every fact stays, under a word that says nothing of anybody."""
    from api import cli, patient_file

    database, now = cli.opened(settings.from_environment()), utc_now()
    with database.write.begin() as db:
        asked: dict[str, Any] = {"on": now.date(), "at": now, "by": BY, "reason": reason, "early": early}
        erasure = patient_file.erase(db, ref, **asked)
        said = f"{erasure.rows} rows stand under {erasure.word} now."
    click.echo(said)
