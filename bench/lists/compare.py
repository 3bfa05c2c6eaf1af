"""How much slower a list is on a larger cloud: ``python -m bench.lists.compare small.json
large.json``, both from ``bench.lists`` in one session."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(small: str, large: str) -> None:
    def read(name: str) -> dict[tuple[str, str, int], dict]:
        rows = json.loads(Path(name).read_text())
        return {(r["call"], r["page"], r["size"]): r for r in rows}

    before, after = read(small), read(large)
    print(f"{'call':<44}{'page':<7}{'rows':>5}{'small':>9}{'large':>9}{'ratio':>8}")
    for key in before.keys() & after.keys():
        a, b = before[key]["least"], after[key]["least"]
        print(f"{key[0]:<44}{key[1]:<7}{key[2]:>5}{a:>9.1f}{b:>9.1f}{b / a:>8.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
