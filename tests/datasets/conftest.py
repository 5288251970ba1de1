import pytest


@pytest.fixture(autouse=True)
def _no_data_and_no_network(tmp_path, monkeypatch):
    """Every test starts with an empty cache and cannot download."""

    def offline(*_args, **_keywords):
        raise OSError("no network in tests")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras_home"))
    monkeypatch.delenv("CONVNET_DATA", raising=False)
    monkeypatch.setattr("convnet.utils.file_utils._fetch", offline)
