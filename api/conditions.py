"""Conditional requests: what several people may edit is changed only by who has read its last version."""

import hashlib

from flask import request

from api.errors import PreconditionFailed, PreconditionMissing


def tag(*version: object) -> str:
    """The entity tag of a version: a name of the thing and what changes whenever it changes."""
    return hashlib.sha256("\0".join(map(str, version)).encode()).hexdigest()[:20]


def require_match(current: str) -> None:
    """Refuse a change to another version than the current one, or to one that nobody names.

    Raises PreconditionMissing (428) and PreconditionFailed (412).
    """
    if "If-Match" not in request.headers:
        raise PreconditionMissing("Send the ETag that you read in If-Match, so that no other change is lost.")
    if not request.if_match.contains(current):
        raise PreconditionFailed("Somebody changed it since you read it; read it again.")
