"""The ways to refuse: every refusal has a name and a sentence with the numbers in it."""


class Refusal(Exception):
    """What was asked cannot be done; `str(refusal)` is the sentence that the user reads."""

    def __init__(self, sentence: str, **facts: object) -> None:
        super().__init__(sentence)
        self.facts = facts

    @property
    def name(self) -> str:
        return type(self).__name__


class NotFound(Refusal):
    """No such thing is on record."""


class Conflict(Refusal):
    """The state of things does not allow it now."""


class Invalid(Refusal):
    """It is well-formed, but it can never be allowed."""


class Forbidden(Refusal):
    """The person asking has not the right."""
