"""The clinic's mark: the picture that stands at the head of what it hands out, checked and drawn anew."""

from datetime import datetime
from io import BytesIO

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.database import Base, append_only
from inventory.errors import Invalid, NotFound

LARGEST = 2 * 1024 * 1024  # bytes of the file
MOST_PIXELS = 16_000_000
HEIGHT, WIDTH = 400, 1200  # as it is kept: 13 mm at 780 dots an inch


class Mark(Base):
    """A picture at one moment; the latest counts, an empty one takes it away, earlier ones are history."""

    __tablename__ = "clinic_marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    picture: Mapped[bytes] = mapped_column(sa.LargeBinary)  # PNG
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))


append_only(Mark)


class NotAPicture(Invalid):
    """The file cannot be the clinic's mark."""


class NoMark(NotFound):
    """The clinic has set no mark."""


def current(db: Session) -> bytes | None:
    """The mark as PNG, if the clinic has one."""
    return db.scalar(sa.select(Mark.picture).order_by(Mark.id.desc()).limit(1)) or None


def change(db: Session, file: bytes, *, at: datetime, by: str) -> None:
    """Set the mark from a PNG or JPEG file, or take it away with an empty one. Raises NotAPicture."""
    db.add(Mark(picture=_drawn(file) if file else b"", at=at, by=by))
    db.flush()


def _drawn(file: bytes) -> bytes:
    """The picture without whatever else the file carried, at the size in which it is printed."""
    from PIL import Image, UnidentifiedImageError

    if len(file) > LARGEST:
        raise NotAPicture(f"The file has {len(file):,} bytes; a mark has at most {LARGEST:,}.")
    try:
        with Image.open(BytesIO(file), formats=["PNG", "JPEG"]) as picture:
            wide, high = picture.size
            if wide * high > MOST_PIXELS:
                raise NotAPicture(f"The picture has {wide} × {high} dots; {MOST_PIXELS:,} are the most.")
            drawn = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as bad:
        raise NotAPicture("The file is not a PNG or JPEG picture.") from bad
    drawn.thumbnail((WIDTH, HEIGHT))
    out = BytesIO()
    drawn.save(out, "PNG", optimize=True)
    return out.getvalue()
