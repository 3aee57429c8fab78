"""Every limit of one opened vial beside the one that counts, so that the strictest is seen to be it (S4)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from inventory import lots, rooms, shelf, vials
from inventory.clinic import Site
from inventory.vials import Deadline, OpenedVial, PreparedIn


@dataclass(frozen=True)
class Limit:
    """One thing that limits a vial; `strictest` says that it is the one that counts."""

    at: datetime
    rule: str
    source: str
    strictest: bool


def of_vial(db: Session, opened: OpenedVial) -> tuple[Limit, ...]:
    """What limits an opened vial by the rules of the day it was opened, the strictest first.

    What was named when it was opened stays named, even where the clinic's tables say otherwise by now.
    """
    site = db.get_one(Site, opened.site_id)
    entry = rooms.standing(db, opened.id)
    rules = vials.rules_in_force(db, site, site.day(opened.opened_at))
    product = shelf.products(db, item_ids=[opened.item_id])[opened.item_id]
    expires_on = lots.lot(db, opened.lot_id).expires_on

    def limits(prepared_in: PreparedIn) -> list[Deadline]:
        return vials.limits(
            product,
            expires_on=expires_on,
            opened_at=opened.opened_at,
            prepared_in=prepared_in,
            site=site,
            rules=rules,
            session_ends_at=None if entry is None else entry.ends_at,
        )

    found = limits(opened.prepared_in)
    if entry is not None:  # what limited it in the preparation area limits it still
        found += limits(PreparedIn.PREPARATION_AREA)
    named = Deadline(opened.discard_at, opened.discard_rule)
    others = {limit.rule: limit for limit in found if limit.rule != named.rule}
    source = next((limit.source for limit in found if limit.rule == named.rule), "")
    return (
        Limit(named.at, named.rule, source, strictest=True),
        *(
            Limit(limit.at, limit.rule, limit.source, strictest=False)
            for limit in sorted(others.values(), key=lambda limit: (limit.at, limit.rule))
        ),
    )
