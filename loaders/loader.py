"""Values by key, each read once and together with what others ask for at the same time."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader

T = TypeVar("T")


class Loader(Generic[T]):
    """Values by key: one read for all that are asked for at the same time, each read once.

    Strawberry's DataLoader does the gathering. What is known is kept beside it
    as plain values, so that a page that was read ahead costs no promise a row.
    """

    def __init__(
        self,
        read: Callable[[list[str]], Awaitable[Mapping[str, T]]],
        missing: Callable[[str], T],
        at_hand: Callable[[str], T | None] | None = None,
    ) -> None:
        """``at_hand`` is asked for one value before it is read: it may know it already."""
        self._read = read
        self._missing = missing
        self._at_hand = at_hand
        self._known: dict[str, T] = {}
        self._dataloader: DataLoader[str, T] | None = None

    @property
    def _gathering(self) -> DataLoader[str, T]:
        # Made by the first who needs it, and seldom at all: it and we hold each other, and what
        # holds itself stays until the garbage collector looks.
        if self._dataloader is None:
            self._dataloader = DataLoader(self.read_ahead, cache=False)
        return self._dataloader

    def get(self, key: str) -> T | Awaitable[T]:
        """The value if it is here, else the promise of it: an executor that need not wait
        for a field fills it in several times faster.
        """
        return self._known[key] if self._knows(key) else self._gathering.load(key)

    def get_many(self, keys: Sequence[str]) -> list[T] | Awaitable[list[T]]:
        """The same for several, in this order."""
        known = self._known
        if all(key in known for key in keys):
            return [known[key] for key in keys]
        return self._gathering.load_many(keys)

    async def load(self, key: str) -> T:
        """The value."""
        return self._known[key] if key in self._known else await self._gathering.load(key)

    async def load_many(self, keys: Iterable[str]) -> list[T]:
        """The values, in this order; read together with what others ask for at the same time."""
        wanted = list(keys)
        unknown = [key for key in wanted if key not in self._known]
        if unknown:
            await self._gathering.load_many(unknown)
        return [self._known[key] for key in wanted]

    async def read_ahead(self, keys: Iterable[str]) -> list[T]:
        """The same in a read of their own, at most one, for whoever knows what all will ask for."""
        wanted = list(keys)
        unknown = [key for key in dict.fromkeys(wanted) if not self._knows(key)]
        if unknown:
            found = await self._read(unknown)
            for key in unknown:
                self._known[key] = found[key] if key in found else self._missing(key)
        return [self._known[key] for key in wanted]

    def _knows(self, key: str) -> bool:
        if key in self._known:
            return True
        value = self._at_hand(key) if self._at_hand else None
        if value is None:
            return False
        self._known[key] = value
        return True

    def prime(self, key: str, value: T) -> None:
        """Know a value that came from elsewhere."""
        self._known[key] = value
