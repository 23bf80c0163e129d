"""What people explore: Plotly figures of a run's records, made when asked for and never streamed."""

import pandas as pd
import plotly.graph_objects as go

# Lines differ by dash and by hue; readable in light and dark.
_LOOKS = [("solid", "#0877bd"), ("dash", "#f59322"), ("dot", "#2a9d8f"), ("dashdot", "#8a63d2")]


def loss_figure(frames: dict[str, pd.DataFrame], *, log_steps: bool = False) -> go.Figure:
    """Training and validation loss of one or several runs; zoom, hover and legend are Plotly's.

    frames: {name of the run: its records, as `metrics_frame` gives them}.
    """
    figure = go.Figure()
    for (name, frame), (dash, colour) in zip(frames.items(), _LOOKS * len(frames), strict=False):
        figure.add_scatter(
            x=frame["step"], y=frame["loss"], name=f"{name}, training", line_color=colour, line_width=1.2
        )
        checked = frame.dropna(subset="val_loss")
        figure.add_scatter(
            x=checked["step"],
            y=checked["val_loss"],
            name=f"{name}, validation",
            mode="lines+markers",
            line={"color": colour, "dash": "dot" if dash == "solid" else dash, "width": 2.5},
        )
    axis = {"title": "step", "type": "log" if log_steps else "linear"}
    figure.update_layout(
        xaxis=axis,
        yaxis_title="loss (nats a token)",
        template="plotly_white",
        hovermode="x unified",
        margin={"l": 50, "r": 20, "t": 20, "b": 45},
        legend={"orientation": "h", "y": 1.08},
        height=430,
        updatemenus=[_axis_buttons("xaxis", 0.0), _axis_buttons("yaxis", 0.18)],
    )
    return figure


def _axis_buttons(axis: str, x: float) -> dict:
    """Linear or logarithmic, switched in the browser."""
    what = "steps" if axis == "xaxis" else "loss"
    kinds = (("linear", f"linear {what}"), ("log", f"log {what}"))
    return {
        "type": "dropdown",
        "x": x,
        "xanchor": "left",
        "y": 1.16,
        "buttons": [
            {"label": text, "method": "relayout", "args": [{f"{axis}.type": kind}]} for kind, text in kinds
        ],
    }
