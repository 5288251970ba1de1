"""Seeds: what is drawn again, and what is drawn anew."""

import random as python_random

import numpy as np
import pytest

from convnet import initializers, random


def test_an_integer_seed_gives_the_same_values_each_call():
    initializer = initializers.GlorotUniform(seed=3)
    np.testing.assert_array_equal(initializer((4, 5)), initializer((4, 5)))
    np.testing.assert_array_equal(initializer((4, 5)), initializers.GlorotUniform(seed=3)((4, 5)))


def test_without_a_seed_two_initializers_differ_and_each_repeats_itself():
    first, second = initializers.GlorotUniform(), initializers.GlorotUniform()
    np.testing.assert_array_equal(first((4, 5)), first((4, 5)))
    assert (first((4, 5)) != second((4, 5))).all()


def test_a_seed_generator_gives_new_values_each_call():
    initializer = initializers.GlorotUniform(seed=random.SeedGenerator(3))
    first, second = initializer((4, 5)), initializer((4, 5))
    assert (first != second).all()
    again = initializers.GlorotUniform(seed=random.SeedGenerator(3))
    np.testing.assert_array_equal(again((4, 5)), first)
    np.testing.assert_array_equal(again((4, 5)), second)


def test_set_random_seed_repeats_everything():
    def draw():
        random.set_random_seed(11)
        return (
            initializers.HeNormal()((3, 3)),
            random.normal((3,)),
            random.normal((3,)),
            np.random.rand(3),  # noqa: NPY002
            python_random.random(),
        )

    for first, second in zip(draw(), draw(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_draws_from_the_global_generator_differ():
    assert (random.uniform((5,)) != random.uniform((5,))).all()


def test_draw_seed_counts():
    generator = random.SeedGenerator(9)
    assert [random.draw_seed(generator).tolist() for _ in range(3)] == [[9, 0], [9, 1], [9, 2]]
    assert random.draw_seed(9).tolist() == [9, 0]


def test_negative_and_large_seeds_are_seeds():
    draws = [random.uniform((3,), seed=s).tolist() for s in (-1, 2**40, 0)]
    assert len({tuple(d) for d in draws}) == 3


@pytest.mark.parametrize("seed", ["1", 1.0, True])
def test_a_seed_must_be_an_integer(seed):
    with pytest.raises(ValueError, match=f"Received: seed={seed}"):
        random.draw_seed(seed)
    with pytest.raises(ValueError, match="must be an integer"):
        random.SeedGenerator(seed)
    with pytest.raises(ValueError, match="to be an integer"):
        random.set_random_seed(seed)


def test_a_seed_generator_survives_its_config():
    generator = random.SeedGenerator.from_config(random.SeedGenerator(5, name="g").get_config())
    assert generator.name == "g" and generator.next().tolist() == [5, 0]


def test_randint_covers_its_range():
    values = random.randint((1000,), 2, 5, seed=1)
    assert set(values.tolist()) == {2, 3, 4} and values.dtype == np.int32


def test_shuffle_keeps_rows_together():
    x = np.arange(20).reshape(10, 2)
    shuffled = random.shuffle(x, seed=1)
    assert (shuffled != x).any()
    np.testing.assert_array_equal(shuffled[np.argsort(shuffled[:, 0])], x)


def test_other_float_types():
    assert random.normal((2,), dtype="float64", seed=1).dtype == np.float64
