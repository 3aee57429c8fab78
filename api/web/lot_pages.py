"""Pages: lots and opened vials, and what may be done to them: open, hold, throw away, undo."""

from datetime import date, timedelta
from typing import Any

from flask import Response, g, request
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from api import where
from api.rest.stock import lot_here
from api.schemas import Day, Shape, Whole, Words, one_word
from api.web import formats, forms, frame, previews, shelves
from api.web.forms import Done, Form
from api.web.previews import Foretold
from inventory import (
    corrections,
    holds,
    lot_list,
    lots,
    tracing,
    treatments,
    vial_advice,
    wastage,
)
from inventory.catalog import DoseClass, Item
from inventory.clinic import Site
from inventory.ledger import WasteReason
from inventory.lots import Lot, LotState
from inventory.vials import PreparedIn
from inventory.wastage import WrittenOff
from pricing import recalls

blueprint = frame.chapter("lots")

PAGE = 50
MOVES = 15
STATES = (
    ("", "All in stock"),
    ("expiring", "Expiring soon"),
    ("expired", "Expired"),
    ("quarantined", "Quarantined"),
    ("recalled", "Recalled"),
)
REASONS = tuple(
    (reason.value, formats.sentence(reason.value))
    for reason in WasteReason
    if reason is not WasteReason.SINGLE_DOSE_REMAINDER  # belongs to sessions (S11)
)
ROOMS = (
    (PreparedIn.PREPARATION_AREA.value, "In the preparation area"),
    (PreparedIn.TREATMENT_ROOM.value, "In the treatment room, for one patient"),
)


class Why(Shape):
    """Why."""

    reason = Words(500, lines=True, required=True)


class Opening(Shape):
    """Where a vial is opened, and for whom."""

    prepared_in = one_word(PreparedIn, required=True)
    patient_ref = Words(40)


class WriteOff(Shape):
    """Containers to throw away."""

    containers = Whole(least=1, in_address=True, required=True)
    reason = one_word(WasteReason, required=True)
    note = Words(500, lines=True)
    on = Day()


@blueprint.get("/lots")
def listing() -> Response:
    """The lots of a site, the first to expire first."""
    site, today = frame.here(), frame.here().day(g.now)
    shown = request.args.get("show", "")
    before = None
    if shown in ("expiring", "expired"):
        before = today + timedelta(days=formats.SOON + 1) if shown == "expiring" else today
    state = LotState(shown) if shown in ("quarantined", "recalled") else None
    found = lot_list.lots(
        g.db,
        site=site,
        held=True,
        state=state,
        expiring_before=before,
        after=_after(request.args.get("after", "")),
        limit=PAGE + 1,
    )
    if shown == "expiring":
        found = [row for row in found if row.expires_on >= today]
    page = found[:PAGE]
    return frame.page(
        "lots.html",
        rows=page,
        next=f"{page[-1].expires_on}.{page[-1].id}" if len(found) > PAGE else "",
        show=shown if shown in dict(STATES) else "",
        states=STATES,
        today=today,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
    )


def _after(text: str) -> tuple[date, int] | None:
    day, _, key = text.partition(".")
    try:
        return (date.fromisoformat(day), int(key[:18])) if key else None
    except ValueError:
        return None


@blueprint.get("/lots/<id:lot_id>")
def lot(lot_id: int) -> Response:
    """A lot: where it came from, what is left, who received it, and what may be done."""
    subject, item = _lot(lot_id)
    trace = tracing.trace(g.db, subject)
    site = frame.here()
    here = [held for held in shelves.lots_by_item(g.db, [item.id], site=site)[item.id] if held.id == lot_id]
    moves = shelves.movements(g.db, lot=lot_id, site_ids=where.only(), limit=MOVES + 1)
    return frame.page(
        "lot.html",
        lot=subject,
        item=item,
        trace=trace,
        here=here,
        receipts=shelves.receipts(g.db, lot_id),
        moves=moves[:MOVES],
        more_moves=len(moves) > MOVES,
        undone=corrections.reversed_ids(g.db, [move.id for move in moves]),
        today=site.day(g.now),
        zone=site.time_zone,
        costs=frame.sees_costs(),
        currency=frame.currency(g.db),
        may={
            "open": frame.may("GET /lots/<id:lot_id>/open") and item.dose_class is DoseClass.MULTI_DOSE,
            "quarantine": frame.may("GET /lots/<id:lot_id>/quarantine"),
            "release": frame.may("GET /lots/<id:lot_id>/release"),
            "recall": frame.may("GET /lots/<id:lot_id>/recall"),
            "write_off": frame.may("GET /lots/<id:lot_id>/write-off"),
            "reverse": frame.may("GET /movements/<id:movement_id>/reverse"),
        },
    )


def _lot(lot_id: int) -> tuple[Lot, Item]:
    """A lot of which one of the visitor's sites ever held something. Raises UnknownLot, UnknownSite."""
    subject = lot_here(lot_id)
    return subject, g.db.get_one(Item, subject.item_id)


