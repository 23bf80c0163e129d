"""A run's model as a .zip for `transformers`, written by a worker of the host."""

import threading
import time
import zipfile

import pytest
import torch

from llmviz.runs.exports import AT_ONCE, WAITING
from llmviz.runs.opened import OpenedModels
from llmviz.runs.refusal import Refused
from tests.model.hub.foreign import their_logits

pytest.importorskip("transformers")


def test_what_is_in_the_zip_opens_in_transformers(shared_host, finished, tmp_path):
    ticket = shared_host.exports.write(finished)
    with zipfile.ZipFile(shared_host.exports.fetch(finished, ticket)) as archive:
        archive.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names
    ids = torch.arange(8)[None]
    with torch.no_grad():
        ours = OpenedModels().get(shared_host.library.get(finished).run.path).model(ids)
    assert (ours - their_logits(folder, ids)).abs().max() <= 1e-4
    assert not [path for path in shared_host.zips.iterdir() if path.is_dir()]


def test_an_earlier_step_is_another_model(shared_host, finished):
    steps = shared_host.summary(finished)["snapshots"]
    zips = [shared_host.exports.fetch(finished, shared_host.exports.write(finished, s)) for s in steps[:2]]
    first, second = (zipfile.ZipFile(path) for path in zips)
    name = next(name for name in first.namelist() if name.endswith("model.safetensors"))
    assert first.read(name) != second.read(name)


@pytest.mark.parametrize("step", [10**9, -1, "0", [0]])
def test_a_step_that_is_not_there(shared_host, finished, step):
    with pytest.raises(Refused, match="no snapshot"):
        shared_host.exports.write(finished, step)


@pytest.mark.parametrize("ticket", ["", "x", "../../secret", "0" * 32])
def test_only_a_ticket_fetches(shared_host, finished, ticket):
    with pytest.raises(Refused) as refused:
        shared_host.exports.fetch(finished, ticket)
    assert refused.value.status == 404


def test_nobodys_run(shared_host):
    with pytest.raises(Refused):
        shared_host.exports.write("0" * 32)


def test_only_a_few_wait_so_that_the_threads_of_others_stay_free(shared_host, finished, monkeypatch):
    exports = shared_host.exports
    began, go_on = threading.Semaphore(0), threading.Event()

    def work(order):
        began.release()
        assert go_on.wait(20)

    monkeypatch.setattr(exports, "_work", work)
    crowd = [threading.Thread(target=exports.write, args=[finished]) for _ in range(AT_ONCE + WAITING)]
    for one in crowd:
        one.start()
    for _ in range(AT_ONCE):
        assert began.acquire(timeout=20)
    until_all_wait = time.monotonic() + 20
    while exports._places._value and time.monotonic() < until_all_wait:
        time.sleep(0.01)
    with pytest.raises(Refused, match="Many models") as refused:
        exports.write(finished)
    assert refused.value.status == 429
    go_on.set()
    for one in crowd:
        one.join(20)
    assert exports._places._value == AT_ONCE + WAITING and exports._free._value == AT_ONCE
