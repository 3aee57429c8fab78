"""Pages: the counts of a site, beginning one, its differences with their price, posting or giving it up."""

from dataclasses import dataclass
from typing import Any

from flask import Response, g, request
from marshmallow import fields

from api import count_sheets
from api.schemas import Shape, Words, key_of
from api.web import count_desk, formats, forms, frame
from api.web.forms import Done, Form
from inventory import catalog, count_posting, counts, differences, places, rota, stocktake
from inventory.clinic import Site
from inventory.counts import COUNTABLE, Count, CountState
from inventory.differences import Difference, Differences, Line
from inventory.errors import Invalid
from inventory.measures import plain
from inventory.stocktake import Scope
from pricing.chart import DIFFERENCES

blueprint = frame.chapter("counts")

PAGE = 30


class NothingChosen(Invalid):
    """A count is of something."""


class UncountedLines(Invalid):
    """Somebody must say what becomes of the lines without a number."""


class Beginning(Shape):
    """What to count, and whether what the book says is hidden."""

    what = Words(120, required=True)
    blind = fields.String(load_default="")


class Posting(Shape):
    """Why the differences are posted, and which were looked at."""

    reason = Words(500, lines=True, required=True)
    digest = Words(32, required=True)
    uncounted = fields.String(load_default="")


class Why(Shape):
    """Why."""

    reason = Words(500, lines=True, required=True)


@dataclass(frozen=True)
class DifferenceView:
    """A difference ready to show."""

    line: Line
    counted: str
    book: str
    change: str
    since: str
    learned: str
    elsewhere: str
    first: str
    value: Any
    less: bool
    again: bool
    unsteady: bool
    outdated: bool


@blueprint.get("/counts")
def listing() -> Response:
    """The counts of the site: those that are open, those that are done, and what the rota asks for."""
    site = frame.here()
    found = counts.counts(
        g.db,
        site_ids=[site.id],
        before=key_of(request.args.get("before", "")),
        limit=PAGE + 1,
    )
    page = found[:PAGE]
    going = [row for row in page if row.state is CountState.OPEN]
    counted = {row.id: differences.differences(g.db, row) for row in going}
    return frame.page(
        "counts.html",
        open=[
            (row, len(counted[row.id].lines), len(counted[row.id].uncounted))
            for row in page
            if row.id in counted
        ],
        done=[row for row in page if row.state is not CountState.OPEN],
        next=page[-1].id if len(found) > PAGE else "",
        due=rota.due(g.db, site=site, on=site.day(g.now)),
        source=rota.SOURCE,
        zone=site.time_zone,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
        may_begin=frame.may("GET /counts/new"),
    )


@blueprint.route("/counts/new", methods=["GET", "POST"])
def begin() -> Response:
    """Begin a count of a place, a class, what is due, or everything."""
    site = frame.here()

    def show(form: Form) -> Response:
        due = rota.due(g.db, site=site, on=site.day(g.now))
        return frame.page("count_new.html", form=form, choices=_choices(site, len(due)), due=due, site=site)

    def do(body: dict[str, Any]) -> Done:
        subject = stocktake.begin(
            g.db,
            _scope(body["what"], site),
            site=site,
            at=g.now,
            by=g.caller.name,
            blind=body["blind"] == "yes",
        )
        return Done(f"/counts/{subject.id}", f"Count {subject.id} is begun: {subject.subject}.")

    return forms.handle(Beginning, show=show, do=do, first={"what": request.args.get("what", "everything")})


def _choices(site: Site, due: int) -> list[tuple[str, str]]:
    there = [place for place in places.of_site(g.db, site) if place.kind in COUNTABLE and place.active]
    found = [("everything", f"Everything at {site.name}")]
    if due:
        found.append(("rota", f"What is due by the rota: {due} item{'' if due == 1 else 's'}"))
    found += [(f"place {place.code}", f"Place: {place.name}") for place in there]
    found += [
        (f"class {name}", f"Class: {formats.capital(name)}") for name in stocktake.ingredient_classes(g.db)
    ]
    return found


def _scope(what: str, site: Site) -> Scope:
    kind, _, name = what.partition(" ")
    if kind == "place":
        return Scope(place=places.place(g.db, site, name))
    if kind == "class":
        return Scope(ingredient_class=name, words=formats.capital(name))
    if kind == "sku":
        item = catalog.item(g.db, name)
        return Scope(item_ids=[item.id], words=item.name)
    if kind == "rota":
        return stocktake.due_scope([row.item_id for row in rota.due(g.db, site=site, on=site.day(g.now))])
    if what != "everything":
        raise NothingChosen(f"{what!r} cannot be counted: choose from the list.")
    return Scope()


