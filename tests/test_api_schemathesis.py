"""The interface against its own document: whatever is sent, the answer is one that the document tells of."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api import auth, openapi, starting
from api.auth import Role
from inventory.database import Database
from seed_data import demo
from tests.calls import NOW, opened

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
)
SENT = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def interface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a clinic with two weeks of history, and the clinic behind it."""
    from api import migrations

    database = Database(f"sqlite:///{tmp_path_factory.mktemp('sent') / 'anything.sqlite'}")
    migrations.upgrade(database)
    starting.load_reference(database, now=NOW)
    with database.write.begin() as db:
        demo.load(db, now=NOW, days=14)
    with opened(database, stocked=False) as clinic:
        schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", clinic.app)
        schema.config.headers = {"Authorization": f"Bearer {clinic.tokens[Role.ADMIN]}"}
        yield schema
    database.engine.dispose()


@pytest.mark.parametrize("kind", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("call", auth.MAY)
def test_whatever_is_sent_is_answered_as_the_document_says(interface, call, kind):
    method, rule = call.split(" ", 1)
    operation = interface[openapi.as_path(rule)][method]

    @SENT
    @given(case=operation.as_strategy(generation_mode=kind))
    def send(case: Any) -> None:
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)

    try:
        send()
    except Unsatisfiable:
        assert kind is GenerationMode.NEGATIVE  # there is no wrong way to send nothing
