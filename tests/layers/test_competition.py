"""Competition: who learns, what is learnt, and that planes come to look for different things."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.layers import (
    CLayer,
    Competition,
    Conv2d,
    Sequential,
    SLayer,
    constrain,
    imprint,
    learn_by_competition,
    learn_layer_by_layer,
)
from audiocnn.layers.competition import seeds

# bars in four directions, on a field of 5 by 5
BARS = torch.zeros(4, 1, 5, 5)
BARS[0, 0, 2], BARS[1, 0, :, 2], BARS[2, 0], BARS[3, 0] = 1.0, 1.0, torch.eye(5), torch.eye(5).flip(0)


@settings(deadline=None)
@given(
    planes=st.integers(1, 4),
    rows=st.integers(1, 6),
    steps=st.integers(1, 6),
    column=st.integers(1, 4),
    seed=st.integers(0, 50),
)
def test_seeds_are_the_definition(planes, rows, steps, column, seed):
    # few different values, so that there are equals and zeros
    y = torch.randint(0, 4, (planes, rows, steps), generator=torch.Generator().manual_seed(seed)).float()
    height, width = min(column, rows), min(column, steps)
    candidates = set()
    for top in range(rows - height + 1):
        for left in range(steps - width + 1):
            cells = [
                (i, j, k)
                for i in range(top, top + height)
                for j in range(left, left + width)
                for k in range(planes)
            ]
            i, j, k = max(cells, key=lambda cell: y[cell[2], cell[0], cell[1]])  # the first of equals
            if y[k, i, j] > 0:
                candidates.add((k, i, j))
    expected = set()
    for plane in range(planes):
        of_plane = sorted(cell for cell in candidates if cell[0] == plane)
        if of_plane:
            expected.add(max(of_plane, key=lambda cell: y[cell]))
    found = seeds(y, column=column)
    assert set(found) == expected
    assert len({plane for plane, _, _ in found}) == len(found)


def test_one_input_is_learnt_by_the_strongest_alone():
    torch.manual_seed(0)
    layer = SLayer(1, 3, 5, selectivity=1.0).double()
    before, x = layer.a.detach().clone(), BARS[:1].double()
    winner = int(layer(x).argmax())
    wins = learn_by_competition(layer, x, Competition(selectivity=2.0, rate=10.0))
    assert wins.tolist() == [int(plane == winner) for plane in range(3)]
    grown = before.clone()
    grown[winner] += 10.0 * layer.c * x[0]
    torch.testing.assert_close(layer.a.detach(), grown)
    assert layer.b[winner].item() == pytest.approx(10.0 * layer.c[2].sum().sqrt().item())
    assert layer.selectivity == 1.0


def test_planes_share_out_the_patterns_and_the_rest_stays_as_it_was():
    torch.manual_seed(0)
    layer = SLayer(1, 8, 5, selectivity=2.0)
    before = layer.a.detach().clone()
    wins = learn_by_competition(layer, BARS, Competition(selectivity=2.0, epochs=10))
    assert sorted(wins.tolist()) == [0, 0, 0, 0, 10, 10, 10, 10]
    y = layer(BARS).flatten(1)  # (bars, planes)
    trained = wins > 0
    assert (y[:, trained] > 0.9).sum(dim=1).tolist() == [1, 1, 1, 1]
    assert (y[:, trained] > 0.1).sum(dim=0).tolist() == [1, 1, 1, 1]
    assert torch.equal(layer.a[~trained], before[~trained])


def test_low_selectivity_lets_one_plane_have_all():
    torch.manual_seed(0)
    layer = SLayer(1, 8, 5)
    # two bars cross in one of nine points: their similarity is above 0.1 / 1.1
    wins = learn_by_competition(layer, BARS, Competition(selectivity=0.1, epochs=3))
    assert (wins > 0).sum() == 1


def test_what_was_learnt_at_one_place_is_found_at_any():
    torch.manual_seed(0)
    layer = SLayer(1, 8, 5, selectivity=2.0)
    learn_by_competition(layer, BARS, Competition(selectivity=2.0, epochs=5))
    planes = layer(BARS).flatten(1).argmax(dim=1)
    for bar, plane in zip(F.pad(BARS, (4, 4, 4, 4)), planes, strict=True):
        for rows, steps in ((0, 0), (3, -2), (-4, 4)):
            answers = layer(bar.roll((rows, steps), dims=(1, 2))[None])[0]  # (planes, 9, 9)
            assert answers.amax(dim=(1, 2)).argmax() == plane
            assert answers[plane].argmax() == (4 + rows) * 9 + 4 + steps
            assert answers[plane].max() > 0.9


def test_the_order_is_drawn_from_the_generator():
    def learn(seed):
        torch.manual_seed(0)
        layer = SLayer(1, 6, 3)
        x = torch.rand(12, 1, 6, 6, generator=torch.Generator().manual_seed(9))
        rule = Competition(selectivity=3.0, rate=5.0)
        learn_by_competition(layer, x, rule, generator=torch.Generator().manual_seed(seed))
        return layer.a.detach()

    assert torch.equal(learn(1), learn(1))
    assert not torch.equal(learn(1), learn(2))


def test_silence_teaches_nothing():
    layer = SLayer(1, 4, 3)
    before = layer.a.detach().clone()
    assert learn_by_competition(layer, torch.zeros(3, 1, 5, 5), Competition(selectivity=2.0)).sum() == 0
    assert torch.equal(layer.a, before) and (layer.b == 0).all()


def test_layers_learn_one_after_the_other_from_what_those_before_have_learnt():
    def net():
        torch.manual_seed(0)
        return Sequential(SLayer(1, 6, 3, selectivity=2.0), CLayer(3), SLayer(6, 8, 2), CLayer(2))

    x, rules = torch.rand(10, 1, 8, 8), [Competition(selectivity=4.0), Competition(selectivity=2.0, column=2)]
    together, by_hand = net(), net()
    learn_layer_by_layer(together, x, rules, generator=torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    learn_by_competition(by_hand[0], x, rules[0], generator=generator)
    with torch.no_grad():
        learn_by_competition(by_hand[2], by_hand[1](by_hand[0](x)), rules[1], generator=generator)
    for ours, theirs in zip(together.parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_random_places_are_imprinted_whole():
    torch.manual_seed(0)
    x = torch.rand(6, 2, 5, 7)
    x[:, :, :, 4:] = 0.0  # nothing to be learnt where a cell sees only this
    net = Sequential(SLayer(2, 10, 3).double())
    before = net[0].a.detach().clone()
    imprint(net, x.double(), rate=5.0, generator=torch.Generator().manual_seed(1))
    layer = net[0]
    patterns = (layer.a.detach() - before) / (5.0 * layer.c)
    parts = F.unfold(x.double(), 3).mT.reshape(-1, 2, 3, 3)
    distance = (patterns[:, None] - parts).abs().amax(dim=(2, 3, 4)).amin(dim=1)  # to the nearest part
    assert (distance < 1e-9).all()
    power = (layer.c * patterns.square()).sum(dim=(1, 2, 3)).sqrt()
    torch.testing.assert_close(layer.b.detach(), 5.0 * power)
    assert (power >= 0.3 * layer.mean_power(x.double()).max() - 1e-9).all()


def test_a_net_that_has_learnt_goes_on_learning_with_labels():
    # the decision layer and the S-cells by backpropagation; C-cells have nothing to learn
    torch.manual_seed(0)
    x, labels = F.pad(BARS, (1, 1, 1, 1)).repeat(4, 1, 1, 1), torch.arange(4).repeat(4)
    x = (x + 0.2 * torch.rand_like(x)).clamp(max=1.0)
    body = Sequential(
        SLayer(1, 8, 3, selectivity=2.0), CLayer(3), SLayer(8, 12, 3, selectivity=1.0), CLayer(1)
    )
    learn_layer_by_layer(body, x, [Competition(selectivity=4.0, rate=10.0)] * 2)
    net = Sequential(*body, Conv2d(12, 4, 1))
    before = body[0].a.detach().clone()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    losses = []
    for _ in range(30):
        loss = F.cross_entropy(net(x).flatten(1), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        constrain(net)
        losses.append(loss.item())
    assert losses[-1] < 0.3 < 1.0 < losses[0]
    assert (net(x).flatten(1).argmax(dim=1) == labels).all()
    assert not torch.equal(body[0].a, before) and (body[0].a >= 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"selectivity": -1.0}, "selectivity=-1.0 must be positive; 4 asks for a similarity above 4/5"),
        ({"selectivity": 1.0, "rate": 0.0}, "rate=0.0 must be positive"),
        ({"selectivity": 1.0, "column": 0}, "column=0 must be a positive integer"),
        ({"selectivity": 1.0, "epochs": 0}, "epochs=0 must be a positive integer"),
    ],
)
def test_impossible_competitions(options, message):
    with pytest.raises(ParameterError) as error:
        Competition(**options)
    assert str(error.value) == message


def test_negative_activity_is_refused():
    with pytest.raises(ParameterError) as error:
        learn_by_competition(SLayer(1, 2, 3), torch.full((1, 1, 3, 3), -0.5), Competition(selectivity=1.0))
    assert str(error.value) == "x has values down to -0.5; S-cells take activities of 0 or more"


def test_every_s_layer_needs_its_competition():
    net = Sequential(SLayer(1, 2, 3), CLayer(2), SLayer(2, 2, 2))
    with pytest.raises(ParameterError) as error:
        learn_layer_by_layer(net, torch.rand(1, 1, 6, 6), [Competition(selectivity=1.0)])
    assert str(error.value) == "1 competitions for 2 S-layers; give one for each, in order"


def test_a_layer_keeps_its_selectivity_when_learning_fails():
    layer = SLayer(1, 2, 3, selectivity=5.0)
    with pytest.raises(ParameterError):
        learn_by_competition(layer, torch.rand(1, 2, 3, 3), Competition(selectivity=1.0))
    assert layer.selectivity == 5.0
