"""The commands: serve, work, migrate, what an operator asks of them, and a pipeline's question."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from app import pipeline
from app.errors import AppError
from app.settings import Settings
from app.web.request_log import configure_logging

MOST_SYNCS = 64
"""Of one worker side by side; without one it would run none, and say nothing."""

Command = Callable[[Settings, argparse.Namespace], int | None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; one line on standard error says why it could not."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
        configure_logging(settings.log_format)
        return int(options.command(settings, options) or 0)
    except AppError as error:
        print(f"plumbline: {error.message}", file=sys.stderr)
        return 1


def readiness(settings: Settings, options: argparse.Namespace) -> int:
    """Ask a served Plumbline whether a promotion may go on: 0 ready, 2 blocked, 1 could not tell."""
    token = settings.pipeline_token.get_secret_value()
    answer = pipeline.asked(
        pipeline.Question(
            options.url, options.space, options.origin, options.target, options.api, token
        )
    )
    print(pipeline.as_json(answer) if options.json else "\n".join(pipeline.lines(answer)))
    if problem := pipeline.problem(answer):
        print(f"plumbline: {problem}", file=sys.stderr)
    return pipeline.EXITS[answer["ready"]]


def _of_operator(name: str) -> Command:
    """Return a command of the operator; only then the whole product is loaded, which takes seconds."""

    def command(settings: Settings, options: argparse.Namespace) -> int | None:
        from app import commands

        run: Command = getattr(commands, name)
        return run(settings, options)

    return command


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_SYNCS):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST_SYNCS}")
    return int(text)


class _Parser(argparse.ArgumentParser):
    """Ends with 1 where it cannot understand: 2 means that a promotion is blocked."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="plumbline", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Command, said: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=said)
        made.set_defaults(command=command)
        return made

    add("serve", _of_operator("serve"), "Answer requests until told to stop.")
    add("worker", _of_operator("worker"), "Run jobs until told to stop.").add_argument(
        "--concurrency", type=_count, default=4, help="syncs that run side by side"
    )
    add("migrate", _of_operator("migrate"), "Bring the database's schema to this release.")
    add("rotate-keys", _of_operator("rotate_keys"), "Seal all stored secrets with the first key.")
    add("descriptor", _of_operator("show_descriptor"), "Print the Connect descriptor.")
    add("verify", _of_operator("verify"), "Check every snapshot against its hash.")
    routes = add("routes", _of_operator("show_routes"), "Print every route, its token and right.")
    routes.add_argument("--json", action="store_true", help="as JSON")
    routes.add_argument("--markdown", action="store_true", help="as the table of the documents")
    asks = add("readiness", readiness, "Ask a served Plumbline whether a promotion may go on.")
    asks.add_argument("--url", required=True, help="https address of this deployment")
    asks.add_argument("--space", required=True, help="id of the Confluence space")
    asks.add_argument("--from", required=True, dest="origin", help="environment, by name or id")
    asks.add_argument("--to", required=True, dest="target", help="environment, by name or id")
    asks.add_argument("--api", help="id of the one API that is asked about")
    asks.add_argument("--json", action="store_true", help="as JSON")
    _add_forge(commands.add_parser("forge", help="The Forge app of this deployment."))
    return parser


def _add_forge(forge: argparse.ArgumentParser) -> None:
    steps = forge.add_subparsers(required=True, metavar="step")
    for name, command, said in (
        ("publish", "forge_publish", "Write the Forge app of this deployment, and check it."),
        ("connect-manifest", "forge_connect_manifest", "Print the Connect-on-Forge manifest."),
    ):
        made = steps.add_parser(name, help=said)
        made.add_argument("--app-id", required=True, help="ari:cloud:ecosystem::app/<uuid>")
        made.add_argument("--url", default="", help="public https URL; else PLUMBLINE_BASE_URL")
        made.set_defaults(command=_of_operator(command))
    steps.choices["publish"].add_argument(
        "--folder", type=Path, default=Path("build/forge"), help="where the app is written"
    )


if __name__ == "__main__":
    sys.exit(main())
