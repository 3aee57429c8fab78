"""Calling a server as a program does: one connection, a token, and a key for each thing to be done once."""

import http.client
import json
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

BASE = "/api/v1"
PATIENCE = 60  # seconds for one answer: longer than any answer takes on a machine with much else to do
MOST_TRIES = 200


class Unanswered(Exception):
    """The connection broke before the answer came: what was asked may have happened, or not."""


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def done(self) -> bool:
        """Whether it was done, now or under the same key before."""
        return self.status in (200, 201)

    @property
    def name(self) -> str:
        """The name of a refusal, or the status."""
        try:
            return str(self.json.get("name") or self.status)
        except (ValueError, AttributeError):
            return str(self.status)


@dataclass
class Deed:
    """Something to be done once: it carries its key, and a mark by which its effect is found in the book."""

    path: str
    body: Any
    mark: str = ""
    kind: str = ""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    answer: Answer | None = None


class Caller:
    """One client with one connection, which is made anew when it broke."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.busy = 0  # answers that asked to come again in a moment
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request. Raises Unanswered."""
        sent = {"Authorization": f"Bearer {self.token}"} | headers
        raw = body if isinstance(body, bytes) else None
        if body is not None and raw is None:
            raw = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        address = path if path.startswith(("/api", "/health")) else BASE + path
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            self._connection.request(method, address, raw, sent)
            found = self._connection.getresponse()
            answer = Answer(found.status, dict(found.headers), found.read())
        except (OSError, http.client.HTTPException) as broken:
            self.close()
            raise Unanswered(repr(broken)) from broken
        if found.will_close:
            self.close()
        return answer

    def get(self, path: str) -> Any:
        """What must be there."""
        answer = self.ask("GET", path)
        assert answer.status == 200, (path, answer)
        return answer.json

    def once(self, deed: Deed) -> Answer:
        """Ask for a deed, once."""
        return self.ask("POST", deed.path, deed.body, **{"Idempotency-Key": deed.key})

    def do(self, deed: Deed) -> Answer:
        """Ask for a deed, and under the same key again as long as the answer is to come again in a moment."""
        for attempt in range(MOST_TRIES):
            answer = self.once(deed)
            if answer.status not in (429, 503):
                return answer
            assert "Retry-After" in answer.headers, answer
            self.busy += 1
            time.sleep(random.uniform(0.02, 0.1) * min(attempt + 1, 10))
        raise AssertionError(f"{deed.path} was put off {MOST_TRIES} times: {answer}")

    def made(self, path: str, body: Any, **more: str) -> Any:
        """Do what must succeed."""
        answer = self.do(Deed(path, body))
        assert answer.done, (path, body, answer)
        return answer.json

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
