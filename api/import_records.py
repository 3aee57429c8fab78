"""What was imported: each file that added something, who brought it and when, and whether it was undone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from api import idempotency
from api.columns import Kind
from inventory.catalog import Item, Offer
from inventory.clinic import Site
from inventory.database import Base, append_only, one_of, reserve_keys, table_of
from inventory.errors import Conflict, NotFound
from inventory.ledger import DOCUMENTS
from inventory.opening_undone import take_back
from pricing.formulations import Formulation, FormulationLine, FormulationVersion

MOST_NAMED = 5


class Import(Base):
    """A file of which something was taken over."""

    __tablename__ = "imports"
    __table_args__ = (one_of("kind", Kind), sa.Index(None, "fingerprint"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    file_name: Mapped[str] = mapped_column(sa.String(200))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))  # SHA-256 of the file
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    total: Mapped[int]  # rows of the list
    imported: Mapped[int]
    repeated: Mapped[int]  # rows that were on record
    first_document: Mapped[int | None]  # of opening stock: its documents, among which others may stand
    last_document: Mapped[int | None]


class ImportUndo(Base):
    """An import that was taken back."""

    __tablename__ = "import_undos"

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(sa.ForeignKey("imports.id"), unique=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(500))
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("documents.id"))  # that reverses the stock


append_only(Import)
append_only(ImportUndo)
IMPORTS, UNDOS = table_of(Import), table_of(ImportUndo)


@dataclass(frozen=True)
class Undone:
    """What became of an import that was undone."""

    id: int
    removed: int
    document_id: int | None
    message: str


class UnknownImport(NotFound):
    """No import has this key."""


class UndoneBefore(Conflict):
    """The import was undone already."""


class UsedByNow(Conflict):
    """Something that the import brought is used since, so it stays."""


def begin(db: Session) -> int:
    """The key of the import that is about to be made; one at a time is."""
    idempotency.hold(db, "imports")
    return reserve_keys(db, IMPORTS, 1)[0]


def source_of(key: int) -> str:
    """How what an import brought names it."""
    return f"import {key}"


def made(db: Session, key: int) -> Import:
    """The import with this key. Raises UnknownImport."""
    found = db.get(Import, key)
    if found is None:
        raise UnknownImport(f"No import has the key {key}.")
    return found


def undo_of(db: Session, key: int) -> ImportUndo | None:
    """How an import was undone, if it was."""
    return db.scalar(sa.select(ImportUndo).where(ImportUndo.import_id == key))


def standing(db: Session, kind: Kind, *, site: Site) -> Sequence[Import]:
    """The imports of a kind that were not undone; opening stock is each site's own."""
    found = (
        sa.select(Import)
        .outerjoin(ImportUndo, ImportUndo.import_id == Import.id)
        .where(Import.kind == kind, ImportUndo.id.is_(None))
        .order_by(Import.id)
    )
    return db.scalars(found.where(Import.site_id == site.id) if kind is Kind.OPENING_STOCK else found).all()


def newest_document(db: Session) -> int:
    """The key of the last document; those of the import come after it."""
    return db.scalar(sa.select(sa.func.max(DOCUMENTS.c.id))) or 0


def undo(db: Session, subject: Import, *, at: datetime, by: str, reason: str) -> Undone:
    """Take an import back in one step, all of it or nothing.

    Stock is reversed by movements that are added; items and offers that nothing uses are removed, and
    formulations retired. Raises UndoneBefore, UsedByNow, opening_undone.UsedSince.
    """
    idempotency.hold(db, "imports")
    earlier = undo_of(db, subject.id)
    if earlier is not None:
        raise UndoneBefore(f"Import {subject.id} was undone on {earlier.at:%Y-%m-%d} by {earlier.by}.")
    document_id = None
    match Kind(subject.kind):
        case Kind.OPENING_STOCK:
            site = db.get_one(Site, subject.site_id)
            document_id = take_back(db, documents(db, subject), site=site, at=at, by=by, reason=reason)
            message = f"The stock of {subject.imported} rows was reversed, by entry ST-{document_id}."
        case Kind.ITEMS:
            message = f"{_remove_items(db, subject)} items were removed."
        case Kind.OFFERS:
            message = f"{_remove_offers(db, subject)} offers were removed."
        case Kind.FORMULATIONS:
            message = f"{_retire(db, subject)} formulations were retired."
    db.add(ImportUndo(import_id=subject.id, at=at, by=by, reason=reason, document_id=document_id))
    db.flush()
    return Undone(subject.id, subject.imported, document_id, message)


def documents(db: Session, subject: Import) -> Sequence[int]:
    """The keys of the documents that an import of opening stock wrote."""
    return db.scalars(
        sa.select(DOCUMENTS.c.id)
        .where(
            DOCUMENTS.c.id.between(subject.first_document or 0, subject.last_document or 0),
            DOCUMENTS.c.reference == source_of(subject.id),
        )
        .order_by(DOCUMENTS.c.id)
    ).all()


def _remove_items(db: Session, subject: Import) -> int:
    items = db.scalars(sa.select(Item).where(Item.source == source_of(subject.id))).all()
    changed = [item.sku for item in items if item.version != 1]
    if changed:
        raise UsedByNow(f"{_listed(changed)} changed since it was imported, so nothing was removed.")
    _refuse_used(db, table_of(Item), {item.id: item.sku for item in items})
    for item in items:
        db.delete(item)
    db.flush()
    return len(items)


def _remove_offers(db: Session, subject: Import) -> int:
    found = sa.select(Offer, Item.sku).join(Item, Item.id == Offer.item_id)
    rows = db.execute(found.where(Offer.source == source_of(subject.id))).all()
    _refuse_used(db, table_of(Offer), {offer.id: f"the offer for {sku}" for offer, sku in rows})
    for offer, _ in rows:
        db.delete(offer)
    db.flush()
    return len(rows)


def _retire(db: Session, subject: Import) -> int:
    """Recipes are never deleted; one that nobody uses is taken out of use."""
    recipes = db.scalars(sa.select(Formulation).where(Formulation.source == source_of(subject.id))).all()
    names = {recipe.id: recipe.code for recipe in recipes}
    own = {FormulationVersion.__tablename__, FormulationLine.__tablename__}
    _refuse_used(db, table_of(Formulation), names, but=own)
    versions = db.execute(
        sa.select(FormulationVersion.id, FormulationVersion.formulation_id).where(
            FormulationVersion.formulation_id.in_(names)
        )
    )
    of_version = {key: names[recipe] for key, recipe in versions}
    _refuse_used(db, table_of(FormulationVersion), of_version, but=own)
    for recipe in recipes:
        recipe.active = False
    db.flush()
    return len(recipes)


def _refuse_used(db: Session, table: sa.Table, names: dict[int, str], *, but: Collection[str] = ()) -> None:
    """Raises UsedByNow when a row of any table points at one of these."""
    said = []
    for other in Base.metadata.sorted_tables:
        for key in other.foreign_keys:
            if key.column.table is table and other.name not in but:
                used = sa.select(key.parent, sa.func.count()).where(key.parent.in_(list(names)))
                for which, count in db.execute(used.group_by(key.parent).limit(MOST_NAMED)):
                    said.append(f"{names[which]} by {count} of the {other.name.replace('_', ' ')}")
    if said:
        raise UsedByNow(f"Nothing was taken back, for some of it is used by now: {_listed(said)}.")


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return "; ".join(words[:MOST_NAMED]) + more
