"""Page: counting, on a tablet before the shelf: scan or type, and every number is kept as it comes.

It is one plain form, like receiving: without a script its buttons keep what was scanned or typed; with one,
scans and numbers go to the server one after the other, and wait in the browser while the net is away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import Response, g, redirect, request

from api import count_sheets, errors
from api.schemas import key_of
from api.web import count_scans, formats, forms, frame
from api.web.forms import Done, Form
from inventory import catalog, counting, counts, differences, stocktake
from inventory.catalog import Item
from inventory.clinic import Place
from inventory.counting import Found, NotCountable
from inventory.counts import Count, CountState
from inventory.differences import Difference, Line
from inventory.errors import Refusal
from inventory.measures import NotAQuantity, plain, quantity

blueprint = frame.chapter("count_desk")

PAGE = 40
RECENT = 3
SHOWN = (("left", "To count"), ("counted", "Counted"), ("again", "To count again"), ("all", "All"))
POST = "POST /counts/<id:count_id>/post"


@dataclass(frozen=True)
class LineView:
    """A line ready to show: what it is, in what it is counted, and what was found so far."""

    id: int
    title: str
    detail: str
    lot: str
    expires: Any
    measure: str
    whole: bool
    value: str
    book: str
    counted: bool
    again: bool
    first: str
    unsteady: bool
    told: str  # who counted it, and when


@dataclass
class Desk:
    """A count as whoever counts sees it."""

    count: Count
    form: Form
    lines: Sequence[Line]
    differing: dict[int, Difference]
    show: str
    sought: str
    start: int
    views: list[LineView] = field(default_factory=list)


@blueprint.route("/counts/<id:count_id>", methods=["GET", "POST"])
def count(count_id: int) -> Response:
    """Count, or look at what was counted and posted."""
    subject = counts.count(g.db, count_id)
    frame.at_my_site(subject.site_id)
    if request.method == "GET":
        if subject.state is not CountState.OPEN:
            return redirect(f"/counts/{subject.id}/record", 303)  # type: ignore[return-value]
        return _show(subject, Form(key=forms.new_key(), action=f"/counts/{subject.id}"))
    typed = forms.typed()
    g.asked = None  # the page is open as long as the count is: its numbers have keys of their own
    form = Form(typed, key=forms.new_key(), action=f"/counts/{subject.id}")
    try:
        _keep(subject, form)
    except Refusal as refusal:
        form.problem = str(refusal)
        status = next(code for kind, code in errors.STATUS.items() if isinstance(refusal, kind))
        if request.headers.get("X-Scan"):
            g.db.rollback()
            return _show(counts.count(g.db, count_id), form, template="_count_lines.html")
        return forms.again(lambda form: _show(counts.count(g.db, count_id), form), form, status)
    if request.headers.get("X-Scan"):
        return _show(subject, form, template="_count_lines.html")
    if form.errors and form.value("do") == "scan":
        return _show(subject, form)  # what was scanned is kept, whatever was typed
    if form.errors:
        return forms.again(lambda form: _show(counts.count(g.db, count_id), form), form, 422)
    query = f"?show={form.value('show')}" if form.value("show") in dict(SHOWN) else ""
    said = "Written down." if request.form.get("do", "save") in ("save", "rest") else ""
    return forms.go(Done(f"/counts/{subject.id}{query}", said))


def _keep(subject: Count, form: Form) -> None:
    """Do what the button, the scanner or the changed field asks for."""
    what, again = form.value("do") or "save", form.value("show") == "again"
    how: dict[str, Any] = {"at": g.now, "by": g.caller.name}
    one_more = _one_more(form, _number(what)) if what.startswith("more-") else ""
    if not request.headers.get("X-Scan"):
        _write(subject, form, _typed(form), again=again)  # no button loses what was typed beside it
    if what == "scan":
        place = form.value("place")
        count_scans.take(
            g.db,
            subject,
            key=form.value("scan_key") or forms.new_key(),
            data=form.value("data"),
            place_id=int(place) if place in {str(one.id) for one in _places(subject)} else None,
            again=again,
            **how,
        )
    elif what.startswith("aside-"):
        count_scans.put_aside(g.db, subject, _number(what))
    elif what == "rest":
        counting.rest_is_missing(g.db, subject, **how)
    elif what == "add":
        _add(subject, form)
    elif what == "keep":
        _write(subject, form, {_number(form.value("line")): form.value("data")}, again=again)
    elif one_more:
        _write(subject, form, {_number(what): one_more}, again=again)


def _number(what: str) -> int:
    return key_of(what.rpartition("-")[2]) or 0


def _places(subject: Count) -> list[Place]:
    return stocktake.countable_places(g.db, subject)


def _typed(form: Form) -> dict[int, str]:
    """The numbers that were typed into the lines shown: those that are others than what stood there."""
    return {
        key: text
        for name, text in form.values.items()
        if name.startswith("n-") and (key := _number(name)) and text.strip() != form.value(f"was-{key}")
    }


def _write(subject: Count, form: Form, wanted: Mapping[int, str], *, again: bool) -> None:
    """Write down what was typed, all of it or none; what cannot be is said beside its field."""
    lines = {line.id: line for line in differences.lines(g.db, subject)}
    found = []
    for key, text in wanted.items():
        line = lines.get(key)
        if line is None:
            raise counts.UnknownLine(f"Count {subject.id} has no line {key}.")
        try:
            found.append(Found(key, _amount(text, line), again=again))
        except Refusal as refused:
            form.errors[f"n-{key}"] = str(refused)
            form.values[f"n-{key}"] = text
    if form.errors or not found:
        return
    counting.write_down(g.db, subject, found, at=g.now, recorded_at=g.now, by=g.caller.name)
    for key in wanted:
        form.values.pop(f"n-{key}", None)


def _one_more(form: Form, key: int) -> str:
    """The number in a line's field and one more."""
    text = form.value(f"n-{key}").strip()
    return str(int(text) + 1) if text.isascii() and text.isdigit() and len(text) < 9 else text or "1"


