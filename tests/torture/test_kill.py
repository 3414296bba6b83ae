"""`relay run` killed with SIGKILL in the middle of trade: the books agree with both ends, every time."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.campaign import Kill, campaign

FAILPOINTS = ("before_reserve", "after_reserve", "after_send", "at_progress", "before_post", "after_post", "before_end")
"""Those in a request's life; ``in_recovery`` needs a dead process before it."""


@pytest.fixture
def dice() -> random.Random:
    """Chance, by a seed that a failure shows. The kernel and the disk have their own, which never repeats."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.slow
async def test_a_shop_killed_at_every_failpoint_keeps_its_books(
    tmp_path: Path, dice: random.Random, slow_sync: str
) -> None:
    """Killed at each failpoint, while it recovers, and twice at random, half of it on a slow disk."""
    async with campaign(tmp_path, dice) as shop:
        for place, name in enumerate(FAILPOINTS):
            kill = Kill(20, f"{name}:{dice.randint(20, 60)}", slow_sync if place % 2 else "", has_top_up=place % 3 == 0)
            assert await shop.suffer(kill), f"{name} is never passed"
        await shop.suffer(Kill(3.5))
        assert await shop.suffer(Kill(20, "in_recovery:2"))
        await shop.suffer(Kill(dice.uniform(0.5, 1.5), preload=slow_sync))


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("is_slow", [False, True])
async def test_a_hundred_kills_leave_the_books_right(
    tmp_path: Path, dice: random.Random, slow_sync: str, is_slow: bool
) -> None:
    """A hundred kills, half at random and half at the failpoints, each followed by a start and a whole judgement."""
    async with campaign(tmp_path, dice) as shop:
        for kill in random_kills(100, dice, slow_sync if is_slow else ""):
            await shop.suffer(kill)


def random_kills(count: int, dice: random.Random, preload: str) -> Iterator[Kill]:
    """Yield kills at random moments, each second one by a failpoint if that is reached before."""
    for place in range(count):
        failpoint = ""
        if place % 16 == 15:
            failpoint = f"in_recovery:{dice.randint(1, 4)}"
        elif place % 2:
            failpoint = f"{FAILPOINTS[place // 2 % len(FAILPOINTS)]}:{dice.randint(1, 150)}"
        yield Kill(dice.uniform(0.2, 3.0), failpoint, preload, has_top_up=place % 8 == 0)
