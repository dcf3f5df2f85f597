"""Commands that show what networks and front-ends are and make: `describe`, `features`."""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from jsonargparse import ArgumentParser, Namespace

from audiocnn.cli.output import PICTURES, output_file
from audiocnn.errors import ParameterError

__all__ = ["describe_parser", "features_parser", "run_describe", "run_features"]


def describe_parser() -> ArgumentParser:
    """What `audiocnn describe` takes."""
    parser = ArgumentParser(
        description="What a network costs and what it hears or sees; or what a front-end makes of sound, "
        "and how."
    )
    parser.add_argument(
        "model",
        type=str,
        help="a name such as tc_resnet_8 or resnet20, the file of a classifier, or demo; or the name of a "
        "front-end such as logmel or kaldi, or a .json file with the config of one. vggish is both: its "
        "network is told first, then its front-end",
    )
    parser.add_argument(
        "--num_classes", type=int | None, default=None, help="classes, for a name (default: 12)"
    )
    parser.add_argument(
        "--padding",
        type=Literal["valid", "same"] | None,
        default=None,
        help="along time or columns, for a name: valid for a net that scans, same as most were published; by "
        "default valid for sound, and for pictures as published",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help='print all of it as JSON; of a name that is both, as {"network": ..., "front_end": ...}',
    )
    parser.add_argument(
        "--plot",
        type=str | None,
        default=None,
        help="a .png, .svg or .pdf file for the filters of a front-end, or of a classifier's",
    )
    return parser


def run_describe(options: Namespace) -> int:
    """`audiocnn describe`; gives the exit status."""
    from audiocnn.frontends import FRONT_ENDS
    from audiocnn.models import MODELS

    plot = output_file("plot", options.plot, PICTURES)
    if options.model not in FRONT_ENDS and not options.model.endswith(".json"):
        pages = [_describe_network(options, plot)]
    elif options.model in MODELS:
        pages = [_describe_network(options, None), _describe_front_end(options, plot)]
    else:
        for name in ("num_classes", "padding"):
            if getattr(options, name) is not None:
                raise ParameterError(f"--{name}: a front-end has none; leave it out, or name a network")
        pages = [_describe_front_end(options, plot)]
    if not options.json:
        print("\n\n".join(text for text, _ in pages))
    elif len(pages) == 1:
        print(pages[0][1])
    else:
        both = zip(("network", "front_end"), pages, strict=True)
        print(json.dumps({name: json.loads(values) for name, (_, values) in both}, indent=1))
    return 0


def _describe_network(options: Namespace, plot: Path | None) -> tuple[str, str]:
    """The page of a network or of a classifier's file, as text and JSON; and the picture of its filters."""
    from audiocnn.classifier import SHIPPED, Classifier
    from audiocnn.describe import describe
    from audiocnn.frontends import FRONT_ENDS
    from audiocnn.frontends.description import draw_filterbank
    from audiocnn.loading import load
    from audiocnn.models import MODELS

    path = SHIPPED.get(options.model, Path(options.model))
    choices = {"num_classes": options.num_classes, "padding": options.padding}
    chosen = {name: value for name, value in choices.items() if value is not None}
    is_file = path.suffix or path.exists()
    if is_file and chosen:
        given = " and ".join(f"--{name}" for name in chosen)
        raise ParameterError(f"{given}: a file says this itself; leave it out, or name a network")
    near = get_close_matches(options.model, [*FRONT_ENDS, *MODELS], n=3)
    if not is_file and options.model not in MODELS and near and near[0] in FRONT_ENDS:
        raise ParameterError(
            f"model={options.model!r} is no network and no front-end; did you mean {', '.join(near)}?"
        )
    if plot is not None and not is_file:
        raise ParameterError(
            f"plot={plot} is for the filters of a front-end: name one ({', '.join(FRONT_ENDS)}), or the "
            "file of a classifier, which has one"
        )
    if is_file:
        classifier = load(options.model)
        if plot is not None:
            if not isinstance(classifier, Classifier):
                raise ParameterError(
                    f"plot={plot} is for the filters of a front-end, and {options.model} is a classifier of "
                    "pictures, which has none; leave it out"
                )
            draw_filterbank(classifier.front_end, plot)
        description = describe(classifier)
    else:
        description = describe(options.model, **chosen)
    return f"{description.table()}\n\n{description}", description.json()


def _describe_front_end(options: Namespace, plot: Path | None) -> tuple[str, str]:
    """The page of a front-end, as text and JSON; and the picture of its filters."""
    from audiocnn.frontends import create_front_end
    from audiocnn.frontends.description import describe_front_end, draw_filterbank

    front_end = create_front_end(options.model)
    description = describe_front_end(front_end, name=options.model)
    if plot is not None:
        draw_filterbank(front_end, plot, name=options.model)
    return str(description), description.json()


def features_parser() -> ArgumentParser:
    """What `audiocnn features` takes."""
    parser = ArgumentParser(
        description="Make the features of one recording, as numbers or as a picture. It is resampled to the "
        "front-end's rate and its channels are mixed; one of any length takes little memory."
    )
    parser.add_argument("file", type=str, help="a recording")
    parser.add_argument(
        "--preset",
        type=str,
        default="logmel",
        help="the front-end: logmel (the default), kaldi, mfcc or another that `audiocnn describe` knows, a "
        ".json file with the config of one, or a classifier's .safetensors file",
    )
    parser.add_argument(
        "--out",
        type=str | None,
        default=None,
        help="a .npy file, (rows, frames) in float32 with the front-end's fingerprint behind them; or a "
        ".png, .svg or .pdf file for a picture",
    )
    return parser


def run_features(options: Namespace) -> int:
    """`audiocnn features`; gives the exit status."""
    import torch

    from audiocnn import audio
    from audiocnn.classifier import BLOCK_SECONDS, SHIPPED, load
    from audiocnn.frontends import create_front_end
    from audiocnn.frontends.description import draw_features
    from audiocnn.frontends.feature_file import write_features

    out = output_file("out", options.out, (".npy", *PICTURES))
    if out is None:
        raise ParameterError("out is missing; use `audiocnn features FILE --out features.npy`, or a .png")
    is_model = options.preset in SHIPPED or options.preset.endswith(".safetensors")
    front_end = load(options.preset).front_end if is_model else create_front_end(options.preset)
    blocks = audio.blocks(options.file, block_seconds=BLOCK_SECONDS, sample_rate=front_end.sample_rate)
    if out.suffix == ".npy":
        frames = write_features(out, front_end, blocks)
    else:
        features = torch.cat(list(front_end.feature_blocks(blocks)), dim=-1)
        draw_features(front_end, features.numpy(), out, title=f"{Path(options.file).name}, {options.preset}")
        frames = features.shape[-1]
    print(
        f"{out}: {front_end.n_freqs} {'row' if front_end.n_freqs == 1 else 'rows'}, {frames} frames, "
        f"{front_end.frame_rate_hz:g} a second, fingerprint {front_end.fingerprint()}"
    )
    return 0
