"""The nightly command: what the turn of the day does by itself, each site by its own clock (P4, B2)."""

import click
import sqlalchemy as sa

from api import settings
from api.settings import utc_now
from inventory.clinic import Site

BY = "nightly"


@click.command()
def nightly() -> None:
    """Lapse the issued quotes whose time is over, and end the courses whose last day is past.

    Touches no quote that was accepted, declined or withdrawn; twice does it once. Opened vials are
    discarded by `discard-due`, in the evening.
    """
    from api import cli
    from pricing import course_money, courses, quote_life
    from pricing.course_money import When

    database, now = cli.opened(settings.from_environment()), utc_now()
    lapsed = ended = 0
    with database.write.begin() as db:
        sites = {site.id: site for site in db.scalars(sa.select(Site).order_by(Site.id))}
        for site in sites.values():
            lapsed += quote_life.lapse_due(db, on=site.day(now), at=now, by=BY, site=site)
        last = max((site.day(now) for site in sites.values()), default=None)
        for key in () if last is None else course_money.due_to_expire(db, on=last):
            course = courses.course(db, key)
            on = sites[course.site_id].day(now)
            if course.expires_on is not None and course.expires_on < on:
                course_money.expire(db, key, when=When(on, now, now, BY))
                ended += 1
    click.echo(
        f"{lapsed} {'quote' if lapsed == 1 else 'quotes'} lapsed, "
        f"{ended} {'course' if ended == 1 else 'courses'} expired."
    )
