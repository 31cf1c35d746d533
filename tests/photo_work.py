"""Work on photos that one of them does not survive; it stands apart so that other processes can import it."""

import os
import signal
import time
from pathlib import Path

PHOTOS = [Path(f"{number}.png") for number in range(12)]
CRASH, HANG = Path("3.png"), Path("7.png")


def named(photo):
    return photo.stem


def crashes(photo):
    if photo == CRASH:
        os.kill(os.getpid(), signal.SIGKILL)
    return photo.stem


def hangs(photo):
    if photo == HANG:
        signal.pthread_sigmask(signal.SIG_BLOCK, list(signal.valid_signals()))
        time.sleep(600)
    return photo.stem


def lost(photo, reason):
    return f"{photo.stem} lost: {reason}"
