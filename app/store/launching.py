"""As whom the embedded Postgres runs: it refuses root, so root starts it as somebody else."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.errors import BadConfiguration

NOBODY = 65534
STRANGER = "1000"


@dataclass(frozen=True, slots=True)
class Launcher:
    """The wheel's programs, the words in front of them and the owner of the files."""

    binaries: Path
    prefix: tuple[str, ...]
    owner: int

    def server_command(self, data: Path, port: int, options: tuple[str, ...]) -> list[str]:
        """Return the command that serves `data` on loopback, with a death signal where possible."""
        settings = [part for option in options for part in ("-c", option)]
        program = [str(self.binaries / "postgres"), "-D", str(data)]
        place = ["-h", "127.0.0.1", "-p", str(port), "-k", ""]
        return [*_death_signal(self.prefix), *program, *place, *settings]

    def initialise(self, data: Path, superuser: str, password: str) -> None:
        """Make a new cluster in `data`; `BadConfiguration` with the reason if that fails."""
        data.mkdir(mode=0o700)
        self.own(data)
        read, write = os.pipe()
        os.fchown(read, self.owner, -1)
        os.write(write, password.encode() + b"\n")
        os.close(write)
        command = [*self.prefix, str(self.binaries / "initdb"), "-D", str(data), "-U", superuser]
        command += ["-A", "scram-sha-256", "--pwfile", f"/dev/fd/{read}"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        done = subprocess.run(  # noqa: S603 - the wheel's program
            command, pass_fds=[read], capture_output=True, text=True, cwd="/", check=False
        )
        os.close(read)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise BadConfiguration(f"PLUMBLINE_DATA_DIR: no database can be made: {reason[0]}")

    def own(self, data: Path) -> None:
        """Give `data` and all in it to the user the server runs as, if it is not theirs yet."""
        if data.stat().st_uid == self.owner:
            return
        for folder, _, files in os.walk(data):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                os.lchown(path, self.owner, self.owner)


def launcher(binaries: Path, home: Path) -> Launcher:
    """Return how to run the server here, or raise `BadConfiguration` naming what stands in the way."""
    if os.geteuid() != 0:
        return Launcher(binaries, (), os.geteuid())
    as_nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if _reaches(as_nobody, binaries, home):
        return Launcher(binaries, as_nobody, NOBODY)
    # Below a private directory nobody gets through; in a user namespace the files stay root's.
    as_stranger = ("unshare", "--user", f"--map-user={STRANGER}", f"--map-group={STRANGER}")
    if _reaches(as_stranger, binaries, home):
        return Launcher(binaries, as_stranger, 0)
    raise BadConfiguration(
        "PLUMBLINE_DATA_DIR: root's embedded Postgres runs as `nobody`, who cannot reach "
        "the programs or this directory; run as an ordinary user or name a database server"
    )


def _reaches(prefix: tuple[str, ...], binaries: Path, home: Path) -> bool:
    if shutil.which(prefix[0]) is None:
        return False
    return _succeeds([*prefix, str(binaries / "postgres"), "--version"]) and _succeeds(
        [*prefix, "test", "-x", str(home)]
    )


def _succeeds(command: list[str]) -> bool:
    done = subprocess.run(command, capture_output=True, cwd="/", check=False)  # noqa: S603
    return done.returncode == 0


def _death_signal(prefix: tuple[str, ...]) -> tuple[str, ...]:
    if shutil.which("setpriv") is None:
        return prefix  # macOS: the keeper alone ends the server
    if prefix[:1] == ("setpriv",):
        return (*prefix, "--pdeathsig", "INT")
    return ("setpriv", "--pdeathsig", "INT", *prefix)
