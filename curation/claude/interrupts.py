"""Ctrl-C, for work that must not be cut between two steps, such as an answer and its row.

Python raises it in the main thread, between any two instructions: in the event loop's own code too, which
then forgets whom it had to wake. So the loop runs in a thread beside, and learns of it as one cancellation.
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


def apart(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. Ctrl-C, and whatever else is raised in this thread meanwhile, cancels it, once, and
    is raised when it has ended, however often Ctrl-C is pressed."""
    raised: list[BaseException] = []
    begun, ended = threading.Lock(), threading.Event()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)

        def go() -> None:
            if begun.acquire(blocking=False):
                with suppress(BaseException):  # the task has it
                    loop.run_until_complete(task)
                ended.set()

        def interrupt(error: BaseException) -> None:
            raised.append(error)
            if len(raised) == 1:
                loop.call_soon_threadsafe(task.cancel)

        with _ctrl_c_told(interrupt):
            while not ended.is_set():
                try:
                    if not begun.locked():  # interrupted here, it may be started twice, and is begun once
                        threading.Thread(target=go, name="claude").start()
                    ended.wait()
                except BaseException as error:  # noqa: BLE001 - raised below
                    interrupt(error)
    if raised:
        raise raised[0] from (None if task.cancelled() else task.exception())
    return task.result()


@contextmanager
def _ctrl_c_told(tell: Callable[[BaseException], None]) -> Iterator[None]:
    """Within, Ctrl-C is told and not raised: raised while another is dealt with, it would come through.
    Whoever deals with it otherwise, or is no main thread, which nothing is raised in, is left alone."""
    try:
        is_raised = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if is_raised:
            signal.signal(signal.SIGINT, lambda *_: tell(KeyboardInterrupt()))
    except ValueError:  # not the main thread
        is_raised = False
    try:
        yield
    finally:
        if is_raised:
            signal.signal(signal.SIGINT, signal.default_int_handler)


async def to_the_end(work: Awaitable[T]) -> T:
    """What `work` gives; who is cancelled meanwhile is cancelled when it has ended."""
    going = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(going)
    except asyncio.CancelledError:
        await asyncio.wait([going])
        raise
