"""Owners: only hashes are kept, only the owner's token opens."""

import hashlib

from llmviz.runs.owners import hash_token, is_token, owns

TOKEN = "a-token-that-a-browser-made-0123"


def test_only_the_hash_is_kept():
    assert hash_token(TOKEN) == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert TOKEN not in hash_token(TOKEN)


def test_only_the_owners_token_opens():
    assert owns(TOKEN, hash_token(TOKEN))
    assert not owns(TOKEN + "x", hash_token(TOKEN))
    assert not owns(hash_token(TOKEN), hash_token(TOKEN)), "the hash is no token"


def test_whatever_is_sent_is_answered():
    for nobody in (None, "", "short", "x" * 10_000, "\ud800" * 20, 7):
        assert not owns(nobody, hash_token(TOKEN))
    assert not owns(TOKEN, None)
    assert is_token(TOKEN)
