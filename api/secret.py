"""The program's secret, and what is kept sealed by it: a copy of the book alone opens nobody's second factor.

The secret is VIALBOOK_SECRET, the same on every machine that serves one book, or else a file of random bytes
that its owner alone can read, made when it is first needed. Sealing is AES-GCM of the cryptography package,
bound to whose the sealed text is, so that one person's cannot be put in another's place.
"""

import base64
import hashlib
import os
import secrets
from functools import lru_cache
from pathlib import Path

from api.settings import Environment, from_environment
from inventory.errors import Conflict

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
SHORTEST = 16


class SecretLost(Conflict):
    """What was sealed cannot be opened with the secret that the program has now."""


class WeakSecret(Conflict):
    """The secret in the environment could be guessed."""


class SecretOpenToOthers(Conflict):
    """Other people of the machine can read the file of the secret."""


def check(environment: Environment) -> None:
    """Refuse to start with a secret that others can read or guess. Raises SecretOpenToOthers, WeakSecret."""
    if environment.secret is not None:
        _strong(environment.secret)
    elif environment.secret_file.exists():
        _read(environment.secret_file)


def seal(text: str, *, owner: int) -> str:
    """A base32 text as it is kept: as long as 64 characters for the 32 of a second factor."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = _cipher().encrypt(nonce, base64.b32decode(text), _bound(owner))
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(kept: str, *, owner: int) -> str:
    """The text again; one that an earlier version kept as it was is answered as it is. Raises SecretLost."""
    from cryptography.exceptions import InvalidTag

    if is_plain(kept):
        return kept
    raw = base64.urlsafe_b64decode(kept)
    try:
        opened = _cipher().decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(owner))
    except InvalidTag:
        raise SecretLost(
            "The second factor was sealed with another secret than the program has now: put back the file "
            "secret.key or the VIALBOOK_SECRET of that time, or have an admin turn the second factor off."
        ) from None
    return base64.b32encode(opened).decode()


def is_plain(kept: str) -> bool:
    """Whether it is kept as earlier versions kept it. Nothing sealed is so short."""
    return len(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4))) <= NONCE_BYTES + TAG_BYTES


def _bound(owner: int) -> bytes:
    return f"second factor of {owner}".encode()


def _cipher():  # type: ignore[no-untyped-def]  # its package is imported when it is needed
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    environment = from_environment()
    return AESGCM(_key(environment.secret or _kept(environment)))


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    """The key of a secret: reckoned slowly, for a person may have chosen it."""
    _strong(secret)
    return hashlib.scrypt(secret.encode(), salt=b"vialbook", n=2**14, r=8, p=1, dklen=KEY_BYTES)


def _kept(environment: Environment) -> str:
    """The secret of the file, which is made if there is none: by whoever of several processes is first."""
    file = environment.secret_file
    if not file.exists():
        environment.make_home()
        _write_once(file, secrets.token_urlsafe(KEY_BYTES))
    return _read(file)


def _strong(secret: str) -> None:
    if len(secret) < SHORTEST:
        raise WeakSecret(f"VIALBOOK_SECRET has {len(secret)} characters; give it {SHORTEST} or more.")


def _read(file: Path) -> str:
    mode = file.stat().st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        raise SecretOpenToOthers(
            f"{file} can be read by other people of this machine (its rights are {mode:03o}): "
            f"run `chmod 600 {file}`, and change the secret if somebody may have read it."
        )
    return file.read_text("utf-8").strip()


def _write_once(file: Path, text: str) -> None:
    """Put the whole text under its name at once, unless somebody else has."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as kept:
        kept.write(text + "\n")
    try:
        os.link(draft, file)  # refuses where the name is taken
    except FileExistsError:
        pass
    finally:
        draft.unlink()
