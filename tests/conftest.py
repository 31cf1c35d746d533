"""What several tests need."""

import os
import subprocess
import sys

import pytest


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
