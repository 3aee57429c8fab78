"""Scans that wait to be received: each is kept the moment it is read, and becomes a line of the delivery.

What cannot be read is kept too, with the reason, until a person puts it aside. Labels of one box are joined
in whatever order they come; the same box again counts one more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import boxes, scanning
from inventory.boxes import Box
from inventory.catalog import Item
from inventory.database import Base
from inventory.errors import Conflict
from inventory.gs1 import UnreadableLabel
from inventory.scanning import DOUBTS, Scan

LONGEST = 4_096
MOST_WAITING = 200
SAID_ANYWAY = "W_NO_SYMBOLOGY_ID"
"""Most scanners do not say what kind of barcode it is; a doubt about every label is read by nobody."""
TWICE = "The box with this serial number was scanned before; it is counted once."
UNKNOWN = "No item has the barcode number {}: choose the item."
NOT_ONE_BOX = "This label was not taken together with the one before it. {}"


class WaitingScan(Base):
    """One scan, or one line added by hand, of a person who receives at a site."""

    __tablename__ = "waiting_scans"
    __table_args__ = (sa.UniqueConstraint("person_id", "key"), sa.Index(None, "person_id", "site_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    key: Mapped[str] = mapped_column(sa.String(40))  # the same scan sent twice is one
    data: Mapped[str] = mapped_column(sa.Text)  # as the scanner gave it; empty: a line by hand
    photo: Mapped[str] = mapped_column(
        sa.String(40), default="", server_default=sa.text("''")
    )  # that it was seen in
    at: Mapped[datetime]


class TooManyWaiting(Conflict):
    """Receive what waits before scanning more."""


@dataclass
class Line:
    """One line of a delivery as the labels tell it."""

    id: int
    scan_ids: list[int]
    item: Item | None = None
    scan: Scan | None = None
    containers: int = 1
    problem: str = ""
    doubts: list[str] = field(default_factory=list)
    serials: set[str] = field(default_factory=set)

    @property
    def by_hand(self) -> bool:
        """Whether nothing was scanned: it is all to be typed."""
        return self.scan is None and not self.problem


def add(
    db: Session, *, person_id: int, site_id: int, key: str, data: str, at: datetime, photo: str = ""
) -> None:
    """Keep a scan; one that was kept already is not kept again. Raises TooManyWaiting."""
    mine = sa.select(WaitingScan.id).where(WaitingScan.person_id == person_id)
    if db.scalar(mine.where(WaitingScan.key == key[:40])) is not None:
        return
    waiting = db.scalar(sa.select(sa.func.count()).select_from(mine.subquery())) or 0
    if waiting >= MOST_WAITING:
        raise TooManyWaiting(f"{MOST_WAITING} scans wait already: receive them before scanning more.")
    kept = _kept(data)[:LONGEST]
    db.add(
        WaitingScan(person_id=person_id, site_id=site_id, key=key[:40], data=kept, photo=photo[:40], at=at)
    )
    db.flush()


def _kept(data: str) -> str:
    # PostgreSQL keeps no zero byte, and halves of characters cannot be kept at all.
    return data.replace("\0", "").encode("utf-8", "replace").decode()


def waiting(db: Session, *, person_id: int, site_id: int) -> list[WaitingScan]:
    """What a person scanned at a site and has not received yet, in the order of scanning."""
    query = sa.select(WaitingScan).where(WaitingScan.person_id == person_id, WaitingScan.site_id == site_id)
    return list(db.scalars(query.order_by(WaitingScan.id)))


def put_aside(db: Session, scan_ids: Sequence[int], *, person_id: int) -> None:
    """Forget scans: they were received, or are no delivery."""
    db.execute(sa.delete(WaitingScan).where(WaitingScan.id.in_(scan_ids), WaitingScan.person_id == person_id))


def lines(db: Session, rows: Sequence[WaitingScan], *, on: date) -> list[Line]:
    """The lines that the scans make, in the order in which they began."""
    found: list[Line] = []
    together: list[tuple[WaitingScan, Scan]] = []  # may be labels of one box
    for row in rows:
        scan = None
        if row.data:
            try:
                scan = scanning.read(row.data, on=on)
            except UnreadableLabel as unreadable:
                found.append(Line(row.id, [row.id], problem=str(unreadable)))
                continue
        if together and (scan is None or row.photo != together[-1][0].photo):
            found += _boxes(db, together)
            together = []
        if scan is None:
            found.append(Line(row.id, [row.id]))
        else:
            together.append((row, scan))
    return _merged(sorted([*found, *_boxes(db, together)], key=lambda line: line.id))


def _boxes(db: Session, together: Sequence[tuple[WaitingScan, Scan]]) -> list[Line]:
    """What was scanned one after the other, or seen in one photo, box by box."""
    labels = [scan for _, scan in together]
    seen = boxes.in_photo(labels) if together and together[0][0].photo else boxes.scanned(labels)
    return [_line(db, box, [together[place][0].id for place in box.labels]) for box in seen]


def _line(db: Session, box: Box, keys: list[int]) -> Line:
    scan = box.scan
    known = scanning.find(db, scan)
    line = Line(keys[0], keys, scan=scan)
    if known is not None:
        line.item, line.containers = known
    number = scan.content_gtin or scan.gtin
    if known is None and number:
        line.doubts.append(UNKNOWN.format(number))
    if box.conflict and "item" in boxes.lacking(scan):
        line.doubts.append(NOT_ONE_BOX.format(box.conflict))
    line.doubts += [DOUBTS[code] for code in scan.doubts if code != SAID_ANYWAY]
    line.serials = {scan.serial} if scan.serial else set()
    return line


def _merged(found: Sequence[Line]) -> list[Line]:
    """Boxes alike are one line that counts them."""
    kept: list[Line] = []
    for line in found:
        same = next((one for one in kept if _same(one, line)), None)
        if same is None:
            kept.append(line)
        else:
            _count(same, line)
    return kept


def _same(one: Line, other: Line) -> bool:
    if one.scan is None or other.scan is None or {"item", "lot"} & set(boxes.lacking(other.scan)):
        return False
    return (one.scan.gtin, one.scan.content_gtin, one.scan.lot, one.scan.expires_on) == (
        other.scan.gtin, other.scan.content_gtin, other.scan.lot, other.scan.expires_on,
    )  # fmt: skip


def _count(line: Line, again: Line) -> None:
    line.scan_ids += again.scan_ids
    if again.serials & line.serials:
        line.doubts.append(TWICE)
        return
    line.serials |= again.serials
    line.containers += again.containers
