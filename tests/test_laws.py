"""The laws, over everything that is a scan. See `tests/laws.py` for what that is.

1 scan = windows, 2 stream = scan, 3 batch = single, 4 saved = made, 5 twice the same bits.
"""

import inspect

import laws
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import audiocnn
from audiocnn import Classifier, LawError, ParameterError, frontends, layers, model_file
from audiocnn.models import MODELS, create

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}

every_case = pytest.mark.parametrize("case", laws.CASES, ids=str)
every_case_or_segmenter = pytest.mark.parametrize("case", laws.CASES + laws.SEGMENTERS, ids=str)
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float32", "float64"])


def assert_same(ours: Tensor, expected: Tensor) -> None:
    assert ours.shape == expected.shape
    assert ours.dtype == expected.dtype
    error, scale = (ours - expected).abs().max().item(), expected.abs().max().item()
    assert error <= TOLERANCE[expected.dtype] * scale, f"off by {error / scale:.2g} of the largest output"


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.inference_mode():
        yield


def test_every_layer_front_end_and_net_is_put_to_the_laws():
    scans = {
        value.__name__
        for package in (layers, frontends)
        for value in vars(package).values()
        if inspect.isclass(value) and issubclass(value, layers.Scan)
    } - {"Scan", "FrontEnd"}
    assert scans <= {case.name.split()[0] for case in laws.CASES + laws.BREAKING}
    assert {case.name for case in laws.NETS} == set(MODELS)


