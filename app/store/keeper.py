"""The process that keeps an embedded Postgres: it starts it, and ends it after its last user.

Run as a script with the standard library alone: `keeper.py <users lock> <port file> <log> <port> <command…>`.
Each user holds a shared lock on the users file. The kernel drops it however a user ends, so the
exclusive lock is had exactly when nobody is left, and no server outlives those it was started for.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path


def main() -> int:
    """Run the server until its last user is gone; return its exit status."""
    users, port_file, log, port = (Path(item) for item in sys.argv[1:5])
    with log.open("ab") as out:
        server = subprocess.Popen(  # noqa: S603 - the command is the launcher's own
            sys.argv[5:], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/"
        )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: server.send_signal(signal.SIGINT))
    _write(port_file, {"port": int(port.name), "keeper": os.getpid(), "server": server.pid})
    threading.Thread(target=_end_after_the_last_user, args=(users, server), daemon=True).start()
    status = server.wait()
    port_file.unlink(missing_ok=True)
    return status


def _end_after_the_last_user(users: Path, server: subprocess.Popen[bytes]) -> None:
    # The lock stays held until this process ends: whoever comes now waits for the whole stop.
    descriptor = os.open(users, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    server.send_signal(signal.SIGINT)


def _write(path: Path, value: dict[str, int]) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value))
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
