"""Treatment sessions: one visit draws its products by FEFO, all or nothing, and keeps what it used."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import allocations, clinic, layers, ledger, picking, shelf, shortage
from inventory.catalog import DoseClass, Ingredient, ItemKind, UnknownIngredient, UnknownItem
from inventory.clinic import CostFormula, PlaceKind, Settings, Site
from inventory.database import Base, add_row, table_of
from inventory.drawing import Posting, Use
from inventory.errors import Invalid, NotFound
from inventory.layers import Want
from inventory.ledger import Act, DocumentKind
from inventory.measures import ZERO, fit, quantity
from inventory.patients import BadPatientRef as BadPatientRef
from inventory.patients import check_patient_ref as check_patient_ref
from inventory.picking import Container, Draw, Need, NotEnoughStock
from inventory.vials import PharmacyBulk, PreparedIn, Product

MOST_LINES = 200


class TreatmentSession(Base):
    """One visit of one patient: what was used hangs on its document's movements."""

    __tablename__ = "treatment_sessions"
    __table_args__ = (sa.Index(None, "patient_ref", "id"), sa.Index(None, "site_id", "on"))

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"), unique=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    on: Mapped[date]
    at: Mapped[datetime]
    patient_ref: Mapped[str] = mapped_column(sa.String(40))  # the clinic's own chart number (T8)
    formulation: Mapped[str] = mapped_column(sa.String(60), default="")  # "F-01 version 2"
    level: Mapped[str] = mapped_column(sa.String(20), default="")


@dataclass(frozen=True)
class Line:
    """What was drawn up: so much of an item, or of an ingredient in whichever item expires first."""

    quantity: Decimal
    sku: str | None = None
    ingredient: str | None = None
    lot_id: int | None = None
    vial_id: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Visit:
    """Whom a session treats, when, and what it followed."""

    patient_ref: str
    at: datetime
    formulation: str = ""
    level: str = ""
    reference: str = ""
    prepared_in: PreparedIn = PreparedIn.PREPARATION_AREA


@dataclass(frozen=True)
class Treated:
    """A session as performed, its uses, what they cost, and what should be looked at (S6)."""

    session: TreatmentSession
    uses: tuple[Use, ...]
    cost: Decimal
    flags: tuple[str, ...]


class NothingToUse(Invalid):
    """A session without a line uses nothing."""


class MixedUnits(Invalid):
    """The ingredient's items are counted in several units, so an amount of it says nothing."""


class UnknownSession(NotFound):
    """No session has this key."""


def treat(
    db: Session, visit: Visit, lines: Sequence[Line], *, site: Site, recorded_at: datetime, by: str
) -> Treated:
    """Perform a session: every line is supplied, or nothing moves (S7).

    Raises NotEnoughStock with what is short and why, vials.LotNotUsable for a lot or vial that was named,
    PharmacyBulk (S5), NotFirstToExpire, UnknownItem, UnknownIngredient, BadPatientRef,
    periods.PeriodClosed, balances.WouldHaveBeenNegative (S12).
    """
    check_patient_ref(visit.patient_ref)
    settings = clinic.settings(db)
    places = clinic.places_of(db, site.id)
    needs, by_id = resolve(db, lines)
    ledger.lock_items(db, list(by_id))
    draws = draw_all(
        db,
        visit,
        needs,
        by_id,
        site=site,
        shelves=places[PlaceKind.SHELF],
        loss=settings.draw_loss_ml,
        backdated=visit.at < recorded_at,
    )
    act = Act(site.id, site.day(visit.at), visit.at, recorded_at, by, reference=visit.reference)
    document_id = ledger.open_document(db, DocumentKind.SESSION, act)
    facts = {
        "document_id": document_id,
        "site_id": site.id,
        "on": act.on,
        "at": visit.at,
        "patient_ref": visit.patient_ref,
        "formulation": visit.formulation,
        "level": visit.level,
    }
    session = TreatmentSession(id=add_row(db, table_of(TreatmentSession), **facts), **facts)
    posting = Posting(db, document_id, act, visit.prepared_in, visit.patient_ref, site, places)
    uses = _post(posting, draws, settings.cost_formula)
    return Treated(session, uses, sum((use.value for use in uses), ZERO), flags(by_id.values(), settings))


