"""Ten hours in one file: what memory a scan takes, whether its scores hold, and what Ctrl-C leaves.

    python tests/benchmarks/scan_ten_hours.py

The file is FLAC, 16 kHz, made by `audiocnn.data.long_recordings` of words that eSpeak NG says.
"""

import argparse
import csv
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile
from ten_hours import peak_mb

import audiocnn
from audiocnn.audio import read
from audiocnn.data.espeak import Voice, synthesize
from audiocnn.data.long_recordings import LongRecordingConfig, write
from audiocnn.data.manifest import Clip
from audiocnn.events import EventFinder
from audiocnn.score_track import Scanner, scan, scan_blocks

TARGETS, OTHERS = ("yes", "no", "stop"), ("tree", "house", "seven")


def write_words(folder: Path) -> list[Clip]:
    clips = []
    for word in (*TARGETS, *OTHERS):
        for variant in ("f1", "f3", "m1", "m4"):
            samples, rate = synthesize(word, voice=Voice("en-us", variant))
            path = folder / f"{word}_{variant}.wav"
            soundfile.write(path, samples, rate)
            clips.append(Clip(path=path, label=word))
    return clips


def interrupt_a_scan(night: Path, out: Path) -> str:
    audiocnn_command = str(Path(sys.executable).with_name("audiocnn"))
    command = [audiocnn_command, "scan", "demo", str(night), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not out.exists() or out.stat().st_size < 1000:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(float(row["offset"]) > float(row["onset"]) for row in rows)
    return f"exit status {process.returncode}, {len(rows)} whole rows; it said: {said.strip()}"


def main() -> None:
    """Print what is found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hours", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = LongRecordingConfig(seconds=3600 * options.hours, targets=TARGETS, background_db=-60.0)
        night = folder / "night.flac"
        placed = write(night, write_words(folder), [], config)
        classifier = audiocnn.load("demo")
        scan(
            classifier, read(night, stop_seconds=1.0).waveform, edges="silence"
        )  # all that is loaded when used
        before, start = peak_mb(), time.perf_counter()
        clock = Scanner(classifier).clock
        finder, decisions, events = EventFinder(classifier.labels, clock=clock), 0, 0
        for track in scan_blocks(classifier, night):
            decisions += track.scores.shape[1]
            events += len(finder.push(track.scores))
        events += len(finder.flush())
        factor = (time.perf_counter() - start) / config.seconds
        print(
            f"{options.hours:g} hours with {len(placed)} words: {decisions} decisions, {events} events; "
            f"{peak_mb() - before:.0f} MB, to be at most 400, beyond the {before:.0f} MB of the idle "
            f"process; real-time factor {factor:.5f}",
            flush=True,
        )
        part = read(night, start_seconds=600.0, stop_seconds=900.0).waveform
        error = (scan(classifier, part).scores - Scanner(classifier).push(part)).abs().max()
        print(f"five minutes in blocks and in one piece: scores differ by at most {error:.1g}", flush=True)
        print(f"Ctrl-C: {interrupt_a_scan(night, folder / 'events.csv')}")


if __name__ == "__main__":
    main()
