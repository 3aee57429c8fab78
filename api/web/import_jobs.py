"""Imports that pages ask for: tried and then done beside the requests, while their maker sees how far it is.

A list that somebody brought is three files of the program's home: itself, how far it is, and what is said
of its rows. They are kept for a day, for the person who brought it; every worker of the machine can answer.
"""

import json
import logging
import secrets
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import g

from api import imports, settings
from api.columns import Kind
from api.imports import Brought, ImportReport
from api.outcomes import RowOutcome
from api.web import workbooks
from inventory import clinic
from inventory.database import Database
from inventory.errors import NotFound, Refusal
from inventory.recording import Signed, sign

ONE_AT_A_TIME = threading.Lock()
BUSY = ("waiting", "checking", "importing")

log = logging.getLogger("vialbook")


class UnknownList(NotFound):
    """The list was put away, or is another person's."""


@dataclass(frozen=True)
class Job:
    """A list that was brought: whose, of which kind, for which site, and how far it is."""

    key: str
    person_id: int
    kind: str
    file_name: str
    site: str
    state: str = "waiting"  # checking, checked, importing, imported, refused, failed
    stage: str = ""
    done: int = 0
    total: int = 0
    problem: str = ""
    good: int = 0
    refused: int = 0
    doubtful: int = 0
    repeated: int = 0
    imported: int = 0
    import_id: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def spoken(self) -> str:
        """The kind of list in a sentence."""
        return Kind(self.kind).spoken

    @property
    def busy(self) -> bool:
        """Whether somebody works on it."""
        return self.state in BUSY


def bring(database: Database, job: Job, data: bytes, *, at: datetime, by: str) -> None:
    """Keep a list, and begin to try it."""
    workbooks.forget_old(folder())
    (folder() / f"{job.key}.list").write_bytes(data)
    note(job)
    begin(database, job, at=at, by=by)


def begin(database: Database, job: Job, *, at: datetime, by: str, partial: bool | None = None) -> None:
    """Begin to try a list; with `partial` told, to import it: all of it, or the good rows."""
    told = {"at": at, "by": by, "partial": partial}
    threading.Thread(target=work, args=(database, job), kwargs=told, daemon=True).start()


def new_key() -> str:
    """A key that no list had before."""
    return secrets.token_urlsafe(16)


def work(database: Database, job: Job, *, at: datetime, by: str, partial: bool | None) -> None:
    """Try or import a list, one at a time in each worker, and note how far it is."""
    dry_run = partial is None
    now = replace(job, state="checking" if dry_run else "importing", problem="")

    def told(stage: str, done: int, total: int) -> None:
        note(replace(now, stage=stage, done=done, total=total))

    try:
        with ONE_AT_A_TIME:
            note(now)
            brought = read(job)
            with database.write() as db:
                sign(db, Signed(by, at, "import"))
                report = imports.take(
                    db,
                    Kind(job.kind),
                    brought,
                    partial=dry_run or bool(partial),
                    at=at,
                    by=by,
                    site=clinic.site(db, job.site),
                    dry_run=dry_run,
                    progress=told,
                )
                if not dry_run:
                    db.commit()
            _keep(job, report)
            note(_ended(now, report, dry_run=dry_run))
    except Refusal as refusal:
        note(replace(now, state="refused", problem=str(refusal)))
    except Exception:
        log.exception("import %s failed", job.key)
        note(replace(now, state="failed"))


def _ended(job: Job, report: ImportReport, *, dry_run: bool) -> Job:
    ignored = tuple(f"The column {header!r} names nothing that this list has." for header in report.ignored)
    return replace(
        job,
        state="checked" if dry_run or not (report.imported or report.repeated) else "imported",
        total=report.total,
        good=report.total - report.refused - report.repeated,
        refused=report.refused,
        doubtful=report.doubtful - report.repeated,
        repeated=report.repeated,
        imported=0 if dry_run else report.imported,
        import_id=report.id,
        notes=(*report.notes, *ignored),
    )


def read(job: Job) -> Brought:
    """The list as it was brought. Raises UnknownList, or what reading it refuses."""
    path = folder() / f"{job.key}.list"
    if not path.exists():
        raise UnknownList("The list was put away after a day; bring it again.")
    return imports.read(job.file_name, path.read_bytes())


def folder() -> Path:
    """Where lists are kept for a day; other people of the machine cannot look in."""
    found = settings.from_environment().home / "imports"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def note(job: Job) -> None:
    """Write down how far it is, whole or not at all."""
    path = folder() / f"{job.key}.json"
    made = path.with_suffix(f".{secrets.token_hex(4)}.part")
    made.write_text(json.dumps(asdict(job)), "utf-8")
    made.replace(path)


def mine(key: str) -> Job:
    """A list that the visitor brought; of another's nothing is said. Raises UnknownList."""
    path = folder() / f"{key}.json"
    if not workbooks.KEY.fullmatch(key) or not path.exists():
        raise UnknownList("There is no such list here any more; bring it again.")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    job = Job(**(found | {"notes": tuple(found["notes"])}))
    if job.person_id != g.visitor.person_id:
        raise UnknownList("There is no such list here any more; bring it again.")
    if job.busy and workbooks.age(path) > workbooks.SILENT_SECONDS:
        return replace(job, state="failed")
    return job


def _keep(job: Job, report: ImportReport) -> None:
    """What is said of each row, a line each."""
    path = folder() / f"{job.key}.rows"
    with path.with_suffix(".part").open("w", encoding="utf-8") as file:
        for row in report.rows:
            file.write(json.dumps(asdict(row)) + "\n")
    path.with_suffix(".part").replace(path)


def outcomes(job: Job) -> Iterator[RowOutcome]:
    """What is said of each row, in their order."""
    path = folder() / f"{job.key}.rows"
    if path.exists():
        with path.open(encoding="utf-8") as file:
            for line in file:
                found = json.loads(line)
                yield RowOutcome(**(found | {"problems": tuple(map(tuple, found["problems"]))}))
