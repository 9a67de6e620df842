"""Resources: thin typed wrappers, no input or output until an asset asks. https://docs.dagster.io/guides/build/external-resources

What belongs here: where the district is and how dbt is called. What they do is in the rooms below.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.district import District, load_district
from pipelines.lineage.graph import PROJECT
from pipelines.lineage.ledger import Ledger
from pipelines.quality.build import DBT_PROFILE, build_path

DISTRICT_FOLDER = "THROUGHLINE_DISTRICT"
Metadata = dict[str, int | str | dg.MetadataValue[Any]]
PROGRESS = logging.getLogger("throughline.progress")


class BusyError(Exception):
    """Another run of this district is under way."""


class DistrictResource(dg.ConfigurableResource["DistrictResource"]):
    """The district's folder; settings and ledger are opened when asked for."""

    folder: str

    def load(self) -> District:
        return load_district(self.folder)

    @contextmanager
    def ledger(self) -> Iterator[tuple[District, Ledger]]:
        """Settings and an open ledger, with the district to ourselves. Raises BusyError when another process runs it."""
        district = self.load()
        with run_lock(district):
            ledger = Ledger(district.data / "ledger.sqlite")
            try:
                yield district, ledger
            finally:
                ledger.close()


@contextmanager
def run_lock(district: District) -> Iterator[None]:
    """One run of a district at a time, over processes; the same process may enter again."""
    from filelock import FileLock, Timeout

    district.data.mkdir(parents=True, exist_ok=True)
    lock = FileLock(district.data / "run.lock", timeout=1, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as e:
        raise BusyError(f"{district.data / 'run.lock'}: another run of this district is under way; wait for it, or see `throughline doctor`") from e
    try:
        yield
    finally:
        lock.release()


def reporter(context: dg.AssetExecutionContext) -> Callable[[str], None]:
    """Progress that both the Dagster event log and the command line show. Never anything about a person."""

    def report(text: str) -> None:
        context.log.info(text)
        PROGRESS.info(text)

    return report


def link(place: Path | str) -> dg.MetadataValue[str | None]:
    """Metadata that the pages show as a link: a file or folder of this machine, or an address."""
    return dg.MetadataValue.url(place) if isinstance(place, str) and "://" in place else dg.MetadataValue.path(str(place))


def dbt_target(district: District) -> Path:
    """Where dbt keeps this district's manifest and results."""
    return district.data / "build" / "dbt"


def dbt_environment(district: District) -> dict[str, str]:
    """What a dbt process for this district is told, and no other process: its HOME is the folder of the build database."""
    return {
        **DBT_PROFILE,
        "HOME": str(build_path(district).parent),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_LOG_PATH": str(dbt_target(district) / "logs"),
    }


def district_folder() -> Path:
    """The folder that definitions are loaded for: `THROUGHLINE_DISTRICT`, or where one stands."""
    return Path(os.environ.get(DISTRICT_FOLDER, ".")).resolve()


def manifest_path() -> Path:
    """The manifest that definitions are built from, made by `dbt parse` (`throughline run` and `throughline dev` see to it)."""
    return PROJECT / "target" / "manifest.json"
