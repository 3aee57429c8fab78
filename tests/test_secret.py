"""The program's secret: what it seals is opened with it alone, and second factors that were plain go on."""

import stat
import threading
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa

from api import secret
from api.auth import Role
from api.secret import SecretLost, WeakSecret
from api.web import accounts
from api.web.passwords import Credential
from tests.pages import PASSWORD, House, said
from tests.test_web_second_factor import with_second_factor

pytest_plugins = ("tests.calls", "tests.pages")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the program without a secret in the environment."""
    monkeypatch.setenv("VIALBOOK_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("VIALBOOK_SECRET", raising=False)
    return tmp_path / "var"


def test_what_is_sealed_is_another_text_each_time_and_opens_for_its_owner_alone(home):
    text = pyotp.random_base32()

    one, other = secret.seal(text, owner=7), secret.seal(text, owner=7)

    assert len({text, one, other}) == 3
    assert len(one) == 64  # the column's width
    assert secret.unseal(one, owner=7) == secret.unseal(other, owner=7) == text
    with pytest.raises(SecretLost, match=r"secret\.key"):
        secret.unseal(one, owner=8)
    changed = ("A" if one[0] != "A" else "B") + one[1:]
    with pytest.raises(SecretLost):
        secret.unseal(changed, owner=7)


def test_a_plain_text_of_an_earlier_version_is_answered_as_it_is(home):
    for _ in range(50):
        text = pyotp.random_base32()
        assert secret.is_plain(text)
        assert secret.unseal(text, owner=7) == text
        assert not secret.is_plain(secret.seal(text, owner=7))


def test_the_file_is_made_once_and_its_owners_alone(home):
    sealed = secret.seal(pyotp.random_base32(), owner=7)
    file = home / "secret.key"
    kept = file.read_text("utf-8")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert secret.unseal(sealed, owner=7)
    assert file.read_text("utf-8") == kept
    assert [one.name for one in home.iterdir()] == ["secret.key"]


def test_of_several_processes_at_once_the_first_makes_the_file_and_all_use_it(home):
    text, sealed = pyotp.random_base32(), []
    threads = [threading.Thread(target=lambda: sealed.append(secret.seal(text, owner=7))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert [secret.unseal(one, owner=7) for one in sealed] == [text] * 8


def test_another_secret_opens_nothing_and_a_short_one_is_refused(home, monkeypatch):
    sealed = secret.seal(pyotp.random_base32(), owner=7)

    monkeypatch.setenv("VIALBOOK_SECRET", "a secret of another machine")
    with pytest.raises(SecretLost):
        secret.unseal(sealed, owner=7)
    monkeypatch.setenv("VIALBOOK_SECRET", "short")
    with pytest.raises(WeakSecret, match="has 5 characters; give it 16 or more"):
        secret.unseal(sealed, owner=7)
    monkeypatch.delenv("VIALBOOK_SECRET")
    assert secret.unseal(sealed, owner=7)


@pytest.mark.usefixtures("quick_passwords")
def test_no_second_factor_is_kept_as_it_is_and_one_that_was_is_sealed_at_its_next_use(house: House):
    clock = with_second_factor(house, Role.MANAGER)
    assert kept(house) != clock.secret
    with house.database.write.begin() as db:  # as an earlier version left it
        db.execute(sa.update(Credential).values(totp_secret=clock.secret, totp_step=None))

    browser = house.stranger()
    browser.send("/sign-in", name="Manager Person", password=PASSWORD)
    done = browser.send("/sign-in/code", code=clock.at(house.clock.now))

    assert done.status_code == 303
    assert browser.get("/stock").status_code == 200
    assert kept(house) != clock.secret
    assert not secret.is_plain(kept(house))


@pytest.mark.usefixtures("quick_passwords")
def test_with_another_secret_nobody_comes_in_and_is_told_what_helps(house: House, monkeypatch):
    clock = with_second_factor(house, Role.MANAGER)
    monkeypatch.setenv("VIALBOOK_SECRET", "a secret of another machine")
    browser = house.stranger()
    browser.send("/sign-in", name="Manager Person", password=PASSWORD)

    answer = browser.send("/sign-in/code", code=clock.at(house.clock.now))

    assert answer.status_code == 409
    assert "secret.key" in said(answer)
    assert browser.get("/stock").status_code == 303


def kept(house: House) -> str:
    with house.database.read() as db:
        person = accounts.by_name(db, "Manager Person")
        assert person is not None
        found = db.get_one(Credential, person.id).totp_secret
        assert found is not None
        return found
