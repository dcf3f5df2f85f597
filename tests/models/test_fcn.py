"""FCN: the paper's crops and counts, up-sampling that interpolates, maps that lie where their pixels are."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.accounting import account, count_parameters
from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers import Conv2d, MaxPool2d, Sequential
from audiocnn.models import IMAGE_MODELS, create
from audiocnn.models.fcn import FCN, _Alignment, bilinear_kernel
from audiocnn.models.image_net import ImageNet
from audiocnn.models.lenet import lenet5
from audiocnn.vision.losses import pixel_loss

FCN_OF = [
    ("lenet5", 1),
    ("lenet5", 4),
    ("neocognitron", 2),
    ("alexnet_small", 1),
    ("alexnet", 8),
    ("alexnet_one_tower", 4),
    ("zfnet", 8),
    ("network_in_network", 1),
    ("vgg11_small", 8),
    ("resnet20_narrow", 1),
    ("resnet18_small", 2),
    ("preact_resnet20", 1),
]


def test_vgg16_has_the_papers_parameters():
    with torch.device("meta"):
        net = create("vgg16", num_classes=1000)
        fcn = FCN(net, num_classes=21, finest=32)
        eighth = FCN(net, num_classes=21, finest=8, skip_from="first")
    learnt = sum(p.numel() for p in fcn.parameters() if p.requires_grad)
    assert learnt == 138_357_544 - 4097 * 1000 + 4097 * 21 == 134_346_581
    assert fcn.strides == [32] and eighth.strides == [32, 16, 8]
    assert [list(score.weight.shape[:2]) for score in eighth.scores] == [[21, 4096], [21, 512], [21, 256]]
    ends = [list(part._modules)[-1] for part in eighth.parts]
    assert ends == ["body_pool3", "body_pool4", "head"]
    last = FCN(net, num_classes=21, finest=8)
    assert [list(part._modules)[-1] for part in last.parts[:2]] == ["body_relu4_3", "body_relu5_3"]
    added = sum(p.numel() for p in eighth.parameters() if p.requires_grad) - learnt
    assert added == 21 * 513 + 21 * 257 + 2 * 21 * 21 * 4 * 4


def test_crops_are_those_of_the_authors_code():
    # VGG-16 with 100 zeros in place of the 1 that conv1_1 adds: 99 more on each side
    with torch.device("meta"):
        net = create("vgg16", num_classes=1000)
        nets = {s: FCN(net, num_classes=21, finest=s, skip_from="first")._rows for s in (32, 16, 8)}
    assert {s: 99 - rows.origin for s, rows in nets.items()} == {32: 19, 16: 27, 8: 31}
    assert nets[8].kernels == [4, 4, 16] and nets[32].kernels == [64]
    assert nets[8].shifts == [-5, -9]  # it is the skip that begins earlier, and is cropped


@pytest.mark.parametrize(("kernel_size", "factor"), [(4, 2), (3, 2), (8, 4), (7, 4), (1, 1), (2, 1)])
def test_up_sampling_of_a_ramp_is_the_ramp(kernel_size, factor):
    ramp = torch.arange(6.0)
    one = bilinear_kernel(kernel_size, factor)
    up = F.conv_transpose1d(ramp.view(1, 1, -1), one.view(1, 1, -1), stride=factor)[0, 0]
    at = (torch.arange(len(up)) - (kernel_size - 1) / 2) / factor
    inside = (at >= 0) & (at <= 5)
    assert inside.sum() >= 5 * factor
    torch.testing.assert_close(up[inside], at[inside])


def test_up_sampling_is_torchs_bilinear_interpolation_inside():
    x = torch.randn(1, 1, 5, 6)
    kernel = bilinear_kernel(8, 4)[:, None] * bilinear_kernel(8, 4)
    up = F.conv_transpose2d(x, kernel[None, None], stride=4)[..., 2:-2, 2:-2]
    wanted = F.interpolate(x, scale_factor=4, mode="bilinear")
    torch.testing.assert_close(up[..., 2:-2, 2:-2], wanted[..., 2:-2, 2:-2])


@pytest.mark.parametrize(("name", "finest"), FCN_OF)
def test_every_pixel_gets_a_score_whatever_the_size(name, finest):
    torch.manual_seed(0)
    in_channels = 1 if "lenet" in name or "neo" in name else 3
    small = (64, 64) if name in ("network_in_network", "resnet18_small") else None
    narrow = {"width": 1 / 16} if name in ("alexnet", "alexnet_one_tower", "zfnet", "vgg11_small") else {}
    net = IMAGE_MODELS[name](num_classes=4, in_channels=in_channels, input_size=small, **narrow)
    fcn = FCN(net, num_classes=3, finest=finest).eval()
    assert fcn.strides[-1] == finest
    with torch.inference_mode():
        for size in ((7, 5), (33, 46), (64, 64)):
            assert fcn(torch.randn(2, in_channels, *size)).shape == (2, 3, *size)


def edges(fcn, brightness):
    """The logits of an FCN whose scores are the brightness that its maps see."""
    for score in fcn.scores:
        torch.nn.init.constant_(score.weight, 1 / (score.in_channels * len(fcn.scores)))
    with torch.inference_mode():
        return fcn(brightness)


@pytest.mark.parametrize("kernel_size", [3, 4])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("finest", [1, 2, 4, 8])
def test_maps_lie_where_their_pixels_are(kernel_size, padding, finest):
    # convolutions that average keep a ramp a ramp: moved by nothing, if all maps lie right
    layers = {}
    for i in range(3):
        layers[f"conv{i}"] = Conv2d(1, 1, kernel_size, bias=False, padding=padding)
        layers[f"halve{i}"] = Conv2d(1, 1, 2, stride=2, bias=False)
    layers["conv3"] = Conv2d(1, 1, 3, bias=False, padding=padding)
    body = Sequential(layers)
    for parameter in body.parameters():
        torch.nn.init.constant_(parameter, 1 / parameter.numel())
    net = ImageNet(body, channels=1, num_classes=2, input_size=(80, 80))
    fcn = FCN(net, num_classes=1, finest=finest).eval()
    ramp = torch.arange(160.0)[:, None] + 3 * torch.arange(176.0)
    found = edges(fcn, ramp[None, None])[0, 0]
    inside = (slice(56, -56), slice(56, -56))  # where no zero of the padding is seen
    wanted = ramp[inside]
    torch.testing.assert_close(found[inside], wanted, rtol=1e-4, atol=1e-3)


def test_strides_of_two_on_single_pixels_take_odd_kernels():
    # maps whose positions are at pixels 0, 4, 8, ...: those of a ResNet
    axes = [Axis.scan(1, 4), Axis.scan(1, 2)]
    alignment = _Alignment(axes)
    assert (alignment.factors, alignment.kernels, alignment.shifts) == ([2, 2], [3, 3], [1])
    assert alignment.origin == -1 and alignment.padding(9) == (0, 0) and alignment.padding(8) == (0, 0)


def test_no_more_zeros_are_added_than_edges_need():
    same = FCN(create("resnet20_narrow", num_classes=2), num_classes=2)
    assert same._rows.padding(32) == (0, 0)
    valid = FCN(lenet5(num_classes=2), num_classes=2, finest=4)
    # windows of 32 pixels, the first around pixel 15.5, whose score reaches 3.5 pixels to either side
    assert valid._columns.origin == 12 and valid._columns.padding(32) == (12, 12)
    for length in range(1, 60):
        before, after = valid._columns.padding(length)
        assert valid._columns._end(before + length + after) >= before + length
        assert after == 0 or valid._columns._end(before + length + after - 1) < before + length


def test_it_begins_with_nothing_and_the_last_up_sampling_stays_bilinear():
    fcn = FCN(lenet5(num_classes=2), num_classes=3)
    assert not fcn(torch.rand(1, 1, 20, 20)).any()
    fixed = [name for name, p in fcn.named_parameters() if not p.requires_grad]
    assert fixed == ["ups.2.weight"]
    assert torch.equal(
        fcn.ups[0].weight.nonzero()[:, :2].unique(dim=0), torch.tensor([[0, 0], [1, 1], [2, 2]])
    )


def test_the_layers_are_the_nets_own():
    net = lenet5(num_classes=2)
    fcn = FCN(net, num_classes=3)
    assert {id(p) for p in net[:-1].parameters()} < {id(p) for p in fcn.parameters()}


def test_macs_are_those_of_its_layers():
    fcn = FCN(lenet5(num_classes=2), num_classes=3, finest=2)
    counted = account(fcn, (1, 32, 32))  # 12 zeros on each side make 56 x 56
    convolutions = 52**2 * 6 * 25 + 22**2 * 16 * 6 * 25 + 7**2 * (120 * 16 * 25 + 84 * 120)
    scores = 7**2 * 3 * 84 + 22**2 * 3 * 16
    ups = 7**2 * 3 * (3 * 4 * 4) + 16**2 * 3 * (4 * 4)
    assert sum(layer.macs for layer in counted.layers) == convolutions + scores + ups
    parameters = sum(layer.parameters for layer in counted.layers)
    assert counted.output == (3, 32, 32) and parameters == count_parameters(fcn)
    assert parameters == 61_706 - 85 * 2 + 85 * 3 + 17 * 3 + 9 * 16 - 680
    seen = {layer.name: layer.time and layer.time.size for layer in counted.layers}
    assert (seen["scores.1"], seen["scores.0"], seen["ups.0"]) == (14, 32, None)


def test_a_tiny_one_learns_two_tiny_pages():
    torch.manual_seed(0)
    net = lenet5(num_classes=2, input_size=(16, 16))
    fcn = FCN(net, num_classes=3)
    pages, maps = torch.zeros(2, 1, 24, 24), torch.full((2, 24, 24), 2)
    for page, class_map, target, (top, left) in ((0, 0, 0, (3, 4)), (0, 0, 1, (14, 13)), (1, 1, 1, (5, 12))):
        shape = (slice(top, top + 6), slice(left + 2, left + 4))  # a bar that stands
        if target:
            shape = (slice(top + 2, top + 4), slice(left, left + 6))  # one that lies
        pages[page, 0][shape], maps[class_map][shape] = 1.0, target
    optimizer = torch.optim.Adam([p for p in fcn.parameters() if p.requires_grad], 0.01)
    for _ in range(120):
        optimizer.zero_grad()
        pixel_loss(fcn, pages, maps).backward()
        optimizer.step()
    assert (fcn(pages).argmax(dim=1) == maps).float().mean() == 1.0


def test_what_cannot_be_one():
    def message(build):
        with pytest.raises(ParameterError) as error:
            build()
        return str(error.value)

    assert message(lambda: FCN(lenet5(num_classes=2), num_classes=2, finest=3)) == (
        "finest=3 is the stride of no map of the net; there are [1, 2, 4] pixels"
    )
    with torch.device("meta"):
        googlenet = create("googlenet_bn_small", num_classes=2)
    assert message(lambda: FCN(googlenet, num_classes=2)) == (
        "net has layers that do not tell where their positions are (of ceil_mode); give one without"
    )
    uneven = ImageNet(MaxPool2d((2, 1)), channels=1, num_classes=2, input_size=(8, 8))
    assert message(lambda: FCN(uneven, num_classes=2)) == (
        "net moves by 2 rows and 1 columns; give one that moves by as many of both"
    )
