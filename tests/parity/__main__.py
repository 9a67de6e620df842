"""`make parity`: three nights of a small district on both engines, compared; a table, and status 1 where they differ."""

import sys
import tempfile
from pathlib import Path

from tests.parity import harness
from tests.parity.nights import district_nights


def main() -> int:
    if why := harness.missing():
        print(f"Parity was not run: {why}.")
        return 0
    with tempfile.TemporaryDirectory(prefix="parity-") as folder:
        work = Path(folder)
        results = harness.run_parity(district_nights(work / "district"), 3, work)
    print(harness.table(results))
    return int(not results or any(not r.same for r in results))


if __name__ == "__main__":
    sys.exit(main())
