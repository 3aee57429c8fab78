"""Calling the interface as its people do: one client per role, over a clinic with a stopped clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from api import auth
from api.app import create_app
from api.auth import Role
from inventory import catalog, clinic
from inventory.catalog import DoseClass, Ingredient, Item, ItemKind, Offer, Supplier
from inventory.database import Database
from inventory.measures import Unit

NOW = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)
BASE = "/api/v1"
NEW_ITEM = {
    "sku": "VITC-5",
    "name": "Vitamin C, 5 mL",
    "kind": "injectable",
    "unit": "mL",
    "content": "5",
    "dose_class": "single_dose",
}
"""An item that the small catalogue does not have."""


@dataclass
class Clock:
    """A clock that stands still until a test sets it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Clinic:
    """A clinic reached over HTTP: `here.get("/items")` as its manager, `here.get(…, role=…)` as another."""

    app: Flask
    database: Database
    clock: Clock
    tokens: dict[Role, str] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: Role | None = Role.MANAGER,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        sent = dict(headers or {})
        if role is not None:
            sent.setdefault("Authorization", f"Bearer {self.tokens[role]}")
        if body is not None:
            options["json"] = body
        address = path if path.startswith(("/api", "/health")) else BASE + path
        return self.app.test_client().open(address, method=method, headers=sent, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, body, **options)

    def made(self, path: str, body: Any, **options: Any) -> Any:
        """Post what must succeed, and answer its JSON."""
        answer = self.post(path, body, **options)
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
        return answer.get_json()

    def seen(self, path: str, **options: Any) -> Any:
        """Get what must be there, and answer its JSON."""
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()


@contextmanager
def opened(database: Database, *, stocked: bool = True) -> Iterator[Clinic]:
    """A clinic with one person per role, and a small catalogue."""
    clock = Clock()
    app = create_app(database, clock=clock)
    app.config["PROPAGATE_EXCEPTIONS"] = False  # a fault must be seen as what the caller would see
    found = Clinic(app, database, clock)
    with database.write.begin() as db:
        for role in Role:
            found.tokens[role] = auth.issue_token(db, f"{role.spoken.title()} Person", role=role, at=NOW)
        if stocked:
            _catalogue(db)
    yield found


def _catalogue(db: Any) -> None:
    clinic.open_site(
        db,
        code="MAIN",
        name="Main Street",
        country="US",
        region="North America",
        tax_region="NY",
        time_zone="America/New_York",
    )
    supplier = catalog.add_supplier(db, Supplier(code="SUP-01", name="Northfield", lead_days=7))
    hyaluronic = Ingredient(code="HA20", name="Hyaluronic acid 2%", category="hyaluronic acid")
    lidocaine = Ingredient(code="LIDO", name="Lidocaine 2%", category="anaesthetics")
    db.add_all([hyaluronic, lidocaine])
    db.flush()
    items = [
        _item(
            "HA-3", "Hyaluronic acid 2%, 3 mL", hyaluronic, "3", DoseClass.SINGLE_DOSE, gtin="09521234543213"
        ),
        _item("LIDO-20", "Lidocaine 2%, 20 mL", lidocaine, "20", DoseClass.MULTI_DOSE),
        _item("BULK-100", "Saline 100 mL", None, "100", DoseClass.PHARMACY_BULK),
        Item(
            sku="NEEDLE-30G",
            name="Needle 30G × 4 mm",
            kind=ItemKind.CONSUMABLE,
            unit=Unit.EACH,
            content=Decimal(1),
            dose_class=DoseClass.NONE,
        ),
    ]
    for item in items:
        catalog.add_item(db, item)
        db.add(
            Offer(
                item_id=item.id,
                supplier_id=supplier.id,
                pack_containers=10,
                pack_price=Decimal("165.00"),
                lead_days=7,
                valid_from=NOW.date().replace(year=2025),
            )
        )


def _item(
    sku: str, name: str, ingredient: Ingredient | None, content: str, dose: DoseClass, gtin: str | None = None
) -> Item:
    return Item(
        sku=sku,
        name=name,
        kind=ItemKind.INJECTABLE,
        ingredient_id=None if ingredient is None else ingredient.id,
        unit=Unit.ML,
        content=Decimal(content),
        dose_class=dose,
        container_form="vial",
        sterile=True,
        gtin=gtin,
    )
