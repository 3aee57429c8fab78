"""Pages: what is on the way between sites: the list, one transfer, receiving it, and taking it back (S8)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Response, g, request

from api import auth, where
from api.auth import STOCKROOM
from api.schemas import Shape, Whole, Words, key_of
from api.web import formats, forms, frame
from api.web.forms import Done, Form
from inventory import lots, on_the_way, places, transfers
from inventory.ledger import WasteReason
from inventory.measures import ZERO
from inventory.on_the_way import LineView, Standing, TransferView
from inventory.receiving import MOST_CONTAINERS
from inventory.transfers import Arrival, Transfer

blueprint = frame.chapter("transfers")

PAGE = 30
TONES = {
    Standing.ON_THE_WAY: ("on the way", "later", "truck"),
    Standing.PARTLY_RECEIVED: ("partly received", "warn", "package-open"),
    Standing.RECEIVED: ("received", "good", "check"),
    Standing.HELD_BACK: ("held back", "bad", "hand"),
    Standing.CANCELLED: ("taken back", "plain", "undo-2"),
}
"""How far a transfer has come: in words, its colour and its picture."""
STAYS = ("", "is still on the way")
LOST = [
    (reason.value, formats.words(reason.value))
    for reason in (
        WasteReason.BROKEN, WasteReason.LOST, WasteReason.TEMPERATURE_EXCURSION, WasteReason.CONTAMINATED,
        WasteReason.EXPIRED,
    )
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One transfer of the list."""

    transfer: TransferView
    tone: tuple[str, str, str]
    may_receive: bool
    containers: int
    what: str


class Taking(Shape):
    """Why it comes back."""

    reason = Words(200, required=True)


@blueprint.get("/transfers")
def listing() -> Response:
    """What is on the way to and from the visitor's sites, then what came, the latest first."""
    after = key_of(request.args.get("start", ""))
    sites = {site.id for site in frame.my_sites()}
    found = on_the_way.page(g.db, site_ids=sites, after=after, limit=PAGE + 1)
    waiting = on_the_way.page(g.db, site_ids=sites, open_only=True, limit=PAGE) if after is None else []
    open_ids = {one.id for one in waiting}
    return frame.page(
        "transfers.html",
        waiting=[_row(one) for one in waiting],
        past=[_row(one) for one in found[:PAGE] if one.id not in open_ids],
        next=found[PAGE - 1].id if len(found) > PAGE else 0,
        start=after or "",
        zone=frame.here().time_zone,
        may_pack=frame.may("GET /transfers/new"),
    )


def _receives(one: TransferView) -> bool:
    """Whether the visitor may receive what is left of it."""
    here = one.target in {site.code for site in frame.my_sites()}
    left = any(line.left for line in one.lines)
    return here and left and frame.may("GET /transfers/<id:transfer_id>/receive")


def _row(one: TransferView) -> Row:
    names = list(dict.fromkeys(line.name for line in one.lines))
    return Row(
        transfer=one,
        tone=TONES[one.standing],
        may_receive=_receives(one),
        containers=sum(_count(line, line.sent) for line in one.lines),
        what=names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else ""),
    )


def _count(line: LineView, quantity: Decimal) -> int:
    return int(quantity / line.content)


def _seen(key: int) -> tuple[Transfer, TransferView]:
    """A transfer from or to one of the visitor's sites. Raises UnknownTransfer, UnknownSite."""
    subject = transfers.transfer(g.db, key)
    where.of_any([subject.from_site_id, subject.to_site_id])
    (view,) = on_the_way.views(g.db, [key])
    return subject, view


@blueprint.get("/transfers/<id:transfer_id>")
def show(transfer_id: int) -> Response:
    """One transfer: what was sent, and what became of it lot by lot."""
    subject, view = _seen(transfer_id)
    mine = {site.id for site in frame.my_sites()}
    left = any(line.left for line in view.lines)
    return frame.page(
        "transfer.html",
        transfer=view,
        row=_row(view),
        ends=[(line, _ends(line)) for line in view.lines],
        zone=frame.here().time_zone,
        may={
            "receive": _receives(view),
            "cancel": left
            and subject.from_site_id in mine
            and frame.may("GET /transfers/<id:transfer_id>/cancel"),
        },
    )