@blueprint.route("/lots/<id:lot_id>/open", methods=["GET", "POST"])
def open_vial(lot_id: int) -> Response:
    """Open a container of a multi-dose lot; from then on its discard time runs (S4)."""

    def show(form: Form) -> Response:
        subject, item = _lot(lot_id)
        site = frame.here()
        rules = vial_advice.of_item(g.db, item, site=site, on=site.day(g.now))
        return frame.page("open.html", form=form, lot=subject, item=item, rooms=ROOMS, rules=rules)

    def do(body: dict[str, Any]) -> Done:
        subject, item = _lot(lot_id)
        if body.get("patient_ref"):
            treatments.check_patient_ref(body["patient_ref"])
        site = frame.here()
        opened = wastage.open_vial(
            g.db, subject, site=site, at=g.now, recorded_at=g.now, by=g.caller.name, **body
        )
        until = formats.short_moment(opened.discard_at, site.time_zone, g.now)
        return Done(
            f"/vials/{opened.id}",
            f"Opened one {item.name}: discard by {until} ({opened.discard_rule}). Print its label now.",
        )

    first = {"prepared_in": PreparedIn.PREPARATION_AREA.value}
    return forms.handle(Opening, show=show, do=do, first=first)


@blueprint.route("/lots/<id:lot_id>/write-off", methods=["GET", "POST"])
def write_off(lot_id: int) -> Response:
    """Throw containers of a lot away, with a reason (S11)."""
    site_id = frame.here().id

    def show(form: Form) -> Response:
        subject, item = _lot(lot_id)
        held = [
            row for row in shelves.lots_by_item(g.db, [item.id], site=frame.here())[item.id]
            if row.id == lot_id and row.sealed
        ]  # fmt: skip
        there = sum(int(row.quantity / item.content) for row in held)
        if not form.values:
            expired = subject.expires_on < frame.here().day(g.now)
            form.values = {"containers": str(there), "reason": WasteReason.EXPIRED.value} if expired else {}
        return frame.page(
            "write_off.html",
            form=form,
            lot=subject,
            item=item,
            there=there,
            reasons=REASONS,
            foretold=_gone_by(form, lot_id, site_id) if previews.asked() else None,
            costs=frame.sees_costs(),
            currency=frame.currency(g.db),
        )

    def do(body: dict[str, Any]) -> Done:
        _, item = _lot(lot_id)
        gone = _write_off(g.db, lot_id, site_id, body)
        amount = formats.containers(body["containers"], item.container_form)
        return Done(f"/lots/{lot_id}", f"Wrote off {amount} of lot {gone.lot.number}: {_value(gone.value)}.")

    if previews.asked():
        return previews.look(show)
    return forms.handle(WriteOff, show=show, do=do)


def _write_off(db: Session, lot_id: int, site_id: int, body: dict[str, Any]) -> WrittenOff:
    subject, site = lots.lot(db, lot_id), db.get_one(Site, site_id)
    return wastage.write_off(
        db,
        subject,
        quantity_off=body["containers"] * db.get_one(Item, subject.item_id).content,
        reason=body["reason"],
        site=site,
        at=site.moment_on(body.get("on", site.day(g.now)), g.now),
        recorded_at=g.now,
        by=g.caller.name,
        note=body.get("note", ""),
    )


def _gone_by(form: Form, lot_id: int, site_id: int) -> Foretold:
    """What the write-off that stands in the form would change."""
    try:
        body = WriteOff().load({name: text for name, text in form.values.items() if text.strip()})
    except ValidationError as wrong:
        form.errors = forms.by_field(wrong)
        return Foretold(refusal="Fill in how many and why, then look again.")
    return previews.foretold(lambda db: _write_off(db, lot_id, site_id, body))


def _value(amount: Any) -> str:
    return formats.money(amount, frame.currency(g.db)) if frame.sees_costs() else "recorded"


@blueprint.route("/lots/<id:lot_id>/quarantine", methods=["GET", "POST"])
def quarantine(lot_id: int) -> Response:
    """Hold a lot back at every site until it is released (S10)."""
    return _hold(
        lot_id,
        title="Hold back",
        sentence="Nothing of it will be chosen for a session, at any site, until it is released.",
        button="Hold it back",
        act=holds.quarantine,
        said="is held back at every site.",
    )


@blueprint.route("/lots/<id:lot_id>/release", methods=["GET", "POST"])
def release(lot_id: int) -> Response:
    """Let a quarantined lot be used again (S10)."""
    return _hold(
        lot_id,
        title="Release",
        sentence="It goes back on the shelf and may be used again.",
        button="Release it",
        act=holds.release,
        said="is released.",
    )


@blueprint.route("/lots/<id:lot_id>/recall", methods=["GET", "POST"])
def recall(lot_id: int) -> Response:
    """Hold a lot back for good, and show who received it (S10)."""
    return _hold(
        lot_id,
        title="Recall",
        sentence="The maker takes it back. It is held at every site for good; the next page lists everyone "
        "who received it, ready to print.",
        button="Recall it",
        act=holds.recall,
        said="is recalled. Below is all that it reaches, ready to print.",
    )


def _hold(lot_id: int, *, title: str, sentence: str, button: str, act: Any, said: str) -> Response:
    """The three ways to hold a lot back or let it go: a reason, and it is done."""

    def show(form: Form) -> Response:
        subject, item = _lot(lot_id)
        return frame.page(
            "hold.html",
            form=form,
            lot=subject,
            item=item,
            title=title,
            sentence=sentence,
            button=button,
            danger=act is holds.recall,
            reaches=recalls.report(g.db, subject, at=g.now),
        )

    def do(body: dict[str, Any]) -> Done:
        subject, _ = _lot(lot_id)
        act(g.db, subject, at=g.now, by=g.caller.name, reason=body["reason"])
        where_to = f"/lots/{lot_id}/trace" if act is holds.recall else f"/lots/{lot_id}"
        return Done(where_to, f"Lot {subject.number} {said}")

    return forms.handle(Why, show=show, do=do)
