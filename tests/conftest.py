"""What several tests need."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Set before NumPy and OpenCV are imported, and passed on to every process that a test starts: pytest
# has a process for each core, and what they start would compile the package anew each time.
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples each time, and no clock to hurry them: the machine may be busy.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

# Where the tests were begun in the background Ctrl-C is not heard, nor by any process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
# For what tests share with each other, with the benches and with the fuzzing.
sys.path[:0] = [str(TESTS), str(TESTS / "bench"), str(TESTS / "fuzz")]


def pytest_xdist_auto_num_workers(config):
    """A process for each core, but one for all where tests are asked for by name: it is sooner at work."""
    return 0 if config.args_source is config.ArgsSource.ARGS else None


# The files that take longest, the first of them first: they are begun before the others, so that in the
# end no core is left alone with one of them.
LONGEST = (
    "test_pages",
    "contracts/test_formats",
    "test_workbench",
    "test_segment",
    "test_dask_cli",
    "test_training_page",
    "test_workbench_attacks",
    "test_cli",
    "test_contributing",
    "test_fuzz",
    "test_cli_training",
    "test_dask",
    "test_attacks",
)


def pytest_collection_modifyitems(items):
    """The tests by their files, in the order in which these are to be begun."""
    names = {item.path: item.path.relative_to(TESTS).with_suffix("").as_posix() for item in items}
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(names[item.path], len(LONGEST)))


@pytest.fixture(autouse=True, scope="session")
def unsynced():
    """No test cuts the power, so none waits for the disk, save the processes that they start."""
    with pytest.MonkeyPatch.context() as patched:
        for name in {"fsync", "sync"} & set(dir(os)):
            patched.setattr(os, name, lambda *_: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def forked():
    """Processes that work on photos are forked, but where how they start is what is tested."""
    from forked import FORKING

    from digitprep import workers

    with pytest.MonkeyPatch.context() as patched:
        of_users = workers.CONTEXT
        patched.setattr(workers, "CONTEXT", FORKING)
        yield of_users


@pytest.fixture
def run(tmp_path):
    """Run digitprep as its command does; `check` is the exit code, `given` what comes in on stdin.

    It runs in this process, since to start one takes longer than most commands do: `run_process` does that.
    """
    from run_here import main_inside

    def run_digitprep(*arguments, check=0, given=b"", folder=tmp_path):
        streams = [io.TextIOWrapper(io.BytesIO(data), "utf-8") for data in (given, b"", b"")]
        code = main_inside(arguments, folder, streams)
        said = [stream.buffer.getvalue().decode() for stream in streams[1:]]
        return checked(subprocess.CompletedProcess(arguments, code, *said), check)

    return run_digitprep


@pytest.fixture
def run_process(tmp_path):
    """Run digitprep as a user does, in a process and a folder of its own; `check` is the exit code."""

    def run_digitprep(*arguments, check=0):
        command = [sys.executable, "-m", "digitprep", *map(str, arguments)]
        environment = os.environ | {"COLUMNS": "200"}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        return checked(done, check)

    return run_digitprep


def checked(done, code):
    """What a command did, which ended with that exit code."""
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


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
    """A scheduler and two workers of Dask, started as docs/how-to/scale-out.md shows."""
    from cluster import Cluster

    started = Cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.close()
