"""The reorder list as a spreadsheet: a row an item, with its reason; sums follow the rows (O2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from api.listings import Column, Listing
from api.package import Book, whole_file
from api.spreadsheets import Look
from inventory.measures import ZERO
from inventory.reordering import Advice

COLUMNS = (
    Column("Order by", Look.DATE), Column("Site"), Column("SKU"), Column("Item"), Column("Supplier"),
    Column("Packs", Look.WHOLE), Column("Containers a pack", Look.WHOLE),
    Column("Quantity", Look.QUANTITY), Column("Unit"), Column("Usable in time", Look.QUANTITY),
    Column("On order", Look.QUANTITY), Column("Needed with safety stock", Look.QUANTITY),
    Column("Runs out", Look.DATE), Column("At risk", Look.QUANTITY), Column("Fetch", Look.QUANTITY),
    Column("Fetch from"),
)  # fmt: skip
COST = Column("Cost", Look.MONEY, total=True)
WHY = Column("Why")


@dataclass(frozen=True)
class OrderLine:
    """One item of the list: where it lacks, the advice, and the supplier's name."""

    site: str
    advice: Advice
    supplier: str


def write(
    out: Path | IO[bytes], lines: Sequence[OrderLine], *, currency: str, costs: bool, at: datetime, by: str
) -> None:
    """Write the list in the order given, whole or not at all; costs only for those who see them (P5)."""
    book = Book(title="What to order", subject=f"as of {at:%Y-%m-%d}", author=by, currency=currency, at=at)
    columns = (*COLUMNS, *((COST,) if costs else ()), WHY)
    listing = Listing(book, "Reorder", columns, frozen="E2")
    for line in lines:
        advice = line.advice
        listing.append(
            advice.order_by,
            line.site,
            advice.sku,
            advice.name,
            line.supplier or None,
            advice.order_packs,
            advice.pack_containers,
            advice.order_quantity,
            advice.unit,
            advice.position - advice.due,
            advice.on_order,
            advice.reorder_point,
            advice.stock_out_on,
            advice.at_risk,
            sum((one.quantity for one in advice.fetch), ZERO) or None,
            ", ".join(dict.fromkeys(one.site_name for one in advice.fetch)) or None,
            *((advice.cost,) if costs else ()),
            advice.why,
        )
    listing.finish()
    with whole_file(out) as file:
        book.save(file)
