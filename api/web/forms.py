"""Forms: one address where GET shows it and POST does it; what is refused is shown again as it was typed.

Each form carries a key, so that a double click or a second send after the back button has one effect, and
a token, so that no other site can send it. `handle` is all that a page needs of it.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, g, request
from marshmallow import ValidationError

from api import errors, idempotency
from api.schemas import Shape
from api.web import drafts, frame
from api.web.drafts import Values
from api.web.frame import Notice
from inventory.errors import Invalid, Refusal

KEY, TOKEN = "request_key", "csrf"
VERSION = "version"  # of what is edited, in a hidden field
MISSING = "Missing data for required field."
SENT_BEFORE = (
    "You have sent this form once already, and it was done. If you mean to do it again with what stands "
    "here now, send it again."
)


@dataclass
class Form:
    """What stands in a form: the fields as typed, what is wrong with each, and with the whole."""

    values: Values = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    key: str = ""
    action: str = ""
    changes: tuple["Change", ...] = ()

    def value(self, name: str) -> str:
        """What stands in a field."""
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        """What is wrong with a field; nothing if nothing is."""
        return self.errors.get(name, "")

    @property
    def wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.errors or self.problem)


@dataclass(frozen=True)
class Change:
    """One field that somebody else changed while it was being edited: theirs, and what was typed here."""

    label: str
    theirs: str
    mine: str


@dataclass(frozen=True)
class Done:
    """It was done: where to go, and what to say there."""

    address: str
    text: str = ""
    kind: str = "done"


class Stale(Invalid):
    """Somebody else changed it since the form was opened."""

    def __init__(self, changes: tuple[Change, ...], *, version: int) -> None:
        super().__init__("Somebody else changed this since you opened it. Both versions are shown below.")
        self.changes, self.version = changes, version


Show = Callable[[Form], Response]


def handle(
    shape: type[Shape],
    *,
    show: Show,
    do: Callable[[dict[str, Any]], Done | Response],
    first: Mapping[str, str] | None = None,
) -> Response:
    """Show the form, or do what it says and go on; `first` is what stands in it when it is opened.

    `do` gets the fields by their shape. What it refuses, like what the shape refuses, is shown in the form,
    and nothing was changed.
    """
    if request.method in ("GET", "HEAD"):
        return show(opened(first or {}))
    found = typed()
    if "key_reused" in g:
        return again(show, Form(found, problem=SENT_BEFORE, key=new_key(), action=request.path), 409)
    filled = {name: text for name, text in found.items() if text.strip()}
    form = Form(found, key=request.form.get(KEY) or new_key(), action=request.path)
    try:
        done = do(shape().load(filled))
    except ValidationError as wrong:
        form.errors = by_field(wrong)
        return again(show, form, 422)
    except Stale as stale:
        form.problem, form.changes = str(stale), stale.changes
        form.values[VERSION] = str(stale.version)  # both were seen: sent again, it replaces this one
        return again(show, form, 409)
    except Refusal as refusal:
        form.problem = str(refusal)
        status = next(code for kind, code in errors.STATUS.items() if isinstance(refusal, kind))
        return again(show, form, status)
    return done if isinstance(done, Response) else go(done)


def opened(first: Mapping[str, str]) -> Form:
    """A form as it is opened: with what was kept of an earlier try, or with its first values."""
    kept = drafts.find(g.db, request.args.get("draft", ""), path=request.path) if g.visitor else None
    values = dict(first) if kept is None else dict(first) | kept
    key = values.pop(KEY, "") or new_key()
    problem = "" if kept is None or "added" in request.args else "Nothing was lost: look it over and send it."
    return Form(values, key=key, action=request.path, problem=problem)


def again(show: Show, form: Form, status: int) -> Response:
    """The form as it was typed, with what is wrong; nothing of what it asked for has happened."""
    g.db.rollback()
    g.pop("my_sites", None)  # what was read belongs to what was undone
    answer = show(form)
    answer.status_code = status
    return answer


def go(done: Done) -> Response:
    """On to another page, which says what was done. The text travels in the answer, so that the same form
    sent twice gets the same answer with the same text."""
    body = json.dumps([done.kind, done.text]) if done.text else ""
    return Response(body, status=303, headers={"Location": done.address}, mimetype="application/json")


def say_what_was_done(answer: Response) -> None:
    """Hand the text of an answer on to the page that it leads to."""
    if answer.status_code == 303 and answer.mimetype == "application/json" and answer.get_data():
        kind, text = json.loads(answer.get_data())
        frame.keep_notice(answer, Notice(kind, text))
        answer.set_data(b"")


def typed() -> Values:
    """The fields as they were typed, without those that every form has."""
    return {name: text for name, text in request.form.items() if name not in (KEY, TOKEN)}


def searched(longest: int) -> str:
    """What a list is searched for; characters that no database can look for are left out."""
    return "".join(letter for letter in request.args.get("q", "") if letter.isprintable()).strip()[:longest]


def new_key() -> str:
    """A key that no form had before."""
    return secrets.token_urlsafe(16)


def asked() -> idempotency.Asked | None:
    """The form as its key sees it; none if it has no key."""
    key = request.form.get(KEY)
    if not key or g.get("visitor") is None:
        return None
    fields = sorted((name, text) for name, text in request.form.items(multi=True) if name != TOKEN)
    return idempotency.asked(
        person=g.visitor.name,
        call=f"POST {request.path}",
        key=key,
        query=b"",
        content_type="form",
        body=json.dumps(fields).encode(),
    )


def by_field(wrong: ValidationError) -> dict[str, str]:
    """What is wrong with each field, in words for the person who fills it in."""
    found = {}
    for name, messages in wrong.normalized_messages().items():
        first = messages[0] if isinstance(messages, list) else str(messages)
        found[str(name)] = "Fill this in." if first == MISSING else first
    return found
