"""What was typed into a form that could not be sent: kept for a day, so that nothing is typed twice."""

import json
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import g
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.schemas import key_of
from inventory.database import Base

KEPT = timedelta(days=1)
LONGEST = 200_000
SECRET = ("csrf", "password", "new_password", "code", "secret")
"""Fields that are never kept."""

Values = dict[str, str]


class FormDraft(Base):
    """The fields of one form of one person."""

    __tablename__ = "form_drafts"
    __table_args__ = (sa.Index(None, "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    path: Mapped[str] = mapped_column(sa.String(300))
    values: Mapped[str]  # JSON
    at: Mapped[datetime]


def keep(db: Session, values: Values, *, person_id: int, path: str, at: datetime) -> str:
    """Keep what was typed; answers the address at which the form stands filled in."""
    db.execute(sa.delete(FormDraft).where(FormDraft.at < at - KEPT))
    draft = FormDraft(person_id=person_id, path=path[:300], values=json.dumps(values)[:LONGEST], at=at)
    db.add(draft)
    db.flush()
    return f"{path}?draft={draft.id}"


def find(db: Session, key: str, *, path: str) -> Values | None:
    """What the visitor had typed into the form at this address."""
    packed = db.scalar(
        sa.select(FormDraft.values).where(
            FormDraft.id == key_of(key), FormDraft.person_id == g.visitor.person_id, FormDraft.path == path
        )
    )
    return None if packed is None else unpack(packed)


def pack(values: Values) -> str:
    """The fields as one text, to be carried through the sign-in page."""
    return json.dumps({name: text for name, text in values.items() if name not in SECRET})


def unpack(text: str) -> Values:
    """The fields again; a text that is none of ours holds nothing."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # the second: nested too deeply to be read
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): str(value) for name, value in found.items() if name not in SECRET}
