"""Details: the long lists behind the reports, in the order of their dates and a few at a time (B5)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.adjustments import ADJUSTMENTS
from inventory.catalog import Item, ItemKind
from inventory.clinic import Place, Site
from inventory.database import table_of
from inventory.ledger import DOCUMENTS, MOVEMENTS, DocumentKind
from inventory.lots import Lot
from inventory.measures import ZERO
from inventory.treatments import TreatmentSession
from pricing import accounting
from pricing.accounting import Head, check_period, entry_id, place_kinds
from pricing.chart import ADJUSTINGS, Flow, posting

LOTS = table_of(Lot)
SESSIONS = table_of(TreatmentSession)


@dataclass(frozen=True, slots=True)
class Subject:
    """The item that a row is about."""

    id: int
    sku: str
    name: str
    unit: str
    kind: ItemKind


@dataclass(frozen=True, slots=True)
class TreatmentRow:
    """What one session took of one lot; a reversal takes it back with a minus, on its own date."""

    on: date
    entry: str
    session_id: int
    patient_ref: str
    formulation: str
    level: str
    item: Subject
    lot_number: str
    used: Decimal
    used_value: Decimal
    discarded: Decimal
    discarded_value: Decimal


@dataclass(frozen=True, slots=True)
class MovementRow:
    """One movement; `change` and `value` are what it did to the clinic's stock, nothing within the clinic."""

    id: int | None  # none: only the value changed
    on: date
    entry: str
    act: DocumentKind
    item: Subject
    lot_number: str
    source: str
    target: str
    quantity: Decimal
    flow: Flow
    change: Decimal
    value: Decimal
    reason: str
    reference: str
    note: str
    by: str
    recorded_at: datetime
    corrects: int | None


def subjects(db: Session) -> dict[int, Subject]:
    """Every item, by key."""
    rows = db.execute(sa.select(Item.id, Item.sku, Item.name, Item.unit, Item.kind))
    return {row.id: Subject(row.id, row.sku, row.name, row.unit.value, row.kind) for row in rows}


def place_names(db: Session) -> dict[int, str]:
    """What people call every place: its site and what it is, "MAIN shelf"."""
    rows = db.execute(sa.select(Place.id, Site.code, Place.kind).join(Site, Site.id == Place.site_id))
    return {key: f"{code} {kind}" for key, code, kind in rows}


def cost_of_treatment(db: Session, *, since: date, until: date) -> Iterator[TreatmentRow]:
    """What every session took of every lot, by date and session; reversals with a minus (S3).

    Raises accounting.BadPeriod.
    """
    check_period(since, until)
    kinds, items = place_kinds(db), subjects(db)
    acts = (DocumentKind.SESSION, DocumentKind.REVERSAL)
    for heads in accounting.documents(db, since=since, until=until, kinds=acts):
        by_key = {head.id: head for head in heads}
        rows: dict[tuple[int, int, int], TreatmentRow] = {}
        for found in db.execute(_of_sessions(list(by_key))):
            rule = posting(
                kinds[found.source_id], kinds[found.target_id], found.reason, mirrored=found.mirrored
            )
            key = (found.document_id, found.session_id, found.lot_id)
            row = rows.get(key) or _nothing_yet(by_key[found.document_id], found, items[found.item_id])
            sign = -1 if found.mirrored else 1
            rows[key] = _with(row, rule.flow, sign * found.quantity, sign * found.value)
        order = {head.id: place for place, head in enumerate(heads)}
        yield from (rows[key] for key in sorted(rows, key=lambda k: (order[k[0]], rows[k].item.sku, k[2])))


def _of_sessions(document_ids: Sequence[int]) -> sa.Select[Any]:
    """What documents took for sessions, or, as reversals, gave back."""
    original = MOVEMENTS.alias("original")
    fields = (
        MOVEMENTS.c.document_id, SESSIONS.c.id.label("session_id"), SESSIONS.c.patient_ref,
        SESSIONS.c.formulation, SESSIONS.c.level, MOVEMENTS.c.item_id, MOVEMENTS.c.lot_id, LOTS.c.number,
        MOVEMENTS.c.source_id, MOVEMENTS.c.target_id, MOVEMENTS.c.reason,
        MOVEMENTS.c.corrects_id.isnot(None).label("mirrored"),
    )  # fmt: skip
    act = sa.func.coalesce(original.c.document_id, MOVEMENTS.c.document_id)
    return (
        sa.select(
            *fields,
            sa.func.sum(MOVEMENTS.c.quantity).label("quantity"),
            sa.func.sum(MOVEMENTS.c.value).label("value"),
        )
        .select_from(MOVEMENTS)
        .outerjoin(original, original.c.id == MOVEMENTS.c.corrects_id)
        .join(SESSIONS, SESSIONS.c.document_id == act)
        .join(LOTS, LOTS.c.id == MOVEMENTS.c.lot_id)
        .where(MOVEMENTS.c.document_id.in_(document_ids), MOVEMENTS.c.direction != 0)
        .group_by(*fields)
    )


