"""How far the scores of trained classifiers hang on where in the window a word lies.

python tests/benchmarks/positions.py MODEL.safetensors ... --word yes.wav --label yes
"""

import argparse
from pathlib import Path

import audiocnn
from audiocnn.audio import read
from audiocnn.data.long_recordings import sounding
from audiocnn.explain.positions import audit_positions


def main() -> None:
    """Print a line for each classifier."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="+", help="files of classifiers, or demo")
    parser.add_argument("--word", type=Path, required=True, help="a recording of one word")
    parser.add_argument("--label", required=True, help="the word")
    options = parser.parse_args()
    for model in options.models:
        classifier = audiocnn.load(model)
        waveform = read(options.word, sample_rate=classifier.sample_rate).waveform
        first, last = sounding(waveform.numpy(), classifier.sample_rate, quiet_db=35.0)
        audit = audit_positions(classifier, waveform[first:last])
        low, high = audit.variation(options.label)
        stride = 1000 * classifier.geometry.stride / classifier.sample_rate
        config, share = classifier.config.net, 100 * audit.heard(options.label)
        print(
            f"{config.name}, {config.padding!r}: in {len(audit.scores)} positions the score of "
            f"{options.label!r} is {low:.4f} to {high:.4f}, and the highest in {share:.0f} % of them; "
            f"a shift of the stride, {stride:g} ms, changes at most {audit.stride_error:.1g}",
            flush=True,
        )


if __name__ == "__main__":
    main()
