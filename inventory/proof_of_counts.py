"""The proof of counts: a posted count is one document that did what its lines say, and no other did (S11)."""

from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from inventory.clinic import Place, PlaceKind
from inventory.counts import COUNTS, ENTRIES, LINES, CountState
from inventory.ledger import DOCUMENTS, MOVEMENTS, DocumentKind
from inventory.measures import ZERO, plain


def _documents_are_counts(db: Session) -> Iterator[str]:
    """A count has a document when it is posted and only then, and every document of a count has its count."""
    odd = sa.select(COUNTS.c.id, COUNTS.c.state).where(
        (COUNTS.c.state == CountState.POSTED) != COUNTS.c.document_id.isnot(None)
    )
    for key, state in db.execute(odd):
        yield f"Count {key} is {state} and {'has no' if state is CountState.POSTED else 'has a'} document."
    rows = db.execute(
        sa.select(DOCUMENTS.c.id, COUNTS.c.id)
        .select_from(DOCUMENTS)
        .outerjoin(COUNTS, COUNTS.c.document_id == DOCUMENTS.c.id)
        .where((DOCUMENTS.c.kind == DocumentKind.COUNT) != COUNTS.c.id.isnot(None))
    )
    for document_id, count_id in rows:
        yield (
            f"Document {document_id} is of a count and no count is its own."
            if count_id is None
            else f"Document {document_id} of count {count_id} is no document of a count."
        )


def _postings_are_differences(db: Session) -> Iterator[str]:
    """What a count's document brought in or took out of a lot, and its value, are those of its lines."""
    source, target = aliased(Place), aliased(Place)
    inward = source.kind == PlaceKind.COUNT
    moved = (
        sa.select(
            COUNTS.c.id.label("count_id"),
            MOVEMENTS.c.lot_id,
            sa.case((inward, MOVEMENTS.c.quantity), else_=-MOVEMENTS.c.quantity).label("quantity"),
            sa.case((inward, MOVEMENTS.c.value), else_=-MOVEMENTS.c.value).label("value"),
        )
        .join(COUNTS, COUNTS.c.document_id == MOVEMENTS.c.document_id)
        .join(source, source.id == MOVEMENTS.c.source_id)
        .join(target, target.id == MOVEMENTS.c.target_id)
        .where(MOVEMENTS.c.direction != 0)
    )
    said = (
        sa.select(LINES.c.count_id, LINES.c.lot_id, -LINES.c.change, -LINES.c.value)
        .join(COUNTS, COUNTS.c.id == LINES.c.count_id)
        .where(COUNTS.c.state == CountState.POSTED, LINES.c.change.isnot(None))
    )
    both = sa.union_all(moved, said).subquery()
    quantity, value = sa.func.sum(both.c.quantity), sa.func.sum(both.c.value)
    rows = db.execute(
        sa.select(both.c.count_id, both.c.lot_id, quantity, value)
        .group_by(both.c.count_id, both.c.lot_id)
        .having(sa.or_(quantity != ZERO, value != ZERO))
    )
    for count_id, lot_id, more, worth in rows:
        yield f"Count {count_id} moved {plain(more)} of lot {lot_id}, worth {worth}, beyond its lines."


def _only_posted_lines_changed(db: Session) -> Iterator[str]:
    """A line says what its posting did when its count is posted and the line was counted, and only then."""
    latest = (
        sa.select(sa.func.max(ENTRIES.c.id)).where(ENTRIES.c.line_id == LINES.c.id).correlate(LINES)
    ).scalar_subquery()
    rows = db.execute(
        sa.select(LINES.c.id, LINES.c.count_id)
        .join(COUNTS, COUNTS.c.id == LINES.c.count_id)
        .outerjoin(ENTRIES, ENTRIES.c.id == latest)
        .where(
            sa.or_(
                (LINES.c.change.isnot(None)) != (LINES.c.value.isnot(None)),
                (LINES.c.change.isnot(None))
                != sa.and_(COUNTS.c.state == CountState.POSTED, ENTRIES.c.quantity.isnot(None)),
            )
        )
    )
    for line_id, count_id in rows:
        yield f"Line {line_id} of count {count_id} says what its posting did, or does not, against the count."


INVARIANTS: dict[str, Callable[[Session], Iterator[str]]] = {
    "posted counts are their documents": _documents_are_counts,
    "counts moved what their lines say": _postings_are_differences,
    "only posted lines say what changed": _only_posted_lines_changed,
}
