// Two columns against each other; designs of the front in front, the selected one ringed.
const scatter = (() => {
  const box = $('scatter'), back = layer(box), over = layer(box);
  const tip = box.appendChild(make('div', null, { class: 'tip', hidden: '' }));
  const xs = $('scatter-x'), ys = $('scatter-y'), by = $('scatter-color'), hide = $('scatter-hide');
  const EDGE = { left: 66, right: 18, top: 14, bottom: 44 };
  const px = new Float32Array(N), py = new Float32Array(N);
  let hovered = -1;

  for (const axis of AXES) {
    for (const list of [xs, ys]) list.append(make('option', withUnit(axis), { value: axis.key }));
    if (axis.isParameter) by.append(make('option', axis.label, { value: axis.key }));
  }
  const wanted = [...DATA.objectives.map((o) => o.metric), ...DATA.metrics.map((m) => m.name)];
  xs.value = wanted[0];
  ys.value = wanted.find((name) => name !== wanted[0]) || wanted[0];

  function shownRow(row) { return state.visible[row] && (FEASIBLE[row] || !hide.checked); }

  function colorOf(axis) {
    if (!axis) return () => css('--point');
    const count = axis.parameter.values.length;
    const colors = axis.parameter.values.map((_, code) => (count <= PALETTE.length ? PALETTE[code]
      : `hsl(${250 - (230 * code) / (count - 1)} 62% 50%)`));
    return (row) => colors[axis.parameter.codes[row]];
  }

  function frame(g, width, height, x, y) {
    const right = width - EDGE.right, bottom = height - EDGE.bottom;
    g.strokeStyle = css('--line'); g.fillStyle = css('--soft'); g.lineWidth = 1;
    g.beginPath();
    g.textAlign = 'center'; g.textBaseline = 'top';
    for (const tick of x.ticks) {
      const at = EDGE.left + tick.at * (right - EDGE.left);
      g.moveTo(at, EDGE.top); g.lineTo(at, bottom);
      g.fillText(clip(g, tick.text, 150), at, bottom + 6);
    }
    g.textAlign = 'right'; g.textBaseline = 'middle';
    for (const tick of y.ticks) {
      const at = bottom - tick.at * (bottom - EDGE.top);
      g.moveTo(EDGE.left, at); g.lineTo(right, at);
      g.fillText(clip(g, tick.text, EDGE.left - 26), EDGE.left - 6, at);
    }
    g.stroke();
    g.fillStyle = css('--ink'); g.textAlign = 'center'; g.textBaseline = 'alphabetic';
    g.fillText(withUnit(x) + better(x), (EDGE.left + right) / 2, height - 8);
    g.save();
    g.translate(14, (EDGE.top + bottom) / 2); g.rotate(-Math.PI / 2);
    g.fillText(withUnit(y) + better(y), 0, 0);
    g.restore();
  }

  function better(axis) {
    const goal = DATA.objectives.find((o) => o.metric === axis.key);
    return goal ? (goal.direction === 'min' ? ', less is better' : ', more is better') : '';
  }

  function bounds(g, width, height, x, y) { // constraints as broken lines
    const right = width - EDGE.right, bottom = height - EDGE.bottom, used = new Map();
    const beyond = (axis, text, isHigh) => { // at the end of the axis where the bound lies
      const isX = axis === x, place = `${isX} ${isHigh}`, lines = used.get(place) || 0;
      used.set(place, lines + 1);
      g.save(); g.setLineDash([]);
      const words = `${text} ${isX ? (isHigh ? '→' : '←') : isHigh ? '↑' : '↓'}`;
      const down = isX ? bottom - 12 - 16 * lines : isHigh ? EDGE.top + 8 + 16 * lines : bottom - 28 - 16 * lines;
      haloed(g, [words], isX && isHigh ? right - 4 : EDGE.left + 5 + g.measureText(words).width, down);
      g.restore();
    };
    g.save(); g.setLineDash([5, 4]); g.strokeStyle = css('--bad'); g.fillStyle = css('--bad');
    for (const { metric, minimum, maximum } of DATA.constraints) for (const bound of [minimum, maximum]) {
      for (const axis of [x, y]) {
        if (bound === null || axis.key !== metric || axis.isParameter) continue;
        const at = axis.place(bound);
        if (!(at >= 0 && at <= 1)) {
          beyond(axis, `${metric}: ${bound === minimum ? 'min' : 'max'} ${number(bound)} beyond`, at > 1);
          continue;
        }
        g.beginPath();
        if (axis === x) {
          const sx = EDGE.left + at * (right - EDGE.left);
          g.moveTo(sx, EDGE.top); g.lineTo(sx, bottom);
          g.textAlign = at > 0.8 ? 'right' : 'left'; g.fillText(`limit ${number(bound)}`, sx + (at > 0.8 ? -4 : 4), EDGE.top + 10);
        } else {
          const sy = bottom - at * (bottom - EDGE.top);
          g.moveTo(EDGE.left, sy); g.lineTo(right, sy);
          g.textAlign = 'right'; g.fillText(`limit ${number(bound)}`, right - 4, at > 0.9 ? sy + 13 : sy - 5);
        }
        g.stroke();
      }
    }
    g.restore();
  }

  function empty(g, width, height) {
    g.fillStyle = css('--ink'); g.textAlign = 'center';
    g.fillText(NO_NUMBERS, width / 2, height / 2);
  }

  function draw() {
    const started = performance.now();
    const { g, width, height } = back.begin();
    if (!N) { empty(g, width, height); return; }
    const x = AXIS.get(xs.value), y = AXIS.get(ys.value), color = colorOf(AXIS.get(by.value));
    EDGE.left = Math.min(150, Math.max(66, ...y.ticks.map((tick) => 28 + g.measureText(tick.text).width)));
    const w = width - EDGE.left - EDGE.right, h = height - EDGE.top - EDGE.bottom;
    frame(g, width, height, x, y);
    const taken = new Uint8Array(Math.ceil(width) * Math.ceil(height));
    const size = N > 20000 ? 2 : N > 3000 ? 3 : 5, across = Math.ceil(width);
    const faint = css('--faint');
    for (let row = 0; row < N; row++) {
      px[row] = EDGE.left + x.at[row] * w;
      py[row] = EDGE.top + (1 - y.at[row]) * h;
    }
    for (const isFeasible of [0, 1]) {
      g.globalAlpha = isFeasible ? (N > 3000 ? 0.75 : 0.65) : 0.6;
      let last = '';
      for (let row = 0; row < N; row++) {
        if (FEASIBLE[row] !== isFeasible || FRONT[row] || !shownRow(row)) continue;
        const cell = (py[row] | 0) * across + (px[row] | 0), mark = isFeasible + 1;
        if (N > 3000 && taken[cell] === mark) continue; // drawn already
        taken[cell] = mark;
        const fill = isFeasible ? color(row) : faint;
        if (fill !== last) { g.fillStyle = fill; last = fill; }
        g.fillRect(px[row] - size / 2, py[row] - size / 2, size, size);
      }
    }
    g.globalAlpha = 1;
    bounds(g, width, height, x, y);
    front(g, by.value ? color : () => css('--accent'));
    drawOver();
    box.dataset.milliseconds = (performance.now() - started).toFixed(1);
  }

  function front(g, color) {
    g.strokeStyle = css('--ink'); g.lineWidth = 1;
    const radius = DATA.front.length > 400 ? 2.5 : 4.5;
    for (const row of DATA.front) {
      if (!shownRow(row)) continue;
      g.fillStyle = color(row);
      g.beginPath(); g.arc(px[row], py[row], radius, 0, 7); g.fill();
      if (radius > 3) g.stroke();
    }
  }

  function drawOver() {
    const { g } = over.begin();
    for (const [row, width] of [[hovered, 1.5], [state.selected, 3]]) {
      if (row < 0) continue;
      g.strokeStyle = css('--ink'); g.lineWidth = width;
      g.beginPath(); g.arc(px[row], py[row], 9, 0, 7); g.stroke();
    }
  }

  function nearest(event) {
    const area = box.getBoundingClientRect(), x = event.clientX - area.left, y = event.clientY - area.top;
    let best = -1, least = 18 * 18;
    for (let row = 0; row < N; row++) {
      if (!shownRow(row)) continue;
      const dx = px[row] - x, dy = py[row] - y, distance = dx * dx + dy * dy - (FRONT[row] ? 40 : 0);
      if (distance < least) { least = distance; best = row; }
    }
    return { best, x, y };
  }

  box.addEventListener('pointermove', (event) => {
    const { best, x, y } = nearest(event);
    if (best >= 0) placeTip(tip, box, x, y, summary(best)); else tip.hidden = true;
    if (best !== hovered) { hovered = best; drawOver(); }
  });
  box.addEventListener('pointerleave', () => { tip.hidden = true; hovered = -1; drawOver(); });
  box.addEventListener('click', (event) => { const { best } = nearest(event); if (best >= 0) select(best); });
  box.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    stepFront(step, AXIS.get(xs.value));
  });
  function legend() {
    const axis = AXIS.get(by.value), list = $('scatter-legend');
    if (!N) return;
    const items = [['dot', '--accent', axis ? '' : 'Pareto front'], ['', '--point', axis ? '' : 'meets all constraints'],
      ['', '--faint', FEASIBLE.includes(0) ? 'fails a constraint' : '']].filter((item) => item[2])
      .map(([kind, color, text]) => [kind, css(color), text]);
    if (axis) {
      const color = colorOf(axis), seen = new Map();
      for (let row = 0; row < N && seen.size < axis.parameter.values.length; row++) seen.set(axis.parameter.codes[row], row);
      const codes = [...seen].sort((a, b) => a[0] - b[0]).slice(0, 16);
      items.unshift(...codes.map(([code, row]) => ['', color(row), setting(axis.parameter, axis.parameter.values[code])]));
      items.push(['dot', css('--soft'), 'round: Pareto front']);
    }
    list.replaceChildren(...items.map(([kind, color, text]) => {
      const item = make('span'), mark = item.appendChild(make('i', null, { class: kind }));
      mark.style.background = color;
      item.append(text);
      return item;
    }));
  }
  for (const control of [xs, ys, by, hide]) control.addEventListener('change', () => { legend(); draw(); });
  listeners.filter.push(draw);
  listeners.select.push(drawOver);
  listeners.draw.push(() => { legend(); draw(); });
  return { place: (row) => [px[row], py[row]] };
})();

function stepFront(step, axis) { // along the front, in the order of an axis
  const rows = DATA.front.filter((row) => state.visible[row]);
  if (!rows.length) return;
  rows.sort((a, b) => axis.at[a] - axis.at[b] || a - b);
  const here = rows.indexOf(state.selected);
  select(rows[here < 0 ? 0 : (here + step + rows.length) % rows.length]);
}
