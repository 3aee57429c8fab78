"""The demo clinic: a story that the books bear out, the same every time, and ending with something to see."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, on_the_way, proof
from inventory.allocations import Allocation
from inventory.balances import Balance
from inventory.catalog import Item, ItemKind
from inventory.clinic import Place, PlaceKind
from inventory.ledger import Document, DocumentKind, Movement, WasteReason
from inventory.lots import Lot, LotState
from inventory.on_the_way import Standing
from inventory.receiving import Receipt
from inventory.treatments import TreatmentSession
from inventory.vials import OpenedVial
from pricing.courses import CourseSession
from pricing.quote_life import QuoteEvent
from pricing.quote_records import Quote, QuoteSession, QuoteState, QuoteStatus
from seed_data import demo, reference

TODAY = date(2026, 3, 12)
NOW = datetime(2026, 3, 12, 15, 20, tzinfo=UTC)
DAYS = 110  # of the year: the story's scenes and both sites, in a third of the time


@pytest.fixture(scope="module")
def story(new_database) -> Iterator[Session]:
    """The demo clinic, loaded once an engine and read by every test."""
    with new_database() as database, database.write() as db:
        reference.load(db, at=NOW)
        demo.load(db, now=NOW, days=DAYS)
        yield db


def waste_reasons(db: Session) -> set[str | None]:
    wasted = sa.select(Place.id).where(Place.kind == PlaceKind.WASTE).scalar_subquery()
    return set(db.scalars(sa.select(Movement.reason).where(Movement.target_id.in_(wasted))))


def test_nothing_happens_after_the_moment_at_which_the_story_ends(story: Session):
    latest = story.scalar(sa.select(sa.func.max(Document.recorded_at)))
    first = story.scalar(sa.select(sa.func.min(Document.on)))

    assert latest is not None
    assert latest <= NOW
    assert first == TODAY - timedelta(days=DAYS)


def test_there_are_sessions_on_every_working_day_and_never_on_a_weekend(story: Session):
    main = clinic.site(story, "MAIN")
    counts = dict(
        story.execute(
            sa.select(TreatmentSession.on, sa.func.count())
            .where(TreatmentSession.site_id == main.id)
            .group_by(TreatmentSession.on)
        ).all()
    )
    working = {day for n in range(1, DAYS) if (day := TODAY - timedelta(days=n)).weekday() < 5}

    assert working <= set(counts)
    assert all(day.weekday() < 5 for day in counts)
    assert max(counts.values()) <= 8


def test_the_books_are_sound(story: Session):
    assert proof.verify(story) == []


def test_stock_was_thrown_away_for_every_reason(story: Session):
    assert waste_reasons(story) >= {reason.value for reason in WasteReason}


def test_a_mistake_was_made_and_undone(story: Session):
    assert story.scalar(sa.select(Document.id).where(Document.kind == DocumentKind.REVERSAL)) is not None


def test_there_is_a_vial_open_with_time_left_and_none_past_its_time(story: Session):
    opened = story.execute(
        sa.select(Item.sku, OpenedVial.discard_at)
        .join(Item, Item.id == OpenedVial.item_id)
        .where(OpenedVial.closed_at.is_(None), OpenedVial.remaining > 0)
    ).all()

    assert "RX-021" in {sku for sku, _ in opened}
    assert all(discard_at > NOW for _, discard_at in opened)


def test_something_expires_within_a_month(story: Session):
    main = clinic.site(story, "MAIN")
    shelves = clinic.shelves(story, main.id)
    expiring = story.scalars(
        sa.select(Item.sku)
        .join(Lot, Lot.item_id == Item.id)
        .join(Balance, Balance.lot_id == Lot.id)
        .where(
            Balance.place_id.in_(shelves),
            Balance.quantity > 0,
            Lot.expires_on.between(TODAY, TODAY + timedelta(days=30)),
        )
    ).all()

    assert {"MP-020", "MP-085"} <= set(expiring)


def test_something_that_is_used_every_week_is_nearly_gone(story: Session):
    main = clinic.site(story, "MAIN")
    places = clinic.places(story, main.id)
    vitamin = story.scalars(sa.select(Item).where(Item.sku == "MP-076")).one()
    left = story.scalar(
        sa.select(sa.func.sum(Balance.quantity)).where(
            Balance.item_id == vitamin.id, Balance.place_id.in_(clinic.shelves(story, main.id))
        )
    )
    used_in_four_weeks = story.scalar(
        sa.select(sa.func.sum(Movement.quantity)).where(
            Movement.item_id == vitamin.id,
            Movement.target_id.in_([places[PlaceKind.PATIENT], places[PlaceKind.WASTE]]),
            Movement.on.between(TODAY - timedelta(days=34), TODAY - timedelta(days=7)),
        )
    )

    assert left is not None
    assert left <= vitamin.content
    assert used_in_four_weeks > vitamin.content * 4


def test_what_wants_the_cold_is_in_the_fridge_and_the_treatment_room_has_what_it_needs(story: Session):
    main = clinic.site(story, "MAIN")
    held = story.execute(
        sa.select(Place.code, Item.storage)
        .join(Balance, Balance.place_id == Place.id)
        .join(Item, Item.id == Balance.item_id)
        .where(Place.site_id == main.id, Place.kind == PlaceKind.SHELF, Balance.quantity > 0)
        .distinct()
    ).all()

    assert {tuple(row) for row in held} == {
        ("SHELF", "room_15_25"), ("FRIDGE", "fridge_2_8"), ("ROOM-1", "room_15_25"),
    }  # fmt: skip


def test_a_box_is_on_its_way_to_the_branch(story: Session):
    (one,) = on_the_way.page(story)

    assert (one.source, one.target, one.standing) == ("MAIN", "SECOND", Standing.ON_THE_WAY)
    assert one.lines


def test_a_lot_is_recalled_with_patients_to_call_and_lots_are_held(story: Session):
    recalled = story.scalars(sa.select(Lot).where(Lot.state == LotState.RECALLED)).one()
    held = story.scalars(sa.select(Lot).where(Lot.state == LotState.QUARANTINED)).all()
    reached = story.scalar(
        sa.select(sa.func.count())
        .select_from(Movement)
        .join(Place, Place.id == Movement.target_id)
        .where(Movement.lot_id == recalled.id, Place.kind == PlaceKind.PATIENT)
    )

    assert reached
    assert len(held) == 2  # one opened in transit, one that had expired when it came
    assert any(lot.expires_on < lot.received_on for lot in held)


def test_the_second_site_has_a_little_stock_of_its_own(story: Session):
    second = clinic.site(story, "SECOND")
    receipts = story.scalar(
        sa.select(sa.func.count()).select_from(Receipt).where(Receipt.site_id == second.id)
    )
    sessions = story.scalar(
        sa.select(sa.func.count()).select_from(TreatmentSession).where(TreatmentSession.site_id == second.id)
    )

    assert receipts
    assert sessions
    assert 10 < sessions < 40


def test_retail_stock_lies_on_the_shelf_though_no_session_uses_it(story: Session):
    kinds = set(
        story.scalars(
            sa.select(Item.kind).join(Balance, Balance.item_id == Item.id).where(Balance.quantity > 0)
        )
    )

    assert kinds == set(ItemKind)


def test_quotes_are_in_every_state(story: Session):
    statuses = set(story.scalars(sa.select(QuoteState.status)))

    assert statuses == set(QuoteStatus)


def test_the_numbers_of_quotes_have_no_gaps(story: Session):
    numbers = set(story.scalars(sa.select(QuoteState.number).where(QuoteState.number.is_not(None))))

    for year in ("2025", "2026"):
        of_year = sorted(number for number in numbers if number is not None and year in number)
        assert of_year == [f"Q-{year}-{n:05}" for n in range(1, len(of_year) + 1)]
        assert of_year


def test_every_price_lies_inside_its_band(story: Session):
    prices = story.execute(
        sa.select(QuoteSession.price, Quote.band_low, Quote.band_high).join(
            Quote, Quote.id == QuoteSession.quote_id
        )
    ).all()

    assert len(prices) > 100
    assert all(low <= price <= high for price, low, high in prices)


def test_an_allergen_was_overridden_with_a_reason(story: Session):
    reasons = story.scalars(sa.select(QuoteEvent.reason).where(QuoteEvent.status == QuoteStatus.ISSUED)).all()

    assert any("Skin test negative" in reason for reason in reasons)


def test_courses_go_on_and_their_stock_is_promised(story: Session):
    performed = story.scalars(sa.select(CourseSession).where(CourseSession.session_id.is_not(None))).all()
    to_come = story.scalars(sa.select(CourseSession).where(CourseSession.planned_on > TODAY)).all()
    promised = story.scalars(sa.select(Allocation).where(Allocation.ended_at.is_(None))).all()

    assert len(performed) > 30
    assert len(to_come) > 10
    assert {session.session_id for session in to_come} == {None}
    assert {promise.due_on for promise in promised} >= {session.planned_on for session in to_come}


def test_the_same_moment_gives_the_same_story(new_database):
    def tell() -> tuple[list[tuple[object, ...]], list[int]]:
        steps: list[int] = []
        with new_database() as database, database.write() as db:
            reference.load(db, at=NOW)
            demo.load(db, now=NOW, days=12, progress=lambda done, total: steps.append(total - done))
            told = db.execute(
                sa.select(Movement.on, Lot.number, Item.sku, Movement.quantity, Movement.value)
                .join(Lot, Lot.id == Movement.lot_id)
                .join(Item, Item.id == Movement.item_id)
                .order_by(Movement.id)
            ).all()
        return [tuple(row) for row in told], steps

    first, steps = tell()
    second, _ = tell()

    assert first == second
    assert steps == list(range(12, -1, -1))