@every_dtype
@every_case
def test_scan_is_windows(case, dtype):
    module = case.module(dtype)
    x = case.input(module)
    geometry = module.geometry
    track = module(x)
    outputs = geometry.output_length(x.shape[-1])
    assert track.shape[-1] == outputs == case.extra_outputs
    for j in sorted({0, 1, outputs // 2, outputs - 2, outputs - 1}):
        window = x[..., j * geometry.stride : j * geometry.stride + geometry.span]
        alone = module(window)
        assert alone.shape[-1] == 1
        assert (alone - track[..., j : j + 1]).abs().max() <= TOLERANCE[dtype] * track.abs().max()


@every_dtype
@every_case
def test_stream_is_scan(case, dtype):
    module = case.module(dtype)
    x = case.input(module, batch=2)
    whole = module(x)

    @settings(max_examples=10, deadline=None, derandomize=True, database=None)
    @given(cuts=st.lists(st.integers(0, x.shape[-1]), max_size=31))
    def stream(cuts):
        state, outputs = None, []
        for chunk in x.tensor_split(sorted(cuts), dim=-1):
            output, state = module.step(chunk, state)
            if output is not None:
                outputs.append(output)
        assert_same(torch.cat(outputs, dim=-1), whole)

    stream()


@pytest.mark.parametrize("case", laws.LAYERS + laws.FRONT_ENDS + laws.NETS + laws.LOCALIZERS, ids=str)
def test_stream_of_single_steps_is_scan(case):
    module = case.module(torch.float64)
    x = case.input(module)
    geometry = module.geometry
    x = x[..., : geometry.input_length(3)]
    first = max(0, geometry.span - 30)  # long spans take their past at once, then single steps
    state, outputs = None, []
    for chunk in x.tensor_split(list(range(first, x.shape[-1])), dim=-1):
        output, state = module.step(chunk, state)
        if output is not None:
            outputs.append(output)
    assert_same(torch.cat(outputs, dim=-1), module(x))


@every_case
def test_a_chunk_may_be_overwritten_after_its_step(case):
    module = case.module(torch.float64)
    x = case.input(module)
    whole = module(x)
    state, outputs = None, []
    for chunk in x.tensor_split(3, dim=-1):
        reused = chunk.clone()
        output, state = module.step(reused, state)
        if output is not None:
            outputs.append(output.clone())
        reused.fill_(float("nan"))
    assert_same(torch.cat(outputs, dim=-1), whole)


@every_dtype
@every_case_or_segmenter
def test_batch_is_single(case, dtype):
    module = case.module(dtype)
    x = case.input(module, batch=3)
    batch = module(x)
    for i in range(3):
        assert (batch[i] - module(x[i : i + 1])[0]).abs().max() <= TOLERANCE[dtype] * batch.abs().max()


@every_dtype
@every_case_or_segmenter
def test_saved_is_made(case, dtype, tmp_path):
    module = case.module(dtype)
    x = case.input(module)
    path = tmp_path / "model.safetensors"
    if isinstance(module, Classifier):
        module.save(path)
        loaded = audiocnn.load(path)
        assert loaded.config == module.config
    else:
        if not module.state_dict():
            return
        model_file.write(path, config={}, tensors=module.state_dict())
        loaded = case.module(dtype, seed=1)
        loaded.load_state_dict(model_file.read(path)[1])
    assert torch.equal(loaded(x), module(x))


@every_dtype
@every_case_or_segmenter
def test_twice_the_same_bits(case, dtype):
    module = case.module(dtype)
    x = case.input(module)
    assert torch.equal(module(x), module(x))


@every_case
def test_output_length_is_what_geometry_says(case):
    module = case.module(torch.float64)
    x = case.input(module)
    geometry = module.time_axis.takes
    for steps in {geometry.span, geometry.span + geometry.stride - 1, geometry.input_length(2)}:
        assert module(x[..., :steps]).shape[-1] == geometry.output_length(steps)
    if geometry.span > 1:
        with pytest.raises(ParameterError) as error:
            module(x[..., : geometry.span - 1])
        assert str(error.value) == (
            f"input of {geometry.span - 1} steps along time is shorter than the span of "
            f"{type(module).__name__}, {geometry.span}; pad the clip once, before the network"
        )


@pytest.mark.parametrize("case", laws.BREAKING, ids=str)
def test_a_layer_that_breaks_the_law_says_so(case):
    module = case.module(torch.float64)
    assert module.geometry is None
    with pytest.raises(LawError) as error:
        module.step(torch.zeros(1, *case.axes, 20, dtype=torch.float64))
    assert str(error.value) == f"{type(module).__name__} cannot stream: {module.law_remedy}"
    assert "audiocnn.layers.Windows" in module.law_remedy


@pytest.mark.parametrize("case", laws.SEGMENTERS, ids=str)
def test_a_net_that_scores_pixels_is_no_scan_and_says_so(case):
    module = case.module(torch.float64)
    assert module.geometry is module.geometry_rows is None
    with pytest.raises(LawError) as error:
        module.step(case.input(module))
    assert str(error.value) == (
        "ConvTranspose2d at 'ups.0' cannot stream: its outputs are denser than its inputs, and neighbouring "
        "inputs add up in one; end the streamed network before it, or scan by windows "
        "(audiocnn.layers.Windows)"
    )


def test_a_picture_moved_by_the_stride_is_segmented_alike_but_for_its_edges():
    (case,) = laws.SEGMENTERS
    module = case.module(torch.float64)
    page = torch.rand(1, 1, 120, 124, dtype=torch.float64)
    stride, edge = max(module.strides), 40
    moved = module(page[..., stride:, 2 * stride :])[..., edge:-edge, edge:-edge]
    whole = module(page)[..., stride + edge : -edge, 2 * stride + edge : -edge]
    assert_same(moved, whole)


@pytest.mark.parametrize("name", laws.UNPADDED)
def test_a_net_whose_paper_does_not_pad_is_a_scan_as_published(name):
    assert create(name, num_classes=3, padding="same").geometry is not None


@pytest.mark.parametrize("name", [name for name in MODELS if name not in laws.UNPADDED])
def test_a_net_that_pads_says_that_it_cannot_stream(name):
    net = laws.net(name, padding="same")
    assert net.geometry is None
    with pytest.raises(
        LawError, match=r"^(Conv[12]d|Padded|SLayer) at 'body\b.*' cannot stream: .* (adds|repeats)"
    ):
        net.step(torch.zeros(1, 1, 40, 98))


def test_the_error_of_a_layer_that_cannot_stream_names_the_remedy():
    with pytest.raises(LawError) as error:
        layers.Conv1d(4, 4, 3, padding="same").step(torch.zeros(1, 4, 9))
    assert str(error.value) == (
        "Conv1d cannot stream: padding='same' adds steps at both ends of whatever it is given, so its "
        "outputs depend on where a chunk ends; build it with padding='valid', or scan by windows "
        "(audiocnn.layers.Windows)"
    )
