"""What a process that takes records in does with its garbage: looks for it seldom, and hands memory back."""

import asyncio
import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SPARED = (50_000, 20, 50)  # objects made, then how often the younger ones are looked through before the older
_IN_A_BURST = (50_000, 1, 1_000_000)  # all of them practically never


def spare_collector() -> None:
    """To be called once, by a process that takes readings in, when it has loaded its modules.

    Readings are objects without cycles: looking through them at every 700th, as is Python's default, took a third
    of the time of `bench modbus` and found nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SPARED)


@contextmanager
def only_young() -> Iterator[None]:
    """For a burst of many objects without cycles, such as a table of a park: looking through all that there is would
    hold the event loop and find nothing. What is young is looked through in small steps all the same."""
    global _bursts
    _bursts += 1
    gc.set_threshold(*_IN_A_BURST)
    try:
        yield
    finally:
        _bursts -= 1
        if not _bursts:
            gc.set_threshold(*_SPARED)


_bursts = 0
ARENAS = -8  # glibc's M_ARENA_MAX
MAPPED_FROM = -3  # glibc's M_MMAP_THRESHOLD
MAPPED_BYTES = 128 * 1024
HAND_BACK_EVERY = 30.0  # seconds


def one_arena() -> None:
    """To be called at start: each thread's own arena keeps what a burst took for ever (glibc's default, eight a core),
    and so does a heap that large blocks are cut from, which glibc begins to do once it has seen some freed. Does
    nothing where the C library is another one."""
    if (mallopt := _of_glibc("mallopt")) is not None:
        mallopt(ARENAS, 1)
        mallopt(MAPPED_FROM, MAPPED_BYTES)


async def hand_back() -> None:
    """Gives the system the pages that a burst, such as a park's first import, left empty; until it is cancelled."""
    trim = _of_glibc("malloc_trim")
    while trim is not None:
        await asyncio.sleep(HAND_BACK_EVERY)
        await asyncio.to_thread(trim, 0)


def _of_glibc(name: str) -> "ctypes._NamedFuncPointer | None":
    try:
        return getattr(ctypes.CDLL("libc.so.6"), name, None)
    except OSError:
        return None
