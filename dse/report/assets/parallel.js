// Every design as a line across all columns. Lines that share both ends on the screen are drawn
// once, so the time depends on pixels, not on designs.
const parallel = (() => {
  const box = $('parallel'), context = layer(box), lines = layer(box), over = layer(box);
  const EDGE = { left: 74, right: 58, top: 54, bottom: 16 };
  const axes = AXES.filter((axis) => !axis.isParameter || axis.parameter.values.length > 1);
  let drag = null;

  const axisX = (place) => EDGE.left + (place * (box.clientWidth - EDGE.left - EDGE.right)) / Math.max(1, axes.length - 1);
  const high = () => box.clientHeight - EDGE.top - EDGE.bottom;
  const screenY = (at) => EDGE.top + (1 - at) * high();

  function segments(g, wanted, color, alphas) {
    const h = Math.max(1, Math.floor(high())), counts = new Uint32Array((h + 1) * (h + 1));
    g.strokeStyle = color; g.lineWidth = 1;
    for (let place = 0; place + 1 < axes.length; place++) {
      const a = axes[place].at, b = axes[place + 1].at, x0 = axisX(place), x1 = axisX(place + 1);
      counts.fill(0);
      const used = [];
      for (let row = 0; row < N; row++) {
        if (!wanted(row)) continue;
        const cell = Math.round((1 - a[row]) * h) * (h + 1) + Math.round((1 - b[row]) * h);
        if (counts[cell]++ === 0) used.push(cell);
      }
      const thin = Math.min(1, Math.max(0.2, 1500 / used.length)); // else many lines become a plane
      for (const [least, most, alpha] of alphas) {
        g.globalAlpha = alpha * thin;
        g.beginPath();
        for (const cell of used) {
          if (counts[cell] < least || counts[cell] >= most) continue;
          g.moveTo(x0, EDGE.top + Math.floor(cell / (h + 1)));
          g.lineTo(x1, EDGE.top + (cell % (h + 1)));
        }
        g.stroke();
      }
    }
    g.globalAlpha = 1;
  }

  function drawContext() {
    const { g } = context.begin();
    if (state.filters.size) segments(g, () => true, css('--faint'), [[1, Infinity, 0.25]]);
  }

  function draw() {
    const started = performance.now();
    drawContext();
    const { g, width } = lines.begin();
    if (!N) { g.fillStyle = css('--ink'); g.fillText(NO_NUMBERS, 24, 40); return; }
    const dense = state.num > 2000;
    segments(g, (row) => state.visible[row] && !FRONT[row], css('--point'),
      dense ? [[1, 4, 0.07], [4, 32, 0.18], [32, Infinity, 0.4]] : [[1, 2, 0.28], [2, Infinity, 0.5]]);
    segments(g, (row) => state.visible[row] && FRONT[row], css('--accent'), [[1, Infinity, DATA.front.length > 200 ? 0.35 : 0.8]]);
    frame(g, width);
    drawOver();
    box.dataset.milliseconds = (performance.now() - started).toFixed(1);
  }

  function frame(g, width) {
    const room = axes.length > 1 ? axisX(1) - axisX(0) : width;
    axes.forEach((axis, place) => {
      const x = axisX(place), goal = DATA.objectives.find((o) => o.metric === axis.key);
      g.strokeStyle = css('--soft'); g.lineWidth = 1;
      g.beginPath(); g.moveTo(x, EDGE.top); g.lineTo(x, EDGE.top + high()); g.stroke();
      g.textAlign = 'center'; g.textBaseline = 'alphabetic'; g.fillStyle = css('--ink');
      const isTight = room < 118, wide = isTight ? 2 * room - 12 : room - 8; // then names have two lines in turn
      g.fillText(clip(g, axis.label, Math.min(wide, 2 * Math.min(x, width - x))), x, isTight && place % 2 ? 29 : 14);
      g.fillStyle = css('--soft');
      const under = [named(axis) ? '' : axis.unit, goal ? (goal.direction === 'min' ? '↓' : '↑') : ''].join(' ').trim();
      g.fillText(clip(g, under, room - 8), x, isTight ? 44 : 30);
    });
  }

  function labels(g) { // of the ticks, over all lines
    const room = axes.length > 1 ? axisX(1) - axisX(0) : box.clientWidth;
    g.fillStyle = css('--ink');
    axes.forEach((axis, place) => {
      for (const tick of axis.ticks) {
        const lines = axis.isParameter ? inLines(g, tick.text, Math.min(70, room - 5)) : [tick.text];
        haloed(g, lines, axisX(place) - 5, screenY(tick.at));
      }
    });
  }

  function drawOver() {
    const { g } = over.begin();
    for (const [place, axis] of axes.entries()) {
      const range = drag && drag.axis === axis ? drag.range : state.filters.get(axis.key);
      if (!range) continue;
      const y0 = screenY(Math.min(1, range[1])), y1 = screenY(Math.max(0, range[0])), x = axisX(place);
      g.fillStyle = css('--focus'); g.globalAlpha = 0.22; g.fillRect(x - 9, y0, 18, y1 - y0);
      g.globalAlpha = 1; g.strokeStyle = css('--focus'); g.strokeRect(x - 9, y0, 18, y1 - y0);
    }
    if (state.selected >= 0) {
      g.strokeStyle = css('--ink'); g.lineWidth = 2.5; g.beginPath();
      axes.forEach((axis, place) => g.lineTo(axisX(place), screenY(axis.at[state.selected])));
      g.stroke();
    }
    labels(g);
  }

  function tickText({ place, at, isOnAxis }) { // the whole value of words, where the pointer is at one
    const near = isOnAxis && axes[place].ticks.find((tick) => Math.abs(tick.at - at) < 0.06);
    return near ? `${axes[place].key}: ${near.text}` : '';
  }

  function where(event) {
    const area = box.getBoundingClientRect(), x = event.clientX - area.left, y = event.clientY - area.top;
    const step = axes.length > 1 ? axisX(1) - axisX(0) : box.clientWidth;
    const place = Math.max(0, Math.min(axes.length - 1, Math.round((x - EDGE.left) / step)));
    const at = Math.max(0, Math.min(1, 1 - (y - EDGE.top) / high()));
    return { x, y, at, place, step, isOnAxis: Math.abs(x - axisX(place)) < Math.min(16, step / 3) };
  }

  box.addEventListener('pointerdown', (event) => {
    const { at, place, isOnAxis } = where(event);
    if (!isOnAxis) return;
    drag = { axis: axes[place], from: at, range: [at, at] };
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener('pointermove', (event) => {
    const spot = where(event);
    box.title = tickText(spot);
    box.style.cursor = spot.isOnAxis || drag ? 'ns-resize' : 'pointer';
    if (!drag) return;
    drag.range = [Math.min(drag.from, spot.at), Math.max(drag.from, spot.at)];
    drawOver();
  });
  box.addEventListener('pointerup', (event) => {
    if (!drag) return;
    const { axis, range } = drag;
    drag = null;
    setFilter(axis.key, range[1] - range[0] > 0.015 ? range : null);
    box.dataset.dragged = String(event.timeStamp);
  });
  box.addEventListener('click', (event) => {
    const spot = where(event);
    if (spot.isOnAxis || axes.length < 2) return;
    const left = Math.max(0, Math.min(axes.length - 2, Math.floor((spot.x - EDGE.left) / spot.step)));
    const u = (spot.x - axisX(left)) / spot.step;
    let best = -1, least = 12 / high();
    for (let row = 0; row < N; row++) {
      if (!state.visible[row]) continue;
      const at = axes[left].at[row] * (1 - u) + axes[left + 1].at[row] * u;
      const distance = Math.abs(at - spot.at) - (FRONT[row] ? 0.004 : 0);
      if (distance < least) { least = distance; best = row; }
    }
    if (best >= 0) select(best);
  });
  listeners.filter.push(draw);
  listeners.select.push(drawOver);
  listeners.draw.push(draw);
  return { axisX, screenY, axes };
})();
