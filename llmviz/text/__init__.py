"""Text to ids (book, chapter 2): corpora that are always at hand, tokenizers, and datasets built from them.

    from llmviz.text import load_corpus, train_bpe

    text = load_corpus("stories")
    ids = train_bpe(text, vocab_size=512).encode(text)

Names are imported when first used, for the page's server asks only for a dataset's recipe and should
not wait for what builds one.
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "load_corpus": "corpora",
        "BPETokenizer": "tokenizers",
        "ByteTokenizer": "tokenizers",
        "CharTokenizer": "tokenizers",
        "load_tokenizer": "tokenizers",
        "train_bpe": "tokenizers",
        "Dataset": "datasets",
        "build_dataset": "datasets",
        "open_dataset": "datasets",
    },
)
