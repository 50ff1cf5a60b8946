// One design: where its cycles go, its roofline, what it moves.
const CAUSES = [['ideal', 'useful work'], ['mapping', 'padding'], ['fill', 'fill and drain'], ['memory', 'waiting for memory'], ['control', 'control']];
const NS = 'http://www.w3.org/2000/svg';

function drawing(width, height, label) {
  const svg = document.createElementNS(NS, 'svg');
  for (const [name, value] of [['width', width], ['height', height], ['viewBox', `0 0 ${width} ${height}`], ['role', 'img'], ['aria-label', label]]) svg.setAttribute(name, value);
  const add = (tag, attributes, text, title) => {
    const element = svg.appendChild(document.createElementNS(NS, tag));
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined && text !== null) element.textContent = text;
    if (title) element.appendChild(document.createElementNS(NS, 'title')).textContent = title;
    return element;
  };
  return { svg, add };
}

const fit = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

function waterfall(detail) {
  const lines = [{ name: 'all layers', cycles: detail.cycles, waterfall: detail.waterfall }, ...detail.layers];
  const left = 128, right = 96, width = Math.max(420, $('waterfall').clientWidth), inner = width - left - right;
  const row = lines.length > 16 ? 20 : 26; // of many layers more fit on a screen
  const { svg, add } = drawing(width, row * lines.length + 16, 'cycles of each layer by cause');
  const longest = Math.max(...detail.layers.map((layer) => layer.cycles));
  lines.forEach((line, place) => {
    const y = 4 + row * place + (place ? 6 : 0), scale = inner / (place ? longest : detail.cycles);
    add('text', { x: left - 8, y: y + row / 2 + 1, 'text-anchor': 'end' }, fit(line.name, 17), line.name);
    let x = left;
    for (const [cause, words] of CAUSES) {
      const cycles = line.waterfall[cause], wide = cycles * scale;
      if (cycles) add('rect', { x, y, width: Math.max(0.5, wide), height: row - 6, class: cause }, null, `${line.name}: ${words} ${number(cycles)} cycles, ${percent(cycles / line.cycles)}`);
      x += wide;
    }
    add('text', { x: x + 6, y: y + row / 2 + 1, class: place ? 'soft' : '' }, number(line.cycles));
  });
  $('waterfall').replaceChildren(svg);
}

function layerTable(detail) {
  const body = $('layers-body'), roofs = detail.layers.map((layer) => roof(detail, layer));
  const cells = (line, layer, texts) => texts.forEach((text, place) => line.append(make(place ? 'td' : 'th', text, { class: place ? 'n' : '' })));
  body.replaceChildren(...detail.layers.map((layer, place) => {
    const line = make('tr'), w = layer.waterfall;
    cells(line, layer, [layer.name, `${layer.repeats > 1 ? `${number(layer.repeats)} times ` : ''}${layer.m} x ${layer.k} x ${layer.n}`, number(layer.macs), number(layer.cycles),
      percent(layer.macs / (layer.cycles * detail.macs_per_cycle)), ...CAUSES.map(([cause]) => number(w[cause])),
      number(layer.bytes_read), number(layer.bytes_written), roofs[place].intensity.toPrecision(3)]);
    return line;
  }));
  const total = make('tr'), sum = (key) => detail.layers.reduce((all, layer) => all + layer[key], 0);
  cells(total, null, ['all', '', number(sum('macs')), number(detail.cycles), percent(detail.utilisation), ...CAUSES.map(([cause]) => number(detail.waterfall[cause])), number(sum('bytes_read')), number(sum('bytes_written')), '']);
  body.append(total);
  $('utilisation').textContent = `Utilisation ${percent(detail.utilisation)} of ${number(detail.macs_per_cycle)} MAC per cycle, weighted by cycles; ${percent(detail.mean_utilisation)} as a mean over the layers.`;
}

function roof(detail, layer) { // reads and writes go on at once: the busier direction counts
  const bytes = Math.max(layer.bytes_read, layer.bytes_written, 1);
  return { intensity: layer.macs / bytes, speed: layer.macs / layer.cycles,
    bound: Math.min(detail.macs_per_cycle, (layer.macs / bytes) * detail.bytes_per_cycle) };
}

