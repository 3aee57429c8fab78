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


append_only(FormulationVersion.__table__)  # type: ignore[arg-type]
append_only(FormulationLine.__table__)  # type: ignore[arg-type]
