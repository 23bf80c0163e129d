"""LLMViz, as a page: python app.py [--host H] [--port P] [--data-dir DIR]. This is what Spaces runs.

Only names at module level: a worker's process re-imports the main module, and with Gradio in it a worker
would take seconds and 170 MB to start.
"""


def main() -> None:
    """Serve the page until it is ended."""
    import os

    # Read by Gradio when it is imported: no telemetry, and its statistics of events kept small and rare.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000")
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "200")
    from llmviz.ui.serve import serve

    serve()


if __name__ == "__main__":
    main()
