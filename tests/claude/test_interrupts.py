"""Work that ends in its own way however it is interrupted."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from curation.claude.interrupts import apart


class StopError(Exception):
    pass


@pytest.fixture
def kept():
    """As on a terminal: a shell starts what runs in the background with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield []
    signal.signal(signal.SIGINT, before)


async def pressed(times: int, number: int, kept: list[str]) -> str:
    try:
        for _ in range(times):
            os.kill(os.getpid(), number)
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.01)
        kept.append("written")
    return "never"


@pytest.mark.parametrize("times", [1, 2, 500])
def test_however_often_ctrl_c_is_pressed_the_work_ends_first(kept, times):
    with pytest.raises(KeyboardInterrupt):
        apart(pressed(times, signal.SIGINT, kept))
    assert kept == ["written"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_another_signal_raises_ends_the_work_too_and_is_raised_after_it(kept):
    def stop(*_):
        raise StopError

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(StopError):
            apart(pressed(1, signal.SIGUSR1, kept))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert kept == ["written"]


def test_a_handler_of_ones_own_is_left_alone(kept):
    mine = signal.signal(signal.SIGINT, lambda *_: kept.append("mine"))

    async def work() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.1)
        return "done"

    try:
        assert apart(work()) == "done"
    finally:
        signal.signal(signal.SIGINT, mine)
    assert kept == ["mine"]


def test_beside_the_main_thread_it_works_as_well():
    async def work() -> str:
        return "done"

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(apart, work()).result() == "done"
