"""Pages: the opened vials of a site, each by itself, the room it enters, its label, and its end (S4, S11)."""

from datetime import timedelta
from typing import Any

from flask import Response, g, request
from marshmallow import ValidationError

from api import vial_label
from api.schemas import Flag, Id, Many, Shape, Whole, Words, one_word
from api.web import formats, forms, frame, vial_board
from api.web.forms import Done, Form
from api.web.frame import Notice
from api.web.lot_pages import REASONS
from inventory import catalog, rooms, vial_advice, vial_limits, vial_list, vials, wastage
from inventory.clinic import Site
from inventory.errors import Refusal
from inventory.ledger import WasteReason
from inventory.measures import ZERO
from inventory.rooms import Entering
from inventory.vial_list import OpenedRow
from inventory.vials import SESSION
from inventory.wastage import WrittenOff

blueprint = frame.chapter("vials")

PDF = "application/pdf"
LONGEST_SCAN = 200
HOUR = SESSION.seconds // 60


class Discard(Shape):
    """Why the rest of an opened vial is thrown away."""

    reason = one_word(WasteReason, required=True)
    note = Words(500, lines=True)


class Entry(Shape):
    """For whom a vial enters which room, and how long the session takes."""

    patient_ref = Words(40, required=True)
    room = Words(40)
    minutes = Whole(least=1, most=600, in_address=True, load_default=HOUR)


class Why(Shape):
    """Why."""

    reason = Words(500, lines=True, required=True)


class Labels(Shape):
    """Which labels, on what."""

    vials = Many(Id(in_address=True), least=1, most=vial_label.MOST, required=True)
    sheet = Flag(in_address=True, load_default=False)
    skip = Whole(least=0, most=vial_label.MOST, in_address=True, load_default=0)


class Nothing(Shape):
    """A form of a button alone."""


@blueprint.get("/vials")
def open_vials() -> Response:
    """The opened vials of the site by place, with how long each may still be used (S4)."""
    site = frame.here()
    said, scan = "", forms.searched(LONGEST_SCAN)
    if scan:
        try:
            row = vial_board.found(scan, site=site)
        except Refusal as refusal:
            said = str(refusal)
        else:
            return forms.go(Done(f"/vials/{row.id}"))
    return frame.page(
        "vials.html",
        board=vial_board.board(site),
        zone=site.time_zone,
        said=said,
        scan=scan,
        may=_may(),
    )


@blueprint.get("/vials/<id:vial_id>")
def one_vial(vial_id: int) -> Response:
    """One opened vial: until when and why then, what else the rules say, where it is, what may be done."""
    row, site = _row(vial_id)
    opened = vials.vial(g.db, vial_id)
    history = rooms.history(g.db, vial_id)
    return frame.page(
        "vial.html",
        card=vial_board.card(row, g.now),
        vial=row,
        limits=vial_limits.of_vial(g.db, opened),
        rules=[
            said
            for said in vial_advice.of_item(
                g.db, catalog.item(g.db, row.sku), site=site, on=site.day(row.opened_at)
            )
            if not said.counts
        ],
        entries=history,
        entered=rooms.standing(g.db, vial_id),
        zone=site.time_zone,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
        may=_may(),
    )


@blueprint.route("/vials/<id:vial_id>/enter-room", methods=["GET", "POST"])
def enter_room(vial_id: int) -> Response:
    """Take a vial into a treatment room: from then on it is this one patient's (S4)."""
    row, site = _row(vial_id)

    def show(form: Form) -> Response:
        return frame.page("enter_room.html", form=form, vial=row, zone=site.time_zone)

    def do(body: dict[str, Any]) -> Done:
        entering = Entering(
            body["patient_ref"],
            at=g.now,
            ends_at=g.now + timedelta(minutes=body["minutes"]),
            room=body.get("room", ""),
        )
        opened = vials.vial(g.db, vial_id)
        rooms.enter(g.db, opened, entering, recorded_at=g.now, by=g.caller.name)
        until = formats.short_moment(opened.discard_at, site.time_zone, g.now)
        return Done(
            f"/vials/{vial_id}",
            f"It is that patient’s alone now: discard by {until}. Print its label anew.",
        )

    first = {"minutes": str(HOUR), "patient_ref": row.patient_ref or ""}
    return forms.handle(Entry, show=show, do=do, first=first)


