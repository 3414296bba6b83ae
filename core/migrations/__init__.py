"""How a database becomes the newest: Alembic steps, forward only. Imported only when one is due."""

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def migrate(database: Path) -> None:
    """Bring the SQLite file *database* to the newest step, in one transaction."""
    # The driver's own transaction handling commits before DDL; told to keep out, a step is all or nothing.
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(database, isolation_level=None))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.exec_driver_sql("COMMIT")
    finally:
        engine.dispose()
