/**
 * Draws the charts over time, in the page. Plain browser JavaScript, as text: the build copies no other files, and a
 * function turned to text would carry the compiler's helpers. Charts are drawn anew when width or colours change.
 */
export const CHART_SCRIPT = `
'use strict';
(() => {
  const root = document.documentElement;
  root.classList.remove('no-script');
  const all = JSON.parse(document.getElementById('chart-data').textContent);
  const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
  const LABEL_HEIGHT = 15;
  const LABEL_ROWS = 4;
  // Times of one axis have one unit: that of its greatest.
  const inUnit = (most) => most >= 1000
    ? (ms) => +(ms / 1000).toFixed(3) + ' s'
    : (ms) => +ms.toFixed(1) + ' ms';
  const shown = (ms) => (ms >= 999.5 ? (ms / 1000).toFixed(2) + ' s' : Math.round(ms) + ' ms');

  // Keep the marks like those of the legend.
  const MARKS = [
    (c, x, y, r) => { c.beginPath(); c.arc(x, y, r * 0.9, 0, 7); c.fill(); },
    (c, x, y, r) => { c.beginPath(); c.arc(x, y, r, 0, 7); c.stroke(); },
    (c, x, y, r) => {
      c.beginPath();
      c.moveTo(x - r, y - r); c.lineTo(x + r, y + r);
      c.moveTo(x + r, y - r); c.lineTo(x - r, y + r);
      c.stroke();
    },
    (c, x, y, r) => c.fillRect(x - r, y - r, 2 * r, 2 * r),
  ];
  const OUTCOME_COLOURS = ['result', 'refused', 'late', 'lost'];
  const OUTCOME_WORDS = ['result', 'refused', 'no answer in time, told', 'lost or failed'];

  /** In which row above the plot each label stands so that none covers another; more than fit share the last row. */
  const placeLabels = (chart, width, measure) => {
    const ends = [];
    const scale = width / (chart.toMs - chart.fromMs);
    return chart.events.toSorted((one, other) => one.atMs - other.atMs).map(({ atMs, what }) => {
      const mark = (atMs - chart.fromMs) * scale;
      const size = measure(what);
      const left = Math.max(0, Math.min(mark + 4, width - size));
      let row = ends.findIndex((end) => end < left);
      if (row < 0) row = Math.min(ends.length, LABEL_ROWS - 1);
      ends[row] = left + size + 8;
      return { what, mark, left, row };
    });
  };

  const drawMarks = (u, chart, colours) => {
    const { ctx } = u;
    const ratio = uPlot.pxRatio;
    const few = chart.atMs.length < 300;
    ctx.lineWidth = 1.5 * ratio;
    // What went well first, so that the rest lies on top of it.
    for (let kind = 0; kind < MARKS.length; kind++) {
      ctx.fillStyle = ctx.strokeStyle = colours[OUTCOME_COLOURS[kind]];
      ctx.globalAlpha = few ? 0.9 : 0.7;
      chart.atMs.forEach((at, i) => {
        if (chart.values[1][i] !== kind) return;
        const x = u.valToPos(at, 'x', true);
        const y = u.valToPos(chart.values[0][i], 'y', true);
        MARKS[kind](ctx, x, y, (few ? 3.2 : 2.2) * ratio);
      });
    }
    ctx.globalAlpha = 1;
  };

  const drawBudget = (u, chart, colours) => {
    const { ctx, bbox } = u;
    const ratio = uPlot.pxRatio;
    const y = Math.round(u.valToPos(chart.budgetMs, 'y', true)) + 0.5;
    ctx.strokeStyle = ctx.fillStyle = colours.ink;
    ctx.lineWidth = ratio;
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.beginPath(); ctx.moveTo(bbox.left, y); ctx.lineTo(bbox.left + bbox.width, y); ctx.stroke();
    ctx.setLineDash([]);
    // Answers may lie here: above those that come just after the budget, and legible in any case.
    const text = 'budget ' + shown(chart.budgetMs);
    const size = ctx.measureText(text).width;
    const right = bbox.left + bbox.width;
    ctx.fillStyle = colours.panel;
    ctx.fillRect(right - size - 4 * ratio, y - 24 * ratio, size + 4 * ratio, 14 * ratio);
    ctx.fillStyle = colours.ink;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    ctx.fillText(text, right - 2 * ratio, y - 17 * ratio);
  };

  const drawEvents = (u, labels, colours) => {
    const { ctx, bbox } = u;
    const ratio = uPlot.pxRatio;
    ctx.strokeStyle = colours.event;
    ctx.lineWidth = 1.25 * ratio;
    ctx.setLineDash([]);
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    const heightOf = (row) => bbox.top - (row + 0.5) * LABEL_HEIGHT * ratio;
    for (const { mark, row } of labels) {
      const x = Math.round(bbox.left + mark * ratio) + 0.5;
      ctx.beginPath(); ctx.moveTo(x, heightOf(row) - 5 * ratio); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
    }
    for (const { what, left, row } of labels) {
      const begin = bbox.left + left * ratio;
      // The line of another event may pass here.
      ctx.fillStyle = colours.panel;
      ctx.fillRect(begin - ratio, heightOf(row) - 6 * ratio, ctx.measureText(what).width + 2 * ratio, 12 * ratio);
      ctx.fillStyle = colours.ink;
      ctx.fillText(what, begin, heightOf(row));
    }
  };

  const describe = (chart, i) => {
    const at = 'at ' + shown(chart.atMs[i]) + ': ';
    if (chart.kind === 'answers') {
      return at + OUTCOME_WORDS[chart.values[1][i]] + ' after ' + shown(chart.values[0][i]);
    }
    const [waiting, buffered, running] = chart.values.map((values) => values[i]);
    return at + waiting + ' waiting, ' + buffered + ' buffered, ' + running + ' running';
  };

  const draw = (place) => {
    const chart = all[Number(place.dataset.chart)];
    const style = getComputedStyle(place);
    const names = ['ink', 'quiet', 'grid', 'panel', 'event', 'area', 'waiting', 'buffered', 'running', ...OUTCOME_COLOURS];
    const colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue('--' + name).trim()]));
    const isAnswers = chart.kind === 'answers';
    const width = place.clientWidth;
    const left = isAnswers ? 54 : 38;
    const right = 14;
    const measurer = document.createElement('canvas').getContext('2d');
    measurer.font = FONT;
    const labels = placeLabels(chart, width - left - right, (text) => measurer.measureText(text).width);
    const rows = labels.reduce((most, { row }) => Math.max(most, row + 1), 0);
    const top = Math.max(8, rows * LABEL_HEIGHT + 2);
    const readout = place.parentElement.querySelector('[data-chart="' + place.dataset.chart + '"] + .readout');

    const axis = { font: FONT, stroke: colours.quiet, ticks: { show: false }, grid: { stroke: colours.grid, width: 1 } };
    const line = (name, dash) => ({
      stroke: colours[name], width: 2, dash, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }),
    });
    const area = (name) => ({ ...line(name), width: 1, fill: colours.area });
    const whole = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000];
    const timeOfX = inUnit(chart.toMs);
    const timeOfY = inUnit(chart.most);
    place.chart?.destroy();
    place.chart = new uPlot({
      width,
      height: 190 + top,
      padding: [top, right, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { show: !isAnswers, size: 6 },
        sync: { key: chart.row, scales: ['x', null] },
      },
      scales: {
        x: { time: false, range: [chart.fromMs, chart.toMs] },
        y: { range: [0, chart.most * (isAnswers ? 1.22 : 1.1)] },
      },
      axes: [
        { ...axis, size: 28, space: 60, values: (u, ticks) => ticks.map(timeOfX) },
        isAnswers
          ? { ...axis, size: left, space: 32, values: (u, ticks) => ticks.map(timeOfY) }
          : { ...axis, size: left, space: 28, incrs: whole },
      ],
      series: isAnswers
        ? [{}, { paths: () => null, points: { show: false } }]
        : [{}, area('running'), line('buffered', [7, 3]), line('waiting')],
      hooks: {
        draw: [(u) => {
          u.ctx.save();
          u.ctx.font = FONT.replace('12px', 12 * uPlot.pxRatio + 'px');
          if (isAnswers) {
            drawMarks(u, chart, colours);
            drawBudget(u, chart, colours);
          }
          drawEvents(u, labels, colours);
          u.ctx.restore();
        }],
        setCursor: [(u) => {
          const { idx } = u.cursor;
          readout.textContent = idx == null ? '' : describe(chart, idx);
        }],
      },
    }, isAnswers ? [chart.atMs, chart.values[0]] : [chart.atMs, ...chart.values.toReversed()], place);
    place.drawnWidth = width;
  };

  const places = [...document.querySelectorAll('.chart')];
  places.forEach(draw);
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) if (target.clientWidth !== target.drawnWidth) draw(target);
  });
  for (const place of places) resized.observe(place);
  for (const query of ['(prefers-color-scheme: dark)', 'print']) {
    matchMedia(query).addEventListener('change', () => places.forEach(draw));
  }
})();
`;
