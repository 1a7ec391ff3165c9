"""Layers that move values, make images larger or smaller, or do nothing once a model is trained."""

from keras_cases.case import Case

SEQUENCE, IMAGE, VOLUME = ((8, 4),), ((8, 8, 3),), ((4, 4, 4, 2),)
BILINEAR = "bilinear or nearest"
ONLY_IN_TRAINING = {
    "Dropout": (0.5,), "GaussianNoise": (0.5,), "GaussianDropout": (0.5,), "AlphaDropout": (0.5,), "Identity": (),
    "SpatialDropout2D": (0.5,), "ActivityRegularization": (0.1,), "RandomFlip": (), "RandomRotation": (0.2,),
    "RandomZoom": (0.2,), "RandomTranslation": (0.2, 0.2), "RandomContrast": (0.2,), "RandomBrightness": (0.2,),
    "RandomHeight": (0.2,), "RandomWidth": (0.2,),
}  # fmt: skip


def _idle(name: str) -> Case:
    arguments = ONLY_IN_TRAINING[name]
    return Case(name, "", IMAGE, lambda of, x: of.Conv2D(4, 1)(getattr(of, name)(*arguments)(x)))


CASES = (
    *(_idle(name) for name in ONLY_IN_TRAINING),
    Case("SpatialDropout1D", "", SEQUENCE, lambda of, x: of.Conv1D(4, 1)(of.SpatialDropout1D(0.5)(x))),
    Case("RandomCrop", "", IMAGE, lambda of, x: of.Conv2D(4, 1)(of.RandomCrop(6, 6)(x))),
    Case("Reshape", "", ((4, 6),), lambda of, x: of.Dense(4)(of.Reshape((3, 8))(x))),
    Case("Reshape", "open", ((4, 6),), lambda of, x: of.Dense(4)(of.Reshape((-1, 8))(x))),
    Case("Permute", "", ((4, 6, 2),), lambda of, x: of.Permute((3, 1, 2))(x)),
    Case("Flatten", "", ((4, 6),), lambda of, x: of.Dense(4)(of.Flatten()(x))),
    Case("RepeatVector", "", ((6,),), lambda of, x: of.RepeatVector(3)(x)),
    Case("Cropping1D", "", SEQUENCE, lambda of, x: of.Cropping1D((1, 2))(x)),
    Case("Cropping2D", "", IMAGE, lambda of, x: of.Cropping2D(((1, 2), (0, 1)))(x)),
    Case("Cropping3D", "", VOLUME, lambda of, x: of.Cropping3D(1)(x)),
    Case("ZeroPadding1D", "", SEQUENCE, lambda of, x: of.ZeroPadding1D((1, 2))(x)),
    Case("ZeroPadding2D", "", IMAGE, lambda of, x: of.ZeroPadding2D(((1, 2), (0, 1)))(x)),
    Case("ZeroPadding2D", "before Conv2D", IMAGE, lambda of, x: of.Conv2D(4, 3, 2)(of.ZeroPadding2D(1)(x))),
    Case(
        "ZeroPadding3D", "", VOLUME, lambda of, x: of.ZeroPadding3D(1)(x),
        refused="at most four dimensions", remedy="Reshape and ZeroPadding2D, twice",
    ),
    Case("UpSampling1D", "", SEQUENCE, lambda of, x: of.UpSampling1D(3)(x)),
    Case("UpSampling2D", "", IMAGE, lambda of, x: of.UpSampling2D(2)(x)),
    Case("UpSampling2D", "bilinear", IMAGE, lambda of, x: of.UpSampling2D(2, interpolation="bilinear")(x)),
    Case(
        "UpSampling2D", "bicubic", IMAGE, lambda of, x: of.UpSampling2D(2, interpolation="bicubic")(x),
        refused="ResizeBicubic", remedy=BILINEAR,
    ),
    Case("UpSampling3D", "", VOLUME, lambda of, x: of.UpSampling3D(2)(x)),
    Case("Resizing", "", IMAGE, lambda of, x: of.Resizing(9, 5)(x)),
    Case("Resizing", "nearest", IMAGE, lambda of, x: of.Resizing(9, 5, interpolation="nearest")(x)),
    Case("Resizing", "crop to aspect ratio", IMAGE, lambda of, x: of.Resizing(5, 3, crop_to_aspect_ratio=True)(x)),
    Case(
        "Resizing", "bicubic", IMAGE, lambda of, x: of.Resizing(9, 5, interpolation="bicubic")(x),
        refused="ResizeBicubic", remedy=BILINEAR,
    ),
    Case(
        "Resizing", "area", IMAGE, lambda of, x: of.Resizing(9, 5, interpolation="area")(x),
        refused="ResizeArea", remedy=BILINEAR,
    ),
    Case("CenterCrop", "", IMAGE, lambda of, x: of.CenterCrop(5, 4)(x)),
)  # fmt: skip
