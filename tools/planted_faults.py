"""Does the rig catch a pump that is wrong? Plants each defect of tests/planted.py and runs the tests for it.

A defect is caught when one of them fails, and caught by name when every one does; of a test with several cases one is
enough. First all of these tests must pass without a defect. `--write` puts the table into docs/rig.md.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Xml
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "firmware"), str(ROOT / "host")]

from tests.planted import FAULTS  # noqa: E402  # the paths are set first

TABLE = ROOT / "docs" / "rig.md"
BEGIN, END = "<!-- planted faults: begin -->", "<!-- planted faults: end -->"


def run(tests: Sequence[str], fault: str | None) -> dict[str, str]:
    """{test: outcome} on the simulated pump."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "junit.xml"
        words = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.planted",
            "--target",
            "sim",
        ]
        words += ["--junitxml", str(results), "-o", "junit_family=xunit1", *tests]
        words += ["--plant-fault", fault] if fault else []
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
        if not results.exists():
            raise SystemExit(f"{fault}: pytest did not run\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        found: dict[str, str] = {}
        for case in Xml.parse(results).iter("testcase"):
            name = f"{case.get('file')}::{case.get('name')}"
            failed = case.find("failure") is not None or case.find("error") is not None
            if failed or name not in found:
                found[name] = "failed" if failed else "skipped" if case.find("skipped") is not None else "passed"
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", help="only these; all without")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="puts the table into docs/rig.md")
    chosen = parser.parse_args()
    names = chosen.faults or list(FAULTS)
    sound = run(sorted({test for name in names for test in FAULTS[name].tests}), None)
    broken = [test for test, outcome in sound.items() if outcome == "failed"]
    if broken:
        print("These fail without a defect:", *broken, sep="\n  ")
        return 2
    rows, caught, by_name = [], 0, 0
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for name, found in zip(names, pool.map(lambda name: run(FAULTS[name].tests, name), names), strict=True):
            fault = FAULTS[name]
            failed = [test for test, outcome in found.items() if outcome == "failed"]
            missed = [named for named in fault.tests if not any(test.startswith(named) for test in failed)]
            caught += bool(failed)
            by_name += not missed
            verdict = "caught by name" if not missed else "caught in part" if failed else "NOT CAUGHT"
            print(f"{name:22}{verdict:18}{len(failed):4} of {len(found)} cases failed", flush=True)
            for named in missed:
                print(f"{'':22}did not fail: {named}")
            tests = ", ".join(f"`{named.removeprefix('tests/hil/')}`" for named in fault.tests)
            rows.append(f"| {fault.what} | {tests} | {verdict} |")
    print(f"caught {caught}/{len(names)}, by name {by_name}/{len(names)}")
    if chosen.write and not chosen.faults:
        table = "\n".join(["| defect | tests that are for it | found |", "|---|---|---|", *rows])
        text = TABLE.read_text(encoding="utf-8")
        block = f"{BEGIN}\n{table}\n\nCaught {caught} of {len(names)}, by name {by_name}.\n{END}"
        TABLE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: block, text, flags=re.DOTALL), encoding="utf-8")
    return 0 if by_name == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
