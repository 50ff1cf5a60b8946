// Data, columns, numbers as text, and what is selected and filtered.
const DATA = JSON.parse(document.getElementById('data').textContent);
const N = DATA.num_rows;
const $ = (id) => document.getElementById(id);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const listeners = { filter: [], select: [], draw: [] };
const tell = (event) => listeners[event].forEach((call) => call());
const state = { selected: -1, visible: new Uint8Array(N).fill(1), num: N, filters: new Map() };

const PALETTE = ['#3b78b5', '#d1712c', '#3f9461', '#b8508f', '#8a6fc0', '#a98a1f', '#4aa3b5', '#8a5a44'];
const WHOLE = new Intl.NumberFormat('en-US'); // made once: toLocaleString makes one each time

function make(tag, text, attributes) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  return element;
}

function short(value, digits = 3) { // for ticks
  if (value === 0) return '0';
  const size = Math.abs(value);
  for (const [unit, name] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (size >= unit && (size >= 1e4 || unit > 1e3)) return trim(value / unit, digits) + name;
  }
  return size < 1e-4 ? String(Number(value.toPrecision(digits))) : trim(value, digits);
}

function exactly(value) { // all digits that the value has, so no two ticks look the same
  for (const digits of [3, 4]) if (Number(value.toPrecision(digits)) === value) return short(value, digits);
  return Number.isInteger(value) && Math.abs(value) < 1e10 ? WHOLE.format(value) : trim(value, 12);
}

function trim(value, digits) {
  const text = value.toPrecision(digits);
  return text.includes('e') ? String(Number(text)) : text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function number(value) {
  if (typeof value !== 'number') return value === null ? 'none' : String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e10) return WHOLE.format(value);
  const size = Math.abs(value);
  if (size >= 1e4 && size < 1e10) return WHOLE.format(Math.round(value));
  return size >= 1e10 || (size && size < 1e-4) ? value.toExponential(3) : trim(value, 4);
}

function setting(parameter, value) {
  if (value === null) return 'none';
  if (parameter.unit === 'B' && Number.isInteger(value) && value >= 1024) {
    for (const [unit, name] of [[1 << 30, 'GiB'], [1 << 20, 'MiB'], [1 << 10, 'KiB']]) {
      if (value % unit === 0) return `${value / unit} ${name}`;
    }
  }
  if (typeof value === 'number') return number(value) + (parameter.unit ? ` ${parameter.unit}` : '');
  return String(value);
}

const indexOf = (row) => (DATA.index ? DATA.index[row] : row);
const rowOf = new Map();
for (let row = 0; row < N; row++) rowOf.set(indexOf(row), row);

// An axis places every row between 0 and 1.
function parameterAxis(parameter) {
  const count = parameter.values.length;
  const place = (code) => (count === 1 ? 0.5 : 0.04 + (0.92 * code) / (count - 1));
  const at = Float32Array.from(parameter.codes, place);
  const every = Math.ceil(count / 9), texts = parameter.values.map((value) => setting(parameter, value));
  const isTold = new Set(texts).size === count;
  const ticks = parameter.values.map((value, code) => ({ at: place(code), text: isTold ? texts[code] : String(value) }))
    .filter((_, code) => code % every === 0);
  const value = (row) => parameter.values[parameter.codes[row]];
  return { key: parameter.path, label: parameter.short, unit: parameter.unit, parameter, at, ticks, value,
    text: (row) => setting(parameter, value(row)), toValue: (u) => u, isParameter: true, place };
}

function metricAxis(metric) {
  const values = Float64Array.from(metric.values);
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  const isLog = low > 0 && high / low > 25;
  const f = isLog ? Math.log10 : (x) => x;
  let [start, end] = [f(low), f(high)];
  const margin = (end - start) * 0.04 || Math.abs(start) * 0.1 || 1;
  [start, end] = [start - margin, end + margin];
  if (!isLog && low >= 0 && start < 0) start = 0;
  const place = (value) => (f(value) - start) / (end - start);
  const at = new Float32Array(N);
  for (let row = 0; row < N; row++) at[row] = place(values[row]);
  const toValue = (u) => { const x = start + u * (end - start); return isLog ? 10 ** x : x; };
  const ticks = ticksOf(values, low, high, isLog ? logTicks(toValue(0), toValue(1)) : linearTicks(start, end))
    .map((value) => ({ at: place(value), text: low === high ? number(value) : exactly(value) }));
  return { key: metric.name, label: metric.name, unit: metric.unit, metric, at, ticks, isLog, place, toValue,
    value: (row) => values[row], text: (row) => number(values[row]), isParameter: false };
}

function ticksOf(values, low, high, found) { // one where all are equal, few where they take many digits
  if (low >= high) return low === high ? [low] : [];
  if (values.every(Number.isInteger)) found = found.filter(Number.isInteger);
  const isLong = found.some((value) => value && Number(value.toPrecision(4)) !== value);
  return isLong && found.length > 3 ? [found[0], found[(found.length - 1) >> 1], found[found.length - 1]] : found;
}

function linearTicks(low, high, most = 6) {
  const raw = (high - low) / most, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= raw);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

