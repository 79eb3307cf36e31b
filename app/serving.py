"""The web server's life: it leaves without breaking a request that it could have answered."""

import asyncio
import signal
from socket import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.wire import BoundedHttp

DRAIN_SECONDS = 1.0
"""How long answers tell their connections to close before those that are idle are closed."""

LAST_WORDS_SECONDS = 0.5
"""How long a connection that came just before the door closed may take to send its request."""

SHUTDOWN_SECONDS = 7
"""How long requests under way may take to finish after that."""


class Leaving:
    """An app that, once it is to stop, asks each connection to end with its answer."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self._app = app
        self.stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""

        async def closing(message: Message) -> None:
            if self.stopping.is_set() and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, closing if scope["type"] == "http" else send)


class GentleServer(uvicorn.Server):
    """Goes on answering for a moment after it was told to stop, so that nobody talks to a closed door."""

    def __init__(self, app: Leaving, host: str, port: int, told: list[bool]) -> None:
        """Take what is to be served; where `told` has something in it, it is to stop already."""
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            http=BoundedHttp,
            ws="none",
            log_config=None,
            lifespan="on",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        super().__init__(config)
        self._stopping = app.stopping
        self._told = told

    def run_until_told(self) -> None:
        """Serve until SIGTERM or SIGINT; a second one cuts the farewell short."""
        # uvicorn raises the signal again after its shutdown; with a handler of ours that is harmless.
        signal.signal(signal.SIGTERM, lambda *_: self._told.append(True))
        self.run()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin to listen; who was told to stop before this server heard it itself leaves at once."""
        self.should_exit = self.should_exit or bool(self._told)
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Become unready at once, and stop a moment later."""
        if self._stopping.is_set() or not self.started:
            super().handle_exit(sig, frame)
            return
        self._stopping.set()
        loop = asyncio.get_running_loop()
        leave = super().handle_exit
        loop.call_soon_threadsafe(loop.call_later, DRAIN_SECONDS, self._close_the_door)
        seconds = DRAIN_SECONDS + LAST_WORDS_SECONDS
        loop.call_soon_threadsafe(loop.call_later, seconds, leave, sig, frame)

    def _close_the_door(self) -> None:
        for listener in self.servers:
            listener.close()
