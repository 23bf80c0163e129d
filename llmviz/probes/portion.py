"""How much of a batch a diagnosis reads. No torch, so that its memory can be said before a model is built."""

MOST_TOKENS = 4096  # a large batch says no more than this many, and costs more


def windows_to_read(n_windows: int, n_tokens: int) -> int:
    """Of so many windows, each of so many tokens: an even number, for two equal halves; or the only one."""
    n = min(n_windows, max(MOST_TOKENS // n_tokens, 2))
    return n - n % 2 if n > 1 else 1
