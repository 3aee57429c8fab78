"""An issued quote is what was printed, whatever the clinic edits later, in any order (P4)."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api import languages
from api.auth import Role
from inventory import clinic
from inventory.catalog import Ingredient, Item, Offer
from pricing import discounts, price_list, protocols
from pricing.discounts import DiscountRule
from pricing.price_list import PractitionerLevel, PriceBand, TaxRule
from pricing.protocols import Protocol
from tests.calls import NOW
from tests.counter import drafted, issued
from tests.pages import House

pytest_plugins = ("tests.calls", "tests.pages", "tests.counter")

ROUNDS = 12
EDITS = 5
Edit = Callable[[Session, random.Random], Any]


@pytest.fixture
def here(at_the_desk: House) -> House:
    """The desk of the clinic that the tests of this file share."""
    return at_the_desk


def _setting(key: str, *values: str) -> Edit:
    return lambda db, chance: clinic.change_setting(db, key, chance.choice(values), at=NOW, by="test")


def _change(table: Any, **columns: Any) -> Edit:
    """Change every row of a table, as a clinic that edits its lists would."""
    return lambda db, chance: db.execute(sa.update(table).values(**columns))


def _own_price(db: Session, chance: random.Random) -> None:
    price_list.set_list_price(
        db,
        protocols.protocol(db, "P-00"),
        price_list.level(db, "L2"),
        Decimal(chance.randint(260, 590)),
        valid_from=date(2026, 1, 1),
        at=NOW,
        by="test",
    )


def _rule(db: Session, chance: random.Random) -> None:
    discounts.add(
        db,
        DiscountRule(
            code=f"R{chance.randrange(10**9)}", name="a rule", promotion=False, protocol_id=None,
            from_sessions=1, rate=Decimal("0.05"), free_sessions=0, valid_from=date(2026, 1, 1),
            valid_to=None, source="test", at=NOW, by="test",
        ),
    )  # fmt: skip


EDITABLE: tuple[Edit, ...] = (
    _setting("clinic_name", "Another Name", "A Third"),
    _setting("validity_days", "3", "90"),
    _setting("deposit_rate", "0.5", "0.1"),
    _setting("overhead_rate", "0.9", "0"),
    _setting("target_margin_rate", "0.8", "0.1"),
    _setting("price_step", "25", "0.01"),
    _setting("document_language", "es", "en"),
    _change(PriceBand, high=PriceBand.high, source="another source"),
    _change(TaxRule, rate=Decimal("0.19")),
    _change(PractitionerLevel, name="Somebody else", multiplier=Decimal(3)),
    _change(Protocol, concern="something else", area="elsewhere", technique="otherwise"),
    _change(Item, name="Another item"),
    _change(Ingredient, allergen_class="everything"),
    _change(Offer, pack_price=Decimal("999.00")),
    _own_price,
    _rule,
)


def _promised(here: House, key: int) -> dict[str, Any]:
    """What the quote promises to its patient, as programs read it."""
    seen = here.clinic.seen(f"/quotes/{key}", role=Role.FRONT_DESK)
    named = (
        "number",
        "sessions",
        "band",
        "stages",
        "subtotal",
        "discount",
        "tax",
        "total",
        "deposit",
        "valid_until",
    )
    return {name: seen[name] for name in named}


def test_what_is_drafted_afterwards_does_change(here: House):
    before = here.clinic.get(f"/quotes/{drafted(here)}.pdf").get_data()
    with here.database.write() as db:
        _setting("clinic_name", "Quite Another")(db, random.Random(1))
        db.commit()

    assert here.clinic.get(f"/quotes/{drafted(here)}.pdf").get_data() != before


def test_the_bytes_and_the_promise_of_an_issued_quote_never_change(here: House):
    chance = random.Random(7)
    keys = [
        issued(here),
        issued(here, level="L6", discount="5"),
        issued(here, protocol_2="P-16", sessions_2="4"),
    ]
    kept = {key: (_printed(here, key), _promised(here, key)) for key in keys}

    for _ in range(ROUNDS):
        with here.database.write() as db:
            for edit in chance.choices(EDITABLE, k=EDITS):
                edit(db, chance)
            db.commit()
        here.clock.now = NOW + timedelta(hours=chance.randint(1, 300))

        assert {key: (_printed(here, key), _promised(here, key)) for key in keys} == kept


def _printed(here: House, key: int) -> list[bytes]:
    """The file in every language."""
    return [
        here.clinic.get(f"/quotes/{key}.pdf?language={code}", role=Role.FRONT_DESK).get_data()
        for code in languages.known()
    ]