def _ends(line: LineView) -> list[tuple[str, str]]:
    """What became of a line, in words with their colours."""
    told = (
        (line.left, "on the way", "later"),
        (line.received, "received", "good"),
        (line.missing, "did not arrive", "bad"),
        (line.held, "held back in quarantine", "bad"),
        (line.returned, "taken back", "plain"),
    )
    return [(f"{formats.number(_count(line, much))} {words}", tone) for much, words, tone in told if much]


@blueprint.route("/transfers/<id:transfer_id>/receive", methods=["GET", "POST"])
def receive(transfer_id: int) -> Response:
    """Say of each lot how many containers arrived, and what is with the others."""
    subject, view = _seen(transfer_id)
    target = where.of(subject.to_site_id)
    waiting = [line for line in view.lines if line.left]
    parts: dict[str, Any] = {"place": Words(40, load_default=""), "note": Words(200, load_default="")}
    for line in view.lines:
        parts[f"came-{line.lot_id}"] = Whole(least=0, most=MOST_CONTAINERS, in_address=True, load_default=0)
        parts[f"rest-{line.lot_id}"] = Words(40, load_default="")

    def page(form: Form) -> Response:
        _, now = _seen(transfer_id)
        shelved = [one for one in places.of_site(g.db, target, shelves_only=True) if one.active]
        return frame.page(
            "transfer_receive.html",
            form=form,
            transfer=now,
            lines=[(line, _count(line, line.left)) for line in now.lines if line.left],
            shelves=[(one.code, one.name) for one in shelved] if len(shelved) > 1 else [],
            rest=[STAYS, *LOST] if g.visitor.role in STOCKROOM else [STAYS],
        )

    def do(body: dict[str, Any]) -> Done:
        found = [_arrival(line, body) for line in waiting]
        arrivals = [one for one in found if one.received or one.missing]
        if any(one.missing for one in arrivals):
            auth.require(g.caller, STOCKROOM, "Writing off what did not arrive")
        when = {"at": g.now, "recorded_at": g.now, "by": g.caller.name}
        transfers.receive(g.db, subject, arrivals, note=body["note"], **when)
        _, now = _seen(transfer_id)
        left = sum(_count(line, line.left) for line in now.lines)
        rest = f" {formats.number(left)} are still on the way." if left else ""
        return Done(f"/transfers/{transfer_id}", f"Received at {target.name}.{rest}")

    first = {f"came-{line.lot_id}": str(_count(line, line.left)) for line in waiting}
    shape: Any = Shape.from_dict(parts, name="Arriving")
    return forms.handle(shape, show=page, do=do, first=first)


def _arrival(line: LineView, body: dict[str, Any]) -> Arrival:
    """What the form says of one lot; a number above what was sent is refused by the domain."""
    came = body[f"came-{line.lot_id}"] * line.content
    why = body[f"rest-{line.lot_id}"]
    reason = WasteReason(why) if why in dict(LOST) else None
    missing = max(line.left - came, ZERO) if reason else ZERO
    return Arrival(lots.lot(g.db, line.lot_id), came, missing, reason, body["place"])


@blueprint.route("/transfers/<id:transfer_id>/cancel", methods=["GET", "POST"])
def cancel(transfer_id: int) -> Response:
    """Take what is on the way back to the shelves that it left."""
    subject, _ = _seen(transfer_id)
    source = where.of(subject.from_site_id)

    def page(form: Form) -> Response:
        return frame.page("transfer_cancel.html", form=form, transfer=_seen(transfer_id)[1])

    def do(body: dict[str, Any]) -> Done:
        when = {"at": g.now, "recorded_at": g.now, "by": g.caller.name}
        transfers.cancel(g.db, subject, reason=body["reason"], **when)
        return Done(f"/transfers/{transfer_id}", f"It is back on the shelves of {source.name}.")

    return forms.handle(Taking, show=page, do=do)
