"""Each error raised on purpose has its answer."""

import importlib
import pkgutil
from collections.abc import Iterator

import app
from app.errors import AppError, BadConfiguration
from app.store.leases import Fenced
from app.web.errors import STATUS, status_of

NEVER_ANSWERED = (BadConfiguration, Fenced)
"""One stops the start, the other ends inside a job."""


def subclasses(kind: type[AppError]) -> Iterator[type[AppError]]:
    for below in kind.__subclasses__():
        yield below
        yield from subclasses(below)


def test_every_error_raised_on_purpose_has_a_status():
    for module in pkgutil.walk_packages(app.__path__, "app."):
        importlib.import_module(module.name)
    for kind in subclasses(AppError):
        if issubclass(kind, NEVER_ANSWERED):
            continue
        status = status_of(kind.__new__(kind))
        assert status != STATUS[AppError], kind.__name__
