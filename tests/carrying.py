"""What the tests of transfers do: send, receive and take back, and look where stock stands."""

from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from inventory import corrections, on_the_way, places, transfers
from inventory.ledger import Movement, WasteReason
from inventory.moving import Load
from inventory.transfers import Arrival
from tests.shelf import BY, NOW

LATER = NOW + timedelta(hours=20)


def send(clinic, *wanted, to=None, at=NOW, recorded_at=None, source=None):
    """Send `"A17 6"`: so much of a lot, from MAIN to SECOND unless told otherwise."""
    return transfers.send(
        clinic.db, [load(clinic, one) for one in wanted], source=source or clinic.site,
        target=to or clinic.second, at=at, recorded_at=recorded_at or at, by=BY, note="by van",
    )  # fmt: skip


def load(clinic, words):
    number, quantity, *place = words.split()
    shelf = places.place(clinic.db, clinic.site, place[0]) if place else None
    return Load(clinic.lot("HA", number), Decimal(quantity), shelf)


def receive(clinic, transfer, *arrived, at=LATER, recorded_at=None):
    """Receive `"A17 6"`, or `"A17 3 missing 3 broken"`."""
    arrivals = []
    for words in arrived:
        number, quantity, *rest = words.split()
        missing = Decimal(rest[1]) if rest else Decimal(0)
        reason = WasteReason(rest[2]) if len(rest) > 2 else None
        arrivals.append(Arrival(clinic.lot("HA", number), Decimal(quantity), missing, reason))
    return transfers.receive(
        clinic.db, transfer, arrivals, at=at, recorded_at=recorded_at or at, by=BY, note="counted twice"
    )


def cancel(clinic, transfer, at=LATER):
    return transfers.cancel(clinic.db, transfer, at=at, recorded_at=at, by=BY, reason="the van broke down")


def where(clinic, sku="HA"):
    """What stands where: {(site, place, lot): quantity}, what is nothing left out."""
    return {
        (site.code, row.place, row.lot_number): row.quantity
        for site in (clinic.site, clinic.second)
        for row in places.stored(clinic.db, site=site, item_ids=[clinic.item(sku).id])
    }


def view(clinic, transfer):
    (found,) = on_the_way.views(clinic.db, [transfer.id])
    return found


def movements(clinic, document_id):
    return list(
        clinic.db.scalars(
            sa.select(Movement).where(Movement.document_id == document_id).order_by(Movement.id)
        )
    )


def reverse(clinic, movement, at=LATER):
    return corrections.reverse(clinic.db, movement, at=at, recorded_at=at, by=BY, reason="the wrong box")
