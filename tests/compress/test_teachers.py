"""Teachers from model files: the mean of what they answer, and those that do not fit."""

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress.models.saved import save_model
from edgecompress.compress.training.fine_tuning import outputs_of
from edgecompress.compress.training.teachers import Teachers
from edgecompress.errors import RecipeError
from edgecompress.load.runtime import keras2


def saved(model, path):
    save_model(model, path)
    return str(path)


def test_several_teachers_answer_the_mean_of_their_answers(tmp_path):
    models = [examples.trained("sequential", epochs) for epochs in (1, 2)]
    files = [saved(model, tmp_path / f"{number}.h5") for number, model in enumerate(models)]
    x = examples.samples().x["validation"][:20]
    found = Teachers.read(files, models[0], trust_model_code=False)
    wanted = np.mean([outputs_of(model)(x) for model in models], axis=0)
    np.testing.assert_allclose(outputs_of(found.model)(x), wanted, atol=1e-6)
    assert len(set(found.sha256)) == 2


def test_without_files_there_is_no_teacher():
    assert Teachers.read((), examples.functional(), trust_model_code=False) is None


def test_a_teacher_of_other_samples_or_answers_is_refused_by_the_name_of_its_file(tmp_path):
    layers = keras2().layers
    other = keras2().Sequential([layers.Input(examples.SHAPE), layers.Flatten(), layers.Dense(3, activation="softmax")])
    file = saved(other, tmp_path / "three.h5")
    with pytest.raises(RecipeError, match=r"the outputs of three\.h5 differ"):
        Teachers.read([file], examples.functional(), trust_model_code=False)


def test_a_teacher_that_is_not_there_is_told_with_the_words_that_need_no_file(tmp_path):
    with pytest.raises(RecipeError, match=r"there is no model .*basline.") as raised:
        Teachers.read([str(tmp_path / "basline")], examples.functional(), trust_model_code=False)
    assert "baseline" in raised.value.hint
