"""The command line: `vialbook init`, `serve`, `token`, `import`, `export`, `reorder`, `verify`."""

import json
import logging
import sqlite3
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from api import (
    auth,
    backup_commands,
    bench_command,
    export_commands,
    nightly_command,
    privacy_commands,
    proof_command,
    settings,
    trace_command,
    vial_commands,
)
from api.auth import Role
from api.settings import Environment, program_version, utc_now
from inventory.clinic import Site
from inventory.database import Database
from inventory.errors import Conflict, Refusal
from inventory.recording import Signed, sign

BY = "command line"
DAY = click.DateTime(["%Y-%m-%d"])


class NotInitialised(Conflict):
    """The database is not there, or is an earlier version's."""


class NewerBook(Conflict):
    """The database is a later version's."""


class CannotListen(Conflict):
    """Somebody else listens on the port, or it is not ours to listen on."""


def main() -> NoReturn:
    """Run a command; whatever goes wrong is one sentence on standard error and a status that is not 0."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        sys.exit(vialbook(standalone_mode=False) or 0)
    except click.exceptions.Abort:
        _fail("Stopped.", 130)
    except click.exceptions.NoArgsIsHelpError as asked:  # a page to read, and not one sentence
        click.echo(asked.format_message(), err=True)
        sys.exit(asked.exit_code)
    except click.ClickException as wrong:
        _fail(wrong.format_message(), wrong.exit_code)
    except Refusal as refusal:
        _fail(str(refusal), 1)
    except (SQLAlchemyError, sqlite3.Error) as error:
        from api import errors, starting

        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        if errors.is_damaged(error):
            _fail(str(starting.damaged(reason)), 1)
        _fail(f"The database refused: {reason}", 1)
    except OSError as error:
        _fail(f"{error.strerror or error}: {error.filename or ''}".rstrip(": ") + ".", 1)


def _fail(sentence: str, status: int) -> NoReturn:
    click.echo(" ".join(sentence.split()), err=True)
    sys.exit(status)


@click.group()
@click.version_option(program_version(), prog_name="vialbook")
def vialbook() -> None:
    """What a mesotherapy clinic has in stock, what it costs, what it quotes, and its books."""


def opened(environment: Environment) -> Database:
    """The database of this version. Raises NotInitialised."""
    from api import migrations

    file = environment.sqlite_file
    if file is not None and not file.exists():
        raise NotInitialised(f"There is no database at {file}: run `vialbook init` first.")
    database = environment.open_database()
    found = migrations.current(database)
    refuse_newer(found)
    if found != migrations.newest():
        raise NotInitialised(
            f"The database is at version {found or 'none'}, the program needs {migrations.newest()}: "
            "run `vialbook init`."
        )
    return database


def refuse_newer(found: str | None) -> None:
    """Leave a book alone that a later version of the program has migrated. Raises NewerBook."""
    from api import migrations

    if found is not None and found not in migrations.revisions():
        raise NewerBook(
            f"The database is at version {found}, which this program does not know: "
            "use the version of the program that migrated it, or a later one."
        )


@vialbook.command()
@click.option("--no-seed", is_flag=True, help="Leave the reference tables out.")
@click.option("--demo", is_flag=True, help="Also load a demo clinic with a year of history.")
@click.option("--site-name", default="Main site", show_default=True, help="Of the first site, MAIN.")
@click.option("--country", default="US", show_default=True, help="Of the first site, as ISO 3166 has it.")
@click.option("--region", default="North America", show_default=True, help="Of the price bands.")
@click.option("--tax-region", default="", help="A state, where tax has one.")
@click.option("--time-zone", default="UTC", show_default=True, help="Of the first site: Europe/Madrid.")
def init(no_seed: bool, demo: bool, **site: str) -> None:
    """Create or migrate the database, and load the reference tables."""
    from api import migrations, starting

    if demo and no_seed:
        raise click.UsageError(
            "The demo clinic needs the reference tables: leave one of the two options out."
        )
    environment = settings.from_environment()
    environment.make_home()
    database = environment.open_database()
    refuse_newer(migrations.current(database))
    migrations.upgrade(database)
    now = utc_now()
    if not no_seed:
        added = starting.load_reference(database, now=now)
        click.echo(f"Reference tables: {added} rows added." if added else "Reference tables: complete.")
    if demo:
        _demo(database, environment, now)
    elif starting.open_first_site(database, **site):
        click.echo(f"Opened the site MAIN ({site['country']}, {site['time_zone']}).")
    click.echo(f"The database is ready: {database.engine.url.render_as_string()}")


def _demo(database: Database, environment: Environment, now: datetime) -> None:
    from api import starting

    if starting.has_site(database):
        ours = environment.demo_tokens.exists()
        other = "There is a clinic on record already; the demo clinic is not added to it."
        click.echo("The demo clinic is on record." if ours else other)
    else:
        with click.progressbar(length=1000, label="A year at the demo clinic") as bar:
            tokens, people = starting.load_demo(
                database, now=now, progress=lambda done, of: bar.update(done * 1000 // of - bar.pos)
            )
        starting.write_tokens(environment.demo_tokens, tokens)
        starting.write_sign_in(environment.demo_people, people)
    if environment.demo_people.exists():
        # Said by `serve`, beside the address: who runs both would read it twice.
        click.echo(f"Names and password for the pages are in {environment.demo_people}.")
    if environment.demo_tokens.exists():
        click.echo(f"Programs sign in with one of these tokens (kept in {environment.demo_tokens}):")
        click.echo(environment.demo_tokens.read_text("utf-8").rstrip())


@vialbook.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), help="Default: PORT, else 8000.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
def serve(host: str, port: int | None, workers: int) -> None:
    """Serve the pages and the interface."""
    from flask import Flask

    from api import checkpoints, scratch, serving, starting, watching
    from api import secret as sealing
    from api.app import create_app
    from api.limits import Limits
    from api.web import accounts

    environment = settings.from_environment()
    sealing.check(environment)
    exposure = environment.exposure
    watching.log_as_json(exposure, environment.access_logs)
    if workers > 1:
        watching.share_figures(environment.figures)
    limits = Limits(**exposure.limits(abroad=exposure.proxies > 0 or not accounts.is_loopback(host)))
    database = opened(environment)
    starting.refuse_damaged(database)
    scratch.clear(environment.book_folder)
    secret = starting.check_who_may_come(database, host=host, now=utc_now())
    database.engine.dispose()
    number = port or environment.port
    try:
        listening = serving.listen(host, number)
    except OSError as error:
        raise CannotListen(f"Cannot listen on {host} port {number}: {error.strerror}.") from error
    click.echo(f"Vialbook {program_version()} serves http://{host}:{number}")
    click.echo(f"The calls: http://{host}:{number}/api/v1/docs")
    click.echo("Programs sign in with `Authorization: Bearer TOKEN`; `vialbook token` makes tokens.")
    if secret is not None:
        click.echo(f"Make the first admin at http://{host}:{number}/first-start with the secret {secret}")
    if environment.demo_people.exists():
        click.echo(f"Sign in at http://{host}:{number}/ as one of the demo clinic's people:")
        click.echo(environment.demo_people.read_text("utf-8").rstrip())
    sys.stdout.flush()

    def make_app() -> Flask:
        if environment.sqlite_file is not None:
            checkpoints.keep(environment.sqlite_file)
        served = environment.open_database(log_pages=checkpoints.NET_PAGES)
        return create_app(served, exposure=exposure, limits=limits)

    serving.serve(
        make_app,
        listening,
        workers=workers,
        proxies=exposure.proxies,
    )


@vialbook.command()
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
def token(name: str, role: str) -> None:
    """Make or renew a person's token, and print it alone. An old token is void from then on."""
    database = opened(settings.from_environment())
    with database.write.begin() as db:
        sign(db, Signed(BY, utc_now(), "vialbook token"))
        made = auth.issue_token(db, name, role=Role(role), at=utc_now())
    click.echo(made)


