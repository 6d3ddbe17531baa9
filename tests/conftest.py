"""What several test files need: real public data, and stores on disk and in memory."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from dataset_cards.versions.store import Store

# A busy machine is not a wrong answer: no example fails for its time.
hypothesis.settings.register_profile("gristmill", deadline=None)
hypothesis.settings.load_profile("gristmill")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first, so that no process is left with one of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """A folder with real public data; tests that need it skip by name where it is missing."""
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("GRISTMILL_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"the test data folder {folder} is missing; set GRISTMILL_TEST_DATA")
    return folder


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, once on disk and once on `memory://`."""
    if request.param == "folder":
        yield Store.at(str(tmp_path / "store"))
        return
    store = Store.at(f"memory://{uuid.uuid4().hex}")
    yield store
    store.root.remove()


@pytest.fixture(params=[True, False], ids=["landlock", "no-landlock"])
def landlock(request: pytest.FixtureRequest) -> bool:
    """Whether code under test is held by Landlock too, or as on a kernel that has none."""
    return bool(request.param)
