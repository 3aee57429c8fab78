"""The commands that prove the book: every invariant, the audit trail, and an anchor to keep elsewhere."""

import sys

import click

from api import settings


@click.command()
@click.option("--anchor", "kept", help="NUMBER:HASH as `anchor` printed it: nothing was cut off.")
def verify(kept: str | None) -> None:
    """Check every invariant of the books against the raw facts; status 1 if one is broken."""
    from api import cli, starting
    from api.migrations.tables import every_table
    from inventory import proof, proof_of_trail
    from pricing import proof as proof_of_quotes

    every_table()
    database = cli.opened(settings.from_environment())
    starting.refuse_damaged(database, thorough=True)
    try:
        with database.read() as db:
            breaches = [*proof.verify(db), *proof_of_quotes.verify(db), *proof_of_trail.verify(db)]
            if kept and (wrong := proof_of_trail.anchored(db, kept)):
                breaches.append(proof.Breach("the audit trail holds its anchor", wrong))
    except (ValueError, LookupError, TypeError, ArithmeticError) as unreadable:
        # A page that is whole may hold a word where a number was.
        raise starting.damaged(f"a value in it cannot be one, {unreadable}") from unreadable
    for breach in breaches:
        click.echo(f"{breach.invariant}: {breach.sentence}")
    if breaches:
        click.echo(f"{len(breaches)} breaches.", err=True)
        sys.exit(1)
    click.echo("The books are sound.")


@click.command()
def anchor() -> None:
    """Print number and hash of the audit trail's last entry, to be kept where nobody here can change it."""
    from api import cli
    from inventory import trail

    database = cli.opened(settings.from_environment())
    with database.read() as db:
        number, last = trail.head(db)
    click.echo(f"{number}:{last}")
