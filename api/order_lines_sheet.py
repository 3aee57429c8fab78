"""The purchase order as a spreadsheet for the supplier: a row a line, its sum below (O3)."""

from pathlib import Path
from typing import IO

from api.listings import Column, Listing
from api.package import Book, whole_file
from api.spreadsheets import Look
from inventory.clinic import Site
from inventory.order_views import OrderView

COLUMNS = (
    Column("Order"), Column("Item"), Column("Name"), Column("Packs", Look.WHOLE),
    Column("Containers a pack", Look.WHOLE), Column("Content", Look.QUANTITY), Column("Unit"),
    Column("Price of a pack", Look.MONEY), Column("Price", Look.MONEY, total=True), Column("Deliver to"),
    Column("Expected by", Look.DATE), Column("Note"),
)  # fmt: skip


def write(out: Path | IO[bytes], of: OrderView, *, clinic: str, site: Site, currency: str) -> None:
    """Write the order as it stands, whole or not at all; the same bytes until its next step.

    It is delivered to the site by its name, for a supplier does not know our codes.
    """
    last = of.events[-1]
    book = Book(
        title=of.number,
        subject=f"{clinic} to {of.supplier_name}",
        author=clinic,
        currency=currency,
        at=last.at,
    )
    listing = Listing(book, "Order", COLUMNS, frozen="D2")
    for line in of.lines:
        listing.append(
            of.number,
            line.sku,
            line.name,
            line.packs,
            line.pack_containers,
            line.content,
            line.unit,
            line.pack_price,
            line.price,
            f"{site.name} ({site.code})",
            of.expected_on,
            of.note or None,
        )
    listing.finish()
    with whole_file(out) as file:
        book.save(file)
