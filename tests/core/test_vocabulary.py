"""Exact counts, where the extra is installed; never a download."""

import importlib.util

import pytest

from relay.core import vocabulary

IS_INSTALLED = all(importlib.util.find_spec(name) for name in ("tiktoken", "bpe_openai"))


@pytest.mark.skipif(IS_INSTALLED, reason="the extra 'tokenizers' is installed")
def test_nothing_is_loaded_without_the_extra() -> None:
    """Without it relay counts by length, and asks no network."""
    assert (vocabulary.load(), vocabulary.is_loaded()) == (False, False)


@pytest.mark.skipif(not IS_INSTALLED, reason="needs the extra 'tokenizers'")
def test_text_is_counted_as_o200k_counts_it() -> None:
    """Eight tokens, as OpenAI's own tokenizer says."""
    assert vocabulary.load()
    assert vocabulary.count("Hello, world! 你好，世界") == 8


@pytest.mark.skipif(not IS_INSTALLED, reason="needs the extra 'tokenizers'")
def test_long_text_is_counted_from_its_beginning() -> None:
    """20 000 words are 20 002 tokens by the rate of their first part, and 20 000 in truth."""
    assert vocabulary.load()
    assert vocabulary.count("hello world " * 10_000) == 20_002
