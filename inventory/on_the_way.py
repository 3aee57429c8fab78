"""On the way: what was sent and has not arrived; held back where it will arrive, corrected, told (S10)."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, ledger
from inventory.balances import BALANCES, LotFacts
from inventory.catalog import Item
from inventory.clinic import PLACES, PlaceKind, Site
from inventory.database import table_of
from inventory.ledger import DOCUMENTS, MOVEMENTS, Act, DocumentKind, Move
from inventory.lots import Lot, LotState
from inventory.measures import ZERO
from inventory.questions import Question
from inventory.transfers import LINES, STEPS, Transfer, TransferLine, TransferStep, lines_of, take_off

TRANSFERS, ITEMS, LOTS, SITES = table_of(Transfer), table_of(Item), table_of(Lot), table_of(Site)
PAGE = 50
IS_ON_THE_WAY = Question(
    sa.select(LINES.c.transfer_id)
    .where(LINES.c.lot_id == sa.bindparam("lot"), LINES.c.left_quantity > sa.literal_column("0"))
    .limit(sa.literal_column("1"))
)
OF_LOT = (
    sa.select(Transfer, TransferLine)
    .join(TransferLine, TransferLine.transfer_id == Transfer.id)
    .where(TransferLine.lot_id == sa.bindparam("lot"), TransferLine.left_quantity > sa.literal_column("0"))
    .order_by(Transfer.id)
    .execution_options(populate_existing=True)
)


class Standing(StrEnum):
    """How far a transfer has come."""

    ON_THE_WAY = "on_the_way"
    PARTLY_RECEIVED = "partly_received"
    RECEIVED = "received"
    HELD_BACK = "held_back"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class LineView:
    """One lot of a transfer: what was sent, and what became of it."""

    lot_id: int
    lot_number: str
    expires_on: date
    state: LotState
    sku: str
    name: str
    unit: str
    content: Decimal
    sent: Decimal
    left: Decimal
    received: Decimal
    missing: Decimal
    held: Decimal
    returned: Decimal


@dataclass(frozen=True, slots=True)
class TransferView:
    """A transfer as people see it."""

    id: int
    document_id: int
    source: str
    source_name: str
    target: str
    target_name: str
    sent_at: datetime
    sent_on: date
    by: str
    note: str
    standing: Standing
    lines: tuple[LineView, ...]


def collect(db: Session, lot: Lot, *, at: datetime, by: str, reason: str) -> None:
    """Hold back what is on the way of a lot: it is in quarantine where it will arrive (S10)."""
    if not IS_ON_THE_WAY.ask(db, lot=lot.id):
        return
    found = db.execute(OF_LOT, {"lot": lot.id}).all()
    held = frozenset(clinic.held_places(db))
    for subject, line in found:
        target = db.get_one(Site, subject.to_site_id)
        transit = clinic.places(db, subject.from_site_id)[PlaceKind.TRANSIT]
        last_on = db.scalar(
            sa.select(BALANCES.c.last_on).where(BALANCES.c.place_id == transit, BALANCES.c.lot_id == lot.id)
        )
        on = max(target.day(at), last_on or date.min)
        act = Act(target.id, on, at, at, by, reference=f"transfer {subject.id}", note=reason)
        document_id = ledger.open_document(db, DocumentKind.HOLD, act)
        quarantine = clinic.places(db, target.id)[PlaceKind.QUARANTINE]
        facts = LotFacts(lot.id, lot.item_id, lot.expires_on, lot.received_on)
        moved = Move(facts, transit, quarantine, line.left_quantity, reason=reason[:200])
        ledger.post(db, document_id, on, [moved], held=held)
        take_off(db, subject, {lot.id: line}, {lot.id: line.left_quantity}, document_id)


def follow(db: Session, document_id: int, corrected_id: int, moves: Iterable[Move]) -> None:
    """Have a transfer know of the document that corrects one of its steps. Raises NotOnTheWay."""
    subject = db.scalar(
        sa.select(Transfer)
        .join(TransferStep, TransferStep.transfer_id == Transfer.id)
        .where(TransferStep.document_id == corrected_id)
    )
    if subject is None:
        return
    transit = clinic.places(db, subject.from_site_id)[PlaceKind.TRANSIT]
    gone: dict[int, Decimal] = defaultdict(Decimal)
    for moved in moves:
        gone[moved.lot.id] += moved.quantity if moved.source_id == transit else ZERO
        gone[moved.lot.id] -= moved.quantity if moved.target_id == transit else ZERO
    take_off(db, subject, lines_of(db, subject), gone, document_id)


def going_to(db: Session, document_id: int) -> int | None:
    """The key of the site to which the transfer goes that a document is a step of; none if it is of none."""
    return db.scalar(
        sa.select(Transfer.to_site_id)
        .join(TransferStep, TransferStep.transfer_id == Transfer.id)
        .where(TransferStep.document_id == document_id)
    )


def page(
    db: Session, *, site_ids: Collection[int] | None = None, open_only: bool = False,
    after: int | None = None, limit: int = PAGE,
) -> list[TransferView]:  # fmt: skip
    """Transfers from or to sites, the latest first; `after` is the key of the last one before."""
    chosen = sa.select(TRANSFERS.c.id).order_by(TRANSFERS.c.id.desc()).limit(limit)
    if site_ids is not None:
        ends = (TRANSFERS.c.from_site_id, TRANSFERS.c.to_site_id)
        chosen = chosen.where(sa.or_(*(end.in_(sorted(site_ids)) for end in ends)))
    if open_only:
        left = sa.exists().where(LINES.c.transfer_id == TRANSFERS.c.id, LINES.c.left_quantity > 0)
        chosen = chosen.where(left)
    if after is not None:
        chosen = chosen.where(TRANSFERS.c.id < after)
    return views(db, db.scalars(chosen).all())


def views(db: Session, keys: Iterable[int]) -> list[TransferView]:
    """Transfers with their lines, in the order of their keys."""
    order = list(keys)
    source, target = SITES.alias("source"), SITES.alias("target")
    heads = {
        row.id: row
        for row in db.execute(
            sa.select(
                TRANSFERS.c.id, TRANSFERS.c.document_id, TRANSFERS.c.to_site_id,
                source.c.code.label("source"), source.c.name.label("source_name"),
                target.c.code.label("target"), target.c.name.label("target_name"),
                DOCUMENTS.c.at, DOCUMENTS.c.on, DOCUMENTS.c.by, DOCUMENTS.c.note,
            )
            .join(DOCUMENTS, DOCUMENTS.c.id == TRANSFERS.c.document_id)
            .join(source, source.c.id == TRANSFERS.c.from_site_id)
            .join(target, target.c.id == TRANSFERS.c.to_site_id)
            .where(TRANSFERS.c.id.in_(order))
        )
    }  # fmt: skip
    lines = _lines(db, {key: row.to_site_id for key, row in heads.items()})
    return [
        TransferView(
            key, row.document_id, row.source, row.source_name, row.target, row.target_name,
            row.at, row.on, row.by, row.note, _standing(lines[key]), tuple(lines[key]),
        )
        for key in order
        for row in [heads[key]]
    ]  # fmt: skip


def _lines(db: Session, targets: dict[int, int]) -> dict[int, list[LineView]]:
    """The lines of transfers, whose target sites are given; what became of them is in their movements."""
    became = _became(db, targets)
    rows: Any = db.execute(
        sa.select(
            LINES.c.transfer_id, LINES.c.lot_id, LOTS.c.number, LOTS.c.expires_on, LOTS.c.state,
            ITEMS.c.sku, ITEMS.c.name, ITEMS.c.unit, ITEMS.c.content,
            LINES.c.sent_quantity, LINES.c.left_quantity,
        )
        .join(LOTS, LOTS.c.id == LINES.c.lot_id)
        .join(ITEMS, ITEMS.c.id == LINES.c.item_id)
        .where(LINES.c.transfer_id.in_(list(targets)))
        .order_by(LINES.c.transfer_id, ITEMS.c.sku, LOTS.c.expires_on, LOTS.c.id)
    )  # fmt: skip
    lines: dict[int, list[LineView]] = {key: [] for key in targets}
    for key, lot_id, number, expires_on, state, sku, name, unit, content, sent, left in rows:
        ends = became[key, lot_id]
        lines[key].append(
            LineView(
                lot_id, number, expires_on, state, sku, name, unit.value, content, sent, left,
                ends["received"], ends["missing"], ends["held"], sent + ends["home"],
            )
        )  # fmt: skip
    return lines


def _became(db: Session, targets: dict[int, int]) -> dict[tuple[int, int], dict[str, Decimal]]:
    """Where the movements of a transfer's steps have brought each of its lots."""
    source, target = PLACES.alias("source"), PLACES.alias("target")
    rows: Any = db.execute(
        sa.select(
            STEPS.c.transfer_id, MOVEMENTS.c.lot_id, source.c.site_id, source.c.kind,
            target.c.site_id, target.c.kind, sa.func.sum(MOVEMENTS.c.quantity),
        )
        .join(MOVEMENTS, MOVEMENTS.c.document_id == STEPS.c.document_id)
        .join(source, source.c.id == MOVEMENTS.c.source_id)
        .join(target, target.c.id == MOVEMENTS.c.target_id)
        .where(STEPS.c.transfer_id.in_(list(targets)))
        .group_by(
            STEPS.c.transfer_id, MOVEMENTS.c.lot_id, source.c.site_id, source.c.kind,
            target.c.site_id, target.c.kind,
        )
    )  # fmt: skip
    became: dict[tuple[int, int], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for key, lot_id, from_site, from_kind, to_site, to_kind, quantity in rows:
        ends = became[key, lot_id]
        ends[_end(from_kind, from_site == targets[key])] -= quantity
        ends[_end(to_kind, to_site == targets[key])] += quantity
    return became


def _end(kind: PlaceKind, at_target: bool) -> str:
    if kind is PlaceKind.SHELF:
        return "received" if at_target else "home"
    return {PlaceKind.WASTE: "missing", PlaceKind.QUARANTINE: "held"}.get(kind, "left")


def _standing(lines: Iterable[LineView]) -> Standing:
    lines = list(lines)
    came = any(line.received or line.missing for line in lines)
    if any(line.left for line in lines):
        return Standing.PARTLY_RECEIVED if came else Standing.ON_THE_WAY
    if came:
        return Standing.RECEIVED
    return Standing.HELD_BACK if any(line.held for line in lines) else Standing.CANCELLED
