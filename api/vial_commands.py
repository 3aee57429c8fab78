"""The commands of opened vials: which to discard now and by when, and the evening's one call (S4)."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import sqlalchemy as sa

from api import settings
from api.settings import utc_now
from inventory.clinic import Site
from inventory.measures import ZERO, plain
from inventory.recording import Signed, sign

BY = "command line"


@click.command("opened-vials")
@click.option("--site", "site_code", help="Default: every site.")
@click.option("--days", type=click.IntRange(0, 365), default=7, show_default=True, help="How far to look.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON list.")
def opened_vials(site_code: str | None, days: int, as_json: bool) -> None:
    """List the opened vials to discard now, and those to discard by a later time, site by site."""
    from datetime import timedelta

    from api import cli
    from inventory import vial_list

    database, now = cli.opened(settings.from_environment()), utc_now()
    answers: list[dict[str, Any]] = []
    with database.read() as db:
        for site in _sites(db, site_code):
            found = vial_list.to_discard(db, site=site, at=now, by=now + timedelta(days=days))
            answers.append({"site": site.code, "now": found.now, "later": found.later})
            if not as_json:
                _table(f"{site.code}: discard now", found.now, site)
                _table(f"{site.code}: discard by", found.later, site)
    if as_json:
        from api.rest.opened_vials import OpenedRowShape

        shape = OpenedRowShape(many=True, exclude=("value",))
        listed = [
            {**one, "now": shape.dump(one["now"]), "later": shape.dump(one["later"])} for one in answers
        ]
        click.echo(json.dumps(listed, indent=2))


@click.command("discard-due")
@click.option("--site", "site_code", help="Default: every site, each by its own clock.")
def discard_due(site_code: str | None) -> None:
    """Throw away every opened vial that is past its time: the evening's one call. Twice does it once."""
    from api import cli
    from inventory import clinic, wastage

    database, now = cli.opened(settings.from_environment()), utc_now()
    with database.write.begin() as db:
        sign(db, Signed(BY, now, "vialbook discard-due"))
        currency, told, total = clinic.settings(db).currency, 0, ZERO
        for site in _sites(db, site_code):
            for gone in wastage.discard_due(db, site=site, at=now, recorded_at=now, by=BY):
                assert gone.discard_at is not None, gone
                click.echo(
                    f"{site.code}  vial {gone.vial_id}  {gone.sku}  lot {gone.lot.number}  "
                    f"{plain(gone.quantity)} {gone.unit}  {gone.value} {currency}  "
                    f"good until {_clock(gone.discard_at, site)}  ({gone.discard_rule})"
                )
                told, total = told + 1, total + gone.value
    click.echo(f"{told} opened {'vial' if told == 1 else 'vials'} discarded, {total:.2f} {currency}.")


def _sites(db: Any, code: str | None) -> Sequence[Site]:
    from api import cli
    from inventory import clinic

    if code is not None:
        return [clinic.site(db, code)]
    found = db.scalars(sa.select(Site).order_by(Site.id)).all()
    if not found:
        raise cli.NotInitialised("The clinic has no site yet: run `vialbook init`.")
    return found  # type: ignore[no-any-return]


def _table(title: str, rows: Sequence[Any], site: Site) -> None:
    click.echo(f"{title} ({len(rows)})")
    for row in rows:
        whose = f"  {row.patient_ref} alone" if row.patient_ref else ""
        left = f"{plain(row.remaining)} {row.unit}"
        click.echo(
            f"    {_clock(row.discard_at, site)}  vial {row.id:<6} {row.sku:<10} lot {row.lot_number:<12} "
            f"{left:>10}{whose}\n        {row.name}: {row.discard_rule}"
        )


def _clock(instant: datetime, site: Site) -> str:
    return f"{instant.astimezone(ZoneInfo(site.time_zone)):%Y-%m-%d %H:%M}"
