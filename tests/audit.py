"""Whether a pinned dependency has a known weakness: `make audit` asks PyPI, which knows what OSV knows.

Status 0: each version was asked about and none has any. 1: some has. 2: of some nothing could be learned.
"""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

PINS = Path(__file__).parents[1] / "constraints.txt"
ADDRESS = "https://pypi.org/pypi/{}/json"
SECONDS = 20

Ask = Callable[[str], dict[str, Any] | None]


def pinned(text: str) -> list[tuple[str, str]]:
    """The names and versions of a file of constraints, whatever machine they are for."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = [Requirement(line) for line in lines]
    return [(one.name, str(one.specifier).removeprefix("==")) for one in found]


def ask(what: str) -> dict[str, Any] | None:
    """What PyPI says of a package, or of `NAME/VERSION`. None: it knows none. Raises OSError."""
    try:
        with urllib.request.urlopen(ADDRESS.format(what), timeout=SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def weaknesses(name: str, version: str, asking: Ask = ask) -> list[str] | None:
    """What is known against a version, each with what mends it. None: nothing could be learned."""
    told = asking(name)  # of the newest version; a mirror may have no answer for others
    if told is None or told["info"]["version"] != version:
        told = asking(f"{name}/{version}")
    if told is None or "vulnerabilities" not in told:
        return None
    return [
        f"{name} {version}: {known['id']}, mended in {', '.join(known['fixed_in']) or 'no version'}: "
        f"{(known.get('summary') or known.get('details') or '').strip()[:160]}"
        for known in told["vulnerabilities"]
        if not known.get("withdrawn")
    ]


def audit(pins: list[tuple[str, str]], say: Callable[[str], object], asking: Ask = ask) -> int:
    """Ask about every pin, say what was found; answers the status of the command."""
    weak, unknown = 0, []
    for name, version in pins:
        try:
            found = weaknesses(name, version, asking)
        except OSError as error:
            say(f"PyPI cannot be asked ({error}): NOTHING IS KNOWN of these {len(pins)} versions.")
            return 2
        unknown += [f"{name} {version}"] if found is None else []
        for line in found or ():
            weak += 1
            say(line)
    say(f"{len(pins)} versions, {weak} known weaknesses, {len(unknown)} versions of which nothing is known.")
    if unknown:
        say(f"Nothing is known of {', '.join(unknown)}.")
    return 1 if weak else 2 if unknown else 0


if __name__ == "__main__":
    sys.exit(audit(pinned(PINS.read_text("utf-8")), lambda line: sys.stdout.write(line + "\n")))
