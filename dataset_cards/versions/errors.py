"""What can go wrong for a reason that its user can do something about."""


class Misuse(ValueError):
    """What was asked for cannot be meant; the message says what would do."""


class Damaged(RuntimeError):
    """A file is not what was written; the message names it and says what to do."""