@blueprint.route("/vials/<id:vial_id>/correct-room", methods=["GET", "POST"])
def correct_room(vial_id: int) -> Response:
    """Correct an entry that never was: another vial had been meant (S4, S8)."""
    row, site = _row(vial_id)

    def show(form: Form) -> Response:
        entered = rooms.standing(g.db, vial_id)
        return frame.page("correct_room.html", form=form, vial=row, entered=entered, zone=site.time_zone)

    def do(body: dict[str, Any]) -> Done:
        opened = vials.vial(g.db, vial_id)
        rooms.take_back(g.db, opened, at=g.now, recorded_at=g.now, by=g.caller.name, reason=body["reason"])
        return Done(f"/vials/{vial_id}", "Corrected: it is what it was before. Print its label anew.")

    return forms.handle(Why, show=show, do=do)


@blueprint.get("/vials/<id:vial_id>/label.pdf")
def label(vial_id: int) -> Response:
    """The label to stick on a vial."""
    return _sent([_row(vial_id)[0]], f"label-{vial_id}.pdf")


@blueprint.get("/vials/labels.pdf")
def labels() -> Response:
    """The labels of the vials that are ticked, each by itself or on a sheet."""
    asked = {"vials": request.args.getlist("vials")} | {
        name: request.args[name] for name in ("sheet", "skip") if request.args.get(name)
    }
    try:
        body = Labels().load(asked)
    except ValidationError:
        answer = forms.go(Done("/vials"))
        frame.keep_notice(answer, Notice("warning", "Tick the vials whose labels you want."))
        return answer
    rows = [_row(vial_id)[0] for vial_id in dict.fromkeys(body["vials"])]
    return _sent(rows, "labels.pdf", sheet=body["sheet"], skip=body["skip"])


@blueprint.route("/vials/<id:vial_id>/discard", methods=["GET", "POST"])
def discard(vial_id: int) -> Response:
    """Throw away what is left of an opened vial (S11)."""
    row, site = _row(vial_id)

    def show(form: Form) -> Response:
        if row.closed_at is not None:
            raise vials.VialClosed("Nothing is left of this vial: it was used up or discarded.")
        return frame.page("discard.html", form=form, vial=row, reasons=REASONS, zone=site.time_zone)

    def do(body: dict[str, Any]) -> Done:
        gone = wastage.discard(
            g.db,
            vials.vial(g.db, vial_id),
            site=site,
            at=g.now,
            recorded_at=g.now,
            by=g.caller.name,
            reason=body["reason"],
            note=body.get("note", ""),
        )
        return Done("/vials", f"Discarded {_told(gone)}.")

    return forms.handle(Discard, show=show, do=do, first={"reason": WasteReason.BEYOND_USE.value})


@blueprint.route("/vials/discard-due", methods=["GET", "POST"])
def discard_due() -> Response:
    """Throw away every opened vial that is past its time: the evening's one button (S4)."""
    site: Site = frame.here()

    def show(form: Form) -> Response:
        due = vial_list.to_discard(g.db, site=site, at=g.now, by=g.now).now
        return frame.page(
            "discard_due.html",
            form=form,
            due=due,
            value=sum((row.value for row in due), ZERO) if frame.sees_costs() else None,
            currency=frame.currency(g.db),
            zone=site.time_zone,
        )

    def do(_body: dict[str, Any]) -> Done:
        gone = wastage.discard_due(g.db, site=site, at=g.now, recorded_at=g.now, by=g.caller.name)
        words = "1 vial is discarded" if len(gone) == 1 else f"{len(gone)} vials are discarded"
        if frame.sees_costs() and gone:
            value = sum((one.value for one in gone), ZERO)
            words += f" ({formats.money(value, frame.currency(g.db))})"
        named = ": " + "; ".join(_told(one) for one in gone) if gone else ""
        return Done("/vials", f"{words}{named}.")

    return forms.handle(Nothing, show=show, do=do)


def _row(vial_id: int) -> tuple[OpenedRow, Site]:
    """An opened vial at a site where the visitor works. Raises UnknownVial, UnknownSite."""
    site = frame.at_my_site(vials.vial(g.db, vial_id).site_id)
    return vial_list.opened(g.db, keys=[vial_id])[0], site


def _may() -> dict[str, bool]:
    return {
        "discard": frame.may("GET /vials/<id:vial_id>/discard"),
        "enter": frame.may("GET /vials/<id:vial_id>/enter-room"),
    }


def _told(gone: WrittenOff) -> str:
    """What was thrown away, in a sentence: how much of what, and what it had cost where that may be seen."""
    much = formats.quantity(gone.quantity, gone.unit)
    words = f"{much} of {gone.name}, lot {gone.lot.number}"
    return f"{words}, {formats.money(gone.value, frame.currency(g.db))}" if frame.sees_costs() else words


def _sent(rows: list[OpenedRow], name: str, **how: Any) -> Response:
    answer = Response(vial_label.pdf(g.db, rows, at=g.now, **how), mimetype=PDF)
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
