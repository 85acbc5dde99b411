"""Fuzz `wordsparse encode` with long texts of marks, flags, joiners and invalid bytes.

    python tools/check/fuzz_texts.py --cpu-seconds 1200 --seed 1

Each text is encoded with every tokeniser of TOKENISERS on 1, 2 and 3 threads. All threads must give the same bytes, or
refuse the text with the same message, within ten times the CPU time of plain text of the same size (and a second for
 prints one JSON object; its exit status is 1 if there are findings.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

import click

TOKENISERS = ("simple", "unicode", "japanese", "chinese")
# Characters of which a few make a text: letters, marks, joiners, flags, jamo, and characters that become several.
CHARACTERS = (
    "aéΣİ1.'-,漢カｶﾞक्ก็א\u00a0\u00ad\u0301\u0323\u0344\u05ae\u200b\u200c\u200d\u2060\ufe0f"
    "\u1100\u1161\u11a8\uac00\ufb2c\ufdfa\U0001d165\U0001f1e9\U0001f1ea\U0001f3fb\U0001f469\U000e0041"
)
BYTES = (b"\xff", b"\xed\xa0\x80", b"\0", b"\xf4\x90\x80\x80")
MARK = "WORDSPARSE_FUZZ"
STARTING, SLOWER = 1.0, 10


def hostile_text(random: Random, size: int) -> bytes:
    """Return about ``size`` bytes: a few kinds of characters, with more or fewer spaces and line ends."""
    some = random.sample(CHARACTERS, random.randint(1, 5))
    between = random.choice(["\n", " ", " \n", "a \n"]) * random.choice([0, 1, 1])
    long = "".join(random.choices(some, k=random.choice([30, 1000, 100_000]))) + between
    text = (f"a cat {long}" * (size // len(long.encode()) + 1)).encode()[:size].decode(errors="ignore").encode()
    if random.random() < 0.1:
        at = random.randrange(len(text))
        return text[:at] + random.choice(BYTES) + text[at:]
    return text + b"\n"


class Fuzzer:
    """Runs commands in ``folder`` and collects findings."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.findings, self.outcomes = folder, list[str](), Counter[str]()
        self.longest = 0.0  # seconds from SIGINT to the end

    def start(self, text: Path, tokens: str, threads: int) -> "subprocess.Popen[bytes]":
        """Start the command on a text."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        program = "from wordsparse.__main__ import run; run()"
        command = [sys.executable, "-P", "-c", program, "encode", text, "--tokens", tokens, "--threads", str(threads)]
        options = ["--min-count", "1", "--quiet", "-o", self.folder / "out"]
        how = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "env": {**os.environ, MARK: "1"}}
        return subprocess.Popen([*command, *options], preexec_fn=heed_interruptions, **how)

    def result(self, text: Path, tokens: str, threads: int) -> tuple[str, float]:
        """Return a digest of the output, or the message, and the CPU seconds of the command."""
        before = os.times()
        process = self.start(text, tokens, threads)
        said = process.communicate()[1].decode(errors="replace")
        used = sum(os.times()[2:4]) - sum(before[2:4])
        if process.returncode:
            return f"status {process.returncode}: {said.splitlines()[-1] if said else ''}", used
        files = sorted(path for path in (self.folder / "out").iterdir() if path.name != "corpus.json")
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest(), used

    def interrupt(self, text: Path, tokens: str, after: float, name: str) -> None:
        """Send SIGINT to the command, and check that it ends, and that no process is left."""
        process = self.start(text, tokens, 3)
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        try:
            process.communicate(timeout=10)
            self.longest = max(self.longest, time.monotonic() - sent)
        except subprocess.TimeoutExpired:
            self.findings.append(f"{name}: SIGINT after {after:.2f} s is not heard in 10 s")
            process.kill()
            process.communicate()
        time.sleep(0.5)
        if left := processes_left():
            self.findings.append(f"{name}: SIGINT after {after:.2f} s leaves {left}")
        self.outcomes[f"interrupted: {process.returncode}"] += 1


def heed_interruptions() -> None:
    """Let SIGINT end the process that is started: a program that runs in the background of a shell ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def processes_left() -> list[int]:
    """Return the processes that the commands have left behind. Their environment has the variable MARK."""
    left = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if MARK.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                left.append(int(path.parent.name))
        except OSError:
            pass
    return left


@click.command()
@click.option("--cpu-seconds", type=float, default=60.0, show_default=True)
@click.option("--size", type=int, default=3_000_000, show_default=True, help="Bytes of a text.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(cpu_seconds: float, size: int, seed: int) -> None:
    """Encode hostile texts until the CPU time is used up, and print the outcomes as JSON."""
    random, number = Random(seed), 0
    with tempfile.TemporaryDirectory(prefix="wordsparse-fuzz-") as scratch:
        fuzzer, text = Fuzzer(Path(scratch)), Path(scratch) / "text.txt"
        text.write_bytes(b"The cat sat on the mat, and 3.5 dogs didn't care.\n" * (size // 50))
        plain = {tokens: fuzzer.result(text, tokens, 1)[1] for tokens in TOKENISERS}
        while sum(os.times()[2:4]) < cpu_seconds:
            text.write_bytes(hostile_text(random, size))
            for tokens in TOKENISERS:
                name = f"seed {seed}, text {number}, {tokens}"
                results = [fuzzer.result(text, tokens, threads) for threads in (1, 2, 3)]
                outcomes = {outcome for outcome, _ in results}
                fuzzer.outcomes["refused" if results[0][0].startswith("status") else "encoded"] += 1
                if len(outcomes) > 1 or any("Traceback" in outcome or "status 1" in outcome for outcome in outcomes):
                    fuzzer.findings.append(f"{name}: {sorted(outcomes)}")
                if results[0][1] > STARTING + SLOWER * plain[tokens]:
                    fuzzer.findings.append(f"{name}: {results[0][1]:.1f} s, plain text {plain[tokens]:.1f} s")
                fuzzer.interrupt(text, tokens, random.uniform(0.3, 2), name)
            number += 1
    found = {"outcomes": fuzzer.outcomes, "longest_interruption": fuzzer.longest, "findings": fuzzer.findings}
    click.echo(json.dumps({"texts": number, **found}, indent=1))
    sys.exit(1 if fuzzer.findings else 0)


if __name__ == "__main__":
    main()
