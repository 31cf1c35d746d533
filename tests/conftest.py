"""What several tests need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# For what tests share with each other, with the benches and with the fuzzing.
sys.path[:0] = [str(TESTS), str(TESTS / "bench"), str(TESTS / "fuzz")]


@pytest.fixture
def run(tmp_path):
    """Run digitprep as a user does, in a process and a folder of its own; `check` is the exit code."""

    def run_digitprep(*arguments, check=0):
        environment = os.environ | {"COLUMNS": "200", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "digitprep", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return run_digitprep


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium, started once; where there is none, the tests that need it are skipped, but not in .ci/run."""
    from browser import Browser, program

    if program() is None:
        pytest.skip("no browser: apt-get install chromium")
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler and two workers of Dask, started by the commands that README shows."""
    from cluster import Cluster

    started = Cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.close()
