"""Three PostgreSQL servers on loopback that Patroni keeps as one: a primary and standbys that follow it.

A commit is answered when the primary and one standby have it (`synchronous_mode: quorum`). Patroni keeps
who leads by Raft, so nothing else is needed.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import postgres, server

NODES = 3
PATIENCE = 120  # seconds for three servers to be one
HOST = "127.0.0.1"
DECIDES = {
    # The shortest that Patroni allows: a primary that is silent for so many seconds is replaced.
    "ttl": 20,
    "loop_wait": 2,
    "retry_timeout": 3,
    "primary_start_timeout": 0,
    "maximum_lag_on_failover": 1_048_576,
    "synchronous_mode": "quorum",
}
FOR_THE_LAB = {"shared_buffers": "64MB", "max_connections": 60, "wal_keep_size": "256MB"}


class NoPatroni(Exception):
    """Patroni is not installed, or cannot run as the user that PostgreSQL needs."""


@dataclass
class Node:
    """One machine of the three: its Patroni, and the PostgreSQL that it runs."""

    name: str
    folder: Path
    port: int
    rest_port: int
    start: Sequence[str]
    surroundings: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start its Patroni, which starts its PostgreSQL."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.start,
                env=self.surroundings,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_nobody(),
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its Patroni and to every process of its PostgreSQL, as one blow."""
        for key in (self._patroni(), *self._postgres()):
            with suppress(ProcessLookupError):
                os.kill(key, number)

    def kill(self) -> None:
        """The machine is gone: nothing of it runs, nothing was said to anybody."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
            self.process = None

    def crash(self) -> None:
        """Its PostgreSQL dies and its Patroni does not."""
        for key in self._postgres():
            with suppress(ProcessLookupError):
                os.kill(key, signal.SIGKILL)

    def state(self) -> dict[str, Any]:
        """What its Patroni says of it; nothing if it does not answer."""
        with (
            suppress(OSError, ValueError),
            urllib.request.urlopen(self._address("patroni"), timeout=2) as told,
        ):
            return dict(json.load(told))
        return {}

    def ask(self, path: str, body: dict[str, str]) -> str:
        """Ask its Patroni for something; what it answers."""
        asked = urllib.request.Request(self._address(path), json.dumps(body).encode(), method="POST")
        try:
            with urllib.request.urlopen(asked, timeout=60) as told:
                return str(told.read().decode())
        except urllib.error.HTTPError as refused:
            return refused.read().decode()

    def _address(self, path: str) -> str:
        return f"http://{HOST}:{self.rest_port}/{path}"

    def _patroni(self) -> int:
        assert self.process is not None, self.name
        return self.process.pid

    def _postgres(self) -> list[int]:
        """The postmaster first: it must not have time to start others anew."""
        with suppress(OSError, ValueError, IndexError):
            first = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
            return [first, *(int(child) for child in children)]
        return []


@dataclass
class Cluster:
    """The three, and the address under which a program finds whoever leads."""

    nodes: list[Node]

    @property
    def url(self) -> str:
        return self._url("read-write")

    @property
    def standby_url(self) -> str:
        """The address under which reports find one that only follows."""
        return self._url("standby")

    def _url(self, wanted: str) -> str:
        hosts = "&".join(f"host={HOST}:{node.port}" for node in self.nodes)
        return f"postgresql+psycopg://postgres@/postgres?{hosts}&target_session_attrs={wanted}"

    def leader(self) -> Node:
        """Who leads now. Raises AssertionError when nobody does for long."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for node in self.nodes:
                if node.process and node.state().get("role") in ("primary", "master"):
                    return node
            time.sleep(0.2)
        raise AssertionError(f"nobody leads: {self.said()}")

    def whole(self) -> bool:
        """Whether one leads and the others follow it closely, one of them synchronously."""
        states = [node.state() for node in self.nodes if node.process]
        leads = [one for one in states if one.get("role") == "primary" and one.get("state") == "running"]
        if len(leads) != 1 or len(states) != NODES:
            return False
        following = leads[0].get("replication", [])
        streaming = [one for one in following if one.get("state") == "streaming"]
        synchronous = [one for one in streaming if one.get("sync_state") in ("sync", "quorum")]
        return len(streaming) == NODES - 1 and bool(synchronous)

    def heal(self) -> float:
        """Start what does not run, and wait until the three are one; how long that took."""
        begun = time.monotonic()
        for node in self.nodes:
            if node.process is None:
                node.begin()
        while not self.whole():
            assert time.monotonic() < begun + PATIENCE, f"the three do not become one: {self.said()}"
            time.sleep(0.2)
        return time.monotonic() - begun

    def said(self) -> str:
        """The ends of the logs."""
        return "\n".join(f"{one.name}: {(one.folder / 'log').read_text()[-6000:]}" for one in self.nodes)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Three servers that are one, for a block. Raises NoPatroni."""
    python = _python()
    with TemporaryDirectory(prefix="vialbook-lab-", ignore_cleanup_errors=True) as name, _binaries() as found:
        folder = Path(name)
        ports = [(server.free_port(), server.free_port(), server.free_port()) for _ in range(NODES)]
        folder.chmod(0o755)
        nodes = [_node(folder, number, ports, found, python) for number in range(NODES)]
        lab = Cluster(nodes)
        try:
            try:
                lab.heal()
            except AssertionError as alone:
                raise NoPatroni(f"This machine does not run three servers as one: {alone}") from alone
            yield lab
        finally:
            for node in nodes:
                if node.process is not None:
                    node.signal(signal.SIGCONT)
                    node.kill()


def _node(folder: Path, number: int, ports: list[tuple[int, int, int]], found: Path, python: str) -> Node:
    name = f"node{number + 1}"
    home = folder / name
    home.mkdir()
    (home / "raft").mkdir()
    port, rest_port, raft_port = ports[number]
    partners = [f"{HOST}:{raft}" for place, (_, _, raft) in enumerate(ports) if place != number]
    trusted = [
        "local all all trust",
        f"host all all {HOST}/32 trust",
        f"host replication all {HOST}/32 trust",
    ]
    said = {
        "scope": "vialbook",
        "name": name,
        "restapi": {"listen": f"{HOST}:{rest_port}", "connect_address": f"{HOST}:{rest_port}"},
        "raft": {
            "data_dir": str(home / "raft"), "self_addr": f"{HOST}:{raft_port}", "partner_addrs": partners,
        },
        "bootstrap": {
            "dcs": DECIDES | {"postgresql": {"use_pg_rewind": True, "parameters": FOR_THE_LAB}},
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}],
        },
        "postgresql": {
            "listen": f"{HOST}:{port}", "connect_address": f"{HOST}:{port}", "data_dir": str(home / "data"),
            "bin_dir": str(found), "pgpass": str(home / "pgpass"), "pg_hba": trusted,
            "authentication": {
                who: {"username": "postgres"} for who in ("superuser", "replication", "rewind")
            },
            "parameters": {"unix_socket_directories": str(home)},
            "remove_data_directory_on_rewind_failure": True,
            "remove_data_directory_on_diverged_timelines": True,
        },
    }  # fmt: skip
    (home / "patroni.json").write_text(json.dumps(said))
    if _nobody():
        for path in (home, home / "raft", home / "patroni.json"):
            os.chown(path, postgres.NOBODY, postgres.NOBODY)
    surroundings = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": str(home), "PYTHONPATH": str(_packages())}
    start = [python, "-m", "patroni", str(home / "patroni.json")]
    return Node(name, home, port, rest_port, start, surroundings)


def _packages() -> Path:
    """Where Patroni is installed."""
    found = importlib.util.find_spec("patroni")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parents[1]


def _nobody() -> dict[str, Any]:
    """Who runs the servers: PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return {}
    return {"user": postgres.NOBODY, "group": postgres.NOBODY, "extra_groups": []}


@contextmanager
def _binaries() -> Iterator[Path]:
    """PostgreSQL's programs where whoever runs the servers may read them."""
    found = postgres.binaries()
    if not _nobody() or postgres.open_to_all(found):
        yield found
        return
    with TemporaryDirectory(prefix="vialbook-wheel-") as folder:
        Path(folder).chmod(0o755)
        yield postgres.copied(found, Path(folder) / "wheel")


def _python() -> str:
    """A Python of our version that whoever runs the servers may run. Raises NoPatroni."""
    if importlib.util.find_spec("patroni") is None or importlib.util.find_spec("pysyncobj") is None:
        raise NoPatroni("Patroni is not installed: it comes with the tools of the tests.")
    if _nobody() and not postgres.open_to_all(_packages()):
        raise NoPatroni(f"PostgreSQL refuses root, and nobody else may read {_packages()}.")
    ours = Path(sys.executable).resolve()
    if not _nobody() or postgres.open_to_all(ours.parent):
        return sys.executable
    other = Path("/usr/bin") / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if other.exists():
        return str(other)
    raise NoPatroni(f"PostgreSQL refuses root, and nobody else may run {ours}: run this as another user.")
