"""Is the verdict true? Alarms on healthy networks, and diagnoses of networks that really are sick.

Trains two zoos that share no seed and no configuration: one to calibrate limits on, one to report on. Every run is
watched and stored, and judged from what is stored, so that a changed rule can be tried without training again.

    python benchmarks/diagnosis.py                         report zoo: 210 healthy, near misses, every fault x 3 x 3
    python benchmarks/diagnosis.py --zoo calibrate         the other zoo
    python benchmarks/diagnosis.py --runs FOLDER           keep the runs there, and judge again what is there already
    python benchmarks/diagnosis.py --healthy 30 --seeds 1  a sample, about three minutes on two cores

A bar that is missed makes the exit status 1.
"""

import argparse
import json
import math
import multiprocessing as mp
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

# The diagnosis that each rule stands for.
DIAGNOSES = {
    "ACT001": "dying-relu",
    "ACT003": "saturation",
    "ACT004": "activation-scale",
    "ACT006": "non-finite",
    "WGT001": "symmetric-units",
    "WGT002": "non-finite",
    "GRD001": "vanishing-gradient",
    "GRD002": "exploding-gradient",
    "GRD003": "update-too-large",
    "GRD004": "update-too-small",
    "GRD005": "frozen",
    "GRD006": "non-finite",
    "GRD007": "frozen",
    "GRD008": "gradients-not-cleared",
    "LOS001": "non-finite",
    "LOS002": "diverging",
    "LOS003": "objective-contradicts-metric",
    "LOS004": "stuck-at-prior",
    "LOS005": "labels-not-learnable",
    "LOS006": "collapse",
    "LOS007": "softmax-before-cross-entropy",
    "LOS008": "input-or-output-range",
    "LOS009": "bad-start",
    "LOS010": "train-eval-mismatch",
    "LOS011": "overfit",
    "LOS012": "loss-spike",
    "LOS013": "batch-order-or-imbalance",
    "LOS014": "no-better-than-guessing",
}
ZOO_SEEDS = {"calibrate": 1_000, "report": 2_000}
# (name, at least or at most, bar)
BARS = {
    "healthy_alarms": ("<=", 0.01),
    "healthy_warnings": ("<=", 0.05),
    "near_miss_alarms": ("<=", 0.0),
    "named": (">=", 0.90),
    "first": (">=", 0.80),
    "right_layer": (">=", 0.80),
    "something": (">=", 0.97),
}


def jobs(zoo: str, healthy: int, seeds: int) -> Iterator[dict[str, Any]]:
    """Name every run of a zoo; a name says all that is needed to train it."""
    from pellucid.gallery import ARCHITECTURES, INJECTIONS, NEAR_MISSES

    base = ZOO_SEEDS[zoo]
    for index in range(healthy):
        yield {"kind": "healthy", "name": f"healthy-{index:03}", "index": index, "seed": base}
    for name, miss in NEAR_MISSES.items():
        for architecture in miss.architectures:
            job = {"kind": "near-miss", "miss": name, "architecture": architecture, "seed": base}
            yield job | {"name": f"near-{name}-{architecture}"}
    for fault, injection in INJECTIONS.items():
        for architecture in ARCHITECTURES:
            for seed in range(seeds if architecture in injection.where else 0):
                name = f"sick-{fault}-{architecture}-{seed}"
                yield {"kind": "sick", "name": name, "fault": fault, "architecture": architecture, "seed": base + seed}


def trainee_of(job: dict[str, Any], healthy: int) -> Any:
    """Build the run that a job names."""
    from dataclasses import replace
    from itertools import islice

    from pellucid import gallery

    if job["kind"] == "healthy":
        return gallery.build(next(islice(gallery.healthy_zoo(job["seed"], healthy), job["index"], None)))
    if job["kind"] == "near-miss":
        return gallery.NEAR_MISSES[job["miss"]].prepare(job["architecture"], seed=job["seed"])
    recipe = replace(gallery.healthy(job["architecture"]), seed=job["seed"])
    return gallery.INJECTIONS[job["fault"]].apply(gallery.build(recipe))


def train_one(arguments: tuple[dict[str, Any], int, str]) -> tuple[str, float]:
    """Train one watched run into the folder, unless it is there; return its CPU seconds."""
    job, healthy, folder = arguments
    import torch

    import pellucid as pel
    from pellucid import gallery

    torch.set_num_threads(1)
    path, done = Path(folder) / job["name"], Path(folder) / f"{job['name']}.json"
    if done.exists():
        return job["name"], 0.0
    started = time.process_time()
    trainee = trainee_of(job, healthy)
    check = (trainee.split.validation_x[:512], trainee.split.validation_y[:512])
    options = pel.WatchOptions(resume=path.exists(), on_finding=None)
    with pel.watch(
        trainee.model,
        trainee.optimizer,
        run=path,
        every=10,
        check=check,
        check_every=50,
        loss=trainee.loss,
        options=options,
    ) as watch:
        record = gallery.train(trainee, watch)
    done.write_text(json.dumps(job | {"accuracy": record.accuracy, "steps": len(record.losses)}))
    return job["name"], time.process_time() - started


def judge_one(arguments: tuple[str, str]) -> dict[str, Any]:
    """Judge one stored run with today's rules."""
    name, folder = arguments
    import pellucid as pel

    job = json.loads((Path(folder) / f"{name}.json").read_text())
    findings = pel.Run(Path(folder) / name).judge()
    said = [
        {"code": one.code, "level": one.level.value, "where": one.where, "step": one.step, "message": one.message}
        for one in findings.every
        if one.level.value in ("warn", "alarm")
    ]
    top = [{"code": one.code, "where": one.where} for one in findings.problems[:1]]
    failed = [one.message for one in findings.every if one.message.startswith("the rule failed")]
    return job | {"said": said, "top": top, "failed": failed}


