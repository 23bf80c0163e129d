"""Tokenizers of `tokenizers` itself, laid out as those of Llama 1 and 2, TinyLlama and Mistral."""

import json
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = (
    "Once upon a time  there was a fox.\nIt's 12 o'clock, said the fox: a time for foxes!\n   Ça va ▁ \n" * 5
)
SPECIALS = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
LAYOUTS = ("before every piece", "first", "always", "never")


def learned(split: bool) -> tuple[list[str], list[tuple[str, str]]]:
    """Tokens and merges; where the text was not split at its spaces, some tokens go across them."""
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Metaspace(split=split)
    made.train_from_iterator(CORPUS.splitlines(), trainers.BpeTrainer(vocab_size=120, show_progress=False))
    model = json.loads(made.to_str())["model"]
    return list(model["vocab"]), [tuple(merge) for merge in model["merges"]]


def spaced_peer(
    layout: str = "first", *, begin: bool = True, split: bool = True, more: tuple[AddedToken, ...] = ()
) -> tokenizers.Tokenizer:
    """layout: one of LAYOUTS; begin: <s> before every text; more: added tokens besides the three."""
    tokens, merges = learned(split)
    vocab = {token: at for at, token in enumerate([*SPECIALS, *BYTES, *tokens])}
    kind: dict[str, Any] = {"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}
    made = tokenizers.Tokenizer(models.BPE(vocab, merges, **kind))
    strip = [] if layout == "never" else [decoders.Strip(" ", 1, 0)]
    if layout == LAYOUTS[0]:
        made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=layout, split=False)
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    made.decoder = decoders.Sequence(parts)
    made.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in SPECIALS])
    made.add_tokens(list(more))
    if begin:
        made.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)]
        )
    return made
