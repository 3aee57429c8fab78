"""The backup commands: a whole book into one file while others work in it, and back into a new place."""

import os
from pathlib import Path

import click

from api import settings
from api.settings import utc_now

PASSPHRASE = "VIALBOOK_BACKUP_PASSPHRASE"


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--encrypt", is_flag=True, help=f"Seal it with a passphrase: asked for, or {PASSPHRASE}.")
def backup(file: Path, encrypt: bool) -> None:
    """Write the whole book into a new FILE while others work in it, and prove what was written.

    A sealed backup holds the secret of second factors too; one that is not leaves it out: keep the file
    secret.key, or VIALBOOK_SECRET, somewhere else.
    """
    from api import backups, cli

    environment = settings.from_environment()
    database = cli.opened(environment)
    passphrase = _passphrase(twice=True) if encrypt else None
    kept = environment.secret_file
    secret = kept.read_text("utf-8").strip() if encrypt and not environment.secret and kept.exists() else None
    done = backups.backup(database, file, passphrase=passphrase, secret=secret)
    click.echo(
        f"Wrote {file}: {done.rows:,} rows of version {done.revision} in {done.size:,} bytes; "
        "it was read again, and its books are sound."
    )
    if not encrypt:
        click.echo(
            f"Not in it: the secret of second factors ({kept} or VIALBOOK_SECRET). Keep it somewhere else."
        )
    elif secret is not None:
        click.echo("The secret of second factors is in it.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Put the backup FILE where there is no book yet, as VIALBOOK_HOME and VIALBOOK_DATABASE_URL say.

    The file is looked at as a whole first; one that is cut short, changed, of a later version or of
    something else is refused, and nothing is begun. The passphrase of a sealed file is asked for, or
    VIALBOOK_BACKUP_PASSPHRASE. Everybody signs in again afterwards.
    """
    from api import backups, sealing

    environment = settings.from_environment()
    environment.make_home()
    place = environment.sqlite_file
    with file.open("rb") as begin:
        is_sealed = begin.read(len(sealing.HEAD)) == sealing.HEAD
    database = environment.open_database()
    done, secret = backups.restore(
        file,
        database,
        passphrase=_passphrase(twice=False) if is_sealed else None,
        place=place,
        folder=environment.book_folder,
        at=utc_now(),
    )
    click.echo(
        f"Restored {done.rows:,} rows of version {done.revision} into "
        f"{database.engine.url.render_as_string()}; everybody signs in again."
    )
    if secret is not None and not environment.secret:
        if backups.keep_secret(environment.secret_file, secret):
            click.echo(f"The secret of second factors is in {environment.secret_file}.")
        else:
            click.echo(f"There is a secret in {environment.secret_file} already; it was left as it is.")
    elif secret is None:
        click.echo("Second factors need the secret of their time: put back secret.key, or VIALBOOK_SECRET.")


def _passphrase(*, twice: bool) -> str:
    if found := os.environ.get(PASSPHRASE):
        return found
    asked: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True)
    return asked
