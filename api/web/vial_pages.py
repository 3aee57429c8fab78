"""Pages: the opened vials of a site, how long each may be used, and throwing away what is left (S4, S11)."""

from typing import Any

from flask import Response, g

from api.schemas import Shape, Words, one_word
from api.web import forms, frame, shelves
from api.web.forms import Done, Form
from api.web.lot_pages import REASONS
from api.web.shelves import VialRow
from inventory import vials, wastage
from inventory.clinic import Site
from inventory.ledger import WasteReason
from inventory.measures import plain

blueprint = frame.chapter("vials")


class Discard(Shape):
    """Why the rest of an opened vial is thrown away."""

    reason = one_word(WasteReason, required=True)
    note = Words(500, lines=True)


class Nothing(Shape):
    """A form of a button alone."""


@blueprint.get("/vials")
def open_vials() -> Response:
    """The opened vials of the site, with how long each may still be used (S4)."""
    site = frame.here()
    rows = shelves.vials(g.db, site=site)
    return frame.page(
        "vials.html",
        vials=rows,
        due=[row for row in rows if row.discard_at <= g.now],
        zone=site.time_zone,
        may={"discard": frame.may("GET /vials/<id:vial_id>/discard")},
    )


@blueprint.route("/vials/<id:vial_id>/discard", methods=["GET", "POST"])
def discard(vial_id: int) -> Response:
    """Throw away what is left of an opened vial (S11)."""
    opened = vials.vial(g.db, vial_id)
    site = frame.at_my_site(opened.site_id)

    def show(form: Form) -> Response:
        found = shelves.vials(g.db, site=site, vial_id=vial_id)
        if not found:
            raise vials.VialClosed("Nothing is left of this vial: it was used up or discarded.")
        return frame.page("discard.html", form=form, vial=found[0], reasons=REASONS, zone=site.time_zone)

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
        return Done("/vials", f"Discarded {plain(gone.quantity)} of lot {gone.lot.number}.")

    return forms.handle(Discard, show=show, do=do, first={"reason": WasteReason.BEYOND_USE.value})


@blueprint.route("/vials/discard-due", methods=["GET", "POST"])
def discard_due() -> Response:
    """Throw away every opened vial that is past its time: the evening's one button (S4)."""
    site: Site = frame.here()

    def show(form: Form) -> Response:
        due: list[VialRow] = [row for row in shelves.vials(g.db, site=site) if row.discard_at <= g.now]
        return frame.page("discard_due.html", form=form, due=due, zone=site.time_zone)

    def do(_body: dict[str, Any]) -> Done:
        gone = wastage.discard_due(g.db, site=site, at=g.now, recorded_at=g.now, by=g.caller.name)
        words = "1 vial is" if len(gone) == 1 else f"{len(gone)} vials are"
        return Done("/vials", f"{words} discarded.")

    return forms.handle(Nothing, show=show, do=do)
