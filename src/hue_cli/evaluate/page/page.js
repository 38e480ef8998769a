"use strict";
// Names of files are hostile: they only ever become text, never markup.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const STEP = 60; // cards drawn at once
const MINUS = "\u2212";

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function show(value, decimals, signed = false) {
  if (value == null) return "\u2013";
  const text = Math.abs(value).toFixed(decimals);
  const zero = Number(text) === 0;
  return (value < 0 && !zero ? MINUS : signed && !zero ? "+" : "") + text;
}

function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
}

// ---- The columns: every metric, then the share of the truth's colour.

const SHARE = { name: "share", head: data.share_head, unit: "%", better: null, decimals: 1, ideal: 100 };
const columns = [...data.metrics, SHARE];
const score = (row, column) => (column === SHARE ? row.share : row.scores[column.name]) ?? null;
const interval = (row, column) => (column === SHARE ? row.share_interval : row.intervals[column.name]) ?? null;
const contests = (row) => row.kind === "model" || row.kind === "output";

/** How much better a value is than another one: the sign counts. Colourfulness is best where the truth's is. */
function advantage(column, one, other, ideal) {
  if (column.better === true) return one - other;
  if (column.better === false) return other - one;
  return ideal == null ? 0 : Math.abs(other - ideal) - Math.abs(one - ideal);
}
const ideal = (column) => column.ideal ?? (column.better === null ? score(data.rows[0], column) : null);

function bestOf(column) {
  const rows = data.rows.filter((row) => contests(row) && score(row, column) != null);
  if (rows.length < 2) return null;
  return rows.reduce((best, row) => (advantage(column, score(row, column), score(best, column), ideal(column)) > 0 ? row : best));
}

function cell(value, ends, decimals, { bold = false, signed = false } = {}) {
  const node = make("td", { class: bold || null }, show(value, decimals, signed));
  if (value != null && ends) {
    node.append(make("small", {}, "\u00b1" + show((ends[1] - ends[0]) / 2, decimals)));
    node.title = `95 % interval: ${show(ends[0], decimals, signed)} to ${show(ends[1], decimals, signed)}`;
  }
  return node;
}

function head(corner, heads) {
  return make("thead", {}, make("tr", {}, make("th", { scope: "col" }, make("span", { class: "hidden" }, corner)), ...heads));
}

// ---- The table of scores.

let sorted = { column: null, up: false };

function drawScores() {
  const rows = [...data.rows];
  if (sorted.column) {
    const key = (row) => score(row, sorted.column);
    rows.sort((a, b) => {
      if (key(a) == null || key(b) == null) return (key(a) == null) - (key(b) == null);
      return sorted.up ? key(a) - key(b) : key(b) - key(a);
    });
  }
  const heads = columns.map((column) => {
    const active = sorted.column === column;
    const sort = () => {
      // First the best on top; then the other way round; then as it was.
      const first = column.better === false;
      if (!active) sorted = { column, up: first };
      else if (sorted.up === first) sorted = { column, up: !first };
      else sorted = { column: null, up: false };
      drawScores();
      $("scores").querySelectorAll("thead button")[columns.indexOf(column)].focus();
    };
    const arrow = active ? (sorted.up ? " \u25b2" : " \u25bc") : "";
    return make("th", { scope: "col", "aria-sort": active ? (sorted.up ? "ascending" : "descending") : null, title: column.source },
      make("button", { type: "button", onclick: sort }, column.head + arrow));
  });
  const bests = new Map(columns.map((column) => [column, bestOf(column)]));
  const body = rows.map((row) => make("tr", { class: row.measured ? null : "elsewhere" },
    make("th", { scope: "row", title: row.label }, row.label),
    ...columns.map((column) => cell(score(row, column), interval(row, column), column.decimals, { bold: bests.get(column) === row && "best" }))));
  $("scores").replaceChildren(head("row", heads), make("tbody", {}, ...body));
}

