"""What the clinic of the faults has: items of its own, a second shelf, a second site, and deliveries."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.faults.caller import Caller

CONTENT = {"single_dose": "3", "multi_dose": "20"}
YEAR = timedelta(days=365)


def today() -> date:
    """The day of the clock that the server has."""
    return datetime.now(UTC).date()


def new_item(caller: Caller, dose_class: str = "single_dose") -> str:
    """An item that nobody else uses."""
    sku = f"T-{uuid.uuid4().hex[:12]}"
    body = {
        "sku": sku, "name": f"For trials {sku}", "kind": "injectable", "unit": "mL",
        "content": CONTENT[dose_class], "dose_class": dose_class, "in_use_hours": 28 * 24,
    }  # fmt: skip
    if dose_class == "single_dose":
        del body["in_use_hours"]
    caller.made("/items", body)
    return sku


def delivery(
    sku: str, containers: int, *, lot: str = "A1", document: str = "", cost: str = "16.50"
) -> dict[str, Any]:
    """The body of a receipt: a lot that came a year ago and is good for another."""
    return {
        "sku": sku, "lot_number": lot, "containers": containers, "unit_cost": cost, "site": "MAIN",
        "expires_on": str(today() + YEAR), "received_on": str(today() - YEAR), "document": document,
    }  # fmt: skip


def deliver(caller: Caller, sku: str, containers: int, *, lot: str = "A1", cost: str = "16.50") -> int:
    """Receive a lot; its key."""
    return int(caller.made("/receipts", delivery(sku, containers, lot=lot, cost=cost))["lot"]["id"])


@dataclass(frozen=True)
class Shop:
    """A house's stock to work with: an item for one patient, one for many, their lots."""

    single: str
    single_lot: int
    multi: str
    multi_lot: int


def open_shop(caller: Caller, containers: int = 2_000) -> Shop:
    """Add a shelf, a second site and two items with much of each."""
    caller.made("/sites/MAIN/places", {"code": "CUP-1", "name": "Cupboard 1", "temperature": "any"})
    second = {
        "code": "SECOND", "name": "Harbour", "country": "US", "region": "North America",
        "time_zone": "America/New_York",
    }  # fmt: skip
    caller.made("/sites", second)
    single, multi = new_item(caller), new_item(caller, "multi_dose")
    return Shop(single, deliver(caller, single, containers), multi, deliver(caller, multi, containers))
