"""digitprep in processes of its own, forked from one that has imported it: Python takes longer to start.

That one is `multiprocessing`'s fork server, from which the processes of the tests' own pools come, too (see
`conftest.py`). Tests of how digitprep, or a process that it starts itself, begins start Python as ever.
"""

import atexit
import contextlib
import multiprocessing
import os
import sys
import threading

IMPORTED = ["digitprep.cli", "digitprep.nn.train", "digitprep.steps", "digitprep.serve.app", "uvicorn", "cv2"]

TIMEOUT_SECONDS = 120

HAS_ONE = "forkserver" in multiprocessing.get_all_start_methods()  # Windows has not
FORKING = multiprocessing.get_context("forkserver" if HAS_ONE else "spawn")
if HAS_ONE:
    FORKING.set_forkserver_preload(IMPORTED)


class Forked:
    """`digitprep` with these arguments in a folder; what is used of subprocess.Popen.

    stdout, stderr: what it prints there, as texts to read
    errors: a file that stderr is added to instead
    terminal: its end for programs, which both go to instead
    before: a function of a module of the tests, and its arguments, called before digitprep runs
    """

    def __init__(self, arguments, folder=".", *, errors=None, before=None, terminal=None, **environment):
        ours, theirs = zip(*(FORKING.Pipe(duplex=False) for _ in range(2)), strict=True)
        if terminal is not None:
            for end in theirs:
                os.dup2(terminal, end.fileno())
        self.stdout, self.stderr = (os.fdopen(os.dup(end.fileno()), encoding="utf-8") for end in ours)
        asked = [str(argument) for argument in arguments]
        details = (asked, str(folder), theirs, errors, before, {**os.environ, **environment})
        self._process = FORKING.Process(target=_run, args=details)
        self._process.start()
        # multiprocessing waits for its processes at the end: a test that failed has left this one running.
        atexit.register(self._process.kill)
        for end in (*ours, *theirs):
            end.close()
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout=TIMEOUT_SECONDS):
        """Its exit code, once it has ended; minus the signal that ended it."""
        self._process.join(timeout)
        assert self.returncode is not None, f"it did not end within {timeout} s"
        return self.returncode

    def communicate(self, timeout=TIMEOUT_SECONDS):
        """What is left of its stdout and stderr, the first of which has to be little, once it has ended."""
        with self.within(timeout):
            said, printed = self.stderr.read(), self.stdout.read()
        self.close()
        self.wait(timeout)
        return printed, said

    @contextlib.contextmanager
    def within(self, seconds):
        """Kill it where it takes longer, so that nobody waits for what it prints for ever."""
        watch = threading.Timer(seconds, self._process.kill)
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def close(self):
        self.stdout.close()
        self.stderr.close()


def in_terminal(arguments, folder, **environment):
    """What a terminal shows of digitprep, stdout and stderr as one, and its exit code."""
    ours, theirs = os.openpty()
    process = Forked(arguments, folder, terminal=theirs, TERM="xterm-256color", **environment)
    os.close(theirs)
    shown = b""
    with process.within(TIMEOUT_SECONDS), contextlib.suppress(OSError):  # what Linux says at the end
        while piece := os.read(ours, 1 << 16):
            shown += piece
    os.close(ours)
    process.close()
    return shown.decode(), process.wait()


def _run(arguments, folder, streams, errors, before, environment):
    """What the forked process does."""
    os.environ.clear()  # it is that of when the first one was forked
    os.environ.update(environment)
    os.chdir(folder)
    for number, stream in enumerate(streams, 1):
        os.dup2(stream.fileno(), number)
        stream.close()
    if errors is not None:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, "utf-8", closefd=False) for number in (1, 2))
    if before is not None:
        before[0](*before[1:])
    sys.argv = ["digitprep", *arguments]
    from digitprep.cli import main

    try:
        main()
    finally:
        # Pools of processes end here, as at the end of any Python: multiprocessing would wait for processes
        # that have not been told to end yet, and now and then for ever.
        threading._shutdown()
