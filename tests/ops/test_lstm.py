import numpy as np
import pytest

from tests.ops.rnn_cases import RnnCase, check_case, random_case


@pytest.mark.parametrize("seed", range(40))
def test_matches_the_definition_over_random_shapes(seed):
    check_case(random_case("lstm", np.random.default_rng(seed)), seed)


@pytest.mark.parametrize("units", [1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 24, 25, 48, 64, 67])
def test_matches_the_definition_for_every_shape_of_tile(units):
    check_case(RnnCase("lstm", batch=33, steps=9, features=units, units=units, states=True))


@pytest.mark.parametrize("units", [10, 32])
@pytest.mark.parametrize("batch", [1, 2, 3, 15, 16, 31, 32])
def test_many_steps(batch, units):
    check_case(
        RnnCase(
            "lstm",
            batch=batch,
            steps=70,
            features=2,
            units=units,
            attrs={"return_sequences": True, "go_backwards": True},
        )
    )