function logTicks(low, high) {
  const tens = Math.log10(high / low), found = [];
  const factors = tens > 3.5 ? [1] : tens > 1.6 ? [1, 3] : [1, 2, 3, 5];
  for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
    for (const factor of factors) {
      const value = Number((factor * 10 ** e).toPrecision(6));
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found;
}

const NO_NUMBERS = 'No design has numbers: the reasons are at the end of the page.';
const AXES = [...DATA.parameters.map(parameterAxis), ...DATA.metrics.map(metricAxis)];
const AXIS = new Map(AXES.map((axis) => [axis.key, axis]));
const FRONT = new Uint8Array(N);
DATA.front.forEach((row) => { FRONT[row] = 1; });
const FEASIBLE = new Uint8Array(N).fill(1);
for (const { metric, minimum, maximum } of DATA.constraints) {
  const axis = AXIS.get(metric);
  for (let row = 0; axis && row < N; row++) if (misses(axis.value(row), minimum, maximum)) FEASIBLE[row] = 0;
}

function misses(value, minimum, maximum) { // the bound that a value does not meet, or null
  if (typeof value !== 'number') return null;
  return minimum !== null && value < minimum ? minimum : maximum !== null && value > maximum ? maximum : null;
}

function missed(row) { // in words: each constraint that a design misses, and by how much
  const found = [];
  for (const { name, metric, minimum, maximum } of DATA.constraints) {
    const axis = AXIS.get(metric), value = axis ? axis.value(row) : null, bound = misses(value, minimum, maximum);
    if (bound === null) continue;
    const isOver = value > bound, share = Math.abs(value - bound) / Math.abs(bound);
    const off = !bound ? `by ${number(Math.abs(value - bound))}` : share >= 9 && isOver && bound > 0
      ? `${number(Math.round(value / bound - 1e-9))} times as much` : `${share < 0.0005 ? 'less than 0.1 %' : percent(share)} ${isOver ? 'more' : 'less'}`;
    const limit = `${isOver ? 'at most' : 'at least'} ${number(bound)} ${named(axis) ? '' : axis.unit}`.trim();
    found.push(`misses ${name}: ${axis.text(row)}, ${limit} (${off})`);
  }
  return found;
}

function select(row) {
  if (row < 0 || row >= N) return;
  state.selected = row;
  tell('select');
}

function setFilter(key, range) { // [low, high] along the axis, or null
  if (range) state.filters.set(key, range); else state.filters.delete(key);
  const visible = state.visible.fill(1);
  for (const [name, [low, high]] of state.filters) {
    const at = AXIS.get(name).at;
    for (let row = 0; row < N; row++) if (at[row] < low || at[row] > high) visible[row] = 0;
  }
  state.num = visible.reduce((sum, one) => sum + one, 0);
  tell('filter');
}

// A canvas with its size in CSS pixels; `draw` gets a context that is clean.
function layer(box) {
  const canvas = box.appendChild(make('canvas', null, { 'aria-hidden': 'true' }));
  return { canvas, begin() {
    const ratio = window.devicePixelRatio || 1, width = box.clientWidth, height = box.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const g = canvas.getContext('2d');
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    return { g, width, height };
  } };
}

function haloed(g, lines, right, middle) { // text that ends at a place, and no line crosses it
  const top = middle - (13 * (lines.length - 1)) / 2, ink = g.fillStyle;
  g.textAlign = 'right'; g.textBaseline = 'middle';
  g.fillStyle = css('--bg'); g.globalAlpha = 0.9;
  lines.forEach((line, i) => { const wide = g.measureText(line).width; g.fillRect(right - 1 - wide, top - 8 + 13 * i, wide + 2, 15); });
  g.globalAlpha = 1; g.fillStyle = ink;
  lines.forEach((line, i) => g.fillText(line, right, top + 13 * i));
}

function inLines(g, text, width) { // words with underscores in as many lines as they take
  const found = [''];
  for (const part of text.split(/(?<=_)/)) {
    const last = found[found.length - 1];
    if (last && g.measureText(last + part).width > width) found.push(part); else found[found.length - 1] = last + part;
  }
  return found.map((line) => clip(g, line, width));
}

function clip(g, text, width) { // the text, cut to a width
  if (g.measureText(text).width <= width) return text;
  let most = text.length;
  while (most > 1 && g.measureText(text.slice(0, most) + '…').width > width) most--;
  return text.slice(0, most) + '…';
}

function placeTip(tip, box, x, y, lines) {
  tip.replaceChildren(...lines.map((line) => make('div', line)));
  tip.hidden = false;
  const left = x + 14 + tip.offsetWidth > box.clientWidth ? x - 14 - tip.offsetWidth : x + 14;
  tip.style.left = `${Math.max(2, left)}px`;
  tip.style.top = `${Math.max(2, Math.min(y + 10, box.clientHeight - tip.offsetHeight - 4))}px`;
}

const named = (axis) => !axis.unit || axis.unit.toLowerCase() === axis.label.replaceAll('_', ' ').toLowerCase();
const withUnit = (axis) => (named(axis) ? axis.label : `${axis.label} (${axis.unit})`);
const summary = (row) => [`design ${indexOf(row)}${FRONT[row] ? ', on the front' : ''}`,
  ...AXES.filter((axis) => !axis.isParameter && DATA.objectives.some((o) => o.metric === axis.key))
    .map((axis) => `${axis.label} ${axis.text(row)} ${axis.unit}`),
  ...DATA.parameters.map((p, i) => `${p.short} ${AXES[i].text(row)}`)];
