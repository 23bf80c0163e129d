"""How the host says no: one plain sentence for each reason, and the status a web route answers with."""


class Refused(ValueError):
    """A wish that cannot be granted. `sentences`: why not, each in plain words; `status`: as in HTTP."""

    def __init__(self, sentences: list[str], status: int = 400) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences
        self.status = status
