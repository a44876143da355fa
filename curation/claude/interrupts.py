"""Ctrl-C, for work that must not be cut between two steps, such as an answer and its row.

Python raises it in the main thread, between any two instructions: in the event loop's own code too, which
then forgets whom it had to wake. So the loop runs in a thread beside, and learns of it as one cancellation.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

T = TypeVar("T")


def apart(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. Whatever is raised in this thread meanwhile cancels it, once, and is raised again
    when it has ended, however often Ctrl-C is pressed."""
    interrupt: BaseException | None = None
    with (
        asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner,
        ThreadPoolExecutor(1, "claude") as thread,
    ):
        loop = runner.get_loop()
        task = loop.create_task(work)
        ended = thread.submit(loop.run_until_complete, task)
        while not ended.done():
            try:
                wait((ended,))
            except BaseException as raised:  # noqa: BLE001 - raised below
                if interrupt is None:
                    loop.call_soon_threadsafe(task.cancel)
                interrupt = interrupt or raised
    if interrupt:
        raise interrupt from (None if task.cancelled() else task.exception())
    return ended.result()


async def to_the_end(work: Awaitable[T]) -> T:
    """What `work` gives; who is cancelled meanwhile is cancelled when it has ended."""
    going = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(going)
    except asyncio.CancelledError:
        await asyncio.wait([going])
        raise
