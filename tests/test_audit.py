"""Asking after known weaknesses: what is weak is named, and what nobody knows is never taken for sound."""

import pytest

from tests import audit

PINS = "# tried together\nalpha==1.2\nbeta==3.0.post1 ; python_version < '3.12'\n"
FLAW = {"id": "PYSEC-1", "fixed_in": ["1.3"], "summary": "Reads too far."}


def told(version: str, *flaws: dict) -> dict:
    return {"info": {"version": version}, "vulnerabilities": list(flaws)}


def asked(answers: dict) -> tuple[int, str]:
    said: list[str] = []
    status = audit.audit(audit.pinned(PINS), said.append, answers.get)
    return status, "\n".join(said)


def test_versions_without_a_known_weakness_pass():
    status, said = asked({"alpha": told("1.2"), "beta": told("4"), "beta/3.0.post1": told("3.0.post1")})

    assert status == 0
    assert said == "2 versions, 0 known weaknesses, 0 versions of which nothing is known."


def test_a_weakness_is_named_with_the_version_that_mends_it_unless_it_was_withdrawn():
    gone = FLAW | {"id": "PYSEC-2", "withdrawn": "2026-01-01"}
    status, said = asked({"alpha": told("1.2", FLAW, gone), "beta": told("3.0.post1")})

    assert status == 1
    assert said.startswith("alpha 1.2: PYSEC-1, mended in 1.3: Reads too far.\n2 versions, 1 known")
    assert "PYSEC-2" not in said


def test_a_weakness_of_another_version_says_nothing_of_ours():
    status, said = asked({"alpha": told("1.4", FLAW), "beta": told("3.0.post1")})

    assert status == 2
    assert "Nothing is known of alpha 1.2." in said


def test_without_a_network_nothing_is_taken_for_sound():
    def away(_what: str) -> None:
        raise OSError("no route")

    said: list[str] = []

    assert audit.audit(audit.pinned(PINS), said.append, away) == 2
    assert said == ["PyPI cannot be asked (no route): NOTHING IS KNOWN of these 2 versions."]


@pytest.mark.parametrize("name", ["flask", "werkzeug", "waitress", "sqlalchemy", "openpyxl", "cryptography"])
def test_what_faces_the_world_is_pinned_and_so_asked_about(name):
    assert name in dict(audit.pinned(audit.PINS.read_text("utf-8")))
