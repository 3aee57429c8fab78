"""Where the program keeps its things and what it listens on, from the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from api import engines
from inventory.database import LOG_PAGES, Database
from inventory.errors import Invalid

DEFAULT_PORT = 8000
HOST = re.compile(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
SHORTEST_TOKEN = 16


class BadEnvironment(Invalid):
    """An environment variable cannot be what it says."""


@dataclass(frozen=True)
class Exposure:
    """Who can reach the program and through what: proxies, host names, limits, and what it writes of them.

    A limit that nobody chose holds where others than this machine can reach the program.
    """

    proxies: int = 0  # that stand in front of us; what they say of the caller is believed, and no more
    hosts: tuple[str, ...] = ()  # by which we are called; none: whatever the caller says
    metrics_token: str | None = field(default=None, repr=False)
    calls_per_minute: int | None = None
    exports_per_hour: int | None = None
    imports_per_hour: int | None = None
    access_log: str = "files"

    def limits(self, *, abroad: bool) -> dict[str, int]:
        """How much one person may ask for; 0 is without limit."""
        return {
            name: usual if abroad and chosen is None else chosen or 0
            for name, usual, chosen in (
                ("calls_per_minute", 600, self.calls_per_minute),
                ("exports_per_hour", 10, self.exports_per_hour),
                ("imports_per_hour", 20, self.imports_per_hour),
            )
        }


@dataclass(frozen=True)
class Environment:
    """What the environment decides; everything else is a setting of the clinic, in its database."""

    home: Path
    database_url: str
    port: int
    secret: str | None = field(default=None, repr=False)  # none: of a file
    exposure: Exposure = field(default_factory=Exposure)

    @property
    def demo_tokens(self) -> Path:
        """Where the tokens of the demo clinic's people are written on its first start."""
        return self.home / "demo-tokens.txt"

    @property
    def demo_people(self) -> Path:
        """Where the names and the password with which the demo clinic's people sign in are written."""
        return self.home / "demo-sign-in.txt"

    @property
    def secret_file(self) -> Path:
        """Where the program's secret is kept, unless the environment gives it."""
        return self.home / "secret.key"

    @property
    def access_logs(self) -> Path:
        """Where a line is written for every request, in a file for each day."""
        return self.home / "access"

    @property
    def figures(self) -> Path:
        """Where several workers add up the figures that `/metrics` tells."""
        return self.home / "figures"

    @property
    def sqlite_file(self) -> Path | None:
        """The file of the database, if it is one."""
        return Path(self.database_url.removeprefix("sqlite:///")) if self.is_sqlite else None

    @property
    def book_folder(self) -> Path:
        """Where the file of the database is; of one on a server, where the program keeps its things."""
        return self.home if self.sqlite_file is None else self.sqlite_file.parent

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the embedded one."""
        return self.database_url.startswith("sqlite")

    def open_database(self, *, log_pages: int = LOG_PAGES) -> Database:
        """The database; nothing is connected yet. `log_pages` is SQLite's, see `checkpoints`."""
        if self.is_sqlite:
            return Database(self.database_url, log_pages=log_pages, hide_parameters=True)
        return engines.postgresql(self.database_url)

    def make_home(self) -> None:
        """Make the folder for everything the program writes; other people of the machine cannot look in."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)


def utc_now() -> datetime:
    """The time: asked once per request and once per command, and then told to everything else."""
    return datetime.now(UTC)


def program_version() -> str:
    """The version of the program that is installed."""
    try:
        return version("vialbook")
    except PackageNotFoundError:
        return "0+source"


def from_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Read VIALBOOK_HOME, VIALBOOK_DATABASE_URL, VIALBOOK_SECRET, PORT, and of `exposure` what it reads.

    Raises BadEnvironment.
    """
    found = os.environ if variables is None else variables
    home = Path(found.get("VIALBOOK_HOME") or "var").absolute()
    url = found.get("VIALBOOK_DATABASE_URL") or f"sqlite:///{home / 'vialbook.sqlite'}"
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        # The address may hold a password, so the sentence does not repeat it.
        raise BadEnvironment("VIALBOOK_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://.")
    port = found.get("PORT") or str(DEFAULT_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise BadEnvironment(f"PORT must be a number from 1 to 65535, not {port!r}.")
    secret = found.get("VIALBOOK_SECRET") or None
    return Environment(home=home, database_url=url, port=int(port), secret=secret, exposure=exposure(found))


def exposure(found: Mapping[str, str]) -> Exposure:
    """Read VIALBOOK_PROXIES, VIALBOOK_HOSTS, VIALBOOK_METRICS_TOKEN, VIALBOOK_CALLS_PER_MINUTE,
    VIALBOOK_EXPORTS_PER_HOUR, VIALBOOK_IMPORTS_PER_HOUR and VIALBOOK_ACCESS_LOG. Raises BadEnvironment."""
    hosts = tuple(filter(None, (host.strip() for host in found.get("VIALBOOK_HOSTS", "").split(","))))
    if wrong := [host for host in hosts if not HOST.fullmatch(host)]:
        raise BadEnvironment(f"VIALBOOK_HOSTS takes names such as book.clinic.example, not {wrong[0]!r}.")
    token = found.get("VIALBOOK_METRICS_TOKEN") or None
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise BadEnvironment(f"VIALBOOK_METRICS_TOKEN takes {SHORTEST_TOKEN} characters or more.")
    access_log = found.get("VIALBOOK_ACCESS_LOG") or "files"
    if access_log not in ("files", "stderr", "none"):
        raise BadEnvironment(f"VIALBOOK_ACCESS_LOG is files, stderr or none, not {access_log!r}.")
    return Exposure(
        proxies=_whole(found, "VIALBOOK_PROXIES", most=9) or 0,
        hosts=hosts,
        metrics_token=token,
        calls_per_minute=_whole(found, "VIALBOOK_CALLS_PER_MINUTE"),
        exports_per_hour=_whole(found, "VIALBOOK_EXPORTS_PER_HOUR"),
        imports_per_hour=_whole(found, "VIALBOOK_IMPORTS_PER_HOUR"),
        access_log=access_log,
    )


def _whole(found: Mapping[str, str], name: str, *, most: int = 1_000_000) -> int | None:
    """A whole number of the environment; none where it says nothing."""
    text = found.get(name) or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= most):
        raise BadEnvironment(f"{name} must be a whole number from 0 to {most}, not {text!r}.")
    return int(text)
