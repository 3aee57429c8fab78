"""Pages: the accountants' workbook, written beside the requests while its maker sees how far it is (B5).

A workbook being written is two files of the program's home: how far it is, and, only when it is whole, the
workbook. So every worker of the machine can answer for it, and a half file is never there to be had.
"""

import json
import logging
import re
import secrets
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response, current_app, g, request

from api import settings
from api.web import books, downloads, forms, frame, months
from api.web.books import Span
from api.web.forms import Done
from api.workbook_columns import LISTINGS
from inventory.database import Database
from inventory.errors import NotFound, Refusal

blueprint = frame.chapter("workbooks")

IN_MEMORY = 4 * 1024 * 1024
KEY = re.compile("[A-Za-z0-9_-]{22}")  # 128 random bits
KEPT_SECONDS = 86_400
SILENT_SECONDS = 180  # nothing was heard of it for so long: its worker was stopped
SHEETS = len(LISTINGS) + 1  # the lists, and the packing
ONE_AT_A_TIME = threading.Lock()

log = logging.getLogger("vialbook")


class Stopped(Exception):
    """Whoever asked for the workbook does not want it any more."""


class UnknownWorkbook(NotFound):
    """The workbook was put away, is another person's, or is not written yet."""


@dataclass(frozen=True)
class Job:
    """A workbook that is asked for: whose, of which month, and how far it is."""

    key: str
    person_id: int
    since: str
    until: str
    state: str = "waiting"  # writing, done, failed, stopped
    why: str = ""  # it failed, where that can be mended
    sheet: str = ""
    rows: int = 0
    written: int = 0  # sheets

    @property
    def first(self) -> date:
        """The first day of its month."""
        return date.fromisoformat(self.since)

    @property
    def name(self) -> str:
        """What the file is called."""
        return f"accounting-{self.since}-{self.until}.xlsx"


@blueprint.get("/books/workbook")
def ask() -> Response:
    """What the workbook holds, and how to have it."""
    return books.show("books_workbook.html", books.asked(), job=None, sheets=SHEETS)


@blueprint.post("/books/workbook")
def begin() -> Response:
    """Begin to write the workbook of a month; its own page shows how far it is."""
    today = frame.here().day(g.now)
    span = books.span_of(months.month_of(request.form.get("month", ""), today=today), today=today)
    job = Job(secrets.token_urlsafe(16), g.visitor.person_id, str(span.first), str(span.until))
    forget_old(folder())
    note(job)
    database: Database = current_app.extensions["vialbook"]
    threading.Thread(
        target=work, args=(database, job), kwargs={"at": g.now, "by": g.caller.name}, daemon=True
    ).start()
    return forms.go(Done(f"/books/workbook/{job.key}"))


@blueprint.get("/books/workbook/<code:key>")
def progress(key: str) -> Response:
    """How far a workbook is; the part of the page that changes alone where the page itself asks."""
    job = mine(key)
    if request.headers.get("HX-Request"):
        return frame.page("_workbook.html", job=job, sheets=SHEETS)
    today = frame.here().day(g.now)
    return books.show("books_workbook.html", books.span_of(job.first, today=today), job=job, sheets=SHEETS)


@blueprint.get("/books/workbook/<code:key>/file")
def download(key: str) -> Response:
    """The workbook, when it is whole."""
    job = mine(key)
    path = folder() / f"{job.key}.xlsx"
    if not path.exists():
        raise UnknownWorkbook("The workbook is not written yet, or was put away; ask for it again.")
    return downloads.workbook(path, name=job.name)


@blueprint.post("/books/workbook/<code:key>/stop")
def stop(key: str) -> Response:
    """Stop writing a workbook: nothing of it is kept."""
    job = mine(key)
    if job.state in ("waiting", "writing"):
        stopped(job).touch()
    return forms.go(Done(f"/books/workbook/{job.key}"))


@blueprint.get("/books/workbook.xlsx")
def at_once() -> Response:
    """The workbook in one go: the answer comes when it is whole."""
    from api import workbook  # imported late, for most requests need no spreadsheets

    span: Span = books.asked()
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (closed when it was sent)
    workbook.write_accounting(g.db, file, since=span.first, until=span.until, at=g.now, by=g.caller.name)
    file.seek(0)
    name = f"accounting-{span.first}-{span.until}.xlsx"
    return downloads.workbook(file, name=name)


def work(database: Database, job: Job, *, at: datetime, by: str) -> None:
    """Write a workbook, one at a time in each worker, and note how far it is."""
    from api import workbook

    done: list[str] = []

    def told(sheet: str, rows: int) -> None:
        if stopped(job).exists():
            raise Stopped
        if sheet not in done:
            done.append(sheet)
        note(replace(job, state="writing", sheet=sheet, rows=rows, written=len(done)))

    try:
        with ONE_AT_A_TIME, database.read() as db:
            note(replace(job, state="writing"))
            path = folder() / f"{job.key}.xlsx"
            workbook.write_accounting(
                db, path, since=job.first, until=date.fromisoformat(job.until), at=at, by=by, progress=told
            )
        note(replace(job, state="done", written=SHEETS))
    except Stopped:
        note(replace(job, state="stopped"))
    except Refusal as refusal:
        note(replace(job, state="failed", why=str(refusal)))
    except Exception:
        log.exception("workbook %s could not be written", job.key)
        note(replace(job, state="failed"))


def stopped(job: Job) -> Path:
    """The mark that a workbook is to be stopped; any worker of the machine can leave it."""
    return folder() / f"{job.key}.stop"


def folder() -> Path:
    """Where workbooks are kept for a day; other people of the machine cannot look in."""
    found = settings.from_environment().home / "workbooks"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def note(job: Job) -> None:
    """Write down how far it is, whole or not at all."""
    path = folder() / f"{job.key}.json"
    made = path.with_suffix(".part")
    made.write_text(json.dumps(asdict(job)), "utf-8")
    made.replace(path)


def mine(key: str) -> Job:
    """A workbook that the visitor asked for; of another's nothing is said. Raises UnknownWorkbook."""
    path = folder() / f"{key}.json"
    if not KEY.fullmatch(key) or not path.exists():
        raise UnknownWorkbook("There is no such workbook here any more; ask for it again.")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    job = Job(**found)
    if job.person_id != g.visitor.person_id:
        raise UnknownWorkbook("There is no such workbook here any more; ask for it again.")
    if job.state in ("waiting", "writing") and age(path) > SILENT_SECONDS:
        return replace(job, state="failed")
    return job


def forget_old(where: Path) -> None:
    """Put away what was kept for a day."""
    for path in where.iterdir():
        if age(path) > KEPT_SECONDS:
            path.unlink(missing_ok=True)


def age(path: Path) -> float:
    """How many seconds ago a file was written, by the machine's clock as its files have it."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0
