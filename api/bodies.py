"""Reading requests strictly: what is doubtful is refused, before anybody acts on a guess.

JSON has no NaN, no name twice, no decimal number that a float would bend; an address has no
parameter twice and none that nobody knows.
"""

import json
from collections import Counter
from typing import Any, NoReturn

from flask import Request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser

from api.errors import Malformed, WrongMediaType

LARGEST_BODY = 5 * 1024 * 1024
PHOTO = 20 * 1024 * 1024  # as phones take them
LARGEST = {"POST /api/v1/scans": PHOTO, "POST /receive/photo": PHOTO}
"""Calls that may be sent more than the others."""


class Number(float):
    """A JSON number with a point or an exponent: known as a number, so that fields can refuse it."""


def parse(body: bytes) -> Any:
    """The value of a JSON text. Raises Malformed, saying what is wrong and where."""
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_names_once,
            parse_constant=_no_such_number,
            parse_float=_number,
        )
    except UnicodeDecodeError as bad:
        raise Malformed(f"The body is not UTF-8: byte {bad.start}.") from bad
    except json.JSONDecodeError as bad:
        raise Malformed(f"The body is not JSON: {bad.msg}, line {bad.lineno}, column {bad.colno}.") from bad
    except RecursionError as deep:
        raise Malformed("The body is nested too deeply.") from deep
    except ValueError as bad:  # a whole number of thousands of digits
        raise Malformed("The body holds a number that is too long.") from bad


def _names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise Malformed(f"The body has the name {ascii(twice)[:80]} twice.")
    return found


def _no_such_number(word: str) -> NoReturn:
    raise Malformed(f"JSON has no {word}.")


def _number(digits: str) -> Number:
    return Number(digits)


def content(request: Request) -> bytes:
    """What a body says, whatever its form: of a form with files the names and contents, not the boundary."""
    if request.mimetype != "multipart/form-data":
        return request.get_data(cache=True)
    parts = []
    for name, file in request.files.items(multi=True):
        parts += [name.encode("utf-8", "replace"), file.read()]
        file.seek(0)
    parts += [f"{name}={value}".encode("utf-8", "replace") for name, value in request.form.items(multi=True)]
    return b"\0".join(parts)


def read_object(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises WrongMediaType and Malformed."""
    body = request.get_data(cache=True)
    if request.mimetype != "application/json":
        if not body and not request.mimetype:
            return {}
        raise WrongMediaType("The body must be JSON: send Content-Type: application/json.")
    if not body:
        return {}
    found = parse(body)
    if not isinstance(found, dict):
        raise Malformed("The body must be a JSON object.")
    return found


class StrictParser(FlaskParser):
    """Loads schemas from requests; every doubt is a ValidationError by field."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE}  # noqa: RUF012  (webargs' name)

    def use_args(self, argmap: Any, *args: Any, **options: Any) -> Any:
        """Make a shape when its call is declared, not at every request: making it copies every field."""
        return super().use_args(argmap() if isinstance(argmap, type) else argmap, *args, **options)

    def load_json(self, req: Request, schema: Schema) -> Any:
        """A JSON object; an empty body is one without any field."""
        return read_object(req)

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """The address' parameters, each at most once."""
        twice = {name: ["Given twice."] for name, values in req.args.lists() if len(values) > 1}
        if twice:
            raise ValidationError(twice)
        return req.args.to_dict()

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **_: Any) -> NoReturn:
        """Hand the error to the application as it is, without the place where the fields came from."""
        fields: dict[str, Any] = {}
        for by_field in error.normalized_messages().values():
            fields.update(by_field if isinstance(by_field, dict) else {"_schema": by_field})
        raise ValidationError(fields)


PARSER = StrictParser()
