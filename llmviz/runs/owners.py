"""Who may command a run: whoever holds the token that was there when it was made."""

import hashlib
import hmac

MAX_TOKEN = 200  # characters; the page's own tokens have 32


def hash_token(token: str) -> str:
    """What is kept of an owner's token: its SHA-256 hash in hex. The token itself is never stored.

    A fast hash is enough: a browser's token is 128 random bits, written as 32 hexadecimal digits, and no
    password to be guessed. A program may choose its own.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_token(token: str | None) -> bool:
    """Whether this can be a token at all: long enough not to be guessed, short enough to be one."""
    return isinstance(token, str) and 16 <= len(token) <= MAX_TOKEN


def owns(token: str | None, owner_hash: str | None) -> bool:
    """Whether `token` is the owner's. Compared in constant time, so that timing tells nothing."""
    if not is_token(token) or not owner_hash:
        return False
    return hmac.compare_digest(hash_token(str(token)), owner_hash)
