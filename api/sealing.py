"""Sealing a stream of bytes with a passphrase: AES-GCM in pieces, so that no file has to fit into memory.

Each piece is bound to its place, and the last one to being the last: a file that was cut short, put together
otherwise or changed anywhere is noticed. The key is reckoned slowly from the passphrase (scrypt), with a salt
of the file's own. The cipher is that of the cryptography package.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from inventory.errors import Invalid

HEAD = b"VIALBOOK SEALED 1\n"
SALT_BYTES, PREFIX_BYTES, TAG_BYTES = 16, 7, 16
PIECE = 1024 * 1024
SHORTEST = 12
SLOW = {"n": 2**15, "r": 8, "p": 1, "maxmem": 2**26, "dklen": 32}


class WeakPassphrase(Invalid):
    """The passphrase could be guessed."""


class WrongPassphrase(Invalid):
    """The file was sealed with another passphrase."""


class SealBroken(Invalid):
    """The file was cut short or changed since it was sealed."""


def seal(plain: Iterable[bytes], target: BinaryIO, *, passphrase: str) -> None:
    """Write a stream, sealed. Raises WeakPassphrase."""
    if len(passphrase) < SHORTEST:
        raise WeakPassphrase(f"The passphrase has {len(passphrase)} characters; give it {SHORTEST} or more.")
    head = HEAD + os.urandom(SALT_BYTES + PREFIX_BYTES)
    cipher = _cipher(head, passphrase)
    target.write(head)
    for number, (piece, last) in enumerate(_told_apart(_pieces(plain))):
        target.write(cipher.encrypt(_nonce(head, number, last), piece, head))


def unseal(source: BinaryIO, *, passphrase: str) -> Iterator[bytes]:
    """The stream again, piece by piece. Raises WrongPassphrase, SealBroken."""
    from cryptography.exceptions import InvalidTag

    head = source.read(len(HEAD) + SALT_BYTES + PREFIX_BYTES)
    if len(head) < len(HEAD) + SALT_BYTES + PREFIX_BYTES:
        raise SealBroken("The file ends within its first line.")
    cipher = _cipher(head, passphrase)
    kept = iter(lambda: source.read(PIECE + TAG_BYTES), b"")
    number = -1
    for number, (piece, last) in enumerate(_told_apart(kept)):
        try:
            yield cipher.decrypt(_nonce(head, number, last), piece, head)
        except InvalidTag:
            if number == 0:
                raise WrongPassphrase(
                    "The file was sealed with another passphrase, or its beginning was changed."
                ) from None
            raise SealBroken(
                f"The file was cut short or changed, {number * PIECE:,} bytes after its beginning or later."
            ) from None
    if number < 0:
        raise SealBroken("The file ends after its first line.")


def _pieces(plain: Iterable[bytes]) -> Iterator[bytes]:
    """The stream in pieces of one size, but for the last; one at least."""
    held = b""
    for part in plain:
        held += part
        while len(held) > PIECE:
            yield held[:PIECE]
            held = held[PIECE:]
    yield held


def _told_apart(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each piece, and whether it is the last."""
    before = None
    for piece in pieces:
        if before is not None:
            yield before, False
        before = piece
    if before is not None:
        yield before, True


def _nonce(head: bytes, number: int, last: bool) -> bytes:
    return head[-PREFIX_BYTES:] + number.to_bytes(4) + bytes([last])


def _cipher(head: bytes, passphrase: str):  # type: ignore[no-untyped-def]  # imported when it is needed
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt = head[len(HEAD) : -PREFIX_BYTES]
    return AESGCM(hashlib.scrypt(passphrase.encode(), salt=salt, **SLOW))
