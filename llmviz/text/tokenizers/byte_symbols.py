"""GPT-2's alphabet: one visible symbol for each of the 256 bytes.

A ``tokenizer.json`` is text, and many bytes are not: a space, a line end, half of an emoji. GPT-2
therefore writes every byte as one printable character. Bytes that already are one stand for
themselves ('A' is A); the others take the characters from U+0100 on, in order: a space is Ġ, a
line end Ċ. Source: openai/gpt-2, ``bytes_to_unicode``.
"""

from __future__ import annotations

_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]

# The first 256 ids, in GPT-2 as in every vocabulary that `tokenizers` trains: '!' is 0, a space 220.
GPT2_BYTE_ORDER: list[int] = _PRINTABLE + _OTHERS

SYMBOL_OF_BYTE: dict[int, str] = {byte: chr(byte) for byte in _PRINTABLE} | {
    byte: chr(0x100 + n) for n, byte in enumerate(_OTHERS)
}
BYTE_OF_SYMBOL: dict[str, int] = {symbol: byte for byte, symbol in SYMBOL_OF_BYTE.items()}


def to_symbols(token: bytes) -> str:
    """The token in GPT-2's visible alphabet: ``b" the"`` → ``"Ġthe"``."""
    return "".join(SYMBOL_OF_BYTE[byte] for byte in token)


def from_symbols(symbols: str) -> bytes:
    """The bytes of a token written in that alphabet. Raises KeyError for a character outside it."""
    return bytes(BYTE_OF_SYMBOL[symbol] for symbol in symbols)
