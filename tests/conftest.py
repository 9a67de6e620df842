"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def find_shared_data(start: Path) -> Path | None:
    """The third-party sample data, looked for in a `shared/data` folder beside the repository or beside a folder above it."""
    return next((p / "shared" / "data" for p in start.parents if (p / "shared" / "data").is_dir()), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party sample data; the test skips where it is absent."""
    found = find_shared_data(REPOSITORY)
    if found is None:
        pytest.skip(f"no shared/data folder beside {REPOSITORY}")
    return found
