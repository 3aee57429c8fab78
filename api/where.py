"""Where a caller works: the sites they may look at and act at, the same for pages and for calls.

Who is assigned to no site works at all of them. What belongs to the clinic as a whole, the books, the
catalogue, prices and whom a lot went to (S10), is not divided by sites.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask import g

from inventory import clinic
from inventory.clinic import PLACES, Site
from inventory.errors import Forbidden
from inventory.ledger import Document, Movement


class NotYourSite(Forbidden):
    """The person does not work at the site that is named."""


def mine() -> list[Site]:
    """The sites at which the caller works, in the order in which they were opened."""
    if "my_sites" not in g:
        query = sa.select(Site).order_by(Site.id)
        allowed = sorted(g.caller.sites)
        g.my_sites = list(g.db.scalars(query.where(Site.id.in_(allowed)) if allowed else query))
    found: list[Site] = g.my_sites
    return found


def only() -> frozenset[int] | None:
    """The keys of the sites to which the caller is confined; None: of all, also of those to come."""
    sites: frozenset[int] = g.caller.sites
    return sites or None


def named(code: str) -> Site:
    """The site of a code. Raises UnknownSite, and NotYourSite where the caller does not work there."""
    found = clinic.site(g.db, code)
    if (keys := only()) is not None and found.id not in keys:
        theirs = ", ".join(site.code for site in mine())
        raise NotYourSite(f"{g.caller.name} works at {theirs}, not at {code}.")
    return found


def first() -> Site:
    """The caller's site that was opened first. Raises UnknownSite where the clinic has none."""
    if not mine():
        raise clinic.UnknownSite("The clinic has no site yet: open one with POST /sites.")
    return mine()[0]


def of(site_id: int) -> Site:
    """The site of something on record; of what is elsewhere nothing is said. Raises UnknownSite."""
    of_any([site_id])
    found: Site = g.db.get_one(Site, site_id)
    return found


def of_any(site_ids: Iterable[int]) -> None:
    """See that one of the sites at which something is is the caller's. Raises UnknownSite."""
    if (keys := only()) is not None and keys.isdisjoint(site_ids):
        raise clinic.UnknownSite("This is at a site where you do not work.")


def of_movement(movement: Movement) -> None:
    """See that a movement comes from one of the caller's sites or goes to one. Raises UnknownSite."""
    ends = sa.select(PLACES.c.site_id).where(PLACES.c.id.in_([movement.source_id, movement.target_id]))
    of_any(g.db.scalars(ends))


def of_act(movement: Movement) -> None:
    """See that what moved was done at one of the caller's sites: who may undo it. Raises UnknownSite.

    What came out of a transfer left its sender's transit place, but is the receiver's to undo.
    """
    of(g.db.get_one(Document, movement.document_id).site_id)


def narrowed(query: sa.Select[Any], column: Any) -> sa.Select[Any]:
    """A list's statement with only the rows of the caller's sites; `column` is the site's key."""
    return query if (keys := only()) is None else query.where(column.in_(sorted(keys)))
