"""The product without NOTIFY: the same transactions, and nobody is told of them.

python -m benchmarks.contenders.silent PORT
"""

import sys

from realtime.bell import PostgresBell
from server.serve import serve
from server.settings import Settings
from storage.events import Hint


def say_nothing(_: PostgresBell, hint: Hint) -> None:
    """In place of ``PostgresBell.ring``."""


if __name__ == "__main__":
    PostgresBell.ring = say_nothing  # type: ignore[method-assign, assignment]
    sys.exit(serve(Settings(port=int(sys.argv[1]))))
