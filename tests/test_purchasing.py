"""Purchase orders: drafted, sent, received in parts, closed; what was asked for never gets lost (O3)."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import corrections, order_views, orders, proof, purchasing
from inventory.ledger import Movement
from inventory.order_views import OrderState, OrderView
from inventory.orders import Expected
from inventory.purchasing import BadOrder, NotOnOrder, WrongOrderState
from tests.ordering import Shop
from tests.shelf import BY, NOW, TODAY, refused


@pytest.fixture
def shop(db: Session) -> Shop:
    return Shop(db)


def counts(order: OrderView, sku: str) -> tuple[int, int, int, int]:
    """Of a line: ordered, received, open, cancelled."""
    line = next(line for line in order.lines if line.sku == sku)
    return line.ordered, line.received, line.open, line.cancelled


def test_an_order_is_drafted_at_the_suppliers_prices_and_sent(shop):
    drafted = shop.draft(shop.wish("HA", 2), shop.wish("NEEDLE", 1))
    assert drafted.number == f"PO-{drafted.id:05}"
    assert (drafted.state, drafted.total) == (OrderState.DRAFT, Decimal("338.40"))
    assert (drafted.site, drafted.supplier, drafted.note) == ("MAIN", "SUP", "by courier")

    sent = purchasing.send(shop.db, shop.of(drafted), at=NOW, by=BY)

    assert (sent.state, sent.sent_on, sent.expected_on) == (OrderState.SENT, TODAY, date(2026, 1, 22))
    assert [(event.step.value, event.by) for event in sent.events] == [("drafted", BY), ("sent", BY)]
    assert sent.lines[0].container_cost == Decimal("16.50")


def test_a_draft_can_be_changed_and_what_was_sent_cannot(shop):
    drafted = shop.draft(shop.wish("HA", 2))

    changed = purchasing.change(
        shop.db,
        shop.of(drafted),
        [shop.wish("LIDO", 3, pack_containers=5, pack_price=Decimal("40.00"))],
        at=NOW,
        by=BY,
    )

    assert [(line.sku, line.ordered, line.price) for line in changed.lines] == [("LIDO", 15, Decimal("120"))]
    purchasing.send(shop.db, shop.of(drafted), at=NOW, by=BY)
    with refused(WrongOrderState, f"{drafted.number} is sent: it cannot be changed."):
        purchasing.change(shop.db, shop.of(drafted), [shop.wish("HA", 1)], at=NOW, by=BY)
    with refused(WrongOrderState, f"{drafted.number} is sent: it cannot be sent."):
        purchasing.send(shop.db, shop.of(drafted), at=NOW, by=BY)


def test_without_an_offer_the_price_must_be_said_and_the_suppliers_own_time_counts(shop):
    with refused(BadOrder, "Northfield has no price on record for packs of 1 of LIDO: say it."):
        shop.draft(shop.wish("LIDO", 1))

    sent = shop.sent(shop.wish("LIDO", 1, pack_price=Decimal("9.00")), shop.wish("HA", 1))

    assert sent.expected_on == date(2026, 1, 24)


@pytest.mark.parametrize(
    ("packs", "more", "sentence"),
    [
        (0, {}, "0 packs of 10 of HA cannot be ordered."),
        (1, {"pack_containers": 0}, "Northfield has no price on record for packs of 0 of HA: say it."),
        (1, {"pack_price": Decimal("-1")}, "-1 cannot be the price of a pack of HA."),
        (1, {"pack_price": Decimal("0.001")}, "0.001 cannot be the price of a pack of HA."),
        (100_000, {"pack_containers": 11, "pack_price": Decimal(1)},
         "1100000 containers of HA are more than 1000000."),
    ],
)  # fmt: skip
def test_lines_that_cannot_be_are_refused(shop, packs, more, sentence):
    with refused(BadOrder, sentence):
        shop.draft(shop.wish("HA", packs, **more))


def test_an_item_stands_on_an_order_once_and_an_order_has_lines(shop):
    with refused(BadOrder, "HA stands on the order twice: put it into one line."):
        shop.draft(shop.wish("HA", 1), shop.wish("HA", 2))
    with refused(BadOrder, "An order has 1 to 200 lines, not 0."):
        shop.draft()


def test_what_is_missing_stays_open_until_it_comes(shop):
    order = shop.sent(shop.wish("HA", 2), shop.wish("NEEDLE", 1))

    first = shop.came(order, shop.box("HA", 15), shop.box("NEEDLE", 100, "N1"))
    assert first.order.state is OrderState.PARTLY_RECEIVED
    assert counts(first.order, "HA") == (20, 15, 5, 0)
    assert counts(first.order, "NEEDLE") == (100, 100, 0, 0)
    second = shop.came(order, shop.box("HA", 5, "B18"))

    assert second.order.state is OrderState.CLOSED
    assert [(one.sku, one.containers, one.extra) for one in second.order.receipts] == [
        ("HA", 15, 0), ("NEEDLE", 100, 0), ("HA", 5, 0),
    ]  # fmt: skip
    assert first.received[0].receipt.supplier_id == shop.supplier.id
    assert shop.held("HA") == {"A17": Decimal(45), "B18": Decimal(15)}
    assert proof.verify(shop.db) == []


def test_more_than_was_asked_for_is_taken_only_with_a_reason_and_does_not_count(shop):
    order = shop.sent(shop.wish("HA", 1))

    with refused(
        NotOnOrder,
        f"10 of HA wait on {order.number} and 12 came: 2 more. LIDO is not on {order.number}: 1 came. "
        "Say why it is kept, or leave it out.",
    ):
        shop.came(order, shop.box("HA", 12), shop.box("LIDO", 1))
    assert shop.posted() == 0
    kept = "a present of the supplier"
    arrived = shop.came(order, shop.box("HA", 12, reason=kept), shop.box("LIDO", 1, reason="sent instead"))

    assert arrived.order.state is OrderState.CLOSED
    assert counts(arrived.order, "HA") == (10, 10, 0, 0)
    assert [(one.containers, one.extra, one.reason) for one in arrived.order.receipts] == [
        (10, 2, kept), (0, 1, "sent instead"),
    ]  # fmt: skip
    assert proof.verify(shop.db) == []


def test_two_lots_of_one_item_are_counted_together(shop):
    order = shop.sent(shop.wish("HA", 1))

    with refused(
        NotOnOrder, f"3 of HA wait on {order.number} and 4 came: 1 more. Say why it is kept, or leave it out."
    ):
        shop.came(order, shop.box("HA", 7), shop.box("HA", 4, "B18"))
    assert shop.came(order, shop.box("HA", 7), shop.box("HA", 3, "B18")).order.state is OrderState.CLOSED


def test_nothing_is_received_against_a_draft_or_before_it_was_sent(shop):
    drafted = shop.draft(shop.wish("HA", 1))
    with refused(WrongOrderState, f"{drafted.number} is a draft: it cannot be received against."):
        shop.came(drafted, shop.box("HA", 10))
    purchasing.send(shop.db, shop.of(drafted), at=NOW, by=BY)

    with refused(BadOrder, f"{drafted.number} was sent on 2026-01-15: nothing came on 2026-01-14."):
        shop.came(drafted, shop.box("HA", 10), on=date(2026, 1, 14))


def test_a_short_close_cancels_what_is_open_for_a_reason(shop):
    order = shop.sent(shop.wish("HA", 2))
    shop.came(order, shop.box("HA", 15))

    with refused(BadOrder, f"5 containers of {order.number} are open: say why."):
        purchasing.close(shop.db, shop.of(order), at=NOW, by=BY)
    closed = purchasing.close(shop.db, shop.of(order), at=NOW, by=BY, reason="discontinued")

    assert (closed.state, counts(closed, "HA")) == (OrderState.CLOSED, (20, 15, 0, 5))
    assert closed.events[-1].reason == "discontinued"
    with refused(WrongOrderState, f"{order.number} is closed: it cannot be received against."):
        shop.came(order, shop.box("HA", 5))
    with refused(WrongOrderState, f"{order.number} is closed: it cannot be closed."):
        purchasing.close(shop.db, shop.of(order), at=NOW, by=BY, reason="again")


def test_what_came_whole_is_closed_by_itself_and_may_be_closed_once_by_hand(shop):
    order = shop.sent(shop.wish("HA", 1))
    assert shop.came(order, shop.box("HA", 10)).order.state is OrderState.CLOSED

    closed = purchasing.close(shop.db, shop.of(order), at=NOW, by=BY)

    assert closed.state is OrderState.CLOSED
    with refused(WrongOrderState, f"{order.number} is closed: it cannot be closed."):
        purchasing.close(shop.db, shop.of(order), at=NOW, by=BY)


def test_an_order_is_cancelled_until_something_came(shop):
    drafted, sent = shop.draft(shop.wish("HA", 1)), shop.sent(shop.wish("HA", 1))
    for order in (drafted, sent):
        cancelled = purchasing.cancel(shop.db, shop.of(order), at=NOW, by=BY, reason="twice")
        assert (cancelled.state, counts(cancelled, "HA")) == (OrderState.CANCELLED, (10, 0, 0, 10))
    partly = shop.sent(shop.wish("HA", 1))
    shop.came(partly, shop.box("HA", 1))

    with refused(WrongOrderState, f"{partly.number} is partly received: it cannot be cancelled."):
        purchasing.cancel(shop.db, shop.of(partly), at=NOW, by=BY, reason="late")


def test_a_receipt_that_is_reversed_is_waited_for_again(shop):
    order = shop.sent(shop.wish("HA", 1))
    shop.came(order, shop.box("HA", 10))
    movement = shop.db.scalars(sa.select(Movement)).one()

    corrections.reverse(shop.db, movement, at=NOW, recorded_at=NOW, by=BY, reason="another lot")

    standing = order_views.view(shop.db, shop.of(order))
    assert (standing.state, counts(standing, "HA")) == (OrderState.SENT, (10, 0, 10, 0))
    assert standing.receipts[0].reversed
    assert shop.came(order, shop.box("HA", 10, "B18")).order.state is OrderState.CLOSED
    assert proof.verify(shop.db) == []


def test_what_is_on_order_is_expected_by_item_and_day_and_what_is_late_today(shop):
    shop.sent(shop.wish("HA", 2), expected_on=date(2026, 1, 20))
    shop.draft(shop.wish("HA", 7))
    partly = shop.sent(shop.wish("HA", 1), expected_on=date(2026, 1, 16))
    shop.came(partly, shop.box("HA", 4))

    found = orders.expected(shop.db, site_id=shop.site.id, on=date(2026, 1, 18))

    assert found == {
        shop.item("HA").id: [
            Expected(date(2026, 1, 18), Decimal(18), sent_on=TODAY, promised_on=date(2026, 1, 16)),
            Expected(date(2026, 1, 20), Decimal(60), sent_on=TODAY, promised_on=date(2026, 1, 20)),
        ]
    }
    assert orders.expected(shop.db, site_id=shop.open_site("OTHER").id, on=TODAY) == {}


def test_the_orders_that_wait_are_the_ones_sent_and_open(shop):
    drafted = shop.draft(shop.wish("HA", 1))
    waits = shop.sent(shop.wish("HA", 1))
    done = shop.sent(shop.wish("HA", 1))
    shop.came(done, shop.box("HA", 10))

    assert [one.number for one in order_views.waiting(shop.db, site_id=shop.site.id)] == [waits.number]
    listed = [one.id for one in order_views.listing(shop.db, site_ids=[shop.site.id])]
    assert listed == [done.id, waits.id, drafted.id]
    (next_one,) = order_views.listing(shop.db, site_ids=[shop.site.id], before=done.id, limit=1)
    assert next_one.id == waits.id


def link(shop, receipt_id: int, order_id: int, line_id: int) -> None:
    """Do past our functions what none of them would: set a receipt against an order's line."""
    shop.db.execute(
        sa.text(
            "INSERT INTO purchase_order_receipts (receipt_id, order_id, order_line_id, containers, extra) "
            "VALUES (:receipt_id, :order_id, :line_id, 1, 0)"
        ),
        {"receipt_id": receipt_id, "order_id": order_id, "line_id": line_id},
    )


