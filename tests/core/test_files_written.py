"""Files are written whole, whoever else writes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pellucid.core import files


def test_threads_may_write_to_one_path(tmp_path: Path) -> None:
    """Whoever reads meanwhile sees one of the two contents, whole; and nothing else is left."""
    path, contents = tmp_path / "x", {bytes([65 + one]) * 50_000 for one in range(2)}

    def write(content: bytes) -> None:
        for _ in range(20):
            files.write_atomically(path, content)
            assert path.read_bytes() in contents

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, contents))
    assert list(tmp_path.iterdir()) == [path]
