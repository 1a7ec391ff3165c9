"""Convolutions, and what may be taken for one."""

from keras_cases.case import Case

SEQUENCE, IMAGE, VOLUME = ((16, 4),), ((8, 8, 3),), ((4, 4, 4, 2),)
FLAT = "a convolution of images (Conv2D) over two of the dimensions"

CASES = (
    Case("Conv1D", "", SEQUENCE, lambda of, x: of.Conv1D(8, 3, activation="relu")(x)),
    Case("Conv1D", "causal, dilated", SEQUENCE, lambda of, x: of.Conv1D(8, 3, padding="causal", dilation_rate=2)(x)),
    Case("Conv1D", "strides", SEQUENCE, lambda of, x: of.Conv1D(8, 3, padding="same", strides=2)(x)),
    Case("Conv1D", "groups", SEQUENCE, lambda of, x: of.Conv1D(8, 3, groups=2)(x)),
    Case("Conv2D", "", IMAGE, lambda of, x: of.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)),
    Case("Conv2D", "dilated", IMAGE, lambda of, x: of.Conv2D(4, 3, dilation_rate=2, padding="same")(x)),
    Case("Conv2D", "groups", ((8, 8, 4),), lambda of, x: of.Conv2D(8, 3, groups=2)(x)),
    Case("Conv3D", "", VOLUME, lambda of, x: of.Conv3D(4, 2)(x), refused="CONV_3D", remedy=FLAT),
    Case("SeparableConv1D", "", SEQUENCE, lambda of, x: of.SeparableConv1D(8, 3, depth_multiplier=2)(x)),
    Case(
        "SeparableConv1D", "causal, dilated", SEQUENCE,
        lambda of, x: of.SeparableConv1D(8, 3, padding="causal", dilation_rate=2)(x),
    ),
    Case("SeparableConv2D", "", IMAGE, lambda of, x: of.SeparableConv2D(8, 3, strides=2, depth_multiplier=2)(x)),
    Case("SeparableConv2D", "dilated", IMAGE, lambda of, x: of.SeparableConv2D(8, 3, dilation_rate=2)(x)),
    Case("DepthwiseConv1D", "", SEQUENCE, lambda of, x: of.DepthwiseConv1D(3, strides=2, padding="same")(x)),
    Case("DepthwiseConv1D", "dilated", SEQUENCE, lambda of, x: of.DepthwiseConv1D(3, dilation_rate=2)(x)),
    Case("DepthwiseConv2D", "", IMAGE, lambda of, x: of.DepthwiseConv2D(3, depth_multiplier=2)(x)),
    Case("DepthwiseConv2D", "dilated", IMAGE, lambda of, x: of.DepthwiseConv2D(3, dilation_rate=2)(x)),
    Case("Conv1DTranspose", "", ((8, 4),), lambda of, x: of.Conv1DTranspose(6, 3, strides=2, padding="same")(x)),
    Case("Conv1DTranspose", "valid", ((8, 4),), lambda of, x: of.Conv1DTranspose(6, 3, strides=2)(x)),
    Case(
        "Conv2DTranspose", "", ((5, 5, 3),),
        lambda of, x: of.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x),
    ),
    Case("Conv2DTranspose", "valid", ((5, 5, 3),), lambda of, x: of.Conv2DTranspose(4, 3, strides=2)(x)),
    Case(
        "Conv2DTranspose", "output padding", ((5, 5, 3),),
        lambda of, x: of.Conv2DTranspose(4, 3, strides=2, output_padding=1)(x),
    ),
    Case(
        "Conv2DTranspose", "dilated", ((5, 5, 3),), lambda of, x: of.Conv2DTranspose(4, 3, dilation_rate=2)(x),
        refused="SPACE_TO_BATCH_ND", remedy="strides instead of dilation",
    ),
    Case("Conv3DTranspose", "", VOLUME, lambda of, x: of.Conv3DTranspose(4, 2)(x), refused="CONV_3D", remedy=FLAT),
    Case("LocallyConnected1D", "", ((8, 3),), lambda of, x: of.LocallyConnected1D(4, 3)(x)),
    Case("LocallyConnected1D", "implementation 2", ((8, 3),), lambda of, x: of.LocallyConnected1D(4, 3, implementation=2)(x)),
    Case(
        "LocallyConnected1D", "implementation 3", ((8, 3),),
        lambda of, x: of.LocallyConnected1D(4, 3, implementation=3)(x),
        refused="SparseTensorDenseMatMul", remedy="implementation 1 or 2",
    ),
    Case("LocallyConnected2D", "", ((6, 6, 2),), lambda of, x: of.LocallyConnected2D(4, 3)(x)),
    Case(
        "LocallyConnected2D", "implementation 2", ((6, 6, 2),),
        lambda of, x: of.LocallyConnected2D(4, 3, implementation=2)(x),
    ),
)  # fmt: skip
