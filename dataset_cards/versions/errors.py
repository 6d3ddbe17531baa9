"""What can go wrong for a reason that its user can do something about."""


class Misuse(ValueError):
    """What was asked for cannot be meant; the message says what would do."""


class BadRecipe(Misuse):
    """The recipe or one of its parameters cannot be used; the message says what would do."""


class Damaged(RuntimeError):
    """A file is not what was written; the message names it and says what to do."""
