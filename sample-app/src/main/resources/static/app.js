import { Feed, getJson } from "./feed.js";
import { partsOf, unitOf, units } from "./format.js";
import { Panel } from "./panel.js";

const RANGES = { "1 min": 60_000, "5 min": 300_000, "15 min": 900_000, "1 h": 3_600_000 };
const SPARK_POINTS = 60;
const MAX_LISTED = 400;

const byId = (id) => document.getElementById(id);

/** Labels the series of some metrics by their tags, all others by null. */
function byTags(metrics, label) {
  return (name) => {
    const { metric, tags } = partsOf(name);
    return metrics.includes(metric) ? label(metric, new Map(tags.map((t) => t.split("=", 2)))) : null;
  };
}

const lastPart = (metric) => metric.slice(metric.lastIndexOf(".") + 1);

const STANDARD = [
  {
    title: "Lines accepted per second",
    unit: "number",
    rate: true,
    label: byTags(["gateway.lines.accepted"], (m, tags) => tags.get("protocol")),
  },
  {
    title: "Heap",
    unit: "bytes",
    label: byTags(["jvm.memory.used"], (m, tags) =>
      tags.get("area") === "heap" ? tags.get("id").replaceAll("_", " ") : null,
    ),
  },
  {
    title: "CPU",
    unit: "percent",
    label: byTags(["process.cpu.usage", "system.cpu.usage"], (m) => m.split(".", 1)[0]),
  },
  {
    title: "AVX tasks per second",
    unit: "number",
    rate: true,
    label: byTags(["avx.tasks.spawned", "avx.tasks.completed"], lastPart),
  },
  {
    title: "AVX worker parks per second",
    unit: "number",
    rate: true,
    label: byTags(["avx.worker.parks"], (m, tags) => "worker " + (tags.get("worker") ?? "")),
  },
  {
    title: "AVX timers and socket events per second",
    unit: "number",
    rate: true,
    label: byTags(["avx.timers.fired", "avx.io.reported", "avx.io.wakeups"], (m) =>
      m.split(".").slice(1).join(" "),
    ),
  },
];

const state = {
  range: RANGES["5 min"],
  panels: [],
  chosen: new Map(),
  newest: new Map(),
  rates: [],
  lastReport: null,
};

// ---- charts

function addPanel(definition, onClose, first) {
  const panel = new Panel(definition, state.range, onClose);
  state.panels.push(panel);
  if (first) byId("charts").prepend(panel.element);
  else byId("charts").append(panel.element);
  for (const name of state.newest.keys()) panel.offer(name);
  return panel;
}

function toggleSeries(name) {
  const open = state.chosen.get(name);
  if (open) {
    open.close();
    state.panels.splice(state.panels.indexOf(open), 1);
    state.chosen.delete(name);
  } else {
    const definition = {
      title: name,
      unit: unitOf(name),
      zero: false,
      label: (other) => (other === name ? "value" : null),
    };
    state.chosen.set(
      name,
      addPanel(definition, () => toggleSeries(name), true),
    );
  }
  showSeries();
}

function onPoints(points) {
  let unknown = false;
  for (const { name, t, value } of points) {
    if (!state.newest.has(name)) {
      unknown = true;
      for (const panel of state.panels) panel.offer(name);
    }
    state.newest.set(name, { t, value });
    for (const panel of state.panels) panel.push(name, t, value);
  }
  for (const panel of state.panels) panel.draw();
  if (unknown) showSeries();
  else refreshValues();
}

// ---- list of series

function showSeries() {
  const wanted = byId("search").value.toLowerCase();
  const names = [...state.newest.keys()].filter((n) => n.toLowerCase().includes(wanted)).sort();
  byId("series-count").textContent = "· " + state.newest.size;
  byId("series").replaceChildren(
    ...names.slice(0, MAX_LISTED).map((name) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.name = name;
      button.setAttribute("aria-pressed", state.chosen.has(name));
      const { metric, tags } = partsOf(name);
      const label = document.createElement("span");
      label.className = "name";
      label.textContent = metric;
      const tagText = document.createElement("span");
      tagText.className = "tags";
      tagText.textContent = tags.length ? " " + tags.join(" ") : "";
      label.append(tagText);
      const value = document.createElement("span");
      value.className = "value";
      button.append(label, value);
      button.onclick = () => toggleSeries(name);
      item.append(button);
      return item;
    }),
  );
  refreshValues();
}

function refreshValues() {
  for (const button of byId("series").querySelectorAll("button")) {
    const name = button.dataset.name;
    button.querySelector(".value").textContent = units[unitOf(name)](state.newest.get(name).value);
  }
}

// ---- cards

function text(id, value, alarm = false) {
  byId(id).textContent = value;
  byId(id).classList.toggle("alarm", alarm);
}

