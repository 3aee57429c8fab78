"""A clinic's book and `vialbook serve` over it, in processes that can be killed and started again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from api import auth, migrations, settings, starting
from api.auth import Role
from inventory import proof_of_trail
from inventory.database import Database
from inventory.proof import verify
from pricing import proof as proof_of_quotes
from tests import postgres, server
from tests.faults.caller import Caller

ROOT = Path(__file__).parents[2]
PEOPLE = 16
PATIENCE = 60  # seconds for a start


@dataclass
class House:
    """A book, who may write in it, and the server over it while it runs."""

    home: Path
    url: str
    tokens: list[str]
    workers: int = 1
    variables: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=server.free_port)
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None  # of its home, unless that is no place to write
    prelude: str = ""  # what the server's process runs before the program

    @property
    def file(self) -> Path:
        """The file of a book that is one."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def scratch(self) -> Path:
        """Where the program puts what it needs for a moment; nothing may be left there."""
        folder = self.home / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def surroundings(self) -> dict[str, str]:
        """The environment of the program."""
        named = {"VIALBOOK_HOME": str(self.home), "VIALBOOK_DATABASE_URL": self.url}
        named["TMPDIR"] = str(self.scratch)
        return os.environ | {"PYTHONPATH": str(ROOT)} | named | self.variables

    def run(
        self, *words: str, surroundings: dict[str, str] | None = None, patience: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """One command of the program, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *words],
            env=surroundings or self.surroundings,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience,
        )

    def begin(self) -> None:
        """Start the server, without waiting for it."""
        program = (
            ["-c", f"{self.prelude}\nfrom api.cli import main; main()"] if self.prelude else ["-m", "api.cli"]
        )
        words = [sys.executable, *program, "serve", "--port", str(self.port)]
        with (self.log or self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*words, "--workers", str(self.workers)],
                env=self.surroundings,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that all its processes can be killed at one blow
            )

    def start(self) -> float:
        """Start the server and wait until it answers; how long that took."""
        begun = time.monotonic()
        self.begin()
        assert self.process is not None
        while not server.answers(f"http://127.0.0.1:{self.port}/health"):
            assert self.process.poll() is None, (self.log or self.home / "log").read_text()
            assert time.monotonic() < begun + PATIENCE, "the server does not answer"
            time.sleep(0.02)
        return time.monotonic() - begun

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every process of the server."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End every process of the server where it stands."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """Ask the server to end, and wait for it; its status."""
        assert self.process is not None
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        self.process = None
        return status

    def caller(self, number: int = 0) -> Caller:
        return Caller(self.port, self.tokens[number % len(self.tokens)])

    @contextmanager
    def book(self) -> Iterator[Database]:
        """The book itself, beside the server."""
        environment = settings.from_environment(
            {"VIALBOOK_HOME": str(self.home), "VIALBOOK_DATABASE_URL": self.url}
        )
        database = environment.open_database()
        try:
            yield database
        finally:
            database.engine.dispose()

    def breaches(self) -> list[str]:
        """What `vialbook verify` finds."""
        with self.book() as database:
            return breaches_of(database)


def breaches_of(database: Database) -> list[str]:
    """What `vialbook verify` finds in a book."""
    with database.read() as db:
        found = (*verify(db), *proof_of_quotes.verify(db), *proof_of_trail.verify(db))
        return [breach.sentence for breach in found]


def furnish(url: str, home: Path) -> list[str]:
    """What `vialbook init` makes of an empty book, and the tokens of some people who write in it."""
    now = datetime.now(UTC)
    database = settings.from_environment(
        {"VIALBOOK_HOME": str(home), "VIALBOOK_DATABASE_URL": url}
    ).open_database()
    migrations.upgrade(database)
    starting.load_reference(database, now=now)
    starting.open_first_site(
        database,
        site_name="Main",
        country="US",
        region="North America",
        tax_region="",
        time_zone="America/New_York",
    )
    with database.write.begin() as db:
        tokens = [
            auth.issue_token(db, f"Writer {number}", role=Role.MANAGER, at=now) for number in range(PEOPLE)
        ]
    database.engine.dispose()
    return tokens


@cache
def pattern() -> tuple[Path, list[str]]:
    """A furnished SQLite book, made once: houses are copies of it."""
    folder = Path(mkdtemp(prefix="vialbook-pattern-"))
    tokens = furnish(f"sqlite:///{folder / 'vialbook.sqlite'}", folder)
    return folder / "vialbook.sqlite", tokens


@contextmanager
def on_sqlite(folder: Path | None = None, **more: object) -> Iterator[House]:
    """A house whose book is a file."""
    with TemporaryDirectory(prefix="vialbook-house-", dir=folder, ignore_cleanup_errors=True) as name:
        home, (made, tokens) = Path(name), pattern()
        shutil.copyfile(made, home / "vialbook.sqlite")
        url = f"sqlite:///{home / 'vialbook.sqlite'}"
        with closing(House(home, url, tokens, **more)) as house:  # type: ignore[arg-type]
            yield house


@contextmanager
def on_postgresql(server_url: str, **more: object) -> Iterator[House]:
    """A house whose book is a database of a server."""
    name = f"house_{os.getpid()}_{time.monotonic_ns()}"
    with TemporaryDirectory(prefix="vialbook-house-") as folder, postgres.database(server_url, name) as url:
        tokens = furnish(url, Path(folder))
        with closing(House(Path(folder), url, tokens, **more)) as house:  # type: ignore[arg-type]
            yield house


@contextmanager
def houses(engine: str, **more: object) -> Iterator[House]:
    """A house on SQLite, on the PostgreSQL server of an address, or on one of its own."""
    if engine == "sqlite":
        with on_sqlite(**more) as house:
            yield house
    elif engine.startswith("postgresql+"):
        with on_postgresql(engine, **more) as house:
            yield house
    else:
        with postgres.server() as url, on_postgresql(url, **more) as house:
            yield house


@contextmanager
def closing(house: House) -> Iterator[House]:
    """The house for a block; nothing of it runs afterwards."""
    try:
        yield house
    finally:
        house.kill()