function drawDifferences() {
  if (!data.differences.length) return;
  $("differences-section").hidden = false;
  const body = columns.map((column) => make("tr", {}, make("th", { scope: "row", title: column.source }, column.head),
    ...data.differences.map((difference) => {
      const [value, ends] = difference.figures[column.name] ?? [null, null];
      const sure = ends && (ends[0] > 0 || ends[1] < 0);
      return cell(value, ends, column.decimals, { bold: sure && "sure", signed: true });
    })));
  const heads = data.differences.map((difference) => make("th", { scope: "col" }, difference.label));
  $("differences").replaceChildren(head("metric", heads), make("tbody", {}, ...body));
}

// ---- The plane of two metrics.

function svg(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text != null) node.textContent = text;
  return node;
}

function ticks(low, high) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const found = [];
  for (let index = Math.ceil(low / step); index * step <= high; index += 1) found.push(index * step);
  return found.map((value) => [value, value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))]);
}

function drawPlane() {
  const [across, up] = ["plane-x", "plane-y"].map((id) => columns[$(id).value]);
  const rows = data.rows.filter((row) => row.measured && score(row, across) != null && score(row, up) != null);
  const plane = $("plane");
  plane.replaceChildren();
  $("plane-text").textContent = rows.length ? rows.map((row) => `${row.label}: ${show(score(row, across), across.decimals)} and ${show(score(row, up), up.decimals)}`).join("; ") + "." : "No row has both.";
  if (!rows.length) return;
  const range = (column) => {
    const values = rows.flatMap((row) => [score(row, column), ...(interval(row, column) ?? [])]);
    const low = Math.min(...values), high = Math.max(...values);
    const margin = (high - low || Math.abs(high) || 1) * 0.12;
    return [low - margin, high + margin];
  };
  const [left, right, top, bottom] = [58, 500, 14, 292];
  const [xs, ys] = [range(across), range(up)];
  const x = (value) => left + ((value - xs[0]) / (xs[1] - xs[0])) * (right - left);
  const y = (value) => bottom - ((value - ys[0]) / (ys[1] - ys[0])) * (bottom - top);
  for (const [value, text] of ticks(...xs)) {
    plane.append(svg("line", { class: "grid", x1: x(value), x2: x(value), y1: top, y2: bottom }));
    plane.append(svg("text", { x: x(value), y: bottom + 17, "text-anchor": "middle" }, text.replace("-", MINUS)));
  }
  for (const [value, text] of ticks(...ys)) {
    plane.append(svg("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) }));
    plane.append(svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, text.replace("-", MINUS)));
  }
  plane.append(svg("text", { x: (left + right) / 2, y: 332, "text-anchor": "middle" }, across.head));
  plane.append(svg("text", { x: 14, y: (top + bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${(top + bottom) / 2})` }, up.head));
  const names = [];
  for (const row of rows) {
    const [px, py] = [x(score(row, across)), y(score(row, up))];
    const [h, v] = [interval(row, across), interval(row, up)];
    if (h) plane.append(svg("line", { class: "bar", x1: x(h[0]), x2: x(h[1]), y1: py, y2: py }));
    if (v) plane.append(svg("line", { class: "bar", x1: px, x2: px, y1: y(v[0]), y2: y(v[1]) }));
    plane.append(svg("circle", { class: `dot ${row.kind}`, cx: px, cy: py, r: 6 }));
    const end = px > (left + right) / 2;
    let ny = py - 10;
    while (names.some(([nx, taken]) => Math.abs(taken - ny) < 14 && Math.abs(nx - px) < 160)) ny += 14;
    names.push([px, ny]);
    plane.append(svg("text", { class: "name", x: px + (end ? -9 : 9), y: ny, "text-anchor": end ? "end" : "start" }, row.label));
  }
}

// ---- Single photos.

const painted = data.rows.filter((row) => row.single);
const ofPhotos = data.metrics.filter((metric) => metric.of_photos);
const value = (row, metric, photo) => row.single[metric.name]?.[photo] ?? null;
const truth = painted[0];

/** What all names begin with, up to a slash or the colon after a tar: cards need not say it. */
const prefix = (() => {
  let shared = data.names[0] ?? "";
  for (const name of data.names) while (!name.startsWith(shared)) shared = shared.slice(0, -1);
  return shared.slice(0, Math.max(shared.lastIndexOf("/"), shared.lastIndexOf(":")) + 1);
})();

/** Distance from the best there is, larger is worse; null where there is no figure. */
function badness(row, metric, photo) {
  const found = value(row, metric, photo);
  if (found == null) return null;
  return -advantage(metric, found, 0, metric.better === null ? value(truth, metric, photo) : null) || 0;
}

const encoded = new Map();
function picture(photo, row) {
  const place = data.pictures.index[photo];
  const at = painted.indexOf(row);
  if (place == null || at < 0) return null;
  if (!encoded.has(photo)) {
    if (encoded.size > 400) encoded.clear();
    encoded.set(photo, $(`photo-${place}`).textContent.split(","));
  }
  const text = encoded.get(photo)[at];
  return text ? `data:${data.pictures.type};base64,${text}` : null;
}

function image(photo, row, alt) {
  const source = picture(photo, row);
  return source ? make("img", { src: source, alt, loading: "lazy", decoding: "async" }) : make("span", { class: "none" }, "no picture");
}

let chosen = [];
let drawn = 0;

function choose() {
  const row = painted[$("shown").value], metric = ofPhotos[$("metric").value], order = $("order").value;
  const than = $("than").value, rival = painted[$("rival").value], wanted = $("search").value.trim().toLowerCase();
  $("rival").disabled = !than;
  chosen = data.names.map((_, index) => index).filter((photo) => {
    if (wanted && !data.names[photo].toLowerCase().includes(wanted)) return false;
    if (!than || !metric) return true;
    const [own, other] = [badness(row, metric, photo), badness(rival, metric, photo)];
    if (own == null || other == null) return false;
    return than === "better" ? own < other : own > other;
  });
  if (order === "name" || !metric) chosen.sort((a, b) => (data.names[a] < data.names[b] ? -1 : 1));
  else {
    const key = new Map(chosen.map((photo) => [photo, badness(row, metric, photo)]));
    const sign = order === "worst" ? -1 : 1;
    chosen.sort((a, b) => {
      if (key.get(a) == null || key.get(b) == null) return (key.get(a) == null) - (key.get(b) == null);
      return sign * (key.get(a) - key.get(b));
    });
  }
  $("count").textContent = `${chosen.length} of ${data.names.length} photos`;
  $("grid").replaceChildren();
  drawn = 0;
  drawMore();
}

function drawMore() {
  const row = painted[$("shown").value], metric = ofPhotos[$("metric").value];
  const cards = chosen.slice(drawn, drawn + STEP).map((photo) => {
    const name = data.names[photo];
    const figure = metric ? `${metric.name} ${show(value(row, metric, photo), metric.decimals)}${metric.unit ? "\u00a0" + metric.unit : ""}` : "";
    return make("li", {}, make("button", { type: "button", "data-photo": photo, "aria-label": `Compare ${name}${figure ? ", " + figure : ""}`, onclick: () => open(photo) },
      image(photo, row, ""), make("span", { class: "name", title: name }, make("bdi", {}, name.slice(prefix.length))), make("span", { class: "value" }, figure)));
  });
  $("grid").append(...cards);
  drawn += cards.length;
  $("more").parentElement.hidden = drawn >= chosen.length;
}

// ---- The viewer.

let current = 0;

function open(photo) {
  current = photo;
  drawViewer();
  if (!$("viewer").open) $("viewer").showModal();
  $("cut").focus();
}

function move(by) {
  const at = chosen.indexOf(current) + by;
  if (at >= 0 && at < chosen.length) open(chosen[at]);
}

function drawViewer() {
  const [left, right] = [painted[$("left").value], painted[$("right").value]];
  const name = data.names[current], at = chosen.indexOf(current);
  $("viewer-title").textContent = `${name} (${at + 1} of ${chosen.length})`;
  $("previous").disabled = at <= 0;
  $("next").disabled = at >= chosen.length - 1;
  for (const [id, row] of [["over", left], ["under", right]]) {
    const source = picture(current, row);
    $(id).alt = `${name}: ${row.label}${source ? "" : ", no picture"}`;
    $(id).onload = () => $("stage").style.setProperty("--shape", $(id).naturalWidth / $(id).naturalHeight);
    if (source) $(id).src = source;
    else $(id).removeAttribute("src");
  }
  $("tag-left").textContent = left.label;
  $("tag-right").textContent = right.label;
  $("cut").setAttribute("aria-label", `Divider: ${left.label} on the left, ${right.label} on the right`);
  $("strip").replaceChildren(...painted.map((row, index) => make("li", {}, make("button", {
    type: "button", "aria-pressed": String(row === left), title: row.label,
    onclick: () => { $("left").value = index; drawViewer(); $("strip").querySelectorAll("button")[index].focus(); },
  }, image(current, row, ""), make("span", { class: "name" }, row.label)))));
  const heads = ofPhotos.map((metric) => make("th", { scope: "col", title: metric.source }, metric.head));
  const body = painted.map((row) => make("tr", {}, make("th", { scope: "row" }, row.label),
    ...ofPhotos.map((metric) => make("td", {}, show(value(row, metric, current), metric.decimals)))));
  $("figures").replaceChildren(head("row", heads), make("tbody", {}, ...body));
}

function cut() {
  $("stage").style.setProperty("--cut", `${$("cut").value}%`);
  $("cut").setAttribute("aria-valuetext", `${$("cut").value} % of the left picture`);
}

function swap() {
  [$("left").value, $("right").value] = [$("right").value, $("left").value];
  drawViewer();
}

$("viewer").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
  const act = { PageDown: () => move(1), PageUp: () => move(-1), j: () => move(1), k: () => move(-1), x: swap }[event.key];
  if (act) { event.preventDefault(); act(); }
});
$("viewer").addEventListener("click", (event) => { if (event.target === $("viewer")) $("viewer").close(); });
$("viewer").addEventListener("close", () => $("grid").querySelector(`[data-photo="${current}"]`)?.focus());
$("close").addEventListener("click", () => $("viewer").close());
$("previous").addEventListener("click", () => move(-1));
$("next").addEventListener("click", () => move(1));
$("swap").addEventListener("click", swap);
$("cut").addEventListener("input", cut);
for (const id of ["left", "right"]) $(id).addEventListener("change", drawViewer);

// ---- Everything once.

$("facts").textContent = data.facts;
$("notes").replaceChildren(...data.notes.map((note) => make("li", {}, note)));
$("rules").replaceChildren(...data.rules.map((rule) => make("li", {}, rule)));
$("sources").replaceChildren(...data.metrics.flatMap((metric) => [make("dt", {}, metric.name), make("dd", {}, metric.source)]));
drawScores();
drawDifferences();

const heads = columns.map((column, index) => [String(index), column.head]);
fill($("plane-x"), heads, String(columns.length - 1));
const errors = ["psnr", "deltae", "mse"].map((name) => columns.findIndex((column) => column.name === name)).find((index) => index >= 0);
fill($("plane-y"), heads, String(errors ?? 0));
for (const id of ["plane-x", "plane-y"]) $(id).addEventListener("change", drawPlane);
drawPlane();

const labels = painted.map((row, index) => [String(index), row.label]);
const first = Math.max(0, painted.findIndex(contests));
fill($("shown"), labels, String(first));
fill($("rival"), labels, String(painted.findIndex((row) => row.kind === "baseline")));
fill($("left"), labels, String(first));
fill($("right"), labels, "0");
fill($("metric"), ofPhotos.map((metric, index) => [String(index), metric.name]), "0");
$("controls").addEventListener("input", choose);
$("controls").addEventListener("submit", (event) => event.preventDefault());
$("more").addEventListener("click", () => {
  const next = drawn;
  drawMore();
  $("grid").children[next]?.querySelector("button").focus();
});
if ("IntersectionObserver" in window) {
  new IntersectionObserver((entries) => { if (entries[0].isIntersecting && drawn < chosen.length) drawMore(); }, { rootMargin: "600px" }).observe($("more").parentElement);
}
cut();
choose();
