"""Pages: bringing lists in: what would become of each row first, then the import, and the way back."""

import io
from itertools import islice
from typing import Any

from flask import Response, current_app, g, request
from marshmallow import ValidationError

from api import import_records, import_sheets, imports, where
from api.columns import OF_KIND, Kind
from api.import_records import IMPORTS
from api.outcomes import RowOutcome
from api.rest.lists import here, imports_query, made_here
from api.schemas import Shape, Words, one_word
from api.tables import LARGEST_FILE
from api.web import downloads, forms, frame, import_jobs
from api.web.forms import Done, Form
from api.web.import_jobs import Job
from inventory.database import Database

blueprint = frame.chapter("imports")

ROWS = 50  # of a report at once
LISTED = 100  # imports
SHOWN = (("look", "to look at"), ("all", "all rows"))


class NewList(Shape):
    """What kind of list it is."""

    kind = one_word(Kind, required=True)


class Why(Shape):
    """Why an import is taken back."""

    reason = Words(500, required=True, lines=True)


@blueprint.route("/imports", methods=["GET", "POST"])
def lists() -> Response:
    """Bring a list, and the ones that were imported."""
    return forms.handle(NewList, show=_show_lists, do=_bring, first={"kind": Kind.OPENING_STOCK})


def _show_lists(form: Form) -> Response:
    made = g.db.execute(here(imports_query()).order_by(IMPORTS.c.id.desc()).limit(LISTED)).all()
    return frame.page(
        "imports.html",
        form=form,
        kinds=[(kind.value, kind.spoken.capitalize()) for kind in Kind],
        needed={kind: needed(kind) for kind in Kind},
        made=made,
        spoken={kind.value: kind.spoken for kind in Kind},
        site=frame.here(),
        largest=LARGEST_FILE // 1_000_000,
    )


def needed(kind: Kind) -> str:
    """What a list of this kind must say of each row."""
    if kind is Kind.FORMULATIONS:
        return (
            "Code and Item with Quantity on each row; Name, Area, Technique and Total volume mL on the first"
        )
    return ", ".join(import_sheets.title(one) for one in OF_KIND[kind] if one.required)


def _bring(fields: dict[str, Any]) -> Done:
    file = request.files.get("file")
    data = file.read() if file is not None else b""
    if file is None or not data:
        raise ValidationError({"file": ["Choose a file that is not empty."]})
    name = "".join(letter for letter in file.filename or "" if letter.isprintable())[:200]
    kind = imports.kind_of(fields["kind"])
    job = Job(import_jobs.new_key(), g.visitor.person_id, kind.value, name, frame.here().code)
    database: Database = current_app.extensions["vialbook"]
    import_jobs.bring(database, job, data, at=g.now, by=g.caller.name)
    return Done(f"/imports/lists/{job.key}")


@blueprint.get("/imports/lists/<code:key>")
def report(key: str) -> Response:
    """How far a list is, and then what became of its rows, or would."""
    job = import_jobs.mine(key)
    if request.headers.get("HX-Request") and job.busy:
        return frame.page("_import.html", job=job)
    show = "all" if request.args.get("show") == "all" else "look"
    start = request.args.get("start", "")
    first = int(start) if start.isascii() and start.isdecimal() and len(start) < 9 else 0
    wanted = (row for row in import_jobs.outcomes(job) if show == "all" or _to_look_at(row))
    rows = list(islice(wanted, first, first + ROWS + 1))
    answer = frame.page(
        "import_report.html",
        job=job,
        rows=[(row, told(row)) for row in rows[:ROWS]],
        show=show,
        shown=SHOWN,
        count=job.total if show == "all" else job.refused + job.doubtful,
        start=first,
        next=first + ROWS if len(rows) > ROWS else 0,
    )
    if request.headers.get("HX-Request"):
        answer.headers["HX-Refresh"] = "true"  # it is done: the whole page changes
    return answer


def _to_look_at(row: RowOutcome) -> bool:
    return not row.ok or (bool(row.message) and not row.repeated)


def told(row: RowOutcome) -> list[tuple[str, str]]:
    """What is said of a row, by the header of each field where it is about one."""
    said = []
    for _, message in row.problems or (("", row.message),):
        words = message.removeprefix(f"Row {row.row}").lstrip(",: ")
        header, colon, rest = words.partition(": ")
        named = colon and row.field and not row.ok and len(header) <= 40
        said.append((header, rest) if named else ("", words))
    return said


@blueprint.post("/imports/lists/<code:key>")
def take(key: str) -> Response:
    """Import a list that was tried: all of it, or its good rows."""
    job = import_jobs.mine(key)
    where.named(job.site)  # who brought it may have been moved to another site since
    if job.state == "checked":
        partial = request.form.get("rows") == "good"
        database: Database = current_app.extensions["vialbook"]
        waiting = Job(**(vars(job) | {"state": "waiting", "stage": ""}))
        import_jobs.note(waiting)
        import_jobs.begin(database, waiting, at=g.now, by=g.caller.name, partial=partial)
    return forms.go(Done(f"/imports/lists/{job.key}"))


@blueprint.get("/imports/lists/<code:key>/corrected.xlsx")
def corrected(key: str) -> Response:
    """The list as it was brought, with what is wrong beside each row."""
    job = import_jobs.mine(key)
    brought = import_jobs.read(job)
    rows = tuple(import_jobs.outcomes(job))
    found = imports.ImportReport(rows, 0, job.total, "", ())
    file = io.BytesIO()
    import_sheets.corrected(file, Kind(job.kind), brought, found, at=g.now, by=g.caller.name)
    file.seek(0)
    return downloads.workbook(file, name=f"{job.kind}-problems.xlsx")


@blueprint.get("/imports/templates/<code:kind>")
def template(kind: str) -> Response:
    """An empty list of a kind to fill in."""
    of_kind = imports.kind_of(kind)
    file = io.BytesIO()
    import_sheets.template(file, of_kind)
    file.seek(0)
    return downloads.workbook(file, name=f"{of_kind}-template.xlsx")


@blueprint.route("/imports/<id:import_id>/undo", methods=["GET", "POST"])
def undo(import_id: int) -> Response:
    """Take an import back in one step."""
    subject = made_here(import_id)

    def show(form: Form) -> Response:
        return frame.page("import_undo.html", form=form, made=subject, spoken=Kind(subject.kind).spoken)

    def do(fields: dict[str, Any]) -> Done:
        undone = import_records.undo(
            g.db, subject, at=g.now, by=g.caller.name, reason=" ".join(fields["reason"].split())
        )
        return Done("/imports", undone.message)

    return forms.handle(Why, show=show, do=do)
