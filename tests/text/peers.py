"""Tokenizers of `tokenizers` itself, laid out as those of Llama 3, Qwen and SmolLM."""

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = (
    "It's 12345 o'clock, isn't IT'S?\n\n  She said: «Ça va», 2024-11-21!\r\n\n x1y22z333 \t foo(bar)\n" * 4
)
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def by_regex(pattern):
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([split, byte_level])


def smollm():
    digits = pre_tokenizers.Digits(individual_digits=True)
    return pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])


CUT = {
    "llama3": lambda: by_regex(LLAMA3),
    "qwen": lambda: by_regex(LLAMA3.replace("{1,3}", "")),
    "smollm": smollm,
}


def peer(cut: str, *, nfc=False, ignore_merges=False, begin=False) -> tokenizers.Tokenizer:
    """A tokenizer of `tokenizers` itself, learned with this cut."""
    made = tokenizers.Tokenizer(models.BPE(ignore_merges=ignore_merges))
    made.pre_tokenizer = CUT[cut]()
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    specials = ["<|begin|>", "<|end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([CORPUS], trainer)
    if nfc:
        made.normalizer = normalizers.NFC()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    if begin:
        template = processors.TemplateProcessing(
            single="<|begin|> $A", pair="<|begin|> $A $B:1", special_tokens=[("<|begin|>", 0)]
        )
        made.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    return made
