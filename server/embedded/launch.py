"""What the programs have in common: they are told where to listen, and tell when they do."""

import argparse
import os
from pathlib import Path


def arguments() -> argparse.Namespace:
    """``folder`` to keep everything in, ``port`` (0 is any) and ``ready``, where to say so."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready", type=int, required=True, metavar="DESCRIPTOR")
    return parser.parse_args()


def tell(ready: int, port: int) -> None:
    """The server listens on this port now."""
    os.write(ready, b"%d\n" % port)
    os.close(ready)