def resolve(db: Session, lines: Sequence[Line]) -> tuple[list[Need], dict[int, Product]]:
    """Turn lines into needs and load their products. Refuses what is unknown, bulk, or no quantity."""
    if not 0 < len(lines) <= MOST_LINES:
        raise NothingToUse(f"A session has 1 to {MOST_LINES} lines, not {len(lines)}.")
    codes = {line.ingredient for line in lines if line.ingredient}
    ingredients: dict[str, int] = {}
    if codes:
        found = db.execute(
            sa.select(Ingredient.code, Ingredient.id).where(Ingredient.code.in_(sorted(codes)))
        )
        ingredients = {code: key for code, key in found}
    by_id = shelf.products(
        db, skus=[line.sku for line in lines if line.sku], ingredient_ids=ingredients.values()
    )
    by_sku = {product.sku: product for product in by_id.values()}
    needs = _together([_need(line, by_sku, ingredients) for line in lines])
    used = {key for need in needs for key in need.product_ids}
    return needs, {key: product for key, product in by_id.items() if key in used}


def flags(products: Iterable[Product], settings: Settings) -> tuple[str, ...]:
    """What a pharmacist would raise a hand at: more sterile products in one mix than the rule allows (S6)."""
    sterile = [product.sku for product in products if product.sterile and product.kind is ItemKind.INJECTABLE]
    if len(sterile) <= settings.sterile_product_limit:
        return ()
    return (
        f"{len(sterile)} sterile products are mixed, more than {settings.sterile_product_limit} "
        f"({', '.join(sorted(sterile))}): not an immediate-use preparation (USP 797, 2023; rule VR-07).",
    )


def session(db: Session, key: int) -> TreatmentSession:
    """The session with this key. Raises UnknownSession."""
    found = db.get(TreatmentSession, key)
    if found is None:
        raise UnknownSession(f"No session has the key {key}.")
    return found


def _need(line: Line, by_sku: Mapping[str, Product], ingredients: Mapping[str, int]) -> Need:
    quantity(line.quantity)
    if line.quantity <= 0:
        raise NothingToUse(
            f"{line.sku or line.ingredient}: a quantity to use is above 0, not {line.quantity}."
        )
    if line.sku:
        product = by_sku.get(line.sku)
        if product is None:
            raise UnknownItem(f"No item has the SKU {line.sku!r}.")
        if product.dose_class is DoseClass.PHARMACY_BULK:
            raise PharmacyBulk(
                f"{product.sku} is a pharmacy bulk package; it cannot be used in a treatment room."
            )
        return Need(
            line.quantity, (product.id,), product.sku, product.unit, line.lot_id, line.vial_id, line.reason
        )
    if line.ingredient is None or line.ingredient not in ingredients:
        raise UnknownIngredient(f"No ingredient has the code {line.ingredient!r}.")
    key = ingredients[line.ingredient]
    holding = [
        product
        for product in by_sku.values()
        if product.ingredient_id == key and product.dose_class is not DoseClass.PHARMACY_BULK
    ]
    units = {product.unit for product in holding}
    if len(units) > 1:
        raise MixedUnits(
            f"Items with {line.ingredient} are counted in {', '.join(sorted(units))}: name the item."
        )
    if not holding:
        raise UnknownItem(f"No item in use holds the ingredient {line.ingredient!r}.")
    return Need(
        line.quantity,
        tuple(sorted(product.id for product in holding)),
        line.ingredient,
        units.pop(),
        line.lot_id,
        line.vial_id,
        line.reason,
    )


def _together(needs: Sequence[Need]) -> list[Need]:
    """Lines that ask for the same are one need: they share its containers and lose once on drawing (S3)."""
    same: dict[tuple[object, ...], Need] = {}
    for need in needs:
        kind = (need.product_ids, need.label, need.lot_id, need.vial_id, need.reason)
        like = same.get(kind)
        same[kind] = need if like is None else replace(like, quantity=like.quantity + need.quantity)
    return list(same.values())


