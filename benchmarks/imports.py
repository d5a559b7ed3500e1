"""Print what `import pellucid` costs over `import torch`: CPU seconds of fresh processes that take turns.

Run: python benchmarks/imports.py
"""

import statistics
import subprocess
import sys

ROUNDS = 7
MOST_SECONDS = 0.3


def cpu_seconds(statement: str) -> float:
    """Return the CPU seconds of a fresh process that runs one statement."""
    program = f"import time\n{statement}\nprint(time.process_time())"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    return float(done.stdout)


def main() -> None:
    """Measure in turns, after one round that fills the caches."""
    rounds = [(cpu_seconds("import torch"), cpu_seconds("import torch, pellucid")) for _ in range(ROUNDS + 1)][1:]
    floor = statistics.median(torch for torch, _ in rounds)
    added = statistics.median(both - torch for torch, both in rounds)
    print(f"import torch    {floor:5.2f} CPU s\nimport pellucid {added:5.2f} CPU s more, {added / floor:.2f} x floor")
    assert added <= MOST_SECONDS, f"{added:.2f} CPU seconds more, promised at most {MOST_SECONDS}"


if __name__ == "__main__":
    main()
