"""Manifests as a stranger could alter and sign them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from wordsparse.files import storage


def signed_again(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the content of a manifest in place, or for what ``change`` returns, and give it its checksum."""
    content = storage.read_json(path)
    del content["sha256"]
    path.unlink()
    storage.write_manifest(path, change(content) or content)
