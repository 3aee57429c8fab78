"""Pages: help: a page a task, every setting in a sentence, every refusal with what to do about it."""

from flask import Response, g

from api.web import explained, frame, help_pictures, refusals, rights
from api.web.help_texts import TASKS, Step
from inventory.errors import NotFound

blueprint = frame.chapter("help")

TASK = {task.code: task for task in TASKS}


class UnknownHelp(NotFound):
    """No help page has this name."""


@blueprint.get("/help")
def contents() -> Response:
    """What help there is."""
    return frame.page("help.html", tasks=TASKS)


@blueprint.get("/help/settings")
def settings() -> Response:
    """Every setting in a sentence."""
    return frame.page(
        "help_settings.html", settings=explained.SETTINGS, may_change=frame.may("GET /settings")
    )


@blueprint.get("/help/refusals")
def every_refusal() -> Response:
    """Every refusal: what it means, and what to do."""
    return frame.page("help_refusals.html", topics=refusals.listed())


@blueprint.get("/help/<code:task>")
def task(task: str) -> Response:
    """How something is done, step by step."""
    if task not in TASK:
        raise UnknownHelp("There is no help page of this name; the list of all is under Help.")
    found = TASK[task]
    steps = [(step.text, step.address if leads(step) else "") for step in found.steps]
    return frame.page("help_task.html", task=found, steps=steps, picture=help_pictures.picture(found.code))


def leads(step: Step) -> bool:
    """Whether the page of a step is there, and for the visitor's role."""
    call = f"GET {step.address}"
    return call in rights.MAY and rights.may(g.visitor.role, call)
