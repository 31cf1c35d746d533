"""A Dask scheduler and its workers on this machine, started as docs/how-to/scale-out.md shows."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from distributed import Client

TESTS = Path(__file__).parent
HERE = "--host 127.0.0.1 --no-dashboard"


class Cluster:
    """A scheduler and as many workers; each is a process group of its own, so that all of it can be killed.

    The workers are at home in another folder than the tests, and can import what stands beside these.
    """

    def __init__(self, folder, workers=2):
        self.folder = folder
        self.workers = []
        self.start_scheduler()
        for _ in range(workers):
            self.start_worker()
        self.wait_for_workers(workers)

    def start_scheduler(self, port=0):
        """Start the scheduler, at the port of an earlier one or at one that is free."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self.scheduler = self._started(f"scheduler {HERE} --port {port} --scheduler-file {file}")
        until = time.monotonic() + 120
        while not file.exists() or not file.read_text():
            assert time.monotonic() < until, self.said()
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def start_worker(self):
        """Start a worker with one thread."""
        self.workers.append(self._started(f"worker {self.address} {HERE} --nthreads 1"))

    def wait_for_workers(self, count):
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, 120)

    def kill_worker(self):
        """Kill a worker, what watches over it and its processes, as a power cut does."""
        kill(self.workers.pop())

    def kill_scheduler(self):
        kill(self.scheduler)

    def said(self):
        return (self.folder / "said.txt").read_text()

    def close(self):
        for process in (*self.workers, self.scheduler):
            kill(process)

    def _started(self, command):
        path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
        environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
        with (self.folder / "said.txt").open("a") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *shlex.split(command)],
                cwd=self.folder,
                env=environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )


def kill(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
