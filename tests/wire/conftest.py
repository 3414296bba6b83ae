import os
import random

import pytest


@pytest.fixture
def seed() -> int:
    """A fresh seed for where bodies are cut; RELAY_WIRE_SEED repeats a failed run."""
    chosen = int(os.environ.get("RELAY_WIRE_SEED") or random.randrange(2**32))
    print(f"RELAY_WIRE_SEED={chosen}")
    return chosen