def draw_all(
    db: Session,
    visit: Visit,
    needs: Sequence[Need],
    by_id: Mapping[int, Product],
    *,
    site: Site,
    shelves: Sequence[int],
    loss: Decimal,
    backdated: bool,
) -> list[tuple[Need, Draw]]:
    """Choose every line's containers; raises NotEnoughStock with a sentence for each line that is short."""
    on = site.day(visit.at)
    promised = allocations.due_to_others(
        db, site_id=site.id, item_ids=by_id, on=on, patient_ref=visit.patient_ref
    )
    stock = _enough(needs, by_id, promised, loss=loss)
    containers = _containers(db, visit, by_id, stock, site=site, shelves=shelves, backdated=backdated)
    asked = Counter(key for need in needs for key in need.product_ids)
    draws: list[tuple[Need, Draw]] = []
    short: list[str] = []
    for need in needs:
        there = [one for key in need.product_ids for one in containers[key]]
        if need.picky and not any(need.may_take(one) for one in there):
            shortage.refuse_named(db, need, site=site, at=visit.at)
        spoken_for = sum((promised.get(key, ZERO) for key in need.product_ids), ZERO)
        chosen, missing = picking.choose(need, there, loss=loss)
        left = sum((one.held for one in there), ZERO) - sum((_stock_of(draw) for draw in chosen), ZERO)
        if missing or left < spoken_for:
            short.append(shortage.why_not(db, need, there, site=site, at=visit.at, allocated=spoken_for))
            continue
        draws.extend((need, draw) for draw in chosen)
        _deduct(containers, [draw for draw in chosen if asked[draw.container.product.id] > 1])
    if short:
        raise NotEnoughStock(" ".join(short))
    return draws


def _enough(
    needs: Sequence[Need], by_id: Mapping[int, Product], promised: Mapping[int, Decimal], *, loss: Decimal
) -> dict[int, Decimal | None]:
    """How much of each item has to be seen to choose by FEFO; None is all, for a lot that was named."""
    wanted: dict[int, Decimal | None] = {}
    for need in needs:
        others = sum((promised.get(key, ZERO) for key in need.product_ids), ZERO)
        dose = need.quantity + loss * len(need.product_ids)  # lost once for each product drawn (S3)
        for key in need.product_ids:
            content, before = by_id[key].content, wanted.get(key, ZERO)
            wanted[key] = (
                None if before is None or need.lot_id else before + fit(dose, content) * content + others
            )
    return wanted


def _containers(
    db: Session,
    visit: Visit,
    by_id: Mapping[int, Product],
    stock: Mapping[int, Decimal | None],
    *,
    site: Site,
    shelves: Sequence[int],
    backdated: bool,
) -> dict[int, list[Container]]:
    """What may be drawn from, by item; read only as far as the lines need.

    A session of an earlier hour is supplied with what could be used at that hour (S7, S12).
    """
    openable = {key: one for key, one in by_id.items() if not one.dose_class.one_patient}
    opened: Mapping[int, list[Container]] = {}
    if openable:
        opened = shelf.opened(
            db, openable, site=site, at=visit.at, patient_ref=visit.patient_ref, backdated=backdated
        )
    sealed = shelf.sealed(
        db,
        [by_id[key] for key in stock],
        site=site,
        shelves=shelves,
        on=site.day(visit.at),
        enough=stock,
        backdated_to=visit.at if backdated else None,
    )
    return {key: [*opened.get(key, ()), *lots] for key, lots in sealed.items()}


def _stock_of(draw: Draw) -> Decimal:
    return draw.opened * draw.container.product.content if draw.opened else draw.used


def _deduct(containers: dict[int, list[Container]], draws: Sequence[Draw]) -> None:
    """What one line took is not there for the next."""
    for draw in draws:
        row = containers[draw.container.product.id]
        row[row.index(draw.container)] = replace(draw.container, held=draw.container.held - _stock_of(draw))


def _post(posting: Posting, draws: Sequence[tuple[Need, Draw]], formula: CostFormula) -> tuple[Use, ...]:
    """Take each draw's cost from its layers, then post everything at once."""
    last = {draw.container.vial_id: draw for _, draw in draws}
    wants = [
        Want(
            draw.container.lot.item_id,
            draw.container.lot.id,
            posting.leaving(draw, last=last[draw.container.vial_id] is draw),
        )
        for _, draw in draws
    ]
    shares = layers.take(posting.db, formula, wants)
    uses = [posting.add(need, draw, share) for (need, draw), share in zip(draws, shares, strict=True)]
    posting.finish()
    return tuple(uses)
