// Sharp canvases lying on one another, and the few strokes a chart needs.

/** One canvas that keeps to its box in device pixels; draw on `.context` in CSS pixels. */
export class Layer {
  constructor(box) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "lv-layer";
    this.canvas.setAttribute("aria-hidden", "true");
    box.append(this.canvas);
    this.context = this.canvas.getContext("2d");
  }

  /** Fit to `width` × `height` CSS pixels. This clears the canvas. */
  resize(width, height) {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.width = width;
    this.height = height;
  }

  clear() {
    this.context.clearRect(0, 0, this.width, this.height);
  }

  line(x0, y0, x1, y1, colour, width = 1, dash = []) {
    const c = this.context;
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.setLineDash(dash);
    c.beginPath();
    c.moveTo(x0, y0);
    c.lineTo(x1, y1);
    c.stroke();
    c.setLineDash([]);
  }

  dot(x, y, radius, colour) {
    const c = this.context;
    c.fillStyle = colour;
    c.beginPath();
    c.arc(x, y, radius, 0, 2 * Math.PI);
    c.fill();
  }

  /** Text with a halo of the background, so that it stays legible on top of a line. */
  text(words, x, y, colour, { align = "left", baseline = "middle", halo = null } = {}) {
    const c = this.context;
    c.textAlign = align;
    c.textBaseline = baseline;
    if (halo) {
      c.strokeStyle = halo;
      c.lineWidth = 4;
      c.lineJoin = "round";
      c.strokeText(words, x, y);
    }
    c.fillStyle = colour;
    c.fillText(words, x, y);
  }
}

/**
 * Stroke `values` over `steps` from index `start` to the end. Where many points share a pixel column only
 * the lowest and highest are drawn: the same picture for a hundredth of the strokes. Gaps stay gaps.
 */
export function strokeSeries(layer, frame, steps, values, start, colour, width) {
  const c = layer.context;
  c.strokeStyle = colour;
  c.lineWidth = width;
  c.lineJoin = c.lineCap = "round";
  c.beginPath();
  let down = false; // is the pen on the paper?
  let column = null; // the pixel column being gathered: {x, first, low, high, last}
  const flush = () => {
    if (!column) return;
    const ys =
      column.low === column.high ? [column.first] : [column.first, column.low, column.high, column.last];
    for (const y of ys) {
      if (down) c.lineTo(column.x, y);
      else c.moveTo(column.x, y);
      down = true;
    }
    column = null;
  };
  for (let i = start; i < steps.length; i++) {
    if (!Number.isFinite(values[i])) {
      flush();
      down = false;
      continue;
    }
    const x = frame.x(steps[i]);
    const y = Math.max(frame.plot.top, frame.y(values[i])); // off the chart: along its upper edge
    if (!column || x - column.x >= 0.5) {
      flush();
      column = { x, first: y, low: y, high: y, last: y };
    } else {
      column.low = Math.min(column.low, y);
      column.high = Math.max(column.high, y);
      column.last = y;
    }
  }
  flush();
  c.stroke();
}
