// The console of an AVX runtime. Reads the JSON of the endpoint "avx" beside it and changes nothing.
// Whatever comes from there is put into the page as text, never as markup.
"use strict";

const endpoint = document.documentElement.dataset.endpoint;
const byId = (id) => document.getElementById(id);

// --- small helpers ---

function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined));
  return element;
}

function setText(target, text) {
  const element = typeof target === "string" ? byId(target) : target;
  if (element.textContent !== text) element.textContent = text;
}

/** Seconds of an ISO 8601 duration as Java writes it, or of a number. */
function seconds(value) {
  if (typeof value === "number") return value;
  const m = /^(-)?P(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?)?$/.exec(value || "");
  if (!m) return 0;
  const [d, h, min, s] = m.slice(2).map((part) => Number(part || 0));
  return (m[1] ? -1 : 1) * (d * 86400 + h * 3600 + min * 60 + s);
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const grouped = new Intl.NumberFormat("en");
const count = (n) => (n < 10000 ? grouped.format(n) : compact.format(n));

function rate(n) {
  return n >= 100 ? count(Math.round(n)) : n >= 10 ? n.toFixed(0) : n > 0 ? n.toFixed(1) : "0";
}

function time(s) {
  if (s <= 0) return "0";
  if (s < 1e-3) return Math.round(s * 1e6) + " µs";
  if (s < 1) return (s * 1e3).toFixed(s < 0.01 ? 1 : 0) + " ms";
  if (s < 120) return s.toFixed(s < 10 ? 1 : 0) + " s";
  return s < 7200 ? Math.round(s / 60) + " min" : (s / 3600).toFixed(1) + " h";
}

const clock = (instant) => new Date(instant).toLocaleTimeString([], { hour12: false });
const label = (state) => state.toLowerCase().replace("_", "-");
const UNBOUNDED = 2147483647;

/** Keeps what the browser may not let us keep. */
const settings = {
  get(name, byDefault) {
    try { return localStorage.getItem("avx-console-" + name) || byDefault; } catch { return byDefault; }
  },
  set(name, value) {
    try { localStorage.setItem("avx-console-" + name, value); } catch { /* only for this visit then */ }
  },
};

// --- asking the endpoint ---

class Refused extends Error {
  constructor(status, title, advice) {
    super(title);
    this.status = status;
    this.advice = advice;
  }
}

async function ask(path) {
  let response;
  try {
    response = await fetch(endpoint + path, {
      cache: "no-store",
      credentials: "same-origin",
      headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" },
    });
  } catch {
    throw new Refused(0, "The application does not answer", "It may be starting, stopping or out of reach. Trying again.");
  }
  const type = response.headers.get("Content-Type") || "";
  if (response.status === 401 || response.redirected || (response.ok && !type.includes("json"))) {
    throw new Refused(401, "You are not signed in", "The endpoint avx wants to know who you are. Sign in to the application and load this page again.");
  }
  if (response.status === 403) {
    throw new Refused(403, "You may not see this runtime", "You are signed in, but may not read the endpoint avx. Ask whoever gives permissions in this application.");
  }
  if (response.status === 404) {
    throw new Refused(404, "The endpoint avx is not exposed", "This page reads the endpoint avx. Add avx to management.endpoints.web.exposure.include, and let management.endpoint.avx.access be read-only.");
  }
  if (!response.ok) {
    let reason = "";
    try { reason = (await response.json()).error || ""; } catch { /* no reason given */ }
    throw new Refused(response.status, "The endpoint avx answers " + response.status, reason);
  }
  return response.json();
}

function showProblem(problem) {
  const box = byId("problem");
  box.hidden = !problem;
  if (problem) {
    setText(box.querySelector("h2"), problem.message);
    setText(box.querySelector("p"), problem.advice || "");
  }
}

// --- overview, workers, queues ---

let before = null; // the last description, and when it came

function bar(share) {
  const inner = el("i");
  const outer = el("div", { class: "bar" }, inner);
  fill(outer, share);
  return outer;
}

function fill(outer, share) {
  outer.firstChild.style.width = (100 * Math.min(1, Math.max(0, share))).toFixed(1) + "%";
  outer.classList.toggle("hot", share >= 0.9);
}

function figure(id, text, note, bad) {
  setText("f-" + id, text);
  setText("f-" + id + "-note", note);
  byId("f-" + id).parentElement.classList.toggle("bad", Boolean(bad));
}

const ended = (d) => d.tasks.completed + d.tasks.failed + d.tasks.cancelled;

function showOverview(d, now) {
  const elapsed = before ? (now - before.at) / 1000 : 0;
  const last = before && before.d;
  const per = (f) => (last && elapsed > 0 ? Math.max(0, f(d) - f(last)) / elapsed : 0);
  setText("runtime", d.runtime);
  setText("subtitle", d.driver + " · fibers " + d.fibers);
  document.title = d.runtime + " · AVX console";

  figure("live", count(d.tasks.live), count(d.tasks.spawned) + " accepted in all");
  const failing = per((x) => x.tasks.failed);
  const rejecting = per((x) => x.tasks.rejected);
  figure("rate", rate(per(ended)),
    rejecting > 0 ? rate(rejecting) + "/s rejected" : failing > 0 ? rate(failing) + "/s failed" : "none failed",
    rejecting > 0);
  figure("wait", time(seconds(d.scheduleLatency.p99)), "half within " + time(seconds(d.scheduleLatency.p50)));
  figure("stalled", count(d.stalledWorkers), count(d.stalls) + (d.stalls === 1 ? " stall in all" : " stalls in all"), d.stalledWorkers > 0);
  figure("sockets", count(d.sockets.open), rate(per((x) => x.sockets.events)) + " events/s");
  figure("timers", count(d.timers.pending), rate(per((x) => x.timers.fired)) + " fired/s");
  setText("status", d.state === "running" ? (paused ? "paused" : "live") : d.state);
  byId("status").className = "pill " + (d.state !== "running" ? "bad" : paused ? "warn" : "live");

  showWorkers(d, last, elapsed);
  showQueues(d);
  heat.add(d.scheduleLatency, last && last.scheduleLatency, now);
}

function showWorkers(d, last, elapsed) {
  const list = byId("workers");
  setText("workers-note", d.activeWorkers + " in use" + (d.stalledWorkers ? ", " + d.stalledWorkers + " stalled" : ""));
  while (list.children.length > d.workers.length) list.lastChild.remove();
  d.workers.forEach((w, i) => {
    let tile = list.children[i];
    if (!tile) {
      tile = el("li", {},
        el("div", { class: "top" }, el("b"), el("span", { class: "quiet" })),
        el("div", { class: "big" }),
        bar(0),
        el("small"));
      list.append(tile);
    }
    const old = last && last.workers[i];
    const busy = old && elapsed > 0 ? (seconds(w.busyTime) - seconds(old.busyTime)) / elapsed : 0;
    const speed = old && elapsed > 0 ? (w.executed - old.executed) / elapsed : 0;
    tile.className = label(w.state);
    tile.title = w.threadName;
    setText(tile.children[0].children[0], "Worker " + w.index);
    setText(tile.children[0].children[1], label(w.state));
    setText(tile.children[1], Math.round(100 * Math.min(1, Math.max(0, busy))) + " % awake");
    fill(tile.children[2], busy);
    setText(tile.children[3], rate(Math.max(0, speed)) + " runs/s · " + count(w.localQueueDepth) + " queued");
  });
}

function showQueues(d) {
  const local = d.workers.reduce((sum, w) => sum + w.localQueueDepth, 0);
  const rows = [
    ["Workers' own", local, 0],
    ["From outside", d.injectionQueue.depth, d.injectionQueue.capacity],
    ["For blocking threads", d.blocking.queueDepth, d.blocking.queueCapacity],
    ["Blocking threads busy", d.blocking.threads - d.blocking.idle, d.configuration.blockingMaxThreads],
  ];
  const list = byId("queues");
  rows.forEach(([name, depth, most], i) => {
    if (list.children.length <= 3 * i) {
      list.append(el("dt", {}, name), el("dd", { class: "gauge" }, bar(0)), el("dd"));
    }
    fill(list.children[3 * i + 1].firstChild, most ? depth / most : 0);
    setText(list.children[3 * i + 2], count(depth) + (most ? " of " + count(most) : ""));
  });
}

// --- heat map ---

const heat = {
  canvas: byId("heat"),
  columns: [],
  most: 180,
  selected: -1, // the newest

  add(now, last, at) {
    const restarted = last && now.count < last.count;
    const counts = now.counts.map((n, i) => (last && !restarted ? Math.max(0, n - last.counts[i]) : 0));
    this.bounds = now.upperBounds;
    this.columns.push({ at, counts });
    if (this.columns.length > this.most) {
      this.columns.shift();
      if (this.selected >= 0) this.selected--;
    }
    this.draw();
  },

  /** The rows to show: those in use, eight at least. */
  rows() {
    let low = this.bounds.length, high = 0;
    for (const column of this.columns) {
      column.counts.forEach((n, i) => {
        if (n > 0) { low = Math.min(low, i); high = Math.max(high, i); }
      });
    }
    if (low > high) { low = 2; high = 10; }
    while (high - low < 8) {
      if (low > 0) low--;
      if (high - low < 8 && high < this.bounds.length) high++;
    }
    return [low, high];
  },

  draw() {
    if (!this.bounds) return;
    const scale = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    if (this.canvas.width !== Math.round(width * scale)) this.canvas.width = Math.round(width * scale);
    if (this.canvas.height !== Math.round(height * scale)) this.canvas.height = Math.round(height * scale);
    const style = getComputedStyle(this.canvas);
    const g = this.canvas.getContext("2d");
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, width, height);
    const left = 62, bottom = 20;
    const [low, high] = this.rows();
    const rowHeight = (height - bottom) / (high - low + 1);
    const columnWidth = (width - left) / this.most;
    const y = (row) => (high - row) * rowHeight;
    g.font = "11px " + getComputedStyle(document.body).fontFamily;
    g.textBaseline = "middle";
    g.textAlign = "right";
    for (let row = low; row <= high; row++) {
      g.globalAlpha = 1;
      g.fillStyle = style.borderTopColor;
      g.fillRect(left, Math.round(y(row) + rowHeight) - 1, width - left, 1);
      if ((row - low) % Math.ceil(16 / rowHeight) === 0) {
        g.fillStyle = style.caretColor;
        const name = row < this.bounds.length ? "≤ " + time(this.bounds[row]) : "more";
        g.fillText(name, left - 8, y(row) + rowHeight / 2);
      }
    }
    let peak = 1;
    for (const column of this.columns) peak = Math.max(peak, ...column.counts);
    const first = this.most - this.columns.length;
    g.fillStyle = style.color;
    this.columns.forEach((column, i) => {
      const x = left + (first + i) * columnWidth;
      column.counts.forEach((n, row) => {
        if (n > 0) {
          g.globalAlpha = 0.15 + 0.85 * (Math.log1p(n) / Math.log1p(peak));
          g.fillRect(x, y(row), Math.max(1, columnWidth - 0.5), rowHeight - 1);
        }
      });
    });
    g.globalAlpha = 1;
    g.fillStyle = style.caretColor;
    g.textAlign = "left";
    if (this.columns.length > 1) {
      const newest = this.columns[this.columns.length - 1].at;
      for (let i = this.columns.length % 30; i < this.columns.length - 8; i += 30) {
        const ago = (newest - this.columns[i].at) / 1000;
        g.fillText("−" + time(ago), left + (first + i) * columnWidth, height - bottom / 2 + 2);
      }
      g.textAlign = "right";
      g.fillText("now", width, height - bottom / 2 + 2);
    }
    const chosen = this.chosen();
    if (chosen >= 0 && this.selected >= 0) {
      g.strokeStyle = style.caretColor;
      g.strokeRect(left + (first + chosen) * columnWidth - 0.5, 0.5, Math.max(2, columnWidth), height - bottom - 1);
    }
    this.read(chosen);
  },

  chosen() {
    return this.selected >= 0 ? Math.min(this.selected, this.columns.length - 1) : this.columns.length - 1;
  },

  read(index) {
    const column = this.columns[index];
    if (!column) return;
    const total = column.counts.reduce((a, b) => a + b, 0);
    const at = (share) => {
      let sum = 0;
      const row = column.counts.findIndex((n) => (sum += n) >= share * total);
      return row < this.bounds.length ? "≤ " + time(this.bounds[row]) : "> " + time(this.bounds[row - 1]);
    };
    setText("latency-readout", clock(column.at) + ": "
      + (total ? "p50 " + at(0.5) + ", p99 " + at(0.99) + ", max " + at(1) + ", " + count(total) + " timed" : "nothing timed"));
  },

  listen() {
    const pick = (index) => {
      this.selected = index >= this.columns.length - 1 ? -1 : Math.max(0, index);
      this.draw();
    };
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -1e9, End: 1e9 }[event.key];
      if (step) {
        event.preventDefault();
        pick(this.chosen() + step);
      } else if (event.key === "Escape") pick(1e9);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const box = this.canvas.getBoundingClientRect();
      const share = (event.clientX - box.left - 62) / (box.width - 62);
      pick(Math.floor(share * this.most) - (this.most - this.columns.length));
    });
    this.canvas.addEventListener("pointerleave", () => pick(1e9));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  },
};

