"""Who lives and who is dead."""

import fcntl
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from relay.core.ledger import boots
from relay.core.ledger.boots import Boot


def test_a_boot_lives_until_it_ends(tmp_path: Path) -> None:
    """A boot that ended in order is dead and leaves no file."""
    boot = Boot(tmp_path)
    assert boots.is_alive(tmp_path, boot.id)
    boot.end()
    assert not boots.is_alive(tmp_path, boot.id)
    assert boots.known(tmp_path) == []


def test_a_boot_that_lost_its_process_is_known_and_dead(tmp_path: Path) -> None:
    """A boot whose lock was let go leaves its file for recovery."""
    boot = Boot(tmp_path)
    boot.abandon()
    assert boots.known(tmp_path) == [boot.id]
    assert not boots.is_alive(tmp_path, boot.id)


def test_a_living_boot_can_not_be_claimed(tmp_path: Path) -> None:
    """Recovery gets no hold of a process that runs."""
    boot = Boot(tmp_path)
    with boots.claim_dead(tmp_path, boot.id) as is_claimed:
        assert not is_claimed
    assert boots.known(tmp_path) == [boot.id]
    boot.end()


def test_who_only_looks_at_a_dead_boot_keeps_nobody_from_claiming_it(tmp_path: Path) -> None:
    """`verify` looks beside a start, which would leave the boot's holds to the next one."""
    boot = Boot(tmp_path)
    boot.abandon()

    def claim() -> bool:
        with boots.claim_dead(tmp_path, boot.id) as is_claimed:
            return is_claimed

    with ThreadPoolExecutor() as aside:
        with (tmp_path / "boots" / boot.id).open() as looked_at:
            fcntl.flock(looked_at, fcntl.LOCK_SH)
            assert not boots.is_alive(tmp_path, boot.id)
            claiming = aside.submit(claim)
            wait([claiming], timeout=0.1)
        assert claiming.result()


def test_a_dead_boot_is_claimed_by_one(tmp_path: Path) -> None:
    """While one recovers a boot, another gets nothing; afterwards its file is gone."""
    boot = Boot(tmp_path)
    boot.abandon()
    with boots.claim_dead(tmp_path, boot.id) as is_first, boots.claim_dead(tmp_path, boot.id) as is_second:
        assert (is_first, is_second) == (True, False)
    assert boots.known(tmp_path) == []


def test_a_failed_recovery_leaves_the_boot_to_the_next(tmp_path: Path) -> None:
    """Where recovery raises, the file stays."""
    boot = Boot(tmp_path)
    boot.abandon()
    try:
        with boots.claim_dead(tmp_path, boot.id):
            raise RuntimeError
    except RuntimeError:
        pass
    assert boots.known(tmp_path) == [boot.id]


def test_a_boot_that_never_was_is_not_claimed(tmp_path: Path) -> None:
    """A boot without a file has nothing to claim."""
    with boots.claim_dead(tmp_path, "boot_none") as is_claimed:
        assert not is_claimed
