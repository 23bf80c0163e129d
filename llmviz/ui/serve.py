"""Serving: the host and the page together, from first paint to the last checkpoint."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from llmviz.runs import Host
from llmviz.runs.logs import write_logs
from llmviz.ui.guard import guards
from llmviz.ui.page import build_page, head
from llmviz.ui.routes import build_routes

log = logging.getLogger(__name__)

LAST_SECONDS = 9.0  # for checkpoints and mirrors, once the end has been asked for


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """--host, --port and --data-dir; Gradio's own environment variables are the defaults."""
    parser = argparse.ArgumentParser(prog="app.py", description="LLMViz: train a small GPT in the browser.")
    parser.add_argument(
        "--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="address to listen on"
    )
    parser.add_argument("--port", type=int, default=_port(parser), help="port to listen on (default 7860)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path("llmviz-data"),
        help="folder for runs and data (default ./llmviz-data)",
    )
    options = parser.parse_args(arguments)
    if not 0 < options.port < 65_536:
        parser.error(f"port {options.port} is not possible: choose one from 1 to 65535")
    return options


def _port(parser: argparse.ArgumentParser) -> int:
    given = os.environ.get("GRADIO_SERVER_PORT", "7860")
    if not given.isdigit():
        parser.error(f"GRADIO_SERVER_PORT is “{given}”, but a port is a number from 1 to 65535")
    return int(given)


def _require_free(address: str, port: int) -> None:
    """End with a sentence where the address cannot be listened on: Gradio would show a traceback."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            said = f"LLMViz cannot listen on {address}:{port} ({error.strerror})"
            sys.exit(f"{said}: choose another --host or --port.")


def serve(arguments: list[str] | None = None) -> None:
    """Build and serve the page until Ctrl-C or SIGTERM; then every run checkpoints and the workers end."""
    options = parse_arguments(arguments)
    _require_free(options.host, options.port)
    try:
        host = Host(options.data_dir)
    except OSError as refused:
        sys.exit(f"LLMViz cannot use {options.data_dir}: {refused}")
    except ValueError as refused:
        sys.exit(f"LLMViz cannot start: {refused}")
    write_logs()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    page = build_page(host)
    page.queue(default_concurrency_limit=8, max_size=200)
    page.launch(
        server_name=options.host,
        server_port=options.port,
        prevent_thread_lock=True,
        quiet=True,
        head=head(),
        app_kwargs={"routes": build_routes(host), "middleware": guards(host, os.environ)},
        max_file_size="5mb",
        state_session_capacity=300,
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        footer_links=[],
        share=False,
    )
    write_logs()  # again: uvicorn has set up its own meanwhile
    host.start()  # after launch(): Gradio gives its own start only five seconds
    print(
        f"LLMViz is at http://{options.host}:{options.port}  (runs are kept in {options.data_dir.resolve()})",
        flush=True,
    )
    log.info("server started with %d runs", len(host.library.all()))
    ended.wait()
    print("Ending: every run writes a checkpoint first.", flush=True)
    log.info("server ends")
    _end_at_the_latest(LAST_SECONDS)
    host.close()
    log.info("server ended: every run that trained has a checkpoint")
    page.close(verbose=False)


def _end_at_the_latest(seconds: float) -> None:
    """End this process by force once so much time has passed: a supervisor would do it soon afterwards. What
    is not written by then is trained again from the last checkpoint."""

    def give_up() -> None:
        log.error("server ended by force: something took too long")
        os._exit(1)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