// --- executors ---

let executorsBefore = null;

function showExecutors(body, now) {
  const table = byId("executors");
  const elapsed = executorsBefore ? (now - executorsBefore.at) / 1000 : 0;
  while (table.children.length > Math.max(1, body.executors.length)) table.lastChild.remove();
  if (body.executors.length === 0) {
    table.replaceChildren(el("tr", {}, el("td", { colspan: "7", class: "quiet" }, "This application has none.")));
  }
  body.executors.forEach((e, i) => {
    let row = table.children[i];
    if (!row || row.children.length < 7) {
      row = el("tr", {}, el("td"), el("td", {}, bar(0), el("span")), ...[1, 2, 3, 4, 5].map(() => el("td", { class: "n" })));
      if (table.children[i]) table.children[i].replaceWith(row); else table.append(row);
    }
    const old = executorsBefore && executorsBefore.executors.find((o) => o.name === e.name);
    const limited = e.concurrencyLimit !== null && e.concurrencyLimit !== undefined;
    setText(row.children[0], e.name);
    fill(row.children[1].firstChild, limited ? e.active / e.concurrencyLimit : 0);
    setText(row.children[1].lastChild, count(e.active));
    setText(row.children[2], limited ? count(e.concurrencyLimit) : "none");
    setText(row.children[3], count(e.queued));
    setText(row.children[4], e.queueRemaining >= UNBOUNDED ? "no bound" : count(e.queueRemaining));
    setText(row.children[5], count(e.completed));
    setText(row.children[6], old && elapsed > 0 ? rate(Math.max(0, (e.completed - old.completed) / elapsed)) : "–");
  });
  executorsBefore = { at: now, executors: body.executors };
}