@blueprint.route("/counts/<id:count_id>/post", methods=["GET", "POST"])
def post(count_id: int) -> Response:
    """Look at the differences with their price, and post them with a reason."""

    def show(form: Form) -> Response:
        subject = open_one(count_id)
        found = differences.differences(g.db, subject)
        form.values["digest"] = found.digest  # what is shown now is what will be posted
        return _page("count_post.html", subject, found, form=form)

    def do(body: dict[str, Any]) -> Done:
        subject = open_one(count_id)
        found = differences.differences(g.db, subject)
        if found.uncounted and body["uncounted"] != "leave":
            raise UncountedLines(
                f"{len(found.uncounted)} lines have no number: count them, or tick that they stay."
            )
        posted = count_posting.post(
            g.db,
            subject,
            at=g.now,
            by=g.caller.name,
            reason=body["reason"],
            leave_uncounted=True,
            seen=body["digest"],
        )
        number = len(posted.differences.differing)
        words = "1 difference" if number == 1 else f"{number} differences" if number else "no difference"
        return Done(f"/counts/{count_id}/record", f"Count {count_id} is posted with {words}.")

    return forms.handle(Posting, show=show, do=do)


@blueprint.route("/counts/<id:count_id>/abandon", methods=["GET", "POST"])
def abandon(count_id: int) -> Response:
    """Give a count up: nothing is posted."""

    def show(form: Form) -> Response:
        return frame.page("count_abandon.html", form=form, count=open_one(count_id))

    def do(body: dict[str, Any]) -> Done:
        stocktake.abandon(g.db, open_one(count_id), at=g.now, by=g.caller.name, reason=body["reason"])
        return Done("/counts", f"Count {count_id} is given up; nothing was posted.")

    return forms.handle(Why, show=show, do=do)


@blueprint.get("/counts/<id:count_id>/record")
def record(count_id: int) -> Response:
    """A count that has ended: what was found, by whom, and what its posting did."""
    subject = count_of(count_id)
    return _page("count_record.html", subject, differences.differences(g.db, subject))


def count_of(count_id: int) -> Count:
    """A count at a site where the visitor works. Raises UnknownCount, UnknownSite."""
    subject = counts.count(g.db, count_id)
    frame.at_my_site(subject.site_id)
    return subject


def open_one(count_id: int) -> Count:
    """The same, while it is open. Raises CountEnded."""
    subject = count_of(count_id)
    if subject.state is not CountState.OPEN:
        raise counts.CountEnded(f"Count {count_id} was {subject.state} by {subject.ended_by}.")
    return subject


def _page(template: str, subject: Count, found: Differences, **more: Any) -> Response:
    site = frame.at_my_site(subject.site_id)
    differing = {one.line.id: one for one in found.differing}
    changed = [line for line in found.lines if line.change or line.unsteady]
    return frame.page(
        template,
        count=subject,
        site=site,
        rows=[_view(line, differing.get(line.id)) for line in changed],
        same=sum(line.change is not None and not line.change for line in found.lines),
        uncounted=found.uncounted,
        again=sum(one.again or one.outdated for one in found.differing) + len(found.unsteady),
        gained=found.gained,
        lost=found.lost,
        account=DIFFERENCES,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
        may_post=frame.may(count_desk.POST),
        **more,
    )


def _view(line: Line, one: Difference | None) -> DifferenceView:
    def measured(quantity: Any) -> str:
        return plain(abs(count_sheets.in_its_measure(quantity, line)))

    return DifferenceView(
        line=line,
        counted=count_desk.spoken(line),
        book=measured(line.book),
        change=f"{'−' if (line.change or 0) < 0 else '+'}{measured(line.change or 0)}",
        since="" if not line.moved else f"{'−' if line.moved < 0 else '+'}{measured(line.moved)}",
        learned="" if not line.learned else f"{'−' if line.learned < 0 else '+'}{measured(line.learned)}",
        elsewhere="" if one is None or not one.moved else measured(one.moved),
        first="" if line.first is None else measured(line.first),
        value=None if one is None else one.value,
        less=(line.change or 0) < 0,
        again=one is not None and one.again,
        unsteady=line.unsteady,
        outdated=one is not None and one.outdated,
    )