def test_the_proof_finds_what_was_received_twice(shop):
    order = shop.sent(shop.wish("HA", 1))
    arrived = shop.came(order, shop.box("HA", 10))
    again = shop.receive("HA", "Z9 exp 2027-06-30 1 x 16.50 on 2026-01-15")[0]
    link(shop, again.receipt.id, order.id, arrived.order.lines[0].id)

    assert [breach.sentence for breach in proof.verify(shop.db)] == [
        f"{order.number} ordered 10 of HA; 11 were received and 0 cancelled."
    ]


@pytest.mark.parametrize("seed", range(25))
def test_what_was_ordered_is_received_open_or_cancelled_whatever_happens(shop, seed):
    chance = Random(seed)
    order = shop.sent(shop.wish("HA", chance.randint(1, 3)), shop.wish("NEEDLE", 1))
    for _ in range(8):
        act = chance.choice(["receive", "receive", "receive", "reverse", "close", "cancel"])
        with shop.db.begin_nested() as part:
            try:
                happen(shop, order, act, chance)
            except (WrongOrderState, NotOnOrder):
                part.rollback()
        standing = order_views.view(shop.db, shop.of(order))
        for line in standing.lines:
            assert line.ordered == line.received + line.open + line.cancelled
            assert min(line.received, line.open, line.cancelled) >= 0
        assert (standing.state in order_views.WAITING) == any(line.open for line in standing.lines)
    assert proof.verify(shop.db) == []


