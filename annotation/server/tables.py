"""The database file: brought up to date without a moment in which a kill could break it, and closed as one file."""

import logging.config
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

# The server commits an answer first and the status of its record after it; a kill in between leaves a record that has
# all its answers in everybody's queue.
COMPLETE = """
    UPDATE records SET status = 'completed' WHERE status = 'pending' AND id IN (
        SELECT records.id FROM records
        JOIN datasets ON datasets.id = records.dataset_id
        JOIN responses ON responses.record_id = records.id AND responses.status = 'submitted'
        GROUP BY records.id
        HAVING count(*) >= json_extract(datasets.distribution, '$.min_submitted'))
"""


def prepare(home: Path) -> None:
    """Make or upgrade argilla.db, put it into WAL mode, and complete what a kill cut short.

    An upgrade is done on a copy, which then takes the place of the old file; that one is kept as
    argilla.db.<revision>. The working folder must be `home`.
    """
    database = home / "argilla.db"
    _migrate(database)
    with closing(sqlite3.connect(database, timeout=30)) as open_:
        open_.execute("PRAGMA journal_mode=WAL")  # kept in the file; readers do not wait for the writer
        with open_:
            open_.execute(COMPLETE)


def close(home: Path) -> None:
    """Move what is in the write-ahead log into argilla.db, so that this one file is a whole backup."""
    with closing(sqlite3.connect(home / "argilla.db", timeout=30)) as open_:
        open_.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _migrate(database: Path) -> None:
    import alembic.command
    import alembic.config
    import alembic.script
    from argilla_server.database import ALEMBIC_CONFIG_FILE
    from argilla_server.settings import settings

    config = alembic.config.Config(ALEMBIC_CONFIG_FILE)
    wanted = alembic.script.ScriptDirectory.from_config(config).get_current_head()
    revision = _revision(database)
    if revision == wanted:
        return
    new = database.with_name("argilla.db.new")
    new.unlink(missing_ok=True)  # of somebody who was killed here
    if revision is not None:
        with closing(sqlite3.connect(database, timeout=30)) as old, closing(sqlite3.connect(new)) as copy:
            old.execute("PRAGMA journal_mode=DELETE")  # a log of the old file must not be read into the new one
            old.backup(copy)
    address = settings.database_url
    settings.database_url = address.replace(database.name, new.name)
    try:
        with _logging_left_alone():
            alembic.command.upgrade(config, "head")
    finally:
        settings.database_url = address
    if revision is not None:
        kept = database.with_name(f"argilla.db.{revision}")
        kept.unlink(missing_ok=True)
        os.link(database, kept)
    new.replace(database)


def _revision(database: Path) -> str | None:
    """The state of the tables in alembic's words; None if there are none."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database, timeout=30)) as open_:
        row = open_.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0])


@contextmanager
def _logging_left_alone() -> Iterator[None]:
    """argilla-server's migrations set up logging from their own file, which silences everybody else."""
    real = logging.config.fileConfig
    logging.config.fileConfig = lambda *_, **__: None
    try:
        yield
    finally:
        logging.config.fileConfig = real
