"""JSON: undoing what was recorded by mistake, by adding movements that point back (S8)."""

from typing import Any

from flask import g
from marshmallow import fields

from api import where
from api.rest.calls import noun
from api.rest.previews import DryRun, PreviewShape, foretold
from api.rest.stock import MovementShape, Reason, movement_row
from api.schemas import Moment, Shape
from inventory import corrections, ledger
from inventory.corrections import Reversal
from pricing import courses

blueprint = noun("corrections", "Undoing mistakes")


class Undoing(Reason):
    """Why, and as of when; now unless it is said."""

    at = Moment()


def when(body: dict[str, Any]) -> dict[str, Any]:
    """When a mistake is undone, by whom and why."""
    return {
        "at": body.get("at", g.now),
        "recorded_at": g.now,
        "by": g.caller.name,
        "reason": body["reason"],
    }


class ReversalShape(MovementShape):
    """The movement that undoes another, and those that had to go with it."""

    movements = fields.List(fields.Nested(MovementShape))


@blueprint.post("/movements/<id:movement_id>/reverse")
@blueprint.arguments(DryRun, location="query")
@blueprint.arguments(Undoing)
@blueprint.alt_response(200, schema=PreviewShape)
@blueprint.response(201, ReversalShape)
def reverse(query: dict[str, Any], body: dict[str, Any], movement_id: int) -> Any:
    """Undo a movement by adding one that points at it; a remainder goes along with its use (S3, S8)."""
    movement = ledger.movement(g.db, movement_id)
    where.of_act(movement)

    def act() -> Reversal:
        return corrections.reverse(g.db, movement, **when(body))

    if query["dry_run"]:
        return foretold(act)
    rows = [movement_row(one.id) for one in act().movements]
    first = next(row for row in rows if row.corrects == movement_id)
    return {name: getattr(first, name) for name in first.__slots__} | {"movements": rows}


class UndoneActShape(Shape):
    """The movements that undid an act."""

    document = fields.Integer()
    movements = fields.List(fields.Nested(MovementShape))


@blueprint.post("/documents/<id:document_id>/reverse")
@blueprint.arguments(DryRun, location="query")
@blueprint.arguments(Undoing)
@blueprint.alt_response(200, schema=PreviewShape)
@blueprint.response(201, UndoneActShape)
def reverse_document(query: dict[str, Any], body: dict[str, Any], document_id: int) -> Any:
    """Undo what is left of an act: a count, a write-off, a receipt; a session with its course (S8)."""
    document = corrections.document(g.db, document_id)
    where.of(document.site_id)

    def act() -> Reversal:
        return courses.reverse_document(g.db, document, **when(body))

    return foretold(act) if query["dry_run"] else undone(act())


def undone(reversal: Reversal) -> dict[str, Any]:
    """A reversal as it is answered."""
    rows = [movement_row(movement.id) for movement in reversal.movements]
    return {"document": reversal.document_id, "movements": rows}