def happen(shop: Shop, order: OrderView, act: str, chance: Random) -> None:
    if act == "receive":
        boxes = [
            shop.box(
                chance.choice(["HA", "NEEDLE", "LIDO"]),
                chance.randint(1, 12),
                lot=f"L{chance.random():.6f}",
                reason=chance.choice(["", "a present"]),
            )
            for _ in range(chance.randint(1, 3))
        ]
        shop.came(order, *boxes)
    elif act == "reverse":
        undone = sa.select(Movement.corrects_id).where(Movement.corrects_id.isnot(None))
        left = sa.select(Movement).where(Movement.corrects_id.is_(None), Movement.id.notin_(undone))
        movements = list(shop.db.scalars(left.order_by(Movement.id)))
        if movements:
            corrections.reverse(
                shop.db, chance.choice(movements), at=NOW, recorded_at=NOW, by=BY, reason="mistyped"
            )
    else:
        end = purchasing.close if act == "close" else purchasing.cancel
        end(shop.db, shop.of(order), at=NOW, by=BY, reason="enough")


def test_the_proof_finds_a_receipt_that_is_not_of_its_order(shop):
    order = shop.sent(shop.wish("HA", 1))
    other = shop.receive("LIDO", "L1 exp 2027-06-30 1 x 9.00 on 2026-01-15")[0]
    link(shop, other.receipt.id, order.id, order.lines[0].id)

    assert [breach.sentence for breach in proof.verify(shop.db)] == [
        f"Receipt {other.receipt.id} does not fit {order.number}, against which it was received."
    ]


def test_orders_are_only_added_to(shop):
    order = shop.sent(shop.wish("HA", 1))

    for table in (orders.ORDERS, orders.EVENTS, orders.LINES):
        with pytest.raises(sa.exc.DatabaseError, match="only added"), shop.db.begin_nested():
            shop.db.execute(sa.delete(table).where(table.c.id > 0))
    assert order_views.view(shop.db, shop.of(order)).state is OrderState.SENT
