"""What is raised on purpose: one class for each thing that must happen next."""

from collections.abc import Mapping


class AppError(Exception):
    """Root of what is raised on purpose; `message` is a sentence for a person."""

    code = "error"
    message = "Something went wrong."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)
        if message:
            self.message = message


class NotAuthenticated(AppError):
    """No acceptable token: the page must be loaded again. Always the same words."""

    code = "not_authenticated"
    message = "This view has expired or was not opened from Confluence. Reload the page."

    def __init__(self, reason: str = "") -> None:
        """Keep `reason` for the log; a caller never sees it."""
        super().__init__()
        self.reason = reason


class NotPermitted(AppError):
    """The space is visible to this person, the action is not allowed: ask an administrator."""

    code = "not_permitted"
    message = "You may see this space, but not do this. Ask a space administrator."


class NotThere(AppError):
    """Nothing of that id in a place that this person can see."""

    code = "not_there"
    message = "There is nothing here, or you cannot see it."


class Conflict(AppError):
    """The request does not fit the present state: look again, then decide."""

    code = "conflict"
    message = "This does not fit the present state. Reload and try again."


class AlreadyThere(Conflict):
    """What is to be made is there: the answer shows it, and a person decides between the two."""

    code = "already_there"

    def __init__(self, message: str, existing: object) -> None:
        """Keep what is there as JSON would say it."""
        super().__init__(message)
        self.existing = existing


class BadValue(AppError):
    """Values that cannot be accepted: the person corrects the named fields."""

    code = "bad_value"
    message = "Some values cannot be accepted."

    def __init__(self, fields: Mapping[str, str], message: str | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields)


class TooSoon(AppError):
    """Asked again before the time: wait `retry_after` seconds."""

    code = "too_soon"
    message = "This was asked a moment ago. Wait a little and try again."

    def __init__(self, retry_after: int, message: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(AppError):
    """Something that is needed is away for now: try again after `retry_after` seconds."""

    code = "unavailable"
    message = "A service that is needed cannot be reached. Try again in a moment."

    def __init__(self, message: str | None = None, retry_after: int = 10) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadConfiguration(AppError):
    """A setting that cannot work: the operator corrects it, then starts again."""

    code = "bad_configuration"
