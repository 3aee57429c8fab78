"""The purchase order on paper: what is asked of a supplier at which price, where it goes and by when (O3)."""

from typing import Any

from sqlalchemy.orm import Session

from api import documents
from api.web import formats
from inventory import clinic
from inventory.catalog import Supplier
from inventory.clinic import Site
from inventory.order_views import LineView, OrderState, OrderView

HEADS = {OrderState.DRAFT: "Draft of a purchase order", OrderState.CANCELLED: "Cancelled purchase order"}


def pdf(db: Session, of: OrderView, *, site: Site, supplier: Supplier) -> bytes:
    """The order as a tagged PDF on the site's paper; the same bytes until its next step."""
    return documents.pdf("order", data(db, of, site=site, supplier=supplier), at=of.events[-1].at)


def data(db: Session, of: OrderView, *, site: Site, supplier: Supplier) -> dict[str, Any]:
    """All that is printed, ready to print."""
    settings = clinic.settings(db)
    title = HEADS.get(of.state, "Purchase order")
    made = of.sent_on or of.events[0].on
    facts = [
        ["Order", of.number],
        ["Date", formats.day(made)],
        ["Supplier", f"{supplier.name} ({supplier.code})"],
        ["Deliver to", f"{site.name} ({site.code})"],
    ]
    if of.expected_on is not None:
        facts.append(["Expected by", formats.day(of.expected_on)])
    if supplier.payment_days:
        facts.append(["Terms", f"{formats.days(supplier.payment_days)} to pay"])
    return {
        "title": f"{title} {of.number}",
        "kind": title,
        "clinic": settings.clinic_name,
        "paper": documents.paper(site.country),
        "lines": [of.number, formats.day(made)],
        "facts": facts,
        "note": of.note,
        "rows": [_row(line, settings.currency) for line in of.lines],
        "total": formats.money(of.total, settings.currency),
        "asked": [
            f"Please put {of.number} on the delivery note and the invoice.",
            "Lot number and expiry on every box; please send nothing short-dated without asking first.",
            *(["Keep the cold chain; we check on receipt."] if supplier.cold_chain else []),
        ],
        "foot": f"{settings.clinic_name}, {of.number}",
    }


def _row(line: LineView, currency: str) -> list[str]:
    each = formats.quantity(line.content, line.unit) if line.unit != "each" else "1 piece"
    return [
        line.sku,
        line.name,
        formats.number(line.packs),
        f"{line.pack_containers} × {each}" if line.pack_containers > 1 else each,
        formats.money(line.pack_price, currency),
        formats.money(line.price, currency),
    ]
