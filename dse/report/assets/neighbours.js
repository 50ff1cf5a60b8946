// Designs that differ from one in a single parameter (and in what hangs on it), and what that gives.
const OWN = DATA.parameters.filter((parameter) => !parameter.is_derived);
const OTHER_WORK = 'verify.batch'; // more samples in a start: its numbers are of other work
const WORTH = 0.02;

function neighboursOf(row) {
  const found = [];
  for (let other = 0; other < N; other++) {
    let which = null, count = 0;
    for (const parameter of OWN) {
      const mine = parameter.codes[row], its = parameter.codes[other];
      if (mine === its || parameter.values[mine] === null || parameter.values[its] === null) continue;
      which = parameter;
      if (++count > 1) break;
    }
    if (count === 1 && which.path !== OTHER_WORK) found.push(other);
  }
  return found;
}

function changed(row, other) { // the settings of `other` that are not those of `row`
  return OWN.filter((p) => p.codes[row] !== p.codes[other] && p.values[p.codes[other]] !== null)
    .map((p) => `${p.short} ${setting(p, p.values[p.codes[other]])}`).join(' with ');
}

function bestOf(row, others, metric, isMax) { // what the best of them gives, as a share, with its row
  const axis = AXIS.get(metric), before = axis.value(row), sign = isMax ? -1 : 1;
  let best = -1, least = Infinity;
  for (const other of others) {
    const value = sign * axis.value(other);
    if (value < least) { least = value; best = other; }
  }
  const change = before ? (sign * least - before) / Math.abs(before) : 0;
  return { best, change, isWorth: sign * change <= -WORTH };
}

// A sentence for any design: what of it is used, and which change of one parameter helps most.
const said = { row: -1, text: '' }; // the card and the section ask for the same one

function neighbourSentence(row) {
  if (said.row !== row) [said.row, said.text] = [row, sentenceOf(row)];
  return said.text;
}

function sentenceOf(row) {
  const used = AXIS.get('utilisation'), all = neighboursOf(row), good = all.filter((other) => FEASIBLE[other]);
  const limit = used && (used.value(row) >= 0.5 ? 'its size limits it most' : 'waiting and padding limit it most');
  const first = used ? `Useful work is ${percent(used.value(row))} of what its array could do: ${limit}. ` : '';
  if (!all.length) return `${first}No design listed differs from it in one parameter alone.`;
  const count = `Of ${number(all.length)} ${all.length > 1 ? 'designs that differ' : 'design that differs'} from it in one parameter`;
  if (!good.length) return `${first}${count}, none meets all constraints.`;
  const goals = DATA.objectives.map((o) => [o.metric, o.direction === 'max']).filter(([metric]) => AXIS.has(metric));
  if (AXIS.has('cycles') && !goals.some(([metric]) => metric === 'cycles')) goals.unshift(['cycles', false]);
  const parts = goals.map(([metric, isMax]) => {
    const { best, change, isWorth } = bestOf(row, good, metric, isMax), label = AXIS.get(metric).label;
    return isWorth ? `${label} ${change < 0 ? '-' : '+'}${percent(Math.abs(change))} by ${changed(row, best)} (design ${indexOf(best)})`
      : `no better ${label}`;
  });
  return `${first}${count}, the best that meet all constraints give: ${parts.join('; ')}.`;
}

listeners.select.push(() => { $('neighbours').textContent = neighbourSentence(state.selected); });
