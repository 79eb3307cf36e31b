"""What can go wrong between Anypoint and us; each reason is a sentence for a person."""

from datetime import datetime

from app.errors import AppError


class CredentialsRefused(AppError):
    """Anypoint refuses the Connected App: an admin must correct or renew its credentials."""

    code = "credentials_refused"
    message = (
        "Anypoint refused the Connected App's client id or secret. "
        "Check both, and that the app exists on this control plane."
    )


class TokenRefused(CredentialsRefused):
    """Anypoint gave a token and then refused it twice: the Connected App was revoked."""

    message = (
        "Anypoint no longer accepts the Connected App. "
        "Check in Anypoint that it still exists, then save its credentials again."
    )


class CouldNotRead(AppError):
    """Something could not be read: it is unknown, never empty. `kind` is a word for the log."""

    code = "could_not_read"
    kind = "away"

    def __init__(self, reason: str) -> None:
        """Take the reason in words that a person can act upon."""
        super().__init__(reason)
        self.reason = reason


class NotAllowed(CouldNotRead):
    """A scope of the Connected App is missing there: an Anypoint administrator must grant it."""

    kind = "permission"

    def __init__(self, noun: str, scope: str, environment: str | None) -> None:
        """Name what was refused, the scope in Anypoint's own words, and the environment's id."""
        where = "there" if environment else "in this organisation"
        super().__init__(
            f"the Connected App may not view {noun} {where}. "
            f"Ask an Anypoint administrator for {scope}."
        )
        self.scope = scope
        self.environment = environment


class Gone(CouldNotRead):
    """Anypoint says that it is not there: deleted, or hidden from the Connected App."""

    kind = "gone"


class BadAnswer(CouldNotRead):
    """The answer has not the documented shape: nothing is concluded from it."""

    kind = "shape"


class CutShort(CouldNotRead):
    """A list ended before its own count: what is missing is unknown."""

    kind = "truncated"


class Away(CouldNotRead):
    """Anypoint did not answer, after all tries: later it may."""

    kind = "away"


class Throttled(CouldNotRead):
    """Anypoint asks us to wait longer than a call may wait: go on at `until`."""

    kind = "throttled"

    def __init__(self, until: datetime) -> None:
        """Take the time at which Anypoint will answer again."""
        super().__init__(f"Anypoint limits the number of calls until {until:%H:%M} UTC.")
        self.until = until
