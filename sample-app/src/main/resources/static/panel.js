import { history } from "./feed.js";
import { units } from "./format.js";

const COLOURS = ["#5c7cfa", "#20c997", "#ff922b", "#e64980", "#cc5de8", "#22b8cf"];
const HEIGHT = 190;
const MAX_GAP = 60;
const BINARY_STEPS = Array.from({ length: 50 }, (_, i) => 2 ** i);

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A chart of the series that its definition selects. */
export class Panel {
  constructor(definition, range, onClose) {
    this.definition = definition;
    this.range = range;
    this.lines = [];
    this.element = document.createElement("article");
    this.element.className = "panel";
    const head = document.createElement("div");
    head.className = "panel-head";
    const title = document.createElement("h2");
    title.textContent = definition.title;
    head.append(title);
    if (onClose) {
      const close = document.createElement("button");
      close.type = "button";
      close.textContent = "×";
      close.setAttribute("aria-label", "Remove the chart");
      close.onclick = onClose;
      head.append(close);
    }
    this.plotElement = document.createElement("div");
    this.plotElement.className = "plot";
    this.legend = document.createElement("ul");
    this.legend.className = "legend";
    this.element.append(head, this.plotElement, this.legend);
    this.resizer = new ResizeObserver(() => this.resize());
    this.resizer.observe(this.plotElement);
  }

  close() {
    this.resizer.disconnect();
    this.plot?.destroy();
    this.element.remove();
  }

  /** Adds the line of a series if it belongs here. */
  offer(name) {
    const label = this.definition.label(name);
    const max = this.definition.max ?? COLOURS.length;
    if (label === null || this.lines.length >= max || this.lines.some((l) => l.name === name)) {
      return;
    }
    const line = { name, label, times: [], values: [] };
    this.lines.push(line);
    this.lines.sort((a, b) => a.label.localeCompare(b.label));
    this.rebuild();
    this.load(line);
  }

  async load(line) {
    try {
      const points = await history(line.name, Date.now() - this.range);
      const last = points.length ? points[points.length - 1].t / 1000 : 0;
      const newer = line.times.findIndex((t) => t > last);
      const times = newer < 0 ? [] : line.times.slice(newer);
      const values = newer < 0 ? [] : line.values.slice(newer);
      line.times = [];
      line.values = [];
      for (const point of points) this.append(line, point.t / 1000, point.value);
      line.times = line.times.concat(times);
      line.values = line.values.concat(values);
      this.draw();
    } catch (error) {
      console.warn("no history of " + line.name, error);
    }
  }

  setRange(range) {
    this.range = range;
    for (const line of this.lines) this.load(line);
  }

  /** Takes a fresh point; the caller draws. */
  push(name, time, value) {
    const line = this.lines.find((l) => l.name === name);
    if (!line) return;
    const seconds = time / 1000;
    if (line.times.length && seconds <= line.times[line.times.length - 1]) return;
    this.append(line, seconds, value);
  }

  /** A counter's sum becomes a rate over the time since the sum before. */
  append(line, seconds, value) {
    const last = line.times[line.times.length - 1];
    const elapsed = last === undefined ? 1 : Math.min(MAX_GAP, Math.max(1, seconds - last));
    line.times.push(seconds);
    line.values.push(this.definition.rate ? value / elapsed : value);
  }

  draw() {
    if (!this.plot) return;
    const oldest = (Date.now() - this.range) / 1000;
    for (const line of this.lines) {
      const keep = line.times.findIndex((t) => t >= oldest);
      if (keep > 0) {
        line.times.splice(0, keep);
        line.values.splice(0, keep);
      }
    }
    this.plot.setData(uPlot.join(this.lines.map((l) => [l.times, l.values])));
    this.showLegend();
  }

  rebuild() {
    this.plot?.destroy();
    this.plot = null;
    if (this.lines.length === 0) return;
    const format = units[this.definition.unit];
    const axis = {
      stroke: css("--muted"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: css("--grid"), width: 1 },
      ticks: { stroke: css("--grid"), width: 1 },
    };
    const single = this.lines.length === 1;
    this.plot = new uPlot(
      {
        width: Math.max(200, this.plotElement.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { points: { size: 6 }, y: false },
        scales: {
          x: { range: () => [(Date.now() - this.range) / 1000, Date.now() / 1000] },
          y: { range: (u, min, max) => yRange(min, max, this.definition.zero !== false) },
        },
        axes: [
          {
            ...axis,
            space: 70,
            size: 30,
            values: (u, splits) => splits.map((s) => clock(s, this.range)),
          },
          {
            ...axis,
            size: 62,
            space: 34,
            values: (u, splits) => splits.map(format),
            ...(this.definition.unit === "bytes" ? { incrs: BINARY_STEPS } : {}),
          },
        ],
        series: [
          {},
          ...this.lines.map((line, i) => ({
            stroke: COLOURS[i],
            width: 1.75,
            fill: COLOURS[i] + (single ? "2b" : "14"),
            points: { show: false },
            spanGaps: true,
          })),
        ],
        hooks: { setCursor: [() => this.showLegend()] },
      },
      uPlot.join(this.lines.map((l) => [l.times, l.values])),
      this.plotElement,
    );
    this.legend.replaceChildren(
      ...this.lines.map((line, i) => {
        const item = document.createElement("li");
        const colour = document.createElement("i");
        colour.style.background = COLOURS[i];
        const label = document.createElement("span");
        label.textContent = line.label;
        item.title = line.name;
        line.shown = document.createElement("b");
        item.append(colour, label, line.shown);
        return item;
      }),
    );
    this.showLegend();
  }

  /** The values under the cursor, or the newest. */
  showLegend() {
    const index = this.plot?.cursor.idx;
    this.lines.forEach((line, i) => {
      const pointed = index == null ? null : this.plot.data[i + 1]?.[index];
      const value = pointed ?? line.values[line.values.length - 1];
      if (line.shown) {
        line.shown.textContent = value == null ? "" : units[this.definition.unit](value);
      }
    });
  }

  resize() {
    if (this.plot && this.plotElement.clientWidth > 0) {
      this.plot.setSize({ width: this.plotElement.clientWidth, height: HEIGHT });
    }
  }
}

function yRange(min, max, fromZero) {
  if (min == null) return [0, 1];
  const low = fromZero ? Math.min(0, min) : min;
  const high = fromZero ? Math.max(0, max) : max;
  const pad = (high - low || Math.abs(high) || 1) * 0.08;
  return [low < 0 || !fromZero ? low - pad : low, high + pad];
}

function clock(seconds, range) {
  const parts = { hour: "2-digit", minute: "2-digit", hour12: false };
  if (range <= 15 * 60_000) parts.second = "2-digit";
  return new Date(seconds * 1000).toLocaleTimeString([], parts);
}
