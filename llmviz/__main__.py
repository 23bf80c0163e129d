"""python -m llmviz: train, sample and look inside from a terminal."""

import sys

from llmviz.terminal.main import main

if __name__ == "__main__":
    sys.exit(main())
