"""What went wrong, as a page: a sentence, what to do, and a reference; never a trace."""

import json
import logging
from http import HTTPStatus

from flask import Response, g, request

from api.errors import MEDIA_TYPE
from api.web import frame
from api.web.throttle import TooManyTries

TITLES = {
    400: "That was not understood",
    401: "Please sign in",
    403: "This is not yours to do",
    404: "There is no such page",
    405: "There is no such page",
    409: "That cannot be done now",
    412: "Somebody else was quicker",
    413: "That is too large",
    422: "That cannot be done",
    429: "Too many tries",
    500: "Something went wrong here",
    503: "The book is busy",
}
ADVICE = {
    403: "Ask somebody with one of these roles, or an admin to change yours.",
    404: "Check the address, or start again from the first page.",
    405: "Go back, and use the buttons of the page.",
    409: "Go back, look at what changed meanwhile, and try again.",
    413: "Choose a smaller file.",
    429: "Wait a little.",
    500: "Try again. If it happens again, tell your admin the reference below.",
    503: "Wait a few seconds and send it again: nothing was changed, and nothing will be done twice.",
}
USUAL = "Go back, correct it and try again."

log = logging.getLogger("vialbook")


def shown(answer: Response) -> Response:
    """A problem as people read it; every other answer as it is."""
    if answer.mimetype != MEDIA_TYPE:
        return answer
    problem = json.loads(answer.get_data())
    status = answer.status_code
    if problem.get("name") == TooManyTries.__name__:
        status, answer.headers["Retry-After"] = 429, str(problem["facts"]["seconds"])
    reference = g.request_id[:8]
    log.warning("page problem %s: %s %s", reference, status, problem["title"])
    if status >= 500:
        g.visitor = None  # what the frame would look up may be what failed
    within = request.headers.get("HX-Request")  # the page stands already; this is a line above it
    page = frame.page(
        "_problem.html" if within else "problem.html",
        status=status,
        title=TITLES.get(status, HTTPStatus(status).phrase),
        sentence=problem["detail"],
        advice=ADVICE.get(status, USUAL),
        reference=reference,
    )
    for name in ("Retry-After", "Allow"):
        if name in answer.headers:
            page.headers[name] = answer.headers[name]
    return page
