"""`make bench`: every part in a process of its own, one line a goal, 0 only if all are ok."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PARTS = sorted(path.stem for path in HERE.glob("[a-z]*.py") if path.stem != "harness")


def main() -> int:
    """Run the named parts, or all of them; with `--json` the figures go to that file too."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all, if none is named")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: dict[str, object] = {}
    status = 0
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as home:
        for part in options.parts or PARTS:
            kept = Path(home) / f"{part}.json"
            command = [sys.executable, "-m", f"bench.{part}", "--json", str(kept)]
            status |= subprocess.run(command, check=False).returncode
            figures[part] = json.loads(kept.read_text()) if kept.exists() else "NOT RUN"
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    return min(status, 1)


if __name__ == "__main__":
    sys.exit(main())
