"""Drawing: the movements that a session makes, from shelf or opened vial to patient and waste (S3, S4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, layers, ledger, vials
from inventory.catalog import DoseClass
from inventory.clinic import PlaceKind, Site
from inventory.database import QUANTITY, Prepared, table_of
from inventory.layers import Share
from inventory.ledger import Act, Move, WasteReason
from inventory.measures import ZERO
from inventory.picking import Draw, Need
from inventory.vials import OpenedVial, PreparedIn, Product, VialRule


@dataclass(frozen=True)
class Use:
    """What one lot or opened vial gave: used on the patient, discarded at once, and their cost."""

    sku: str
    lot_id: int
    lot_number: str
    vial_id: int | None
    quantity: Decimal
    discarded: Decimal
    kept: Decimal  # in the vial that this draw opened
    value: Decimal
    discarded_value: Decimal


VIALS = table_of(OpenedVial)
LEFT = VIALS.c.remaining - sa.bindparam("gone", type_=QUANTITY)
DRAIN = Prepared(
    sa.update(VIALS)
    .where(VIALS.c.id == sa.bindparam("vial"))
    .values(
        remaining=LEFT,
        patient_ref=sa.func.coalesce(VIALS.c.patient_ref, sa.bindparam("whose", type_=sa.String)),
        closed_at=sa.case((LEFT == 0, sa.bindparam("at", type_=VIALS.c.closed_at.type))),
    ),
    ("vial", "gone", "whose", "at"),
)


@dataclass
class Posting:
    """Gathers one session's moves and vials, then posts them in one go."""

    db: Session
    document_id: int
    act: Act
    prepared_in: PreparedIn
    patient_ref: str
    site: Site
    places: Mapping[PlaceKind, Sequence[int]]
    moves: list[Move] = field(default_factory=list)
    drained: dict[int, tuple[Decimal, str | None]] = field(default_factory=dict)  # what left, and whose it is
    rules: Sequence[VialRule] | None = None
    backdated: bool = False  # something may have moved since, so the ledger must look (S12)

    def __post_init__(self) -> None:
        self.in_room = self.prepared_in is PreparedIn.TREATMENT_ROOM
        self.opened, self.patient, self.waste = (
            self.places[kind][0] for kind in (PlaceKind.OPENED, PlaceKind.PATIENT, PlaceKind.WASTE)
        )

    def leaving(self, draw: Draw, *, last: bool) -> Decimal:
        """How much leaves the clinic's stock: what is used, and what cannot be kept.

        `last` says that no later line draws from the same opened vial: only then is its rest discarded.
        """
        if not self._ends_with_session(draw):
            rest = draw.discarded
        elif draw.container.vial_id is None:
            rest = draw.kept
        else:
            rest = draw.container.held - draw.used if last else ZERO
        return draw.used + rest

    def add(self, need: Need, draw: Draw, shares: Sequence[Share]) -> Use:
        """Turn one draw and the cost it takes along into moves."""
        used, wasted = layers.split(shares, draw.used)
        self.backdated = self.backdated or draw.container.last_on > self.act.on
        vial_id = draw.container.vial_id
        if vial_id is not None:
            self._leave(draw, self.opened, used, wasted, vial_id, need.reason)
            self._drain(draw, vial_id, gone=sum((share.quantity for share in shares), ZERO))
        elif draw.kept and not self._ends_with_session(draw):
            vial_id = self._open_last(draw, used, need.reason)
        else:
            self._leave(draw, draw.container.place_id, used, wasted, None, need.reason)
        lost = sum((share.value for share in wasted), ZERO)
        return Use(
            sku=draw.container.product.sku,
            lot_id=draw.container.lot.id,
            lot_number=draw.container.lot_number,
            vial_id=vial_id,
            quantity=draw.used,
            discarded=sum((share.quantity for share in wasted), ZERO),
            kept=ZERO if self._ends_with_session(draw) else draw.kept,
            value=lost + sum((share.value for share in used), ZERO),
            discarded_value=lost,
        )

    def finish(self) -> None:
        """Post the moves and write what is left in the vials."""
        held = frozenset(key for kind in clinic.HELD for key in self.places[kind])
        ledger.post(self.db, self.document_id, self.act.on, self.moves, held=held, backdated=self.backdated)
        if self.drained:
            DRAIN.run(
                self.db,
                [(vial, gone, whose, self.act.at) for vial, (gone, whose) in self.drained.items()],
            )

    def _ends_with_session(self, draw: Draw) -> bool:
        """A shared-use container that entered the treatment room ends with this patient's session (S4)."""
        product = draw.container.product
        if product.dose_class is not DoseClass.MULTI_DOSE:
            return False
        return self.in_room or draw.container.in_room

    def _leave(
        self,
        draw: Draw,
        source: int,
        used: Sequence[Share],
        wasted: Sequence[Share],
        vial_id: int | None,
        reason: str,
    ) -> None:
        remainder = (
            WasteReason.SINGLE_DOSE_REMAINDER
            if draw.container.product.dose_class.one_patient
            else WasteReason.BEYOND_USE
        )
        self._out(draw, source, self.patient, used, vial_id, reason or None)
        self._out(draw, source, self.waste, wasted, vial_id, remainder.value)

    def _out(
        self,
        draw: Draw,
        source: int,
        target: int,
        shares: Sequence[Share],
        vial_id: int | None,
        reason: str | None,
    ) -> None:
        for share in shares:
            self.moves.append(
                Move(
                    draw.container.lot,
                    source,
                    target,
                    share.quantity,
                    direction=-1,
                    value=share.value,
                    layer_id=share.layer_id,
                    vial_id=vial_id,
                    reason=reason,
                )
            )

    def _open_last(self, draw: Draw, used: Sequence[Share], reason: str) -> int:
        """Use whole containers from the shelf; open the last one and keep its rest (S4)."""
        product, shelf = draw.container.product, draw.container.place_id
        from_shelf = (draw.opened - 1) * product.content
        whole, part = layers.split(used, from_shelf)
        self._out(draw, shelf, self.patient, whole, None, reason or None)
        opened = self._new_vial(draw, product)
        self.moves.append(
            Move(
                draw.container.lot,
                shelf,
                self.opened,
                product.content,
                vial_id=opened.id,
            )
        )
        self._out(draw, self.opened, self.patient, part, opened.id, reason or None)
        return opened.id

    def _new_vial(self, draw: Draw, product: Product) -> OpenedVial:
        if self.rules is None:
            self.rules = vials.rules_in_force(self.db, self.site, self.act.on)
        return vials.record(
            self.db,
            product,
            lot_id=draw.container.lot.id,
            expires_on=draw.container.lot.expires_on,
            site=self.site,
            at=self.act.at,
            by=self.act.by,
            prepared_in=self.prepared_in,
            patient_ref=self._whose(product),
            remaining=draw.kept,
            rules=self.rules,
        )

    def _drain(self, draw: Draw, vial_id: int, *, gone: Decimal) -> None:
        # Two lines may draw from the same vial, which is written once.
        before, _ = self.drained.get(vial_id, (ZERO, None))
        self.drained[vial_id] = (before + gone, self._whose(draw.container.product))

    def _whose(self, product: Product) -> str | None:
        """The one patient that a vial which outlasts the session is for, unless the clinic shares it."""
        if product.dose_class is not DoseClass.MULTI_DOSE:
            return None
        return None if self.site.share_opened_vials else self.patient_ref