function listed(counts) {
  return Object.entries(counts)
    .map(([reason, count]) => reason + " " + units.number(count))
    .join(", ");
}

function showReport(report) {
  const now = performance.now();
  const last = state.lastReport;
  state.lastReport = { now, accepted: report.accepted };
  if (last) {
    const rate = Math.max(0, ((report.accepted - last.accepted) * 1000) / (now - last.now));
    state.rates.push(rate);
    state.rates.splice(0, state.rates.length - SPARK_POINTS);
    text("rate", units.number(Math.round(rate)));
    drawSpark();
  }
  text("accepted", units.number(report.accepted) + " since start · " + listed(report.acceptedByProtocol));
  text("queue", units.number(report.queueDepth));
  byId("queue-meter").value = report.queueDepth / report.queueCapacity;
  text("queue-note", "of " + units.number(report.queueCapacity) + " lines");
  const lost = report.rejectedTotal + report.dropped;
  text("lost", units.number(lost), report.dropped > 0);
  text(
    "lost-note",
    lost === 0 ? "nothing" : listed({ ...report.rejected, ...report.droppedByReason }),
  );
  text("journal", units.bytes(report.journal.bytes), report.journal.failure !== null);
  text(
    "journal-note",
    report.journal.failure ?? units.bytes(report.store.backlogBytes) + " not yet in a window",
    report.journal.failure !== null,
  );
  text("connections", units.number(report.connections.open));
  text("connections-note", "Graphite · " + report.stream.clients + " live viewers");
  const phase = report.diskFull ? "disk full" : report.store.state.replace("-", " ");
  showStatus(phase, phase === "live" ? "good" : phase === "catching up" ? "warn" : "bad");
}

function showStatus(words, kind) {
  byId("status").textContent = words;
  byId("status").className = "pill " + kind;
}

function drawSpark() {
  const canvas = byId("rate-line");
  const scale = devicePixelRatio || 1;
  const width = (canvas.width = canvas.clientWidth * scale);
  const height = (canvas.height = canvas.clientHeight * scale);
  const max = Math.max(1, ...state.rates);
  const x = (i) => width - ((state.rates.length - 1 - i) * width) / (SPARK_POINTS - 1);
  const y = (rate) => height - 2 * scale - (rate / max) * (height - 6 * scale);
  const context = canvas.getContext("2d");
  const accent = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
  context.beginPath();
  state.rates.forEach((rate, i) => context.lineTo(x(i), y(rate)));
  context.strokeStyle = accent;
  context.lineWidth = 1.75 * scale;
  context.lineJoin = "round";
  context.stroke();
  context.lineTo(width, height);
  context.lineTo(x(0), height);
  context.fillStyle = accent + "22";
  context.fill();
}

function showRuntime(avx) {
  text("runtime", "· " + avx.driver + " · " + avx.fibers);
  byId("workers").replaceChildren(
    ...avx.workers.map((worker) => {
      const tile = document.createElement("div");
      const name = worker.state.toLowerCase();
      tile.className = "worker " + name;
      tile.title = worker.threadName;
      const executed = document.createElement("b");
      executed.textContent = name;
      tile.append(executed, units.number(worker.executed) + " run · " + worker.localQueueDepth + " queued");
      return tile;
    }),
  );
  text(
    "workers-note",
    units.number(avx.tasks.live) +
      " live tasks · " +
      units.number(avx.tasks.spawned) +
      " spawned · " +
      units.number(avx.sockets.open) +
      " sockets · " +
      units.number(avx.timers.pending) +
      " timers",
  );
}

async function poll(url, show, period) {
  try {
    show(await getJson(url));
  } catch (error) {
    showStatus("no answer", "bad");
    console.warn(error);
  }
  setTimeout(() => poll(url, show, period), period);
}

// ---- settings

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  for (const panel of state.panels) panel.rebuild();
  if (state.rates.length) drawSpark();
}

function showRanges() {
  byId("ranges").replaceChildren(
    ...Object.entries(RANGES).map(([label, range]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.setAttribute("aria-pressed", range === state.range);
      button.onclick = () => {
        state.range = range;
        showRanges();
        for (const panel of state.panels) panel.setRange(range);
      };
      return button;
    }),
  );
}

async function start() {
  const stored = localStorage.getItem("theme");
  const preferred = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  setTheme(stored ?? preferred);
  byId("theme").onclick = () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", theme);
    setTheme(theme);
  };
  byId("search").oninput = showSeries;
  showRanges();
  const known = await getJson("api/series");
  for (const { name, t, value } of known.series) state.newest.set(name, { t, value });
  for (const definition of STANDARD) addPanel(definition);
  showSeries();
  new Feed(onPoints, (open) => {
    if (!open) showStatus("reconnecting", "warn");
  });
  poll("api/ingest", showReport, 1000);
  poll("actuator/avx", showRuntime, 2000);
}

start();
