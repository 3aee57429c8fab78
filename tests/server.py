"""The program as it runs: a clinic's first day in a folder, and a server in a process of its own."""

import os
import socket
import subprocess
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from api import migrations, settings, starting


def make_first_day(home: Path) -> None:
    """What `vialbook init` makes of an empty folder: the reference tables and the site MAIN."""
    environment = settings.from_environment({"VIALBOOK_HOME": str(home)})
    environment.make_home()
    database = environment.open_database()
    migrations.upgrade(database)
    starting.load_reference(database, now=datetime(2026, 1, 15, tzinfo=UTC))
    starting.open_first_site(
        database,
        site_name="Main",
        country="US",
        region="North America",
        tax_region="",
        time_zone="America/New_York",
    )
    database.engine.dispose()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def started(words: list[str], port: int, **variables: str) -> subprocess.Popen[str]:
    """A server in a process of its own, once it answers."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | variables
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not answers(f"http://127.0.0.1:{port}/health"):
        assert process.poll() is None
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.05)
    return process
