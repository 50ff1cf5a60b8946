// One design: when each unit works on which layer, and what lies where in the scratchpad.
const KEPT = { a: 'a block of activations', b: 'the ring of weights', o: 'a block’s results' };
const isOfLayers = (detail) => detail.basis === 'layers';
const UNITS = ['load', 'array.a', 'array.b', 'array.core', 'array.o', 'store'];

function hue(names) { // a colour for each name, in their order
  const place = new Map(names.map((name, i) => [name, i]));
  return (name) => (names.length <= PALETTE.length ? PALETTE[place.get(name) % PALETTE.length]
    : `hsl(${(place.get(name) * 137.5) % 360} 45% 52%)`);
}

function keys(list, names, color) {
  list.replaceChildren(...names.slice(0, 16).map((name) => {
    const item = make('span'), mark = item.appendChild(make('i'));
    mark.style.background = color(name);
    item.append(fit(name, 40));
    return item;
  }));
  if (names.length > 16) list.append(make('span', `and ${names.length - 16} more`));
}

function ruler(add, end, x, top, bottom, every) {
  for (const value of linearTicks(0, end, every)) {
    add('line', { x1: x(value), x2: x(value), y1: top, y2: bottom, class: 'grid' });
    add('text', { x: x(value), y: bottom + 15, 'text-anchor': 'middle', class: 'soft' }, short(value));
  }
}

function gantt(detail) {
  const units = UNITS.filter((unit) => detail.spans.some((span) => span.unit === unit));
  const box = $('gantt'), zoom = Number($('gantt-zoom').value), left = 82, row = 26;
  const width = Math.max(600, box.clientWidth - 2) * zoom, bottom = row * units.length + 6;
  const x = (cycle) => left + (cycle / detail.cycles) * (width - left - 24);
  const { svg, add } = drawing(width, bottom + 22, 'when each unit works on which layer, in cycles');
  const names = detail.layers.map((layer) => layer.name), color = hue(names);
  ruler(add, detail.cycles, x, 0, bottom, 8 * zoom);
  units.forEach((unit, place) => add('text', { x: left - 8, y: row * place + 19, 'text-anchor': 'end' }, unit));
  for (const span of detail.spans) {
    const y = row * units.indexOf(span.unit) + 4;
    const bar = add('rect', { x: x(span.start), y, width: Math.max(1, x(span.end) - x(span.start)), height: row - 6, fill: color(span.layer), class: 'stay' },
      null, `${span.unit}, ${span.layer}: cycles ${number(span.start)} to ${number(span.end)} (${number(span.end - span.start)})`);
    if (span.unit === 'load' || span.unit === 'store') bar.setAttribute('fill-opacity', '0.85');
  }
  box.replaceChildren(svg);
  keys($('gantt-keys'), names, color);
  const bar = isOfLayers(detail) ? (detail.are_spans_joined ? 'a layer, all its repeats together' : 'a run of a layer') : 'a command';
  $('gantt-note').textContent = isOfLayers(detail)
    ? `By the laws, each bar ${bar}: load until the last word that the array waits for, the array from its first step to its last, store from the first whole panel to the last response.`
    : detail.are_spans_joined ? 'Commands are drawn together where there are too many.' : 'Each bar is a command.';
}

