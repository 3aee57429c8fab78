"""Pages: the clinic's mark, which stands at the head of what it hands out."""

from typing import Any

from flask import Response, g, request

from api import marks
from api.schemas import Shape
from api.web import forms, frame
from api.web.forms import Done, Form

blueprint = frame.chapter("mark")


class NewMark(Shape):
    """The file travels beside the form; nothing else is asked."""


@blueprint.route("/settings/mark", methods=["GET", "POST"])
def mark() -> Response:
    """Show the mark, set another one, or take it away."""

    def show(form: Form) -> Response:
        return frame.page("mark.html", form=form, has_mark=marks.current(g.db) is not None)

    def do(_body: dict[str, Any]) -> Done:
        file = request.files.get("picture")
        marks.change(g.db, file.read() if file else b"", at=g.now, by=g.caller.name)
        said = "The mark is set; quotes carry it from now on." if marks.current(g.db) else "The mark is gone."
        return Done("/settings/mark", said)

    return forms.handle(NewMark, show=show, do=do)


@blueprint.get("/settings/mark.png")
def picture() -> Response:
    """The mark as it is kept. Raises NoMark."""
    kept = marks.current(g.db)
    if kept is None:
        raise marks.NoMark("The clinic has no mark yet.")
    return Response(kept, mimetype="image/png")
