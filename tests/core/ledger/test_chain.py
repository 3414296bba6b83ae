"""The hash chain against a value computed by hand with sha256sum."""

import hashlib

from relay.core.ledger.chain import GENESIS, Transfer, link

FIRST = Transfer("post:r1:0", 2, 3, 5, "post", "r1", None, "ledger", 1000, "boot_a", 1)
SECOND = Transfer("top_up:manual:1", 4, 2, 7, "top_up", None, None, "operator", 1000, "boot_a", 1)


def test_a_link_is_the_sha_256_of_the_one_before_and_the_transfers() -> None:
    """Anyone can recompute a link from the rows alone."""
    document = (
        '[["post:r1:0",2,3,5,"post","r1",null,"ledger",1000,"boot_a",1],'
        '["top_up:manual:1",4,2,7,"top_up",null,null,"operator",1000,"boot_a",1]]'
    )
    assert link("ab", [FIRST, SECOND]) == hashlib.sha256(b"ab" + document.encode()).hexdigest()


def test_the_order_of_arrival_does_not_matter() -> None:
    """A link covers its transfers by id, as a reader finds them."""
    assert link(GENESIS, [SECOND, FIRST]) == link(GENESIS, [FIRST, SECOND])
