"""A speaking program for tests: `python tests/stand_in_program.py FAULT COUNTER text reference seed max_frames out`.

COUNTER is a file; a fault begins after as many runs as `FAULT@N` says.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.stand_in import RATE_HZ, Asked, tone, wav_of


def main(fault, counter, text, reference, seed, frames, out):
    fault, _, after = fault.partition("@")
    with Path(counter).open("a") as runs:
        runs.write("x")
    if Path(counter).stat().st_size <= int(after or 0):
        fault = ""
    asked = Asked(text, "", Path(reference).read_bytes(), int(frames), int(seed), False)
    samples = tone(asked, fault)
    out = Path(out)
    if fault == "other_utterance":
        samples = tone(Asked("كلمة أخرى", "", asked.wav, 64, asked.seed, False), "")
    if fault == "hang":
        time.sleep(60)
    if fault == "grandchild":  # leaves somebody behind who holds the pipe
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        time.sleep(60)
    if fault == "deaf":
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    if fault == "byte_a_second":
        for _ in range(60):
            print(".", end="", flush=True)
            time.sleep(1)
    if fault == "exit_3":
        print("loading\ntts: no such voice", file=sys.stderr)
        sys.exit(3)
    if fault == "killed":
        os.kill(os.getpid(), 9)
    if fault == "nothing":
        print("done")
        return
    data = wav_of(samples, subtype="PCM_16")
    if fault == "other_rate":
        data = wav_of(samples[::3], RATE_HZ // 3)
    if fault == "one_sided":
        import numpy as np

        data = wav_of(np.stack([samples, -samples], axis=1))
    if fault == "html":
        data = b"<html>Sign in</html>"
    if fault == "empty":
        data = b""
    if fault == "cut":
        data = data[: len(data) // 2]
    if fault == "header_shorter":
        data += b"\x01" * 4801
    out.write_bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
