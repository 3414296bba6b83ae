"""What the README shows runs as it stands there."""

from pathlib import Path

from tests.docs.blocks import blocks
from tests.examples.swapped import with_channel
from tests.shops import serving

(CHANNEL,) = (block for block in blocks("python") if block.page == "README.md")


def test_the_channel_has_ten_lines() -> None:
    """As its heading says, blank ones aside."""
    assert len([line for line in CHANNEL.text.splitlines() if line.strip()]) == 10


async def test_the_channel_answers_and_is_charged(tmp_path: Path) -> None:
    """It says the last words back, for the price of a local count."""
    (tmp_path / "parrot.py").write_text(CHANNEL.text)
    async with serving(tmp_path, "", profile=with_channel("./parrot.py")) as shop:
        answer = await shop.chat()
        (row,) = await shop.log()
    assert answer.json()["choices"][0]["message"]["content"] == "hi"
    assert (row["outcome"], row["usage_source"], row["charge_nano"] > 0) == ("complete", "estimated", True)