function roofline(detail) {
  const box = $('roofline'), width = Math.max(400, box.clientWidth), height = 262, edge = { left: 58, right: 20, top: 16, bottom: 44 };
  const points = detail.layers.map((layer) => ({ layer, ...roof(detail, layer) }));
  const ridge = detail.macs_per_cycle / detail.bytes_per_cycle, xs = [ridge, ...points.map((p) => p.intensity)];
  const low = [Math.min(...xs) / 2.5, Math.min(detail.macs_per_cycle, ...points.map((p) => p.speed)) / 2];
  const high = [Math.max(...xs) * 2.5, detail.macs_per_cycle * 1.6];
  const place = (value, i) => Math.log(value / low[i]) / Math.log(high[i] / low[i]);
  const x = (value) => edge.left + place(value, 0) * (width - edge.left - edge.right);
  const y = (value) => height - edge.bottom - place(value, 1) * (height - edge.top - edge.bottom);
  const { svg, add } = drawing(width, height, 'roofline of each layer');
  for (const value of logTicks(low[0], high[0])) {
    add('line', { x1: x(value), x2: x(value), y1: edge.top, y2: height - edge.bottom, class: 'grid' });
    add('text', { x: x(value), y: height - edge.bottom + 16, 'text-anchor': 'middle', class: 'soft' }, short(value));
  }
  for (const value of logTicks(low[1], high[1])) {
    add('line', { x1: edge.left, x2: width - edge.right, y1: y(value), y2: y(value), class: 'grid' });
    add('text', { x: edge.left - 6, y: y(value) + 4, 'text-anchor': 'end', class: 'soft' }, short(value));
  }
  const start = Math.max(low[0], low[1] / detail.bytes_per_cycle);
  add('path', { d: `M${x(start)} ${y(start * detail.bytes_per_cycle)}L${x(ridge)} ${y(detail.macs_per_cycle)}L${x(high[0])} ${y(detail.macs_per_cycle)}`, class: 'roof' });
  const slow = new Set([...points].sort((a, b) => a.speed - b.speed).slice(0, 3)); // of many these have names
  const used = [];
  for (const point of points) {
    const cx = x(point.intensity), cy = y(point.speed);
    add('circle', { cx, cy, r: 5.5, class: 'dot' }, null, `${point.layer.name}: ${point.speed.toPrecision(3)} of at most ${point.bound.toPrecision(3)} MAC per cycle`);
    if (points.length > 12 && !slow.has(point)) continue;
    let ty = cy + (points.length > 12 ? 20 : 4); // below the crowd; names that would lie on one another move down
    while (used.some(([ux, uy]) => Math.abs(ux - cx) < 90 && Math.abs(uy - ty) < 13)) ty += 13;
    used.push([cx, ty]);
    const isRight = cx < width - 130;
    add('text', { x: cx + (isRight ? 9 : -9), y: ty, 'text-anchor': isRight ? 'start' : 'end' }, fit(point.layer.name, 16));
  }
  add('text', { x: (edge.left + width - edge.right) / 2, y: height - 8, 'text-anchor': 'middle' }, 'MACs per byte of the busier direction');
  add('text', { transform: `translate(14 ${(edge.top + height - edge.bottom) / 2}) rotate(-90)`, 'text-anchor': 'middle' }, 'MACs per cycle');
  box.replaceChildren(svg);
  $('roofline-note').textContent = `The roof: ${number(detail.macs_per_cycle)} MACs per cycle, ${detail.bytes_per_cycle} bytes per cycle in each direction.`;
}

function traffic(detail) {
  const box = $('traffic'), shown = detail.traffic.slice(0, 14), left = 196, right = 110;
  const width = Math.max(420, box.clientWidth), inner = width - left - right;
  const most = Math.max(1, ...shown.map((t) => t.bytes_read + t.bytes_written));
  const { svg, add } = drawing(width, 22 * shown.length + 4, 'bytes of each tensor over the memory port');
  shown.forEach((tensor, place) => {
    const y = 2 + 22 * place, total = tensor.bytes_read + tensor.bytes_written, wide = (tensor.bytes_read / most) * inner;
    add('text', { x: left - 8, y: y + 13, 'text-anchor': 'end' }, fit(tensor.tensor, 28), tensor.tensor);
    add('rect', { x: left, y, width: wide, height: 16, class: 'read' }, null, `${tensor.tensor}: ${number(tensor.bytes_read)} bytes read`);
    add('rect', { x: left + wide, y, width: (tensor.bytes_written / most) * inner, height: 16, class: 'written' }, null, `${tensor.tensor}: ${number(tensor.bytes_written)} bytes written`);
    add('text', { x: left + (total / most) * inner + 6, y: y + 13, class: 'soft' }, `${number(total)} B`);
  });
  box.replaceChildren(svg);
  if (detail.traffic.length > shown.length) box.append(make('p', `and ${detail.traffic.length - shown.length} smaller ones`, { class: 'soft small' }));
}

function changeText(cycles, before) {
  const share = Math.abs(1 - cycles / before);
  if (share < 0.0005) return cycles === before ? 'no change' : `less than 0.1 % ${cycles < before ? 'faster' : 'slower'}`;
  return `${cycles < before ? '-' : '+'}${percent(share)}`;
}

function oneOfEachKey(detail) { // the best value of each key that was tried, then what was timed besides
  const told = new Map();
  for (const one of [...detail.tried, ...detail.what_ifs.slice(1)]) {
    const key = one.change.split(':')[0];
    if (!told.has(key)) told.set(key, one);
  }
  return [...told.values()].sort((a, b) => a.cycles - b.cycles);
}

function knownFrom(one) {
  const where = Number.isInteger(one.design) ? `design ${one.design}${one.breaks ? `, which fails ${one.breaks}` : ''}`
    : 'estimated anew';
  return one.is_share ? `${where}; for the same samples` : where;
}

function whatIfs(detail) {
  const lines = [{ ...detail.what_ifs[0], where: 'the same schedule' }, ...oneOfEachKey(detail)];
  $('what-ifs').replaceChildren(...lines.map((change) => {
    const line = make('tr');
    line.append(make('td', change.change), make('td', number(change.cycles), { class: 'n' }),
      make('td', changeText(change.cycles, detail.cycles), { class: 'n' }),
      make('td', change.where || knownFrom(change), { class: 'soft' }));
    return line;
  }));
}
