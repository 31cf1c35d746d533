"""The command line of digitprep, run by the process of the tests."""

import contextlib
import os
import signal
import sys
from unittest import mock


def main_inside(arguments, folder, streams):
    """Run digitprep with these arguments in a folder; its exit code.

    streams: stdin, stdout and stderr, as texts
    """
    from digitprep.cli import main

    names = dict(zip(("stdin", "stdout", "stderr"), streams, strict=True))
    before = signal.getsignal(signal.SIGTERM)
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, COLUMNS="200"),
        mock.patch.multiple(sys, argv=["digitprep", *map(str, arguments)], **names),
    ):
        try:
            main()
        except SystemExit as ended:
            return ended.code or 0
        finally:
            signal.signal(signal.SIGTERM, before)
            for stream in streams[1:]:
                stream.flush()
    return 0