def upper_bound(hits: int, total: int) -> float:
    """Return the upper end of the exact two-sided 95 % interval of a share."""
    if total in (0, hits):
        return 1.0
    low, high = hits / total, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        tail = sum(math.comb(total, k) * middle**k * (1 - middle) ** (total - k) for k in range(hits + 1))
        low, high = (middle, high) if tail > 0.025 else (low, middle)
    return high


def share(rows: list[bool]) -> float:
    """Return the share that is true; NaN of nothing."""
    return sum(rows) / len(rows) if rows else float("nan")


def judged_sick(one: dict[str, Any]) -> dict[str, Any]:
    """Hold the verdict on one sick run against what was done to it."""
    from pellucid.gallery import INJECTIONS

    injection = INJECTIONS[one["fault"]]
    where = injection.where[one["architecture"]]
    named = [said for said in one["said"] if DIAGNOSES.get(said["code"]) in injection.intended]
    first = bool(one["top"]) and DIAGNOSES.get(one["top"][0]["code"]) in injection.intended
    layer = None
    if where is not None:
        layer = any(said["where"] == where or said["where"].startswith(f"{where}.") for said in named)
    return {"named": bool(named), "first": first, "something": bool(one["said"]), "right_layer": layer}


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Reduce all verdicts to the figures of the bars."""
    healthy = [one for one in rows if one["kind"] == "healthy" and one["accuracy"] >= 0.9]
    sick = [one | judged_sick(one) for one in rows if one["kind"] == "sick"]
    near = [one for one in rows if one["kind"] == "near-miss"]

    def has(one: dict[str, Any], level: str) -> bool:
        return any(said["level"] == level for said in one["said"])

    alarms = sum(has(one, "alarm") for one in healthy)
    return {
        "healthy": len(healthy),
        "not_learned": sum(one["kind"] == "healthy" for one in rows) - len(healthy),
        "healthy_alarms": share([has(one, "alarm") for one in healthy]),
        "healthy_alarms_upper_95": upper_bound(alarms, len(healthy)),
        "healthy_warnings": share([has(one, "warn") for one in healthy]),
        "near_misses": len(near),
        "near_miss_alarms": share([has(one, "alarm") for one in near]),
        "sick": len(sick),
        "faults": len({one["fault"] for one in sick}),
        "named": share([one["named"] for one in sick]),
        "first": share([one["first"] for one in sick]),
        "right_layer": share([one["right_layer"] for one in sick if one["right_layer"] is not None]),
        "something": share([one["something"] for one in sick]),
    }


def show(rows: list[dict[str, Any]], figures: dict[str, Any]) -> bool:
    """Print the tables; return whether every bar is met."""
    by_fault: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in rows:
        if one["kind"] == "sick":
            by_fault[one["fault"]].append(one | judged_sick(one))
    print(f"{'fault':32}{'runs':>5}{'named':>7}{'first':>7}{'layer':>7}{'some':>6}  first said")
    for fault, ones in by_fault.items():
        layers = [one["right_layer"] for one in ones if one["right_layer"] is not None]
        first = Counter(one["top"][0]["code"] if one["top"] else "-" for one in ones)
        words = " ".join(f"{code}x{count}" for code, count in first.most_common(4))
        counts = [sum(one[key] for one in ones) for key in ("named", "first", "something")]
        layer = f"{sum(layers)}/{len(layers)}" if layers else "-"
        print(f"{fault:32}{len(ones):5}{counts[0]:7}{counts[1]:7}{layer:>7}{counts[2]:6}  {words}")
    for one in rows:
        if one["kind"] != "sick" and one["said"]:
            print(f"\n{one['name']} (accuracy {one['accuracy']:.2f})")
            for said in one["said"]:
                print(f"   {said['level']} {said['code']} {said['where']} step {said['step']}: {said['message']}")
    failed = [f"{one['name']}: {message}" for one in rows for message in one["failed"]]
    print("\n".join(["", *failed[:10]]))
    met = not failed
    for name, value in figures.items():
        sign, bar = BARS.get(name, ("", None))
        good = bar is None or (value <= bar if sign == "<=" else value >= bar)
        met &= good
        text = f"{value:.3f}" if isinstance(value, float) else f"{value}"
        print(f"{name:26}{text:>8}   {f'bar {sign} {bar}' if bar is not None else ''}{'' if good else '  MISSED'}")
    return met


def main() -> int:
    """Train, judge, print; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", choices=list(ZOO_SEEDS), default="report")
    parser.add_argument("--healthy", type=int, default=210)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="only runs whose name contains this")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    folder = arguments.runs or Path(tempfile.mkdtemp(prefix="pellucid-diagnosis-"))
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in jobs(arguments.zoo, arguments.healthy, arguments.seeds) if arguments.only in one["name"]]
    with mp.get_context("spawn").Pool(arguments.jobs) as pool:
        seconds = 0.0
        todo = [(job, arguments.healthy, str(folder)) for job in wanted]
        for index, (name, took) in enumerate(pool.imap_unordered(train_one, todo)):
            seconds += took
            print(f"\r{index + 1}/{len(wanted)} {name:60}", end="", file=sys.stderr)
        names = [(job["name"], str(folder)) for job in wanted]
        rows = list(pool.imap(judge_one, names, chunksize=8))
    figures = summarise(rows)
    print(f"\nzoo {arguments.zoo}, {seconds:.0f} CPU s of training\n", file=sys.stderr)
    met = show(rows, figures)
    if arguments.json:
        arguments.json.write_text(json.dumps({"figures": figures, "runs": rows}, indent=1))
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