@vialbook.command("import")
@click.argument("kind", type=click.Choice(["opening-stock", "items", "offers", "formulations"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would become of each row.")
@click.option("--partial", is_flag=True, help="Take the good rows of a file that has bad ones.")
@click.option("--site", "site_code", help="Where the stock is. Default: the first site.")
@click.option(
    "--corrected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the list there, with what is wrong beside each row.",
)
def import_list(
    kind: str, file: Path, dry_run: bool, partial: bool, site_code: str | None, corrected: Path | None
) -> None:
    """Import a list from xlsx or csv: every row, or none.

    \b
    opening-stock  needs sku, lot_number, expires_on, containers, unit_cost
    items          needs sku, name, unit, content, dose_class
    offers         needs sku, supplier, pack_price
    formulations   needs code

    Headers are understood as people word them: Lot, Batch no, Exp, Qty, Cost each, also in German, French
    and Spanish. What was imported before is not added again.
    """
    from api import import_command

    database = opened(settings.from_environment())
    asked = import_command.Asked(kind, file, dry_run=dry_run, partial=partial, corrected=corrected)
    if not import_command.run(database, asked, by=BY, at=utc_now(), site_of=lambda db: _site(db, site_code)):
        sys.exit(1)


def _site(db: Any, code: str | None) -> Site:
    from inventory import clinic

    if code is not None:
        return clinic.site(db, code)
    first = db.scalar(sa.select(Site).order_by(Site.id).limit(1))
    if first is None:
        raise NotInitialised("The clinic has no site yet: run `vialbook init`.")
    return first


@vialbook.command()
@click.option("--on", "day", type=DAY, help="As of which day. Default: today.")
@click.option("--site", "site_code", help="Default: the first site.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON list.")
def reorder(day: datetime | None, site_code: str | None, as_json: bool) -> None:
    """Say what to order, from whom, by when and why."""
    from inventory import reordering

    database = opened(settings.from_environment())
    with database.read() as db:
        site = _site(db, site_code)
        every = list(db.scalars(sa.select(Site).order_by(Site.id)))
        on = day.date() if day else site.day(utc_now())
        found = reordering.advise(db, site=site, on=on, others=every)
    if as_json:
        from api.rest.reorder import AdviceShape

        click.echo(json.dumps(AdviceShape().dump(found, many=True), indent=2))
        return
    for advice in found:
        click.echo(f"{advice.sku}  {advice.name}\n    {advice.why}")
    click.echo(f"{sum(bool(advice.order_packs) for advice in found)} items to order.")


@vialbook.command()
@click.option("--site", "site_code", help="Code of the site; default: the first one.")
@click.option("--within", type=click.IntRange(0, 3650), help="Days to look ahead; default: the setting.")
@click.option("--json", "as_json", is_flag=True, help="The whole list as JSON.")
def alerts(site_code: str | None, within: int | None, as_json: bool) -> None:
    """Say what to discard, what expires and its value, what is late or short, what waits in quarantine."""
    from inventory import alerts as domain
    from inventory import clinic

    database = opened(settings.from_environment())
    with database.read() as db:
        found = domain.alerts(db, site=_site(db, site_code), at=utc_now(), within_days=within)
        currency = clinic.settings(db).currency
    if as_json:
        from api.rest.alerts import AlertsShape

        click.echo(json.dumps(AlertsShape().dump(found), indent=2))
        return
    for alert in found.items:
        worth = f"{alert.value:>12}" if alert.value else " " * 12
        due = str(alert.due_on or "")
        click.echo(f"{alert.kind:<8}  {due:<10}  {worth}  {alert.sku:<16}  {alert.sentence}")
    click.echo(
        f"{len(found.items)} alerts at {found.site.code} on {found.on}; {found.value_at_risk} {currency} "
        f"expired or expiring within {found.within_days} days."
    )


vialbook.add_command(proof_command.verify)
vialbook.add_command(proof_command.anchor)
vialbook.add_command(vial_commands.opened_vials)
vialbook.add_command(vial_commands.discard_due)
vialbook.add_command(nightly_command.nightly)
vialbook.add_command(trace_command.trace)
vialbook.add_command(privacy_commands.purge)
vialbook.add_command(privacy_commands.patient)
vialbook.add_command(backup_commands.backup)
vialbook.add_command(backup_commands.restore)
vialbook.add_command(export_commands.export)
vialbook.add_command(bench_command.bench)


if __name__ == "__main__":
    main()
