"""The OpenAPI document, made from the shapes, the calls and the table of rights; and its readable page."""

import importlib.resources
import re
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, jsonify, send_from_directory
from flask_smorest import Api, Blueprint
from marshmallow import INCLUDE, fields

from api import auth, errors, schemas
from api.schemas import Shape
from api.settings import program_version

BASE = "/api/v1"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Vialbook: the calls</title>
<link rel="stylesheet" href="{BASE}/docs/swagger-ui.css">
<link rel="icon" href="{BASE}/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{BASE}/docs/swagger-ui-bundle.js"></script>
<script src="{BASE}/docs/start.js"></script>
</body>
</html>
"""
START = f"""SwaggerUIBundle({{
  url: "{BASE}/openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null,
}});
"""
ABOUT = """What a mesotherapy clinic has in stock, what its treatments cost, what it quotes, and its books.

Money and quantities are strings, never numbers. Every error is a problem (RFC 9457) with a sentence
that says what is wrong. Every POST that adds a fact takes an `Idempotency-Key`: sending the same
request twice does it once.
"""
KEY_IN_RULE = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
METHODS = ("get", "post", "put", "patch", "delete")
REFUSING_READS = frozenset(
    f"GET {BASE}{rule}"
    for rule in (
        "/courses/<id:course_id>/refund",
        "/quotes/<id:quote_id>/prospect",
        "/quotes/<id:quote_id>/drift",
        "/cost-formula/effect",
        "/exports/journal",
    )
)
"""Calls that tell what an act would come to, and refuse where the act itself would be refused."""
UNTAGGED = frozenset({f"PUT {BASE}/counts/<id:count_id>/lines"})
"""What many people write down at once, each their own lines: there is no version to agree on."""


class Problem(Shape):
    """What is wrong with a request; some kinds of problem have more to say than is listed here."""

    class Meta:
        """A refused import lists its rows."""

        unknown = INCLUDE

    type = fields.String(required=True, metadata={"format": "uri-reference"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(metadata={"format": "uri-reference"})
    code = fields.String(metadata={"description": "Of a label that cannot be read (S13)"})
    name = fields.String(metadata={"description": "The refusal by its name in the glossary"})
    errors = fields.Dict(metadata={"description": "What is wrong with each field"})
    facts = fields.Dict(metadata={"description": "The numbers of the sentence, for programs"})


def install(app: Flask, blueprints: Iterable[Blueprint]) -> None:
    """Register the calls, and serve their document and its page."""
    app.config.update(API_TITLE="Vialbook", API_VERSION=program_version(), OPENAPI_VERSION="3.1.0")
    api = Api()
    api.DEFAULT_ERROR_RESPONSE_NAME = None  # every status that can occur is written out below
    api.init_app(app)
    errors.install(app)  # after the library, which would answer errors its own way
    api.ma_plugin.converter.add_attribute_function(schemas.openapi_properties)
    for converter, describe in (("id", _id_schema), ("code", _code_schema)):
        api.register_converter(app.url_map.converters[converter], describe)
    api.spec.components.schema("Problem", schema=Problem)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    operations = {
        (rule.rule, method): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    @cache
    def document() -> dict[str, Any]:
        return complete(api.spec.to_dict(), operations)

    # The web server's root is not the interface's: health and documents are not in the document.
    app.add_url_rule("/health", "health", health)
    app.add_url_rule(f"{BASE}/openapi.json", "openapi", lambda: jsonify(document()))
    app.add_url_rule(f"{BASE}/docs", "docs", page)
    app.add_url_rule(f"{BASE}/docs/<path:file>", "docs_file", page_file)


def _id_schema(_converter: object) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}


def _code_schema(_converter: object) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": 80}


def complete(document: dict[str, Any], operations: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Add to each operation what is the same for all: who may, its key, and every status it can have."""
    document["info"]["description"] = ABOUT
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    shapes = document["components"]["schemas"]
    by_path = {(as_path(rule), method.lower()): (rule, name) for (rule, method), name in operations.items()}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                rule, name = by_path[path, method]
                _complete_operation(item[method], item.get("parameters", []), shapes, method, rule, name)
    return document


def as_path(rule: str) -> str:
    """A rule of the framework as the document writes it."""
    return KEY_IN_RULE.sub(r"{\1}", rule)


def _complete_operation(
    operation: dict[str, Any],
    shared: list[dict[str, Any]],
    shapes: dict[str, Any],
    method: str,
    rule: str,
    name: str,
) -> None:
    call = f"{method.upper()} {rule}"
    roles = [role.value for role in auth.Role if role in auth.MAY.get(call, ())]
    operation["operationId"] = name.replace(".", "_")
    if call in auth.OPEN:
        operation["security"] = []
    whom = "For anybody who has the address" if call in auth.OPEN else f"For {', '.join(roles)}"
    operation["description"] = f"{operation.get('description', '')}\n\n{whom}.".strip()
    operation["x-roles"] = roles
    parameters = operation.setdefault("parameters", [])
    if method == "post" and call not in auth.ASKING:
        parameters.append(_header("Idempotency-Key", "The same key and body again has no second effect", 255))
    tagged = method in ("put", "patch") and call not in UNTAGGED
    if tagged:
        parameters.append(_header("If-Match", "The ETag that was read", 200, required=True))
    if "requestBody" in operation and not _needs_fields(operation["requestBody"], shapes):
        operation["requestBody"]["required"] = False  # no body is one without any field
    statuses = _statuses(operation, [*shared, *parameters], method)
    statuses += [409] if call in REFUSING_READS else []
    statuses += [412, 428] if tagged else []
    for status in sorted(statuses):
        operation["responses"][str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {errors.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _header(name: str, description: str, longest: int, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": longest},
    }


def _statuses(operation: dict[str, Any], parameters: list[dict[str, Any]], method: str) -> list[int]:
    """Every status of refusal that an operation can have."""
    found = {401, 403, 429, 503}
    if parameters:
        found |= {404, 422}
    if method != "get":
        found |= {400, 404, 409, 413, 415, 422}
    return sorted(found)


def _needs_fields(body: dict[str, Any], shapes: dict[str, Any]) -> bool:
    """Whether a body must say anything: a file must, and JSON whose shape has a field that is required."""
    for kind, content in body["content"].items():
        schema = content.get("schema", {})
        shape = shapes.get(schema.get("$ref", "").rpartition("/")[2], schema)
        if kind != "application/json" or shape.get("required") or shape.get("minProperties"):
            return True
    return False


def health() -> Response:
    """Say that the program answers, and which version it is."""
    return jsonify(status="ok", version=program_version())


def page() -> Response:
    """The calls, readable; its script is a file, so that the page's policy need allow no inline one."""
    return Response(PAGE, mimetype="text/html", headers={"Content-Security-Policy": PAGE_POLICY})


def page_file(file: str) -> Response:
    """A file of the page."""
    if file == "start.js":
        return Response(START, mimetype="text/javascript")
    folder = importlib.resources.files("flask_swagger_ui") / "dist"
    return send_from_directory(str(folder), file, max_age=86400)
