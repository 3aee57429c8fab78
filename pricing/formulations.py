"""Formulations: what is injected in a session, in versions that are added and never changed (T1, T2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.catalog import Ingredient, Item
from inventory.database import QUANTITY, Base, append_only, choice, one_of
from inventory.errors import Conflict, Invalid, NotFound
from inventory.measures import Unit, plain, quantity

MOST_LINES = 100


class LineKind(StrEnum):
    """A product is drawn and costed; a component is only declared by the product's maker."""

    PRODUCT = "product"
    COMPONENT = "component"


class Formulation(Base):
    """A free recipe for a concern in an area (T1, T2); what it holds is in its versions."""

    __tablename__ = "formulations"
    __table_args__ = (sa.CheckConstraint("total_volume_ml > 0", name="volume_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    concern: Mapped[str] = mapped_column(sa.String(120))
    area: Mapped[str] = mapped_column(sa.String(60))
    technique: Mapped[str] = mapped_column(sa.String(80))  # as its source words it; see protocols.Technique
    total_volume_ml: Mapped[Decimal] = mapped_column(QUANTITY)
    preparation_rule: Mapped[str] = mapped_column(sa.String(300), default="")
    active: Mapped[bool] = mapped_column(default=True)
    illustrative: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    source: Mapped[str] = mapped_column(sa.String(500), default="")


class FormulationVersion(Base):
    """The recipe as it was written at one moment; a revision is another version beside it."""

    __tablename__ = "formulation_versions"
    __table_args__ = (
        sa.UniqueConstraint("formulation_id", "number"),
        sa.CheckConstraint("number > 0", name="number_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    formulation_id: Mapped[int] = mapped_column(sa.ForeignKey("formulations.id"))
    number: Mapped[int]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(500), default="")


class FormulationLine(Base):
    """One product with its quantity, or one component that the maker declares."""

    __tablename__ = "formulation_lines"
    __table_args__ = (
        sa.UniqueConstraint("version_id", "line_no"),
        sa.CheckConstraint(f"line_no BETWEEN 1 AND {MOST_LINES}", name="line_no_in_range"),
        sa.CheckConstraint(
            "kind <> 'product' OR (quantity IS NOT NULL AND quantity > 0 AND unit IS NOT NULL"
            " AND (item_id IS NOT NULL OR ingredient_id IS NOT NULL))",
            name="product_measured",
        ),
        sa.CheckConstraint("kind <> 'component' OR quantity IS NULL", name="component_only_declared"),
        one_of("kind", LineKind),
        one_of("unit", Unit),
        sa.Index(None, "item_id"),
        sa.Index(None, "ingredient_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("formulation_versions.id"))
    line_no: Mapped[int]
    kind: Mapped[LineKind] = mapped_column(choice(LineKind))
    item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("items.id"))
    ingredient_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ingredients.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    quantity: Mapped[Decimal | None] = mapped_column(QUANTITY)  # of the product's content unit, per session
    unit: Mapped[Unit | None] = mapped_column(choice(Unit))
    declared_amount: Mapped[str] = mapped_column(sa.String(60), default="")
    role: Mapped[str] = mapped_column(sa.String(60), default="")
    source: Mapped[str] = mapped_column(sa.String(500), default="")


append_only(FormulationVersion)
append_only(FormulationLine)


@dataclass(frozen=True)
class NewLine:
    """A line as someone writes it: a product by item, or by ingredient and then any item that holds it."""

    kind: LineKind
    name: str
    item_id: int | None = None
    ingredient_id: int | None = None
    quantity: Decimal | None = None
    unit: Unit | None = None
    declared_amount: str = ""
    role: str = ""
    source: str = ""


@dataclass(frozen=True)
class RecipeLine:
    """A product of the recipe: so much of one item, or of any item of one ingredient."""

    item: Item | None
    ingredient: Ingredient | None
    quantity: Decimal
    unit: Unit
    name: str


@dataclass(frozen=True)
class Component:
    """What the maker declares to be inside; it costs nothing, but a patient may be allergic to it (T6)."""

    ingredient: Ingredient | None
    name: str
    declared_amount: str
    role: str


@dataclass(frozen=True)
class Recipe:
    """One version of a formulation, ready to be costed and screened."""

    code: str
    version: int
    name: str
    technique: str
    area: str
    concern: str
    products: tuple[RecipeLine, ...]
    components: tuple[Component, ...]
    formulation_id: int
    version_id: int
    total_volume_ml: Decimal
    preparation_rule: str
    active: bool

    @property
    def ingredients(self) -> tuple[Ingredient, ...]:
        """Every ingredient on record of products and components, once, in the order of the lines."""
        named = [*(line.ingredient for line in self.products), *(one.ingredient for one in self.components)]
        return tuple({one.id: one for one in named if one is not None}.values())


class UnknownFormulation(NotFound):
    """No formulation has this code, or it has no such version."""


class FormulationTaken(Conflict):
    """A formulation of this code is on record already."""


class TooManyLines(Invalid):
    """A recipe has at most a hundred lines (T1)."""


class NoProducts(Invalid):
    """A recipe without a product would be a session in which nothing is injected."""


class BadLine(Invalid):
    """A line says too little, too much, or what cannot be measured."""


def add_formulation(
    db: Session, new: Formulation, lines: Sequence[NewLine], *, at: datetime, by: str, reason: str = ""
) -> Recipe:
    """Add a formulation with its first version. Refuses a code that is taken and lines that are wrong."""
    if not new.total_volume_ml > 0:
        raise BadLine(f"{new.code} has a total volume of {plain(new.total_volume_ml)} mL; it must be more.")
    if db.scalar(sa.select(Formulation.id).where(Formulation.code == new.code)) is not None:
        raise FormulationTaken(f"A formulation with the code {new.code} is on record already.")
    _check(db, lines)
    db.add(new)
    db.flush()
    return _write(db, new, lines, number=1, at=at, by=by, reason=reason)


def revise(
    db: Session, formulation: Formulation, lines: Sequence[NewLine], *, at: datetime, by: str, reason: str
) -> Recipe:
    """Add a version beside the old ones, which stay as they were. Refuses lines that are wrong."""
    _check(db, lines)
    newest = db.scalar(
        sa.select(sa.func.max(FormulationVersion.number)).where(
            FormulationVersion.formulation_id == formulation.id
        )
    )
    return _write(db, formulation, lines, number=(newest or 0) + 1, at=at, by=by, reason=reason)


def formulation(db: Session, code: str) -> Formulation:
    """The formulation with this code. Raises UnknownFormulation."""
    found = db.scalar(sa.select(Formulation).where(Formulation.code == code))
    if found is None:
        raise UnknownFormulation(f"No formulation has the code {code!r}.")
    return found


def latest(db: Session, code: str) -> Recipe:
    """The newest version of a formulation. Raises UnknownFormulation."""
    return version(db, code)


def version(db: Session, code: str, number: int | None = None) -> Recipe:
    """A version of a formulation, the newest unless a number is given. Raises UnknownFormulation."""
    query = (
        sa.select(Formulation, FormulationVersion)
        .join(FormulationVersion, FormulationVersion.formulation_id == Formulation.id)
        .where(Formulation.code == code)
        .order_by(FormulationVersion.number.desc())
        .limit(1)
    )
    if number is not None:
        query = query.where(FormulationVersion.number == number)
    found = db.execute(query).one_or_none()
    if found is None:
        wanted = "" if number is None else f" in version {number}"
        raise UnknownFormulation(f"No formulation has the code {code!r}{wanted}.")
    return _recipe(db, *found)


def version_by_id(db: Session, version_id: int) -> Recipe:
    """The version with this key, as something sold or prepared once named it."""
    written = db.get_one(FormulationVersion, version_id)
    return _recipe(db, db.get_one(Formulation, written.formulation_id), written)


def _recipe(db: Session, subject: Formulation, at_version: FormulationVersion) -> Recipe:
    rows = db.execute(
        sa.select(FormulationLine, Item, Ingredient)
        .outerjoin(Item, Item.id == FormulationLine.item_id)
        # A product named by its item is screened by the item's ingredient where the line names none.
        .outerjoin(
            Ingredient,
            Ingredient.id == sa.func.coalesce(FormulationLine.ingredient_id, Item.ingredient_id),
        )
        .where(FormulationLine.version_id == at_version.id)
        .order_by(FormulationLine.line_no)
    ).all()
    return Recipe(
        code=subject.code,
        version=at_version.number,
        name=subject.name,
        technique=subject.technique,
        area=subject.area,
        concern=subject.concern,
        products=tuple(
            RecipeLine(item, ingredient, line.quantity, line.unit, line.name)
            for line, item, ingredient in rows
            if line.quantity is not None and line.unit is not None
        ),
        components=tuple(
            Component(ingredient, line.name, line.declared_amount, line.role)
            for line, _, ingredient in rows
            if line.kind is LineKind.COMPONENT
        ),
        formulation_id=subject.id,
        version_id=at_version.id,
        total_volume_ml=subject.total_volume_ml,
        preparation_rule=subject.preparation_rule,
        active=subject.active,
    )


def _check(db: Session, lines: Sequence[NewLine]) -> None:
    if len(lines) > MOST_LINES:
        raise TooManyLines(f"A formulation has at most {MOST_LINES} lines, not {len(lines)}.")
    if all(line.kind is LineKind.COMPONENT for line in lines):
        raise NoProducts(f"None of the {len(lines)} lines is a product.")
    keys = {line.item_id for line in lines if line.item_id is not None}
    units = dict(db.execute(sa.select(Item.id, Item.unit).where(Item.id.in_(keys))).all())
    ingredients = {line.ingredient_id for line in lines if line.ingredient_id is not None}
    known = set(db.scalars(sa.select(Ingredient.id).where(Ingredient.id.in_(ingredients))))
    for number, line in enumerate(lines, start=1):
        if line.item_id is not None and line.item_id not in units:
            raise BadLine(f"Line {number}, {line.name}: no item has the key {line.item_id}.")
        if line.ingredient_id is not None and line.ingredient_id not in known:
            raise BadLine(f"Line {number}, {line.name}: no ingredient has the key {line.ingredient_id}.")
        if line.kind is LineKind.PRODUCT:
            _check_product(number, line, None if line.item_id is None else units[line.item_id])
        elif line.quantity is not None or line.item_id is not None:
            raise BadLine(
                f"Line {number}, {line.name}: a component is declared by the maker of a product; "
                "it has neither an item nor a quantity of its own."
            )


def _check_product(number: int, line: NewLine, item_unit: Unit | None) -> None:
    if line.item_id is None and line.ingredient_id is None:
        raise BadLine(f"Line {number}, {line.name}: a product needs an item or an ingredient.")
    if line.quantity is None or line.unit is None:
        raise BadLine(f"Line {number}, {line.name}: a product needs a quantity and its unit.")
    if quantity(line.quantity) <= 0:
        raise BadLine(
            f"Line {number}, {line.name}: {plain(line.quantity)} {line.unit} is not a quantity above 0."
        )
    if item_unit is not None and item_unit is not line.unit:
        raise BadLine(f"Line {number}, {line.name}: the item is counted in {item_unit}, not in {line.unit}.")


def _write(
    db: Session,
    subject: Formulation,
    lines: Sequence[NewLine],
    *,
    number: int,
    at: datetime,
    by: str,
    reason: str,
) -> Recipe:
    written = FormulationVersion(formulation_id=subject.id, number=number, at=at, by=by, reason=reason)
    db.add(written)
    db.flush()
    db.add_all(
        FormulationLine(
            version_id=written.id,
            line_no=line_no,
            kind=line.kind,
            item_id=line.item_id,
            ingredient_id=line.ingredient_id,
            name=line.name,
            quantity=line.quantity,
            unit=line.unit if line.kind is LineKind.PRODUCT else None,
            declared_amount=line.declared_amount,
            role=line.role,
            source=line.source,
        )
        for line_no, line in enumerate(lines, start=1)
    )
    db.flush()
    return _recipe(db, subject, written)
