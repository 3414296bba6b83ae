"""``python -m relay.core.migrations DATABASE``: bring a database to the newest step."""

import sys
from pathlib import Path

from . import migrate

migrate(Path(sys.argv[1]))
