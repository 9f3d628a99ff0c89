"""`make bench`: every comparison in one run, on one platform, printed as one table."""

from __future__ import annotations

import sys

from benchmarks import job_overhead, lab_start, panels, transfer
from benchmarks.measure import Row, print_table
from benchmarks.platform import running_platform

ALL = {"jobs": job_overhead, "transfer": transfer, "labs": lab_start, "panels": panels}


def main() -> None:
    """Run the benchmarks named on the command line, or all of them."""
    chosen = sys.argv[1:] or list(ALL)
    if unknown := [name for name in chosen if name not in ALL]:
        sys.exit(f"No benchmark is named {', '.join(unknown)}; there are {', '.join(ALL)}.")
    rows: list[Row] = []
    with running_platform() as platform:
        try:
            for name in chosen:
                rows += ALL[name].run(platform)
        finally:  # what was measured before a failure is worth seeing
            print_table("Perijove against the bare operation or a peer", rows)


if __name__ == "__main__":
    main()
