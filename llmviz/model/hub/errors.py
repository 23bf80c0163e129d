"""What is said where a model of somebody else's cannot be used."""


class ForeignModelError(ValueError):
    """A model that cannot be fetched, read or written; the message is one plain sentence."""
