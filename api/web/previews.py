"""What a form would change, shown before the person confirms it: done on the side and undone (S12)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from flask import Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.web import forms
from api.web.forms import KEY, Form, Show
from inventory.clinic import Site
from inventory.errors import Refusal
from inventory.preview import Preview, preview

LOOK = "look"
BUSY = "Somebody is recording something just now, so what would change cannot be shown. Look again."


@dataclass(frozen=True)
class Foretold:
    """What would change, or the sentence that says why it would be refused."""

    change: Preview | None = None
    refusal: str = ""

    @property
    def days(self) -> int:
        """How many days before today would be other than they are."""
        if self.change is None:
            return 0
        return len({one.on for one in self.change.days if one.on < g.now.date()})


def foretold(act: Callable[[Session], object]) -> Foretold:
    """What an act would change, done in a transaction of its own that is never committed.

    It is for pages that are read, and for forms that were refused or only ask: what they have begun is
    ended, for it would stand in the way.
    """
    if not g.reads:
        g.db.rollback()
    try:
        with current_app.extensions["vialbook"].write() as db:
            return Foretold(preview(db, lambda: act(db), recorded_at=g.now, by=g.caller.name))
    except Refusal as refusal:
        return Foretold(refusal=str(refusal))
    except SQLAlchemyError:
        return Foretold(refusal=BUSY)


def asked() -> bool:
    """Whether the form was sent only to see what it would change."""
    return LOOK in request.form


def look(show: Show) -> Response:
    """The form as it was typed, to be looked at; its key is still free."""
    g.asked = None
    values = {name: text for name, text in forms.typed().items() if name != LOOK}
    form = Form(values, key=request.form.get(KEY) or forms.new_key(), action=request.path)
    return forms.again(show, form, 200)


def day(form: Form, site: Site) -> date:
    """The day that stands in a form's field `on`; today where there is none, or none that can be read."""
    try:
        return date.fromisoformat(form.value("on"))
    except ValueError:
        return site.day(g.now)