def _amount(text: str, line: Line) -> Decimal | None:
    """What was typed as a quantity of the line; nothing typed takes its number back."""
    text = text.strip().replace(",", ".")
    if not text:
        return None
    if not text.replace(".", "", 1).isascii() or not text.replace(".", "", 1).isdigit() or len(text) > 20:
        raise NotAQuantity("Enter a number, such as 7." if line.sealed else "Enter a number, such as 3.2.")
    number = Decimal(text)
    if line.sealed and number != number.to_integral_value():
        raise NotCountable("Count whole containers; an opened one has a line of its own.")
    return quantity(number * line.content if line.sealed else number)


def _add(subject: Count, form: Form) -> None:
    """Put a lot on the sheet that was found and is not on it."""
    item: Item = catalog.item(g.db, form.value("found_sku").strip())
    lot = counting.known_lot(g.db, item, form.value("found_lot").strip())
    place = form.value("place")
    known = {str(one.id): one.id for one in _places(subject)}
    stocktake.add_line(
        g.db,
        subject,
        lot,
        place_id=known.get(place) or counting.place_of(g.db, subject, lot),
        at=g.now,
        by=g.caller.name,
    )
    form.values["show"] = "left"


def _show(subject: Count, form: Form, *, template: str = "count.html") -> Response:
    found = differences.differences(g.db, subject)
    differing = {one.line.id: one for one in found.differing}
    asked = form.values if request.method == "POST" else request.args
    show = asked.get("show", "") if asked.get("show", "") in dict(SHOWN) else "left"
    sought = "".join(letter for letter in asked.get("q", "") if letter.isprintable()).strip()[:60]
    start = _number(asked.get("start", ""))
    numbers = _numbers(found.lines, differing)
    wanted = [line for line in found.lines if _wanted(line, differing.get(line.id), show, sought)]
    page = wanted[start : start + PAGE]
    recent = sorted((line for line in found.lines if line.counted_at), key=_when, reverse=True)[:RECENT]
    places = _places(subject)
    return frame.page(
        template,
        count=subject,
        site=frame.at_my_site(subject.site_id),
        form=form,
        lines=_by_place(page, subject, differing, form, show),
        recent=[(line, spoken(line)) for line in recent],
        problems=count_scans.waiting(g.db, subject),
        shown=[
            (value, words, numbers[value]) for value, words in SHOWN if numbers[value] or value != "again"
        ],
        show=show,
        sought=sought,
        start=start,
        next=start + PAGE if len(wanted) > start + PAGE else 0,
        numbers=numbers,
        places=places if len(places) > 1 else (),
        scan_key=forms.new_key(),
        may_post=frame.may(POST),
    )


def _when(line: Line) -> Any:
    return line.counted_at


def _numbers(lines: Sequence[Line], differing: dict[int, Difference]) -> dict[str, int]:
    counted = sum(line.counted is not None for line in lines)
    again = sum(_counted_again(line, differing.get(line.id)) for line in lines)
    return {"all": len(lines), "counted": counted, "left": len(lines) - counted, "again": again}


def _counted_again(line: Line, difference: Difference | None) -> bool:
    return line.unsteady or (difference is not None and (difference.again or difference.outdated))


def _wanted(line: Line, difference: Difference | None, show: str, sought: str) -> bool:
    kinds = {
        "all": True,
        "left": line.counted is None,
        "counted": line.counted is not None,
        "again": _counted_again(line, difference),
    }
    text = f"{line.name} {line.sku} {line.lot_number}".casefold()
    return kinds[show] and all(word in text for word in sought.casefold().split())


def _by_place(
    page: Sequence[Line], subject: Count, differing: dict[int, Difference], form: Form, show: str
) -> list[tuple[str, list[LineView]]]:
    places: dict[str, list[LineView]] = {}
    for line in page:
        view = _view(line, subject, differing.get(line.id), form, show)
        places.setdefault(line.place, []).append(view)
    return list(places.items())


def _view(line: Line, subject: Count, difference: Difference | None, form: Form, show: str) -> LineView:
    again = _counted_again(line, difference)
    known = "" if line.counted is None else plain(count_sheets.in_its_measure(line.counted, line))
    value = "" if show == "again" and again else known
    typed = form.values.get(f"n-{line.id}")
    # What stands in the field as it was shown is nobody's wish: another tablet may have counted meanwhile.
    if typed is None or typed.strip() == form.value(f"was-{line.id}"):
        form.values[f"n-{line.id}"] = value
    book = "" if subject.blind else plain(count_sheets.in_its_measure(line.book, line))
    first = "" if line.first is None else plain(count_sheets.in_its_measure(line.first, line))
    zone = frame.at_my_site(subject.site_id).time_zone
    told = ""
    if line.counted_at is not None:
        told = f"{line.counted_by}, {formats.short_moment(line.counted_at, zone, g.now)}"
    return LineView(
        id=line.id,
        title=line.name,
        detail=line.sku,
        lot=line.lot_number,
        expires=line.expires_on,
        measure=count_sheets.counted_in(line),
        whole=line.sealed,
        value=value,
        book=book,
        counted=line.counted is not None,
        again=again and line.counted is not None,
        first=first,
        unsteady=line.unsteady,
        told=told,
    )


def spoken(line: Line) -> str:
    """What was found of a line: `7 vials`."""
    assert line.counted is not None, line
    if line.sealed:
        return formats.containers(int(count_sheets.in_its_measure(line.counted, line)), line.form)
    return formats.quantity(line.counted, line.unit)
