"""What a count looks like as JSON, and what of it a caller may see."""

from typing import Any

from flask import g
from marshmallow import fields

from api import auth, where
from api.schemas import Cost, Day, Moment, Quantity, Shape, one_word
from inventory import counts, differences
from inventory.clinic import PlaceKind, Site
from inventory.counts import Count, CountState


class CountLineShape(Shape):
    """A line of a count: a lot's sealed containers in a place, or an opened vial's content.

    On a blind sheet `book`, `change` and `value` are null for those who may not post, and for everybody
    until the line is counted.
    """

    id = fields.Integer()
    place = fields.String()
    place_kind = one_word(PlaceKind)
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    content = Quantity()
    lot = fields.Integer()
    lot_number = fields.String()
    expires_on = Day()
    opened_vial = fields.Integer(allow_none=True)
    round = fields.Integer(metadata={"description": "0: not counted, 2: counted a second time"})
    counted = Quantity(allow_none=True)
    first = Quantity(allow_none=True, metadata={"description": "The first count, where there was a second"})
    counted_at = Moment(allow_none=True)
    counted_by = fields.String()
    book = Quantity(allow_none=True, metadata={"description": "At the instant at which it was counted"})
    moved = Quantity(signed=True, allow_none=True, metadata={"description": "Since: no difference"})
    change = Quantity(signed=True, allow_none=True)
    value = Cost(signed=True, allow_none=True)
    again = fields.Boolean(metadata={"description": "Must be counted a second time before posting"})
    unsteady = fields.Boolean(metadata={"description": "Moved while it was being counted: count it again"})
    outdated = fields.Boolean(metadata={"description": "What is missing has gone by the book since"})


class CountHeadShape(Shape):
    """A count: of what, who began it, and where it stands."""

    id = fields.Integer()
    site = fields.String()
    subject = fields.String()
    blind = fields.Boolean()
    state = one_word(CountState)
    begun_at = Moment()
    begun_by = fields.String()
    ended_at = Moment(allow_none=True)
    ended_by = fields.String()
    reason = fields.String()
    document = fields.Integer(allow_none=True)


class CountShape(CountHeadShape):
    """A count with its lines, and what posting it would do or has done."""

    lines = fields.List(fields.Nested(CountLineShape))
    uncounted = fields.Integer()
    gained = Cost(allow_none=True)
    lost = Cost(allow_none=True)
    digest = fields.String(metadata={"description": "Send it with the posting: only what was seen is posted"})


def count_of(key: int) -> tuple[Count, Site]:
    """A count at one of the caller's sites, and its site. Raises UnknownCount, UnknownSite."""
    found = counts.count(g.db, key)
    return found, where.of(found.site_id)


def shown(subject: Count, site: Site) -> dict[str, Any]:
    """A count as the caller may see it."""
    found = differences.differences(g.db, subject)
    differing = {one.line.id: one for one in found.differing}
    posts = g.caller.role in auth.MAY["POST /api/v1/counts/<id:count_id>/post"]
    lines = []
    for line in found.lines:
        one = differing.get(line.id)
        open_ = not subject.blind or (posts and line.counted is not None)
        open_ = open_ or subject.state is not CountState.OPEN
        value = line.value if subject.state is CountState.POSTED else one.value if one is not None else None
        hidden = dict.fromkeys(("book", "moved", "change", "value"))
        told = {"book": line.book, "moved": line.moved, "change": line.change, "value": value}
        lines.append(
            {name: getattr(line, name) for name in line.__slots__}
            | {
                "lot": line.lot_id,
                "opened_vial": line.vial_id,
                "again": one is not None and one.again,
                "outdated": one is not None and one.outdated,
            }
            | (told if open_ else hidden)
        )
    may_see = posts or not subject.blind or subject.state is not CountState.OPEN
    return head(subject, site) | {
        "lines": lines,
        "uncounted": len(found.uncounted),
        "gained": found.gained if may_see else None,
        "lost": found.lost if may_see else None,
        "digest": found.digest,
    }


def head(subject: Count, site: Site) -> dict[str, Any]:
    """A count without its lines."""
    names = ("id", "subject", "blind", "state", "begun_at", "begun_by", "ended_at", "ended_by", "reason")
    return {name: getattr(subject, name) for name in names} | {
        "site": site.code,
        "document": subject.document_id,
    }
