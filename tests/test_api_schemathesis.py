"""The interface against its own document: whatever is sent, the answer is one that the document tells of.

Schemathesis makes the requests, sends them over HTTP as each role and as a stranger, follows one call's
answer into the next, and asks all its checks of each answer. `VIALBOOK_EXAMPLES=100` sends a hundred to each
call instead of a few, chosen anew each time, and every boundary of every field besides.
"""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import waitress
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from api import auth, openapi, starting
from api.auth import Role
from seed_data import demo
from tests.calls import NOW, opened

EXAMPLES = int(os.environ.get("VIALBOOK_EXAMPLES", "0"))
REFUSALS = ["401", "403", "404", "409", "412", "422", "428"]  # what is well-formed may still be refused
STRANGER = "stranger"
SHARED = "GET /api/v1/imports/{import_id}"
"""Lists of a kind are posted to addresses of the same form, so such an address takes POST as well."""


@pytest.fixture(scope="module")
def served(new_database: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a clinic with two weeks of history, and the tokens of its people."""
    with new_database() as database:
        starting.load_reference(database, now=NOW)
        with database.write.begin() as db:
            demo.load(db, now=NOW, days=14)
        with opened(database, stocked=False) as clinic:
            server = waitress.create_server(clinic.app, host="127.0.0.1", port=0, threads=2)
            threading.Thread(target=server.run, daemon=True).start()  # ends with the worker
            yield f"http://127.0.0.1:{server.effective_port}", {r.value: t for r, t in clinic.tokens.items()}
            server.task_dispatcher.shutdown()
            server.close()


def settings(token: str | None) -> SchemathesisConfig:
    """What is sent, and what is asked of the answers: all that Schemathesis can ask."""
    return SchemathesisConfig.from_dict(
        {
            "headers": {} if token is None else {"Authorization": f"Bearer {token}"},
            "continue-on-failure": True,
            "generation": {
                "max-examples": EXAMPLES or 1,
                "deterministic": not EXAMPLES,
                "no-shrink": not EXAMPLES,
                "database": "none",
            },
            "phases": {
                "examples": {"enabled": False},  # the document has none
                "coverage": {"enabled": bool(EXAMPLES)},
                "fuzzing": {"enabled": True},
                "stateful": {"enabled": token is not None},  # a stranger's first answer leads nowhere
            },
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", *REFUSALS]},
                "negative_data_rejection": {"expected-statuses": ["400", "405", "415", *REFUSALS]},
                "missing_required_header": {"expected-statuses": ["400", "415", *REFUSALS]},
            },
            "operations": [
                {"include-name": SHARED, "checks": {"allow_header_conformance": {"enabled": False}}}
            ],
        }
    )


@pytest.mark.parametrize("who", [*(role.value for role in Role), STRANGER])
def test_whatever_is_sent_is_answered_as_the_document_says(served, who):
    address, tokens = served
    schema = schemathesis.openapi.from_url(
        f"{address}{openapi.BASE}/openapi.json", config=settings(tokens.get(who))
    )
    found, sent = [], {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {event.info.format()}")
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            found += list(broken(event.recorder))
            for key, interaction in event.recorder.interactions.items():
                if interaction.response is not None and key in event.recorder.cases:
                    operation = event.recorder.cases[key].value.operation
                    if interaction.request.method.upper() == operation.method.upper():
                        sent.setdefault(operation.label, set()).add(interaction.response.status_code)

    assert found == []
    assert sent.keys() == {f"{method} {openapi.as_path(rule)}" for method, rule in calls()}
    for method, rule in calls():  # 404: what was sent made another address of it
        statuses = sent[f"{method} {openapi.as_path(rule)}"]
        if f"{method} {rule}" in auth.OPEN:
            continue
        if who == STRANGER:
            assert statuses <= {401, 404, 405}
        elif Role(who) not in auth.MAY[f"{method} {rule}"]:
            assert statuses <= {401, 403, 404, 405}


def broken(recorder: Any) -> Iterator[str]:
    """What a check found against an answer, and how to ask again."""
    for key, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                failure, again = check.failure_info.failure, check.failure_info.code_sample
                call = recorder.cases[key].value.operation.label
                yield f"{call}: {check.name}: {failure.title}: {failure.message}\n{again}"


def calls() -> list[tuple[str, str]]:
    """Every call of the document: its method and rule."""
    every = (*auth.MAY, "GET /api/v1/calendars/<code:secret>.ics")
    return [(method, rule) for method, rule in (call.split(" ", 1) for call in every)]
