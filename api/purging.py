"""Putting away what has been kept long enough: sign-ins, answers to requests, lists, logs. Never a fact.

How long each is kept is a setting of the clinic. The ledger, quotes, courses and the audit trail are never
purged: a patient in them is forgotten by `inventory.forgetting`.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.idempotency import RequestKey
from api.settings import Environment
from api.web import drafts, throttle
from api.web.drafts import FormDraft
from api.web.sign_ins import SignIn
from api.web.throttle import SignInFailure
from inventory import clinic, forgetting
from inventory.database import Base, append_only

LOG = re.compile(r"(\d{4}-\d{2}-\d{2})\.jsonl")


class Purge(Base):
    """What was put away at one moment, by whom: how many of each kind."""

    __tablename__ = "purges"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    counts: Mapped[str]  # JSON


append_only(Purge)


@dataclass(frozen=True)
class Kept:
    """One kind of thing that is kept for a while: by which setting, for how long, how many are due."""

    code: str
    words: str
    setting: str  # none: a rule of the program
    keeps: timedelta
    due: int

    @property
    def said(self) -> str:
        """For how long, in words."""
        hours = int(self.keeps.total_seconds()) // 3600
        return f"{hours // 24} days" if hours > 24 else "1 day" if hours == 24 else f"{hours} hour"


def due(db: Session, environment: Environment, *, at: datetime) -> list[Kept]:
    """What is kept, for how long, and how many of each are due to be put away."""
    found = []
    for code, words, setting, keeps in _kinds(db):
        count = (
            len(_files(environment, code, at - keeps))
            if code in FILES
            else db.scalar(sa.select(sa.func.count()).select_from(ROWS[code]).where(_old(code, at - keeps)))
        )
        found.append(Kept(code, words, setting, keeps, int(count or 0)))
    return found


def purge(db: Session, environment: Environment, *, at: datetime, by: str) -> list[Kept]:
    """Put away what is due, and keep on record how many of each that was; answers it."""
    found = [kept for kept in due(db, environment, at=at) if kept.due]
    for kept in found:
        if kept.code in FILES:
            for path in _files(environment, kept.code, at - kept.keeps):
                path.unlink(missing_ok=True)
        else:
            with forgetting.unguarded(db, ROWS[kept.code].__tablename__):
                db.execute(sa.delete(ROWS[kept.code]).where(_old(kept.code, at - kept.keeps)))
    if found:
        db.add(Purge(at=at, by=by, counts=json.dumps({kept.code: kept.due for kept in found})))
        db.flush()
    return found


FILES = {"uploads": ("imports", "workbooks"), "access_logs": ("access",)}
"""Kinds that are files, and the folders of the program's home in which they are."""
ROWS: dict[str, type[Base]] = {
    "sign_ins": SignIn,
    "sign_in_failures": SignInFailure,
    "form_drafts": FormDraft,
    "request_keys": RequestKey,
}


def _kinds(db: Session) -> list[tuple[str, str, str, timedelta]]:
    chosen = clinic.settings(db)
    return [
        ("sign_ins", "Sign-ins that were last used before", "sign_in_days", _days(chosen.sign_in_days)),
        ("sign_in_failures", "Failed sign-ins", "", throttle.MEMORY),
        ("form_drafts", "Forms that were not sent", "", drafts.KEPT),
        (
            "request_keys", "Answers for requests sent twice", "request_key_days",
            _days(chosen.request_key_days),
        ),
        (
            "uploads", "Lists that were brought, and workbooks as files", "upload_days",
            _days(chosen.upload_days),
        ),
        ("access_logs", "The log of requests", "access_log_days", _days(chosen.access_log_days)),
    ]  # fmt: skip


def _days(days: int) -> timedelta:
    return timedelta(days=days)


def _old(code: str, before: datetime) -> sa.ColumnElement[bool]:
    return SignIn.seen_at < before if code == "sign_ins" else ROWS[code].__table__.c.at < before


def _files(environment: Environment, code: str, before: datetime) -> list[Path]:
    found = []
    for folder in FILES[code]:
        where = environment.home / folder
        for path in sorted(where.iterdir()) if where.is_dir() else ():
            if code == "access_logs":
                match = LOG.fullmatch(path.name)
                old = match is not None and date.fromisoformat(match[1]) < before.date()
            else:
                old = path.is_file() and path.stat().st_mtime < before.timestamp()
            if old:
                found.append(path)
    return found
