"""Several people at one order at once: whoever waited looks again, and nothing is received twice (O3)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest

from inventory import catalog, order_views, orders, purchasing
from inventory.catalog import Supplier
from inventory.order_views import OrderState, OrderView
from inventory.proof import verify
from inventory.purchasing import Wish
from inventory.receiving import Delivery
from tests.shelf import BY, NOW, TODAY, Clinic
from tests.test_races import AT_ONCE, opened, together


@pytest.fixture
def drafted(database) -> int:
    """An order of ten containers, not sent yet."""
    opened(database, "HA 3 mL single_dose")
    with database.write.begin() as db:
        clinic = Clinic.at_main(db)
        northfield = catalog.add_supplier(db, Supplier(code="SUP", name="Northfield"))
        wish = Wish(clinic.item("HA"), 1, pack_containers=10, pack_price=Decimal("165.00"))
        return purchasing.draft(db, [wish], site=clinic.site, supplier=northfield, at=NOW, by=BY).id


@pytest.fixture
def sent(database, drafted: int) -> int:
    """The same, on its way."""
    with database.write.begin() as db:
        purchasing.send(db, orders.order(db, drafted), at=NOW, by=BY)
    return drafted


def receive(clinic: Clinic, key: int, containers: int, lot: str) -> None:
    box = Delivery(clinic.item("HA"), lot, date(2027, 6, 30), containers, Decimal("16.50"))
    purchasing.receive(
        clinic.db, orders.order(clinic.db, key), [box], received_on=TODAY, recorded_at=NOW, by=BY
    )


def standing(database, key: int) -> OrderView:
    with database.read() as db:
        assert verify(db) == []
        return order_views.view(db, orders.order(db, key))


def test_a_draft_that_many_send_is_sent_once(database, drafted):
    def send(clinic):
        purchasing.send(clinic.db, orders.order(clinic.db, drafted), at=NOW, by=BY)

    assert together(database, [send] * AT_ONCE) == ["WrongOrderState"] * (AT_ONCE - 1) + ["done"]
    assert len(standing(database, drafted).events) == 2


def test_what_one_delivery_has_taken_is_not_waited_for_by_another(database, sent):
    deeds = [lambda clinic, n=n: receive(clinic, sent, 6, f"L{n}") for n in range(AT_ONCE)]

    assert together(database, deeds) == ["NotOnOrder"] * (AT_ONCE - 1) + ["done"]
    (line,) = standing(database, sent).lines
    assert (line.received, line.open) == (6, 4)


def test_an_order_is_received_or_cancelled_and_never_both(database, sent):
    def cancel(clinic):
        purchasing.cancel(clinic.db, orders.order(clinic.db, sent), at=NOW, by=BY, reason="late")

    answers = together(database, [cancel, lambda clinic: receive(clinic, sent, 10, "A17")])

    assert answers == ["WrongOrderState", "done"]
    (line,) = (found := standing(database, sent)).lines
    assert (found.state, line.received, line.cancelled) in (
        (OrderState.CLOSED, 10, 0),
        (OrderState.CANCELLED, 0, 10),
    )


def test_of_many_who_change_a_draft_that_they_read_one_does_and_the_others_are_told(here):
    line = {"sku": "HA-3", "packs": 1}
    order = here.made("/purchase-orders", {"supplier": "SUP-01", "lines": [line]})["id"]
    read = {"If-Match": here.get(f"/purchase-orders/{order}").headers["ETag"]}

    def change(packs: int) -> int:
        body = {"lines": [line | {"packs": packs}]}
        return here.call("PUT", f"/purchase-orders/{order}", body, headers=read).status_code

    with ThreadPoolExecutor(AT_ONCE) as people:
        answers = sorted(people.map(change, range(2, 2 + AT_ONCE)))

    assert answers == [200] + [412] * (AT_ONCE - 1)
