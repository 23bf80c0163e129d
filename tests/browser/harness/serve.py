"""The real page over a host that only pretends: `python tests/browser/harness/serve.py [PORT]`, then look."""

import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))  # so that it also runs as a script
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from llmviz.ui.page import build_page, head
from llmviz.ui.routes import build_routes
from tests.browser.harness.fake_host import FakeHost, FakeRun

DIVERGED = (
    "The loss is not a number at step 121, so training stopped before this step could spoil the weights. "
    "Most likely the learning rate (5.0e+01) is far too large: nothing that was learned before is lost."
)


def launch(host: FakeHost, port: int = 0):
    """Serve the page of `host`; returns the Blocks, whose `local_url` says where."""
    page = build_page(host)
    page.queue(default_concurrency_limit=8)
    page.launch(
        server_name="127.0.0.1",
        server_port=port or None,
        prevent_thread_lock=True,
        quiet=True,
        head=head(),
        app_kwargs={"routes": build_routes(host)},
        run_history=False,
        enable_monitoring=False,
        footer_links=[],
        share=False,
    )
    return page


def a_class(host: FakeHost) -> None:
    """Runs in every state a page has to show."""
    shipped = host.add(FakeRun("stories-small", "Stories, small", max_steps=3000, mine=False, shipped=True))
    shipped.train(3000)
    host.add(FakeRun("a" * 32, "Amber Otter", max_steps=700)).status = "waiting"
    half = host.add(FakeRun("b" * 32, "Blue Heron", max_steps=700))
    half.train(260)
    half.notice("changed", "learning rate 0.002")
    half.train(100)
    broken = host.add(FakeRun("c" * 32, "Coral Newt", max_steps=700))
    broken.train(120)
    broken.notice("nan", DIVERGED)
    broken.status = "failed"
    done = host.add(FakeRun("d" * 32, "Dusty Finch", max_steps=700))
    done.train(700)


if __name__ == "__main__":
    fake = FakeHost()
    a_class(fake)
    running = fake.add(FakeRun("e" * 32, "Early Wren", max_steps=2000))
    served = launch(fake, int(sys.argv[1]) if len(sys.argv) > 1 else 7999)
    print(served.local_url, flush=True)
    threading.Thread(target=fake.play, args=(running,), kwargs={"rate": 30}, daemon=True).start()
    served.block_thread()