def _nothing_yet(head: Head, found: Any, item: Subject) -> TreatmentRow:
    return TreatmentRow(
        on=head.on,
        entry=entry_id(head.id),
        session_id=found.session_id,
        patient_ref=found.patient_ref,
        formulation=found.formulation,
        level=found.level,
        item=item,
        lot_number=found.number,
        used=ZERO,
        used_value=ZERO,
        discarded=ZERO,
        discarded_value=ZERO,
    )


def _with(row: TreatmentRow, flow: Flow, quantity: Decimal, value: Decimal) -> TreatmentRow:
    if flow is Flow.USED:
        return replace(row, used=row.used + quantity, used_value=row.used_value + value)
    return replace(row, discarded=row.discarded + quantity, discarded_value=row.discarded_value + value)


def movements(db: Session, *, since: date, until: date) -> Iterator[MovementRow]:
    """Every movement of a period in the order of date and document, those within the clinic too (S8).

    Raises accounting.BadPeriod.
    """
    check_period(since, until)
    kinds, names, items = place_kinds(db), place_names(db), subjects(db)
    for heads in accounting.documents(db, since=since, until=until):
        order = {head.id: place for place, head in enumerate(heads)}
        found = db.execute(
            sa.select(
                MOVEMENTS, LOTS.c.number, DOCUMENTS.c.kind, DOCUMENTS.c.reference, DOCUMENTS.c.note,
                DOCUMENTS.c.by, DOCUMENTS.c.recorded_at,
            )
            .join(LOTS, LOTS.c.id == MOVEMENTS.c.lot_id)
            .join(DOCUMENTS, DOCUMENTS.c.id == MOVEMENTS.c.document_id)
            .where(MOVEMENTS.c.document_id.in_(list(order)))
        ).all()  # fmt: skip
        for row in sorted(found, key=lambda row: (order[row.document_id], row.id)):
            source, target, mirrored = kinds[row.source_id], kinds[row.target_id], row.corrects_id is not None
            yield MovementRow(
                id=row.id,
                on=row.on,
                entry=entry_id(row.document_id),
                act=row.kind,
                item=items[row.item_id],
                lot_number=row.number,
                source=names[row.source_id],
                target=names[row.target_id],
                quantity=row.quantity,
                flow=posting(source, target, row.reason, mirrored=mirrored).flow
                if row.direction
                else Flow.WITHIN,
                change=row.direction * row.quantity,
                value=row.direction * row.value,
                reason=row.reason or "",
                reference=row.reference,
                note=row.note,
                by=row.by,
                recorded_at=row.recorded_at,
                corrects=row.corrects_id,
            )
        yield from _adjustments(db, order, items)


def _adjustments(
    db: Session, order: Mapping[int, int], items: Mapping[int, Subject]
) -> Iterator[MovementRow]:
    """What documents changed of the value of stock that did not move, a row for each lot."""
    found = db.execute(
        sa.select(
            ADJUSTMENTS, LOTS.c.number, DOCUMENTS.c.kind.label("act"), DOCUMENTS.c.reference,
            DOCUMENTS.c.note, DOCUMENTS.c.by, DOCUMENTS.c.recorded_at,
        )
        .join(LOTS, LOTS.c.id == ADJUSTMENTS.c.lot_id)
        .join(DOCUMENTS, DOCUMENTS.c.id == ADJUSTMENTS.c.document_id)
        .where(ADJUSTMENTS.c.document_id.in_(list(order)), ADJUSTMENTS.c.value != ZERO)
    ).all()  # fmt: skip
    for row in sorted(found, key=lambda row: (order[row.document_id], row.id)):
        yield MovementRow(
            id=None,
            on=row.on,
            entry=entry_id(row.document_id),
            act=row.act,
            item=items[row.item_id],
            lot_number=row.number,
            source="",
            target="",
            quantity=ZERO,
            flow=ADJUSTINGS[row.kind].flow,
            change=ZERO,
            value=row.value,
            reason=row.kind.value,
            reference=row.reference,
            note=row.note,
            by=row.by,
            recorded_at=row.recorded_at,
            corrects=None,
        )


def count_movements(db: Session, *, since: date, until: date) -> int:
    """How many movements a period has."""
    dated = sa.select(sa.func.count()).where(MOVEMENTS.c.on.between(since, until))
    return db.scalar(dated) or 0


def count_sessions(db: Session, *, since: date, until: date) -> int:
    """How many sessions of a period still stand: one whose every use was undone does not."""
    undone = MOVEMENTS.alias("undone")
    standing = (
        sa.select(sa.func.count(sa.distinct(SESSIONS.c.id)))
        .join(MOVEMENTS, MOVEMENTS.c.document_id == SESSIONS.c.document_id)
        .outerjoin(undone, undone.c.corrects_id == MOVEMENTS.c.id)
        .where(SESSIONS.c.on.between(since, until), MOVEMENTS.c.direction != 0, undone.c.id.is_(None))
    )
    return db.scalar(standing) or 0
