"""Make the pictures of the README: train one sick network, watch it, photograph its report.

Needs Chromium (make browser). Run it with `make screenshots`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

import pellucid as pel
from pellucid import gallery
from pellucid.outlets.report.build import write_report
from pellucid.outlets.report.sheet import sheet_of_run

IMAGES = Path(__file__).parent / "images"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1180,1330",
]


def train(folder: Path) -> pel.Run:
    """Train the dying network of the demo, watched."""
    torch.set_num_threads(1)
    trainee = gallery.INJECTIONS["dying-relu-rate"].apply(gallery.build(gallery.healthy("mlp", seed=0)))
    check = (trainee.split.validation_x, trainee.split.validation_y)
    run = folder / "digits-mlp"
    with pel.watch(trainee.model, trainee.optimizer, run=run, every=10, check=check, loss=trainee.loss) as watch:
        gallery.train(trainee, watch)
    return pel.Run(run)


def main() -> None:
    """Write docs/images/report-light.png and report-dark.png."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("No Chromium found. Run: make browser")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = write_report([sheet_of_run(train(folder))], folder / "report.html", title="Training report")
        for scheme, number in (("light", 1), ("dark", 0)):
            picture = IMAGES / f"report-{scheme}.png"
            profile = f"--user-data-dir={folder / scheme}"
            shot = [f"--blink-settings=preferredColorScheme={number}", f"--screenshot={picture}", page.as_uri()]
            subprocess.run([browser, *FLAGS, profile, *shot], check=True, stderr=subprocess.DEVNULL)  # noqa: S603
            print(picture)


if __name__ == "__main__":
    main()
