"""What people explore: Plotly figures of runs' records, made when asked for and never streamed."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

# Runs differ by hue and by dash; readable in light and in dark.
_LOOKS = [("#0877bd", "solid"), ("#d9730d", "dash"), ("#1d8a6b", "dot"), ("#8a63d2", "dashdot")]
_NOTHING = "rgba(0, 0, 0, 0)"


@dataclass(frozen=True)
class Curve:
    """A run as the figure needs it. records: as `metrics_frame` gives them; data: its dataset's meta.json."""

    name: str
    records: pd.DataFrame
    data: dict[str, Any]

    @property
    def currency(self) -> tuple[int, float]:
        """Runs that agree in this can be compared in nats a token: as many tokens, as long on average."""
        return self.data["vocab_size"], self.data["n_val_tokens"] / self.data["val_bytes"]

    def bits_per_byte(self, nats: pd.Series) -> pd.Series:
        """Nats a token as bits a byte of text: what runs with different tokens can be compared in."""
        return nats * self.data["n_val_tokens"] / self.data["val_bytes"] / math.log(2)


def loss_figure(curves: list[Curve], dark: bool = False, projector: bool = False) -> go.Figure:
    """Training and validation loss of the runs; zoom, hover and legend are Plotly's. dark: the page's theme;
    projector: for a whole room, with larger letters and thicker lines.

    Losses of different tokenizers are different currencies: then all are drawn in bits per byte.
    """
    same_tokens = len({curve.currency for curve in curves}) <= 1
    figure = go.Figure()
    scale = 2 if projector else 1
    for curve, (colour, dash) in zip(curves, _LOOKS, strict=False):
        for column, mode, width in (("loss", "lines", 1.2), ("val_loss", "lines+markers", 2.5)):
            part = curve.records.dropna(subset=column)
            figure.add_scatter(
                x=part["step"],
                y=part[column] if same_tokens else curve.bits_per_byte(part[column]),
                name=f"{curve.name}, {'training' if column == 'loss' else 'validation'}",
                mode=mode,
                line={"color": colour, "dash": dash, "width": scale * width},
            )
    figure.update_layout(
        xaxis_title="step",
        yaxis_title="loss (nats a token)" if same_tokens else "loss (bits a byte of text)",
        template="plotly_dark" if dark else "plotly_white",
        paper_bgcolor=_NOTHING,  # the page's own colour
        plot_bgcolor=_NOTHING,
        font={"size": scale * 12},
        hovermode="x unified",
        hoverlabel={
            "bgcolor": "#18181b" if dark else "white",
            "font": {"size": scale * 13},
            "namelength": -1,
        },
        modebar={
            "bgcolor": _NOTHING,
            "color": "#a5abb6" if dark else "#5b6069",
            "activecolor": "white" if dark else "black",
            "remove": ["select2d", "lasso2d"],
        },
        margin={"l": scale * 55, "r": 20, "t": 85, "b": scale * 60},
        legend={"orientation": "h", "y": -0.4 if projector else -0.18},
        height=430,
        updatemenus=[
            _axis_switch("xaxis", "Log steps", 0, projector),
            _axis_switch("yaxis", "Log loss", 140 if projector else 90, projector),
        ],
    )
    return figure


def _axis_switch(axis: str, label: str, left: int, projector: bool) -> dict[str, Any]:
    """A button, so many pixels from the left, that stretches an axis and back without asking the server.

    Plotly lights the face of a button under the pointer whatever the theme: so it is light with dark
    letters in both. Plotly does not centre larger letters than these in a button.
    """
    kinds = {"args": [{f"{axis}.type": "log"}], "args2": [{f"{axis}.type": "linear"}]}
    return {
        "type": "buttons",
        "buttons": [{"label": label, "method": "relayout", **kinds}],
        "active": -1,  # the first click takes "args", the next "args2"
        "bgcolor": "#d4d4d8",
        "font": {"color": "#1f2933", "size": 18 if projector else 12},
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "pad": {"l": left, "b": 10},
    }