function memoryMap(detail) {
  const box = $('memory'), left = 66, height = 260, top = 8, inner = height - 44;
  const width = Math.max(480, box.clientWidth - 2);
  const x = (step) => left + (step / Math.max(1, detail.num_steps)) * (width - left - 124);
  const y = (word) => top + inner * (1 - word / detail.scratchpad_words);
  const { svg, add } = drawing(width, height + 8, 'what lies where in the scratchpad, step by step');
  const kind = (stay) => (isOfLayers(detail) ? KEPT[stay.banks] : stay.tensor);
  const reserved = new Set(detail.stays.filter((stay) => stay.is_reserved).map(kind));
  const tensors = [...new Set(detail.stays.map(kind))].filter((name) => !reserved.has(name)), colors = hue(tensors);
  const names = [...tensors, ...reserved], greys = [...reserved];
  const color = (name) => (reserved.has(name) ? css(`--kept-${greys.indexOf(name) % 2}`) : colors(name));
  ruler(add, detail.num_steps, x, top, top + inner, 10);
  for (const word of [0, 0.25, 0.5, 0.75, 1].map((share) => share * detail.scratchpad_words)) {
    add('line', { x1: left, x2: x(detail.num_steps), y1: y(word), y2: y(word), class: 'grid' });
    add('text', { x: left - 6, y: y(word) + 4, 'text-anchor': 'end', class: 'soft' }, setting({ unit: 'B' }, word * detail.word_bytes));
  }
  const ranges = new Map();
  for (const stay of detail.stays) {
    const known = ranges.get(stay.banks) || [Infinity, 0];
    ranges.set(stay.banks, [Math.min(known[0], stay.start), Math.max(known[1], stay.start + stay.words)]);
    add('rect', { x: x(stay.from_step), y: y(stay.start + stay.words), width: Math.max(1, x(stay.to_step) - x(stay.from_step)), height: Math.max(1, y(stay.start) - y(stay.start + stay.words)), fill: color(kind(stay)), class: stay.words * inner > 4 * detail.scratchpad_words ? 'stay' : '' },
      null, `${stay.tensor}: ${number(stay.words * detail.word_bytes)} bytes ${stay.is_reserved ? 'reserved ' : ''}at ${number(stay.start * detail.word_bytes)}${isOfLayers(detail) ? '' : `, steps ${stay.from_step} to ${stay.to_step}`}`);
  }
  for (const [name, [low, high]] of ranges) add('text', { x: x(detail.num_steps) + 8, y: y((low + high) / 2) + 4, class: 'soft' }, fit(`banks ${name}`, 20));
  add('text', { x: (left + x(detail.num_steps)) / 2, y: height + 4, 'text-anchor': 'middle' }, `step (${detail.step})`);
  box.replaceChildren(svg);
  keys($('memory-keys'), names, color);
  $('memory-note').textContent = isOfLayers(detail) ? 'A list of separate layers has no plan of memory over time. What there is: the tiles that the streaming schedule keeps of each layer while it runs, in three ranges of banks that all layers share.'
    : reserved.size ? 'Grey is reserved for the whole program: weights pass through a ring of slots, results wait in theirs until they are stored.' : '';
  if (detail.num_stays_left_out) $('memory-keys').append(make('span', `${number(detail.num_stays_left_out)} smaller ones are left out`));
}

function offChip(detail) { // where the tensors lie, by address
  const hex = (address) => `0x${address.toString(16).padStart(6, '0')}`;
  $('off-chip').hidden = !detail.memory.length;
  $('off-chip-body').replaceChildren(...detail.memory.map((item) => {
    const line = make('tr');
    line.append(make('td', item.tensor), ...[hex(item.start), hex(item.start + item.size), number(item.size)].map((text) => make('td', text, { class: 'n' })), make('td', item.layout));
    return line;
  }));
}

// Everything of the selected design, and of the page when its width or colours change.
function drawDetail() {
  const detail = DATA.details[indexOf(state.selected)];
  if (!detail) return;
  $('detail-name').textContent = DATA.name || `design ${indexOf(state.selected)}`;
  $('detail-sentence').textContent = detail.sentence;
  $('detail-basis').textContent = isOfLayers(detail)
    ? `${number(detail.layers.length)} layers one after the other, each by the laws in closed form; they sum to the cycles and bytes of the table above.`
    : 'The compiled program, timed event by event.';
  [waterfall, layerTable, roofline, traffic, whatIfs, gantt, memoryMap, offChip].forEach((draw) => draw(detail));
}

listeners.select.push(drawDetail);
$('gantt-zoom').addEventListener('input', () => gantt(DATA.details[indexOf(state.selected)]));
function drawAll() {
  tell('draw');
  if (state.selected >= 0) drawDetail();
}
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
let waiting = 0;
let pageWidth = window.innerWidth;
window.addEventListener('resize', () => {
  if (window.innerWidth === pageWidth) return;
  pageWidth = window.innerWidth;
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(drawAll);
});
tell('draw');
if (DATA.first >= 0) select(DATA.first);
document.documentElement.dataset.ready = 'yes';
