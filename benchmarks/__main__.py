"""The process of `manage.py bench`: measures, prints the results, and writes them into docs/performance.md.

It runs with the packages of build/bench, which contain the compared verifiers but not the command line.

With --quick, it runs few rounds and writes nothing. This shows whether a change of the code is worth a full run.
"""

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import clients, cold_import, growth, machine, races, report, round_trips, tokens
from benchmarks.rounds import ROUNDS

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "performance.md"
PICTURE = HERE.parent / "docs" / "growth.svg"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="manage.py bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="run few rounds and write nothing")
    quick = arguments.parse_args().quick
    results = measure(rounds=30 if quick else ROUNDS)
    print(report.tables(results))
    if not quick:
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
        PICTURE.write_text(report.picture(results))
        PAGE.write_text(report.replaced(PAGE.read_text(), results))
        print(f"Written: {', '.join(str(path.relative_to(HERE.parent)) for path in (RESULTS, PICTURE, PAGE))}")


def measure(rounds: int) -> dict[str, Any]:
    """Measures everything. Returns the content of results.json: ratios as [median, lower quartile, upper quartile]."""
    conditions = {
        "command": "make bench",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.describe(),
        "rounds": rounds,
        "unit_microseconds": round(races.unit_microseconds(), 1),
        "natural_token_bytes": len(tokens.natural()),
        "large_token_bytes": len(tokens.large()),
    }
    cold = cold_import.measure(min(rounds // 10, cold_import.ROUNDS))
    documents, document_bytes = races.documents(rounds)
    natural, peers = races.natural(rounds)
    return conditions | {
        "natural": natural,
        "peers": peers,
        "clients": clients.compare(rounds),
        "large": races.large(rounds),
        "documents": documents,
        "document_bytes": document_bytes,
        "round_trips": round_trips.count(),
        "growth": {
            "groups": asdict(growth.with_groups(rounds // 3)),
            "statements": asdict(growth.with_statements(rounds // 3)),
            "tokens": asdict(growth.with_tokens(rounds // 3)),
            "memory": asdict(growth.memory()),
        },
        "most_statements": growth.most_statements(),
        "cold_import": cold,
    }


if __name__ == "__main__":
    main()