// --- stacks and lists that open ---

const JDK = /^(?:[\w.]+@?[\d.]*\/)?(?:java|javax|jdk|sun|com\.sun)\./;
const AVX = /^(?:[\w.@-]+\/)*cloud\.avila\.avx\.(?:(?:internal|task|sync|channel|atomic|time|net|fs)\.|[A-Z])/;
const MACHINERY = (frame) => JDK.test(frame) || AVX.test(frame);
const ownFrame = (stack) => stack.find((frame) => !MACHINERY(frame)) || stack[0] || "";
const short = (frame) => frame.replace(/^[^(]*\//, "").replace(/^((?:\w+\.)+)(\w[\w$]*\.[^.(]+\()/, "$2");

function stackView(stack) {
  if (!stack.length) return el("p", { class: "quiet" }, "no stack");
  const pre = el("pre", { tabindex: "0", "aria-label": "Stack" });
  stack.forEach((frame, i) => {
    pre.append(el("span", { class: MACHINERY(frame) ? "jdk" : "own" }, (i ? "\n" : "") + frame));
  });
  return pre;
}

/** Replaces the entries of a list; those that are open stay open, and focus stays where it is. */
function showEntries(target, entries, ifEmpty) {
  const known = new Map([...target.querySelectorAll(":scope > details")].map((d) => [d.dataset.key, d]));
  const wanted = entries.map(({ key, summary, inside }) => {
    let details = known.get(key);
    if (!details) {
      details = el("details", {}, el("summary"), el("div", { class: "inside" }));
      details.dataset.key = key;
      details.addEventListener("toggle", () => details.open && details.fill());
    }
    details.firstChild.replaceChildren(...summary);
    details.fill = () => {
      const content = inside();
      if (details.lastChild.dataset.shown !== content.key) {
        details.lastChild.dataset.shown = content.key;
        details.lastChild.replaceChildren(...content.nodes);
      }
    };
    if (details.open) details.fill();
    return details;
  });
  const same = wanted.length === target.children.length && wanted.every((d, i) => target.children[i] === d);
  if (wanted.length === 0) target.replaceChildren(el("p", { class: "empty" }, ifEmpty));
  else if (!same) {
    const focused = document.activeElement;
    target.replaceChildren(...wanted);
    if (focused && target.contains(focused)) focused.focus({ preventScroll: true });
  }
}

const tag = (state) => el("span", { class: "tag " + state }, state);

// --- fibers ---

let fiberNumber = 0;

async function showFibers() {
  const number = ++fiberNumber;
  const query = new URLSearchParams();
  const name = byId("fiber-name").value;
  const state = byId("fiber-state").value;
  if (name) query.set("name", name);
  if (state) query.set("state", state);
  query.set("stacks", "300");
  const dump = await ask("/fibers?" + query);
  if (number !== fiberNumber) return; // asked again meanwhile
  const states = Object.entries(dump.states).map(([s, n]) => count(n) + " " + label(s)).join(", ");
  setText("fibers-note", clock(dump.time) + " · " + count(dump.tasks.length)
    + (dump.omitted ? " of " + count(dump.tasks.length + dump.omitted) : "") + " shown"
    + (states ? " · of all: " + states : ""));
  showEntries(byId("fibers"), byId("fiber-group").checked ? groups(dump.tasks) : dump.tasks.map(single),
    name || state ? "No fiber matches." : "No fibers live. Take a dump while there is work.");
}

function groups(tasks) {
  const found = new Map();
  for (const task of tasks) {
    const key = task.state + "\n" + (task.stack.length ? task.stack.join("\n") : task.kind + task.lane);
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(task);
  }
  return [...found.entries()]
    .sort((a, b) => b[1].length - a[1].length)
    .map(([key, members]) => {
      if (members.length === 1) return single(members[0]);
      const first = members[0];
      const oldest = Math.max(...members.map((m) => m.age));
      return {
        key: "group " + key,
        summary: [el("span", { class: "count" }, count(members.length) + " ×"), tag(label(first.state)), what(first), el("span", { class: "when" }, "up to " + time(oldest))],
        inside: () => ({
          key: members.map((m) => m.id).join(),
          nodes: [
            el("ul", {}, ...members.slice(0, 200).map((m) => el("li", {}, '"' + m.name + '" #' + m.id, " ", waiting(m)))),
            members.length > 200 ? el("p", { class: "quiet" }, "and " + count(members.length - 200) + " more") : null,
            stackView(first.stack),
          ].filter(Boolean),
        }),
      };
    });
}

function single(task) {
  return {
    key: "task " + task.id,
    summary: [el("span", { class: "count" }, "1"), tag(label(task.state)),
      el("span", { class: "what" }, '"' + task.name + '" #' + task.id + "  ", el("code", {}, short(ownFrame(task.stack)))),
      el("span", { class: "when" }, time(task.age))],
    inside: () => ({
      key: task.state + JSON.stringify(task.waitsOn) + task.stack.length + (task.stack[0] || ""),
      nodes: [
        el("p", {}, [task.kind.toLowerCase().replace("_", " "), task.lane + " lane",
          task.worker ? "on " + task.worker : null, task.thread ? "thread " + task.thread : null,
          task.cancelled ? "cancelled" : null].filter(Boolean).join(" · ")),
        task.waitsOn ? el("p", {}, waiting(task)) : null,
        stackView(task.stack),
      ].filter(Boolean),
    }),
  };
}

function what(task) {
  const where = short(ownFrame(task.stack));
  return el("span", { class: "what" }, where ? el("code", {}, where) : task.kind.toLowerCase().replace("_", " ") + "s that have not started");
}

/** What a task waits on, with a way to whoever holds it. */
function waiting(task) {
  const wait = task.waitsOn;
  if (!wait) return "";
  const line = el("span", { class: "quiet" }, "waits on " + wait.description);
  if (wait.holder) {
    line.append(", held by ", wait.holderId
      ? el("button", { type: "button", class: "link", onclick: () => find(wait.holder) }, wait.holder)
      : wait.holder);
  }
  return line;
}

function find(name) {
  byId("fiber-name").value = name;
  byId("fiber-state").value = "";
  byId("fiber-name").focus();
  run(showFibers);
}

// --- stalls and deadlocks ---

async function showStalls() {
  let body;
  try {
    body = await ask("/stalls");
  } catch (e) {
    if (e.status === 404) return; // an endpoint of one's own, perhaps
    throw e;
  }
  setText("stalls-note", seconds(body.threshold) ? "longer than " + time(seconds(body.threshold)) + " · the last " + body.capacity : "the watchdog is off");
  showEntries(byId("stalls"), body.stalls.map((s) => ({
    key: s.began + s.worker,
    summary: [tag(s.over ? "over" : "goes-on"), el("span", { class: "what" }, s.work + "  ", el("code", {}, short(ownFrame(s.stack)))),
      el("span", { class: "when" }, clock(s.began) + " · " + time(seconds(s.duration)))],
    inside: () => ({ key: s.began, nodes: [el("p", { class: "quiet" }, "on " + s.worker + (s.task ? ", task #" + s.task : "") + "; the stack when it was noticed"), stackView(s.stack)] }),
  })), "No worker has been stuck.");
  return body;
}

async function showDeadlocks() {
  const body = await ask("/deadlocks");
  showEntries(byId("deadlocks"), body.deadlocks.map((d) => ({
    key: d.members.map((m) => m.thread).join(),
    summary: [tag("blocked"), el("span", { class: "what" }, d.members.map((m) => '"' + m.name + '"').join(" → ") + " → …")],
    inside: () => ({
      key: d.members.map((m) => m.thread).join(),
      nodes: d.members.flatMap((m) => [
        el("p", {}, el("b", {}, '"' + m.name + '"' + (m.id ? " #" + m.id : "")), " waits on " + m.waitsOn + (m.heldBy ? ', held by "' + m.heldBy + '"' : "")),
        stackView(m.stack),
      ]),
    }),
  })), "None: no tasks wait for each other in a circle.");
  return body.deadlocks.length;
}

function showAlarm(stalled, deadlocks) {
  const parts = [];
  if (stalled) parts.push(stalled === 1 ? "1 worker is stalled." : stalled + " workers are stalled.");
  if (deadlocks) parts.push(deadlocks === 1 ? "1 deadlock: its tasks will never go on." : deadlocks + " deadlocks: their tasks will never go on.");
  byId("alarm").hidden = parts.length === 0;
  setText("alarm", parts.join(" "));
}

// --- the rounds ---

let paused = false;
let timer = 0;
let rounds = 0;
let problem = null;
let stalls = -1;
let deadlocks = 0;

async function round() {
  const description = await ask("");
  const now = Date.now();
  showOverview(description, now);
  before = { at: now, d: description };
  const slow = rounds++ % Math.max(1, Math.round(5000 / delay())) === 0; // what costs the application more
  const open = description.stalledWorkers > 0;
  const jobs = [ask("/executors").then((body) => showExecutors(body, now))];
  if (slow || open || description.stalls !== stalls) jobs.push(showStalls());
  if (slow) jobs.push(showDeadlocks().then((n) => { deadlocks = n; }));
  if (slow && byId("fiber-auto").checked) jobs.push(showFibers());
  stalls = description.stalls;
  await Promise.all(jobs);
  showAlarm(description.stalledWorkers, deadlocks);
}

async function run(job) {
  try {
    await job();
    problem = null;
  } catch (e) {
    problem = e instanceof Refused ? e : new Refused(-1, "This page has a fault", String(e));
    setText("status", problem.status === 0 ? "no answer" : "no data");
    byId("status").className = "pill bad";
  }
  showProblem(problem);
}

const delay = () => Number(byId("interval").value);

let busy = false;

async function tick() {
  if (busy) return; // a new time is set when that round is over
  busy = true;
  clearTimeout(timer);
  if (!paused && !document.hidden) await run(round);
  busy = false;
  timer = setTimeout(tick, problem ? Math.max(delay(), 2000) : delay());
}

// --- controls ---

const THEMES = ["auto", "light", "dark"];

function applyTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  setText("theme", "Theme: " + theme);
  settings.set("theme", theme);
  heat.draw();
}

byId("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme || "auto";
  applyTheme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
});
byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  setText("status", paused ? "paused" : "live");
  byId("status").className = "pill " + (paused ? "warn" : "live");
  if (!paused) tick();
});
byId("interval").addEventListener("change", () => {
  settings.set("interval", byId("interval").value);
  tick();
});
byId("fiber-form").addEventListener("submit", (event) => {
  event.preventDefault();
  run(showFibers);
});
let typing = 0;
byId("fiber-name").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => run(showFibers), 250);
});
byId("fiber-state").addEventListener("change", () => run(showFibers));
byId("fiber-group").addEventListener("change", () => run(showFibers));
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => heat.draw());

const interval = settings.get("interval", "1000");
if ([...byId("interval").options].some((o) => o.value === interval)) byId("interval").value = interval;
heat.listen();
applyTheme(THEMES.includes(settings.get("theme", "auto")) ? settings.get("theme", "auto") : "auto");
tick();
