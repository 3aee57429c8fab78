"""The nightly command: what the turn of the day does by itself, each site by its own clock (P4, B2)."""

import click
import sqlalchemy as sa

from api import settings
from api.settings import utc_now
from inventory.clinic import Site
from inventory.recording import Signed, sign

BY = "nightly"


@click.command()
def nightly() -> None:
    """Lapse the issued quotes whose time is over, and end the courses whose last day is past.

    Touches no quote that was accepted, declined or withdrawn; twice does it once. Opened vials are
    discarded by `discard-due`, in the evening.
    """
    from api import cli
    from pricing import course_life, quote_life

    database, now = cli.opened(settings.from_environment()), utc_now()
    lapsed = ended = 0
    with database.write.begin() as db:
        sign(db, Signed(BY, now, "vialbook nightly"))
        sites = db.scalars(sa.select(Site).order_by(Site.id)).all()
        for site in sites:
            asked = {"on": site.day(now), "at": now, "by": BY, "site": site}
            lapsed += quote_life.lapse_due(db, **asked)
            ended += course_life.expire_due(db, **asked)
    click.echo(
        f"{lapsed} {'quote' if lapsed == 1 else 'quotes'} lapsed, "
        f"{ended} {'course' if ended == 1 else 'courses'} expired."
    )
