"""Watching the program: a line for every request, figures for Prometheus, and whether it is ready.

A line names the call by its rule and never by its address, so that no patient reference is ever in it. What
went wrong goes to standard error, what was asked to a file for each day, both as lines of JSON.
"""

import hmac
import json
import logging
import os
import secrets
import sys
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from api import auth, errors
from api.settings import Exposure, program_version
from inventory.database import Database

HEADER = "X-Request-Id"
REQUESTS = logging.getLogger("vialbook.requests")
SPAN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds
PLAIN_TEXT = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS"})
LOOPBACK = ("127.", "::1", "::ffff:127.")


class JsonLines(logging.Formatter):
    """A record as one line of JSON: when, how bad, what, in which request."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        line |= record.__dict__.get("facts") or {"message": record.getMessage()}
        if "request" not in line and (known := _present()):
            line["request"] = known
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


class DailyFile(logging.Handler):
    """A file for each day, in which every worker writes whole lines; `purge` puts the old ones away."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self._day, self._file = folder, "", -1

    def emit(self, record: logging.LogRecord) -> None:
        """Add the line. A full disk costs us the line, not the request."""
        try:
            day = datetime.fromtimestamp(record.created, UTC).date().isoformat()
            if day != self._day:
                self._open(day)
            os.write(self._file, (self.format(record) + "\n").encode())
        except OSError:
            self._day = ""

    def _open(self, day: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file, self._day = os.open(self.folder / f"{day}.jsonl", flags, 0o600), day


def log_as_json(exposure: Exposure, folder: Path) -> None:
    """Have the program write its log as lines of JSON: faults to standard error, requests where they go."""
    faults = logging.StreamHandler(sys.stderr)
    faults.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[faults], force=True)
    logging.raiseExceptions = False
    REQUESTS.propagate = False
    REQUESTS.handlers.clear()
    if exposure.access_log == "none":
        return
    asked = faults if exposure.access_log == "stderr" else DailyFile(folder)
    asked.setFormatter(JsonLines())
    REQUESTS.addHandler(asked)
    REQUESTS.setLevel(logging.INFO)


def begin() -> None:
    """Give the request a name, and look at the time."""
    g.request_id = secrets.token_hex(8)
    g.begun = time.perf_counter()


def finish(answer: Response, call: str | None) -> None:
    """Name the request in the answer, count it, and write its line."""
    answer.headers[HEADER] = g.request_id
    seconds = time.perf_counter() - g.begun
    # A method that nobody knows is the caller's word, and would be a series of its own.
    method = (
        request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS") else "OTHER"
    )
    rule = call.partition(" ")[2] if call else "none"
    requests, spans, _ = _meters()
    requests.labels(method, rule, str(answer.status_code)).inc()
    spans.labels(method).observe(seconds)
    if REQUESTS.isEnabledFor(logging.INFO):
        caller: auth.Caller | None = g.get("caller")
        facts = {
            "request": g.request_id,
            "method": method,
            "call": rule,
            "status": answer.status_code,
            "ms": round(seconds * 1000, 1),
            "person": caller.name if caller else None,
            "address": request.remote_addr,
        }
        REQUESTS.info("%s %s", method, rule, extra={"facts": facts})


def install(app: Flask, database: Database, exposure: Exposure) -> None:
    """Add the addresses that machines ask: `/metrics` and `/ready`."""

    def metrics() -> Response:
        """What Prometheus reads: from this machine itself, or with the token of the environment."""
        sent = (request.headers.get("Authorization") or "").removeprefix("Bearer ").encode("utf-8", "replace")
        token = exposure.metrics_token
        if not (token and hmac.compare_digest(sent, token.encode())) and not from_here():
            raise auth.NotSignedIn("The figures are read on this machine, or with VIALBOOK_METRICS_TOKEN.")
        return Response(_exposition(), content_type=PLAIN_TEXT)

    def ready() -> Response:
        """Whether the database answers and is of this version; for what decides where requests go."""
        from api import migrations

        try:
            found, needed = migrations.current(database), migrations.newest()
        except SQLAlchemyError:
            return errors.problem(503, "The database does not answer.", name="NotReady")
        if found != needed:
            sentence = f"The database is at version {found or 'none'}, the program needs {needed}."
            return errors.problem(503, sentence, name="NotReady")
        return jsonify(status="ready", database="ok", migration=found, version=program_version())

    _meters()
    app.add_url_rule("/metrics", "metrics", metrics)
    app.add_url_rule("/ready", "ready", ready)


def from_here() -> bool:
    """Whether this machine asks for itself, and not a proxy of which nobody told us for somebody else."""
    unannounced = not current_app.config["VIALBOOK_PROXIES"] and (
        "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    )
    return (request.remote_addr or "").startswith(LOOPBACK) and not unannounced


def share_figures(folder: Path) -> None:
    """Have the workers that are still to come add their figures up in files of a folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _present() -> str | None:
    return g.get("request_id") if g else None


@cache
def _meters() -> Any:
    """The figures of this process: one set, however many applications it holds."""
    from prometheus_client import Counter, Gauge, Histogram

    requests = Counter("vialbook_requests", "Requests answered", ["method", "call", "status"])
    spans = Histogram("vialbook_request_seconds", "Seconds to an answer", ["method"], buckets=SPAN)
    about = Gauge("vialbook_info", "The version", ["version"], multiprocess_mode="max")
    about.labels(program_version()).set(1)
    return requests, spans, about


def _exposition() -> bytes:
    from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)
