"""Pages: a count's sheet to print or to fill in elsewhere, and bringing it back."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, g, request
from marshmallow import ValidationError

from api import count_sheets
from api.schemas import Shape, Words
from api.web import count_desk, count_pages, forms, frame
from api.web.forms import Done, Form
from inventory.counts import Count
from inventory.errors import Invalid

blueprint = frame.chapter("count_files")

PDF = "application/pdf"


class NoFile(Invalid):
    """There is no file in the form."""


class Upload(Shape):
    """When the sheet was filled in, by the clock on the wall."""

    counted_at = Words(16)


@blueprint.get("/counts/<id:count_id>/sheet.pdf")
def sheet_pdf(count_id: int) -> Response:
    """The sheet to print."""
    subject = count_pages.count_of(count_id)
    return Response(count_sheets.pdf(g.db, subject, blind=_blind(subject), at=g.now), mimetype=PDF)


@blueprint.get("/counts/<id:count_id>/sheet.xlsx")
def sheet_xlsx(count_id: int) -> Response:
    """The sheet to fill in on another machine."""
    subject = count_pages.count_of(count_id)
    return count_sheets.download(g.db, subject, blind=_blind(subject), at=g.now, by=g.caller.name)


def _blind(subject: Count) -> bool:
    asked = request.args.get("blind", "")
    return asked == "yes" or (subject.blind and not (asked == "no" and frame.may(count_desk.POST)))


@blueprint.route("/counts/<id:count_id>/sheet", methods=["GET", "POST"])
def upload(count_id: int) -> Response:
    """Bring a filled-in sheet back: every row is written down, or none and it says which cannot be."""
    subject = count_pages.open_one(count_id)
    report: list[count_sheets.SheetReport] = []

    def show(form: Form) -> Response:
        bad = [row.message for one in report for row in one.rows if not row.ok]
        return frame.page("count_sheet.html", form=form, count=count_pages.open_one(count_id), bad=bad)

    def do(body: dict[str, Any]) -> Done:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise NoFile("Choose the file first.")
        counted_at = _counted_at(body.get("counted_at", ""), subject)
        found = count_sheets.read_back(
            g.db,
            subject,
            file.filename[:200],
            file.read(),
            counted_at=counted_at,
            recorded_at=g.now,
            by=g.caller.name,
        )
        if found.bad:
            report.append(found)
            raise count_sheets.NoCountSheet(
                f"{found.bad} of {found.total} rows cannot be taken; nothing was written down."
            )
        lines = "1 line" if found.counted == 1 else f"{found.counted} lines"
        return Done(f"/counts/{count_id}?show=counted", f"Wrote down {lines} from the sheet.")

    return forms.handle(Upload, show=show, do=do)


def _counted_at(text: str, subject: Count) -> datetime:
    """The instant of a time at the site; now where none is named."""
    if not text:
        found: datetime = g.now
        return found
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise ValidationError({"counted_at": ["Enter a day and a time."]}) from None
    if local.tzinfo is not None:
        raise ValidationError({"counted_at": ["Enter the time at the site, without a zone."]})
    at = local.replace(tzinfo=ZoneInfo(frame.at_my_site(subject.site_id).time_zone))
    # A clock on the wall has no seconds.
    return subject.begun_at if timedelta(0) < subject.begun_at - at < timedelta(minutes=1) else at
