"""Pages: a patient's file, forgetting a patient, and putting away what was kept long enough (T8)."""

from typing import Any

from flask import Response, g, request

from api import patient_file, purging, settings
from api.rest import privacy as calls
from api.schemas import Flag, Shape, Words
from api.web import forms, frame
from api.web.explained import SETTINGS
from api.web.forms import Done, Form
from inventory import clinic
from inventory.errors import Refusal
from inventory.forgetting import REASON
from inventory.patients import LONGEST
from pricing import privacy

blueprint = frame.chapter("privacy")


class Erasing(Shape):
    """Whom to forget and why."""

    ref = Words(LONGEST, required=True)
    reason = Words(REASON, required=True)
    early = Flag(in_address=True, load_default=False)


@blueprint.get("/privacy")
def overview() -> Response:
    """Find what the book holds of a patient; who was forgotten; what is kept for how long."""
    ref, held, problem = request.args.get("ref", "").strip()[: LONGEST + 1], None, ""
    if ref:
        try:
            held = privacy.held(g.db, ref)
        except Refusal as refusal:
            problem = str(refusal)
    return frame.page(
        "privacy.html",
        ref=ref,
        held=held,
        kinds=[(name.replace("_", " ").capitalize(), len(rows)) for name, rows in held.kinds.items()]
        if held
        else [],
        problem=problem,
        erasures=privacy.erasures(g.db, limit=20),
        may_erase=frame.may("POST /privacy/erase"),
        zone=frame.here().time_zone,
        years=clinic.settings(g.db).trace_years,
        today=frame.here().day(g.now),
    )


@blueprint.get("/privacy/file.xlsx")
def file() -> Response:
    """The patient's file as a workbook."""
    answer = calls.workbook(request.args.get("ref", "").strip())
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.route("/privacy/erase", methods=["GET", "POST"])
def erase() -> Response:
    """Forget a patient; asked once more, with what stays and what goes."""

    def show(form: Form) -> Response:
        ref = form.value("ref")
        until = privacy.kept_until(g.db, ref) if ref else None
        still = until if until is not None and until >= frame.here().day(g.now) else None
        return frame.page("privacy_erase.html", form=form, until=still)

    def do(body: dict[str, Any]) -> Done:
        asked = {"on": frame.here().day(g.now), "at": g.now, "by": g.caller.name}
        erasure = patient_file.erase(g.db, body["ref"], reason=body["reason"], early=body["early"], **asked)
        return Done("/privacy", f"Forgotten: {erasure.rows} rows stand under {erasure.word} now.")

    return forms.handle(
        Erasing, show=show, do=do, first={"ref": request.args.get("ref", "").strip()[:LONGEST]}
    )


@blueprint.route("/privacy/retention", methods=["GET", "POST"])
def retention() -> Response:
    """What is kept for how long, and putting away what is due."""

    def show(form: Form) -> Response:
        kept = purging.due(g.db, settings.from_environment(), at=g.now)
        return frame.page("privacy_retention.html", form=form, kept=kept, labels=SETTINGS)

    def do(_body: dict[str, Any]) -> Done:
        gone = purging.purge(g.db, settings.from_environment(), at=g.now, by=g.caller.name)
        return Done("/privacy/retention", f"{sum(one.due for one in gone)} put away.")

    return forms.handle(Shape, show=show, do=do)
