// What is filtered in words, the table of designs, and the card of the selected one.
(() => {
  const chips = $('chips'), choice = $('filter-axis'), from = $('filter-from'), to = $('filter-to');

  function rangeText(axis, [low, high]) {
    if (axis.isParameter) {
      const inside = axis.parameter.values.filter((_, code) => axis.place(code) >= low && axis.place(code) <= high);
      const texts = inside.map((value) => setting(axis.parameter, value));
      if (!texts.length) return `${axis.label}: nothing`;
      return `${axis.label}: ${texts.length > 4 ? `${texts[0]} to ${texts[texts.length - 1]}` : texts.join(', ')}`;
    }
    const ends = [low > 0 ? number(axis.toValue(low)) : '', high < 1 ? number(axis.toValue(high)) : ''];
    return `${axis.label}: ${ends[0] ? `from ${ends[0]} ` : ''}${ends[1] ? `to ${ends[1]}` : ''} ${axis.unit}`;
  }

  function drawChips() {
    const items = [...state.filters].map(([key, range]) => {
      const chip = make('button', `${rangeText(AXIS.get(key), range)} ✕`, { title: 'remove this filter' });
      chip.addEventListener('click', () => setFilter(key, null));
      return chip;
    });
    const count = make('b', `${number(state.num)} of ${number(N)} designs`, { id: 'count', role: 'status' });
    if (items.length > 1) {
      const all = make('button', 'remove all filters');
      all.addEventListener('click', () => { state.filters.clear(); setFilter('', null); });
      items.push(all);
    }
    chips.replaceChildren(count, ...items);
    if (!items.length && N) chips.append(make('span', 'drag along an axis to keep a range of it, click between axes to select a design', { class: 'soft' }));
  }

  function ends() { // what can be chosen for the axis: its values, or numbers to type
    const axis = AXIS.get(choice.value);
    for (const input of [from, to]) {
      const list = $(`${input.id}-values`);
      list.replaceChildren(...(axis.isParameter ? axis.parameter.values.map((value) => make('option', null, { value: setting(axis.parameter, value) })) : []));
      input.value = '';
    }
  }

  function place(axis, text, otherwise) {
    if (!text.trim()) return otherwise;
    if (!axis.isParameter) {
      const value = Number(text.replaceAll(',', ''));
      return Number.isFinite(value) && !(axis.isLog && value <= 0) ? axis.place(value) : otherwise;
    }
    const code = axis.parameter.values.findIndex((value) => setting(axis.parameter, value) === text.trim());
    return code < 0 ? otherwise : axis.place(code);
  }

  for (const axis of AXES) choice.append(make('option', withUnit(axis), { value: axis.key }));
  choice.addEventListener('change', ends);
  $('filter-set').addEventListener('click', () => {
    const axis = AXIS.get(choice.value), tiny = 1e-6;
    setFilter(axis.key, [place(axis, from.value, -tiny) - tiny, place(axis, to.value, 1 + tiny) + tiny]);
  });
  ends();
  listeners.filter.push(drawChips);
  drawChips();

  // The table.
  const head = $('designs-head'), body = $('designs-body'), onlyFront = $('only-front'), more = $('designs-more');
  const sort = { axis: AXIS.get((DATA.objectives[0] || {}).metric) || null, sign: 1 };
  if (sort.axis && DATA.objectives[0].direction === 'max') sort.sign = -1;
  let most = 60;

  function headRow() {
    const cells = [null, ...AXES].map((axis) => {
      const isOn = axis === sort.axis, cell = make('th', null, { scope: 'col', class: axis && axis.isParameter ? '' : 'n' });
      if (isOn) cell.setAttribute('aria-sort', sort.sign > 0 ? 'ascending' : 'descending');
      const button = cell.appendChild(make('button', `${axis ? withUnit(axis) : 'design'}${isOn ? (sort.sign > 0 ? ' ▲' : ' ▼') : ''}`));
      if (axis) button.title = axis.isParameter ? axis.key : `${axis.key}, error: ${axis.metric.error || 'not known'}`;
      button.addEventListener('click', () => {
        sort.sign = isOn ? -sort.sign : 1;
        sort.axis = axis;
        drawTable();
      });
      return cell;
    });
    head.replaceChildren(...cells);
  }

  function drawTable() {
    headRow();
    const rows = [];
    for (let row = 0; row < N; row++) if (state.visible[row] && (!onlyFront.checked || FRONT[row])) rows.push(row);
    const at = sort.axis ? sort.axis.at : null;
    rows.sort((a, b) => sort.sign * (at ? at[a] - at[b] : 0) || sort.sign * (a - b));
    body.replaceChildren(...rows.slice(0, most).map(tableRow));
    more.hidden = rows.length <= most;
    more.textContent = `show more (${number(rows.length - most)} left)`;
  }

  function tableRow(row) {
    const line = make('tr', null, { 'data-row': row, class: row === state.selected ? 'on' : '' });
    const pick = make('button', number(indexOf(row)), { class: 'pick', title: 'show this design' });
    pick.addEventListener('click', () => select(row));
    line.appendChild(make('td', null, { class: 'n' })).append(pick);
    for (const axis of AXES) line.append(make('td', axis.text(row), { class: axis.isParameter ? '' : 'n' }));
    line.addEventListener('click', (event) => { if (event.target.tagName !== 'BUTTON') select(row); });
    return line;
  }

  more.addEventListener('click', () => { most += 500; drawTable(); });
  onlyFront.addEventListener('change', drawTable);
  if (!DATA.front.length) onlyFront.checked = false;
  listeners.filter.push(drawTable);
  listeners.select.push(() => {
    for (const line of body.children) line.className = Number(line.dataset.row) === state.selected ? 'on' : '';
  });
  drawTable();

  // The card.
  function rows(table, lines) { // what is said of a number stands below it, whole
    const inside = table.appendChild(make('tbody'));
    for (const [name, text, extra, title] of lines) {
      const line = inside.appendChild(make('tr'));
      line.append(make('th', name, { scope: 'row', title: title || name }), make('td', text, { class: 'n' }));
      if (extra) inside.appendChild(make('tr', null, { class: 'said' })).append(make('td', extra, { class: 'soft small', colspan: 2 }));
    }
  }

  function errorText(metric) { // the same words once
    const known = DATA.metrics.find((other) => other.error === metric.error);
    if (!metric.error) return 'error not known';
    return known === metric || metric.error.length < 40 ? metric.error : `as ${known.name}`;
  }

  function drawCard() {
    const row = state.selected, card = $('card'), index = indexOf(row), title = $('card-title');
    const badges = [FRONT[row] ? ['front', 'Pareto front'] : null, FEASIBLE[row] ? null : ['bad', 'fails a constraint']];
    const confirmed = DATA.confirmations[index];
    if (confirmed) badges.push([confirmed.is_equal ? 'good' : 'bad', confirmed.is_equal ? 'simulated: as estimated' : 'simulated: differs']);
    title.replaceChildren(`Design ${number(index)} `, ...badges.filter(Boolean).map(([kind, text]) => make('span', text, { class: `badge ${kind}` })));
    const detail = DATA.details[index], parts = missed(row).map((words) => make('p', words, { class: 'miss' }));
    parts.push(make('p', detail ? detail.sentence : neighbourSentence(row), { class: 'sentence' }));
    const metrics = make('table'), settings = make('table');
    rows(metrics, AXES.filter((axis) => !axis.isParameter).map((axis) => {
      const measured = confirmed && confirmed.metrics[axis.key];
      const unit = named(axis) ? '' : axis.unit;
      const said = measured && (measured.measured === measured.estimated ? 'as measured' : `measured ${number(measured.measured)}`);
      return [axis.label, `${axis.text(row)} ${unit}`.trim(), said || errorText(axis.metric)];
    }));
    rows(settings, DATA.parameters.map((p, i) => [p.short, AXES[i].text(row), undefined, p.path]));
    parts.push(make('h3', 'What it costs'), metrics, make('h3', 'What it is'), settings);
    card.replaceChildren(...parts);
    $('detail').hidden = !detail;
    $('no-detail').hidden = Boolean(detail);
    if (!Object.keys(DATA.details).length) $('no-detail').textContent = 'No design of this sweep has details of its layers, schedule and memory.';
  }
  $('front-next').addEventListener('click', () => stepFront(1, AXIS.get($('scatter-x').value)));
  $('front-previous').addEventListener('click', () => stepFront(-1, AXIS.get($('scatter-x').value)));
  listeners.select.push(drawCard);
  if (!N) $('card-title').textContent = NO_NUMBERS;
})();
