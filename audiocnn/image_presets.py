"""How nets for pictures were trained, as published: configs of which the data, and the folder, are left open.

A preset is called as `ImageTrainConfig` is, and what is given wins over it; `audiocnn train-images --preset`
takes the same names. All are of classifiers of photographs: what is drawn or written is not to be flipped.

`alexnet`: Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional Neural
Networks", NeurIPS 25, section 5. SGD with classical momentum of 0.9, 128 pictures in a batch, weight decay
0.0005, a learning rate of 0.01 that is divided by 10 whenever validation stops improving, about 90 epochs;
dropout of 0.5 is in the net. Deviations: a plateau is 5 epochs without a gain, where the authors looked. They
cut 224 pixels out of 256 and change the light (`ImageAugmentation.lighting_deviation`, which needs the
colours of one's own pictures); here pictures are resized to the 227 of the net, and moved by up to 15 pixels.
Weights begin otherwise (`audiocnn.models.alexnet`).

`resnet_cifar`: He et al. 2016, "Deep Residual Learning for Image Recognition", CVPR, arXiv 1512.03385,
section 4.2. SGD with classical momentum of 0.9, 128 pictures in a batch, weight decay 0.0001, a learning rate
of 0.1 that is divided by 10 after 32,000 and 48,000 of 64,000 steps, flips, and places of 32 pixels out of
pictures padded by 4. Of 45,000 pictures an epoch has 351 whole batches: 182 epochs are 63,882 steps, and the
rate falls after halves and quarters of them, as it does of any other number of `epochs`. Deviations: the
colours of a picture are less their mean over all pictures, and divided by their deviation; the paper's are
less the mean of each pixel. The 5,000 that are held out are a tenth of each class, and the weights of the
epoch best on them are kept, the last ones beside them; the paper chose the length of its schedule by such a
part.

`resnet110_cifar`: the same with the warm-up that this net needs. The paper's rate is 0.01 until training
error is below 80 %, which takes about 400 steps. Deviation: here it rises from 0.001 to 0.1 over these.

`resnet_imagenet`: He et al. 2016, section 3.4. 256 pictures in a batch, a learning rate of 0.1 that is
divided by 10 at plateaus, weight decay 0.0001, momentum 0.9, up to 600,000 steps, which are 120 epochs.
Deviations: as for AlexNet a plateau is 5 epochs, and pictures are moved by up to 32 pixels; the paper resizes
the shorter side to 256 to 480 pixels, drawn at random, cuts 224 out of it, and changes colours as AlexNet
did.

`rmsprop`: Tieleman & Hinton 2012, lecture 6.5 of "Neural Networks for Machine Learning": 0.9 of the mean
squared gradient is kept. The rate of 0.001 is the one that goes with it in Ruder 2016, "An Overview of
Gradient Descent Optimization Algorithms", arXiv 1609.04747. No decay, no momentum, no schedule is published
with it: the rate is divided by 10 at plateaus of 5 epochs.

All parameters decay, norms and biases included: the papers name no exception. Weights of ResNets begin as in
the paper but for those of the classes (`audiocnn.models.cifar_resnet`, `audiocnn.models.resnet`). None has
label smoothing or mixup, which are younger.
"""

from functools import partial

from audiocnn.augment.image import ImageAugmentation
from audiocnn.image_config import ImageTrainConfig
from audiocnn.picture import PictureConfig

__all__ = ["IMAGE_PRESETS"]

_PUBLISHED = partial(ImageTrainConfig, warmup=0.0, decay_factor=0.1, label_smoothing=0.0, mixup_alpha=0.0)
_SGD = partial(_PUBLISHED, optimizer="sgd", momentum=0.9, nesterov=False)
_RESNET_CIFAR = partial(
    _SGD,
    model="resnet20",
    epochs=182,
    batch_size=128,
    learning_rate=0.1,
    weight_decay=1e-4,
    schedule="step",
    milestones=(0.5, 0.75),
    picture=PictureConfig(rows=32, columns=32),
    augmentation=ImageAugmentation(flip_columns=True, crop_rows=32, crop_columns=32, crop_padding=4),
)

IMAGE_PRESETS: dict[str, partial[ImageTrainConfig]] = {
    "alexnet": partial(
        _SGD,
        model="alexnet",
        epochs=90,
        batch_size=128,
        learning_rate=0.01,
        weight_decay=5e-4,
        schedule="plateau",
        decay_epochs=5,
        picture=PictureConfig(rows=227, columns=227),
        augmentation=ImageAugmentation(flip_columns=True, crop_rows=227, crop_columns=227, crop_padding=15),
        in_memory=False,
    ),
    "resnet_cifar": _RESNET_CIFAR,
    "resnet110_cifar": partial(_RESNET_CIFAR, model="resnet110", warmup=400 / 64_000),
    "resnet_imagenet": partial(
        _SGD,
        model="resnet50",
        epochs=120,
        batch_size=256,
        learning_rate=0.1,
        weight_decay=1e-4,
        schedule="plateau",
        decay_epochs=5,
        picture=PictureConfig(rows=224, columns=224, crop_share=0.875),
        augmentation=ImageAugmentation(flip_columns=True, crop_rows=224, crop_columns=224, crop_padding=32),
        in_memory=False,
    ),
    "rmsprop": partial(
        _PUBLISHED,
        optimizer="rmsprop",
        learning_rate=0.001,
        momentum=0.0,
        squares_decay=0.9,
        weight_decay=0.0,
        schedule="plateau",
        decay_epochs=5,
    ),
}
"""Each under the name that `audiocnn train-images --preset` takes."""
