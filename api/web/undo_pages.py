"""Pages: undoing what was recorded by mistake, with what it would change before it is done (S8, S12)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Response, g
from sqlalchemy.orm import Session

from api import where
from api.schemas import Day, Shape, Words
from api.web import forms, frame, previews, shelves
from api.web.forms import Done, Form
from inventory import corrections, ledger, treatments
from inventory.catalog import Item
from inventory.clinic import Site
from inventory.corrections import Reversal
from inventory.ledger import Document, DocumentKind
from inventory.treatments import TreatmentSession
from pricing import courses

blueprint = frame.chapter("undo")

Undoing = Callable[[Session, datetime, str], Reversal]  # in which session, as of when, and why
WHY_LATER = "so that what would change can be shown"


class Undo(Shape):
    """Why, and as of which day; today unless another is said."""

    reason = Words(500, lines=True, required=True)
    on = Day()


@blueprint.route("/movements/<id:movement_id>/reverse", methods=["GET", "POST"])
def reverse(movement_id: int) -> Response:
    """Undo a movement by one that points at it (S8)."""
    move = ledger.movement(g.db, movement_id)
    where.of_act(move)
    item = g.db.get_one(Item, move.item_id)
    (row,) = shelves.movements(g.db, item_id=item.id, before=movement_id + 1, limit=1)
    document = g.db.get_one(Document, move.document_id)
    values = {"move": row, "item": item, "alone": _alone(document)}

    def act(db: Session, at: datetime, why: str) -> Reversal:
        when: dict[str, Any] = {"at": at, "recorded_at": g.now, "by": g.caller.name, "reason": why}
        return corrections.reverse(db, ledger.movement(db, movement_id), **when)

    def said(done: Reversal) -> Done:
        others = len(done.movements) - 1
        along = f", with {others} that belong{'s' if others == 1 else ''} to it" if others else ""
        return Done(f"/stock/{values['item'].sku}", f"The movement is undone{along}.")

    return _undo("reverse.html", values, document.site_id, act, said)


def _alone(document: Document) -> bool:
    """Whether the movement is all that its document did; else the whole of it can be undone at once."""
    count = sa.select(sa.func.count()).where(ledger.MOVEMENTS.c.document_id == document.id)
    return (g.db.scalar(count) or 0) < 2


@blueprint.route("/documents/<id:document_id>/undo", methods=["GET", "POST"])
def undo_document(document_id: int) -> Response:
    """Undo a whole act at once, such as a count or a write-off; a session has its own page (S8)."""
    document = corrections.document(g.db, document_id)
    site = frame.at_my_site(document.site_id)
    if document.kind is DocumentKind.SESSION:
        found = g.db.scalar(sa.select(TreatmentSession.id).where(TreatmentSession.document_id == document.id))
        return forms.go(Done(f"/sessions/{found}/undo"))

    def act(db: Session, at: datetime, why: str) -> Reversal:
        when: dict[str, Any] = {"at": at, "recorded_at": g.now, "by": g.caller.name, "reason": why}
        return corrections.reverse_document(db, corrections.document(db, document_id), **when)

    def said(done: Reversal) -> Done:
        moved = len(done.movements)
        added = f"{moved} movements back were" if moved > 1 else "1 movement back was"
        return Done("/stock", f"Undone: {added} added.")

    return _undo("document_undo.html", {"document": document}, site.id, act, said)


@blueprint.route("/sessions/<id:session_id>/undo", methods=["GET", "POST"])
def undo_session(session_id: int) -> Response:
    """Undo a whole session; the course session that it performed is to come again (S8)."""
    subject = treatments.session(g.db, session_id)
    site = frame.at_my_site(subject.site_id)

    def act(db: Session, at: datetime, why: str) -> Reversal:
        when: dict[str, Any] = {"at": at, "recorded_at": g.now, "by": g.caller.name, "reason": why}
        return courses.reverse_session(db, treatments.session(db, session_id), **when)

    def said(_done: Reversal) -> Done:
        return Done(f"/sessions/{session_id}", "Undone: what it took is back where it was.")

    return _undo("session_undo.html", {"session": subject}, site.id, act, said)


def _undo(
    template: str, values: dict[str, Any], site_id: int, act: Undoing, said: Callable[[Reversal], Done]
) -> Response:
    """A form that shows what undoing would change, and undoes; as of another day where one is asked for."""

    def show(form: Form) -> Response:
        site = g.db.get_one(Site, site_id)
        at = site.moment_on(previews.day(form, site), g.now)
        why = form.value("reason").strip()[:500] or WHY_LATER
        return frame.page(
            template,
            form=form,
            zone=site.time_zone,
            foretold=previews.foretold(lambda db: act(db, at, why)),
            costs=frame.sees_costs(),
            currency=frame.currency(g.db),
            **values,
        )

    def do(body: dict[str, Any]) -> Done:
        site = g.db.get_one(Site, site_id)
        on = body.get("on", site.day(g.now))
        return said(act(g.db, site.moment_on(on, g.now), body["reason"]))

    if previews.asked():
        return previews.look(show)
    return forms.handle(Undo, show=show, do=do)
