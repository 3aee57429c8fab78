"""Where the program keeps its things and what it listens on, from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inventory.database import Database
from inventory.errors import Invalid

DEFAULT_PORT = 8000


class BadEnvironment(Invalid):
    """An environment variable cannot be what it says."""


@dataclass(frozen=True)
class Environment:
    """What the environment decides; everything else is a setting of the clinic, in its database."""

    home: Path
    database_url: str
    port: int
    secret: str | None = field(default=None, repr=False)  # none: of a file

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
    def sqlite_file(self) -> Path | None:
        """The file of the database, if it is one."""
        return Path(self.database_url.removeprefix("sqlite:///")) if self.is_sqlite else None

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the embedded one."""
        return self.database_url.startswith("sqlite")

    def open_database(self) -> Database:
        """The database, with the patience that its engine needs; nothing is connected yet."""
        if self.is_sqlite:
            return Database(self.database_url)
        return Database(
            self.database_url,
            pool_pre_ping=True,  # a connection that died with a restarted server is noticed before it is used
            pool_recycle=900,
            pool_size=10,
            connect_args={"connect_timeout": 3, "options": "-c lock_timeout=5000"},
        )

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
    """Read VIALBOOK_HOME, VIALBOOK_DATABASE_URL, VIALBOOK_SECRET and PORT. Raises BadEnvironment."""
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
    return Environment(home=home, database_url=url, port=int(port), secret=secret)
