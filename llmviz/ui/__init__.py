"""The page: Gradio blocks, our routes and what streams to the browser.

Handlers only translate: who may do what, and which limits hold, is decided in `llmviz.runs`. Nothing here
imports torch; what needs a model is a job of the host's.
"""
