"""Pages: the audit trail: who did what, when and why, by person, kind, day and subject (I15)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, request

from api.rest import audit
from api.web import books, frame
from inventory import proof_of_trail, trail, trail_list
from inventory.errors import Refusal
from inventory.trail_list import Wanted

blueprint = frame.chapter("trail")

PAGE = 50
FILTERS = ("by", "kind", "subject", "from", "to")


@dataclass(frozen=True)
class Change:
    """One thing that was changed, as the page shows it: what, and each field before and after."""

    what: str
    how: str
    fields: tuple[tuple[str, str, str], ...]


@blueprint.get("/audit")
def listing() -> Response:
    """The entries, the latest first, and whether an anchor that was kept still stands."""
    before = books.whole("before") or None
    found = list(trail_list.entries(g.db, _wanted(), before=before, limit=PAGE + 1))
    number, last = trail.head(g.db)
    anchor = request.args.get("anchor", "")
    return frame.page(
        "audit.html",
        rows=found[:PAGE],
        next=found[PAGE - 1].number if len(found) > PAGE else 0,
        later=before is not None,
        asked={name: request.args.get(name, "") for name in FILTERS},
        address=urlencode([(name, text) for name in FILTERS if (text := request.args.get(name))]),
        people=trail_list.people(g.db),
        kinds=trail_list.kinds(g.db),
        anchor=f"{number}:{last}",
        compared=anchor,
        problem=_problem(anchor),
        zone=frame.here().time_zone,
    )


@blueprint.get("/audit/<id:number>")
def one(number: int) -> Response:
    """One entry with everything that it says."""
    found = trail_list.entry(g.db, number)
    changes = [_change(one) for one in found.changes]
    return frame.page("audit_entry.html", entry=found, changes=changes, zone=frame.here().time_zone)


@blueprint.get("/audit.csv")
def as_csv() -> Response:
    """The entries that the filters leave, as csv."""
    return audit.as_csv(_wanted())


@blueprint.get("/audit.xlsx")
def as_workbook() -> Response:
    """The entries that the filters leave, as a workbook."""
    return audit.as_workbook(_wanted())


def _wanted() -> Wanted:
    words = {name: request.args.get(name, "").strip()[:200] for name in ("by", "kind", "subject")}
    days = {"since": books.day_named("from"), "until": books.day_named("to")}
    return audit.wanted(words | days)


def _problem(anchor: str) -> str:
    if not anchor:
        return ""
    try:
        return proof_of_trail.anchored(g.db, anchor)
    except Refusal as refusal:
        return str(refusal)


def _change(said: dict[str, Any]) -> Change:
    before, after = said.get("before", {}), said.get("after", said.get("added", {}))
    how = "added" if "added" in said else "removed" if said.get("removed") else "changed"
    names = sorted(before.keys() | after.keys())
    key = f" {said['key']}" if "key" in said else ""
    told = tuple((name, str(before.get(name, "")), str(after.get(name, ""))) for name in names)
    return Change(f"{said['what']}{key}", how, told)
