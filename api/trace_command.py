"""The command `vialbook trace`: from a patient, a session or a lot to the lots and their people (S10)."""

import json
from pathlib import Path
from typing import Any

import click

from api.settings import from_environment, utc_now


@click.group()
def trace() -> None:
    """Follow lots: from a patient or a session back to them, from one to everyone who received it."""


@trace.command("patient")
@click.argument("ref")
@click.option("--reversed", "both", is_flag=True, help="Also what was reversed.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON list.")
def of_patient(ref: str, both: bool, as_json: bool) -> None:
    """Every lot that a patient (by chart number) ever received."""
    from inventory import patients, tracing

    patients.check_shape(ref)
    with _book() as db:
        _say(tracing.of_patient(db, ref, with_reversed=both, limit=None), as_json=as_json)


@trace.command("session")
@click.argument("key", type=click.IntRange(1))
@click.option("--reversed", "both", is_flag=True, help="Also what was reversed.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON list.")
def of_session(key: int, both: bool, as_json: bool) -> None:
    """The lots of a session."""
    from inventory import tracing, treatments

    with _book() as db:
        found = tracing.of_session(db, treatments.session(db, key), with_reversed=both)
        _say(found, as_json=as_json)


@trace.command("lot")
@click.argument("sku")
@click.argument("number")
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="Write the recall report here.")
def of_lot(sku: str, number: str, pdf: Path | None) -> None:
    """Everyone who received a lot, and what to do if it is recalled."""
    from api import cli, recall_sheet
    from inventory import catalog, lots
    from pricing import recalls

    with _book() as db:
        lot = lots.find(db, catalog.item(db, sku), number)
        if lot is None:
            raise lots.UnknownLot(f"No lot {number} of {sku} is on record.")
        found = recalls.report(db, lot, at=utc_now())
        if pdf is not None:
            pdf.write_bytes(recall_sheet.pdf(db, found, site=cli._site(db, None), by=cli.BY))
        for one in found.trace.sessions:
            click.echo(
                f"{one.patient_ref}  session {one.session_id}  {one.at:%Y-%m-%d %H:%M} UTC  {one.site}"
            )
        for step in found.steps:
            click.echo(step)


def _book() -> Any:
    from api import cli

    return cli.opened(from_environment()).read()


def _say(found: Any, *, as_json: bool) -> None:
    from api.rest.recalls import GivenShape

    if as_json:
        click.echo(json.dumps(GivenShape().dump(found, many=True), indent=2))
        return
    for one in found:
        undone = "  (reversed)" if one.reversed else ""
        click.echo(
            f"{one.at:%Y-%m-%d}  session {one.session_id}  {one.sku}  lot {one.lot_number}  "
            f"expires {one.expires_on}  {one.maker or 'maker not on record'}{undone}"
        )
    click.echo(f"{len(found)} {'use' if len(found) == 1 else 'uses'}.")
