import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { describe } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { MAX_POINTS } from '../../../experiments/lab/report/chart-data.ts';
import { formatMs, formatPercent } from '../../../experiments/lab/report/format.ts';
import { renderReport } from '../../../experiments/lab/report/report.ts';
import { thin, thinByKind } from '../../../experiments/lab/report/thin.ts';
import { type LabResult, labResultSchema } from '../../../experiments/lab/result.ts';
import { labResult } from '../../support/lab-result.ts';

const chartsSchema = z.array(
  z.object({
    kind: z.enum(['counts', 'answers']),
    row: z.string(),
    fromMs: z.number(),
    toMs: z.number(),
    most: z.number(),
    events: z.array(z.object({ atMs: z.number(), what: z.string() })),
    atMs: z.array(z.number()),
    values: z.array(z.array(z.number())),
  }),
);

/** What the page gives its script to draw. */
function chartsOf(page: string) {
  const [, json = ''] = /<script type="application\/json" id="chart-data">(.*?)<\/script>/s.exec(page) ?? [];
  return chartsSchema.parse(JSON.parse(json));
}

/** What a reader sees: without markup, scripts and styles. */
function textOf(page: string): string {
  const [body = ''] = /<body>.*<\/body>/s.exec(page) ?? [];
  const text = body.replaceAll(/<script.*?<\/script>/gs, '').replaceAll(/<[^>]*>/g, '');
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return text.replaceAll(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => entities[name] ?? '');
}

/** All texts of a result that stand in its page; backticks become code there. */
function textsOf({ scenarios, losses, command, versions, machine }: LabResult): string[] {
  const own = scenarios.flatMap(({ id, title, question, notebook, variants, checks, error = '' }) => [
    ...[id, title, question, notebook, error],
    ...checks.flatMap(({ says, got }) => [says, got]),
    ...variants.flatMap(({ name, about, facts, log, events, workers, outcomes }) => [
      ...[name, about, ...log],
      ...facts.flatMap(({ label, value }) => [label, value]),
      ...events.map(({ what }) => what),
      ...workers.map((worker) => worker.name),
      ...outcomes.map(({ code }) => code),
    ]),
  ]);
  const lost = (losses?.cells ?? []).flatMap(({ part, signal, phase, code }) => [part, signal, phase, code]);
  const judged = (losses?.checks ?? []).flatMap(({ says, got }) => [says, got]);
  const origin = [command, ...Object.entries(versions).flat(), machine.processor, machine.system];
  return [...own, ...lost, ...judged, ...origin].map((text) => String(text).replaceAll('`', ''));
}

describe('the report of the lab', () => {
  const result = labResult();
  const page = renderReport(result);

  test('the result that these tests use is one', () => {
    assert.deepEqual(labResultSchema.parse(result), result);
    assert.deepEqual(labResult(), result);
  });

  test('has every scenario, variant, worker, fact, check, event, line of log and loss', () => {
    const text = textOf(page);
    const missing = textsOf(result).filter((one) => !text.includes(one));
    assert.deepEqual(missing, []);
  });

  test('says at its head how many checks passed, and what could not be run', () => {
    assert.match(
      textOf(page),
      /✗ 7 of 8 checks passed, 1 failed, 1 experiment could not be run to the end\./,
    );
    const good = { ...result, scenarios: result.scenarios.slice(0, 1) };
    assert.match(textOf(renderReport(good)), /✓ 3 of 3 checks passed\./);
  });

  test('counts the checks of an experiment that broke off as failed', () => {
    const [first, ...others] = result.scenarios;
    assert.ok(first);
    const broken = { ...result, scenarios: [{ ...first, error: 'no broker' }, ...others] };
    assert.match(textOf(renderReport(broken)), /✗ 5 of 8 checks passed, 3 failed, 2 experiments/);
  });

  test('links each experiment and the loss table to a section that is there', () => {
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => decodeURIComponent(id ?? ''));
    assert.equal(targets.length, result.scenarios.length + 1);
    for (const id of targets) assert.ok(page.includes(` id="${id}"`), id);
  });

  test('refers to nothing outside of itself, and forbids that to whatever it has', () => {
    const markup = page.replaceAll(/(<script[^>]*>).*?<\/script>/gs, '$1');
    assert.deepEqual(markup.match(/https?:|@import|url\(|\b(src|srcset|poster|action)=/gi), null);
    const links = [...markup.matchAll(/href="([^"]*)"/g)].map(([, target]) => target);
    assert.ok(links.length > 0 && links.every((target) => /^(#|data:,$)/.test(target ?? '')));
    assert.match(page, /<meta http-equiv="Content-Security-Policy" content="default-src 'none';/);
    assert.match(page, /Copyright \(c\) \d+ Leon Sorokin/);
  });

  test('shows markup in any text of a result as text', () => {
    const evil = `</script><script>alert(1)</script><img src=x onerror="alert('2')">&amp;`;
    const replace = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(replace);
      if (typeof value !== 'object' || value === null) return value;
      const free =
        /^(id|title|question|notebook|error|name|about|code|label|value|what|says|got|log|command|system)$/;
      return Object.fromEntries(
        Object.entries(value).map(([key, own]) => {
          if (free.test(key) && typeof own === 'string') return [key, own === 'ok' ? own : evil];
          return [key, key === 'log' && Array.isArray(own) ? own.map(() => evil) : replace(own)];
        }),
      );
    };
    const bad = labResultSchema.parse(replace(result));
    const badPage = renderReport(bad);
    const count = (text: string, part: string) => text.split(part).length - 1;
    assert.ok(count(textOf(badPage), evil) > 100);
    for (const tag of ['<script', '</script', '<img'])
      assert.equal(count(badPage, tag), count(page, tag), tag);
    assert.ok(chartsOf(badPage).some(({ events }) => events.some(({ what }) => what === evil)));
  });

  test('draws two charts for each variant that had calls, on the scales of its scenario', () => {
    const charts = chartsOf(page);
    const variants = result.scenarios.flatMap((scenario) => scenario.variants);
    assert.equal(charts.length, 2 * variants.length);
    const places = [...page.matchAll(/data-chart="(\d+)"/g)].map(([, place]) => Number(place));
    assert.deepEqual(places, [...charts.keys()]);
    for (const row of new Set(charts.map((chart) => chart.row))) {
      const scales = charts
        .filter((chart) => chart.row === row)
        .map(({ fromMs, toMs, most }) => `${fromMs} ${toMs} ${most}`);
      assert.equal(new Set(scales).size, 1, row);
    }
    for (const { atMs, values } of charts) for (const own of values) assert.equal(own.length, atMs.length);
  });

  test('thins out a chart with very many calls, and says so', () => {
    const longest = chartsOf(page).map(({ atMs }) => atMs.length);
    assert.ok(Math.max(...longest) <= MAX_POINTS);
    assert.match(textOf(page), /plain: 1,[45]\d\d of 2,000 calls are drawn/);
    assert.ok(!textOf(renderReport(labResult({ points: 1000 }))).includes('are drawn'));
  });

  test('stays small with fourteen long scenarios', () => {
    const long = labResult({ points: 5000 }).scenarios[1];
    assert.ok(long);
    const scenarios = Array.from({ length: 14 }, (_, index) => ({ ...long, id: String(index) }));
    assert.ok(renderReport({ ...result, scenarios }).length < 3e6);
  });

  test('takes a result with nothing in it, and variants without calls', () => {
    const { losses: _, ...bare } = result;
    assert.match(textOf(renderReport({ ...bare, scenarios: [] })), /0 of 0 checks/);
    const scenarios = result.scenarios.map((scenario) => ({
      ...scenario,
      variants: scenario.variants.map(({ latencyMs: _ms, ...variant }) => ({
        ...variant,
        ...{ offered: 0, inTime: 0, outcomes: [], workers: [], samples: [], calls: [], events: [] },
      })),
    }));
    const empty = renderReport({ ...result, scenarios });
    assert.deepEqual(chartsOf(empty), []);
    assert.ok(!/NaN|Infinity|undefined/.test(textOf(empty)));
  });

  test('draws in a browser, without a complaint', { skip: browser() === undefined }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lab-report-'));
    try {
      const path = join(folder, 'report.html');
      await writeFile(path, page);
      const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
      const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
      const own = [`--user-data-dir=${join(folder, 'profile')}`, '--enable-logging=stderr', '--dump-dom'];
      const { stdout, stderr } = await promisify(execFile)(
        browser() ?? '',
        [...flags, ...quiet, ...own, `file://${path}`],
        { timeout: 60_000, maxBuffer: 2 ** 26 },
      );
      assert.deepEqual(stderr.match(/.*:CONSOLE.*/g), null);
      assert.equal(stdout.match(/<canvas/g)?.length, chartsOf(page).length);
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

describe('thinning', () => {
  const points = Array.from({ length: 10_000 }, (_, n) => ({
    n,
    value: n === 4321 ? 99 : n === 1234 ? -99 : n % 7,
  }));

  test('keeps the first, the last and the extremes, in their order and within the limit', () => {
    const kept = thin(points, 100, [({ value }) => value]);
    assert.ok(kept.length <= 100 && kept.length > 50);
    const numbers = kept.map(({ n }) => n);
    for (const n of [0, 1234, 4321, 9999]) assert.ok(numbers.includes(n), `${n}`);
    assert.deepEqual(
      numbers,
      numbers.toSorted((one, other) => one - other),
    );
  });

  test('leaves what is within the limit as it is', () => {
    assert.deepEqual(thin(points.slice(0, 100), 100, [({ value }) => value]), points.slice(0, 100));
  });

  test('keeps a rare kind whole', () => {
    const isRare = (n: number) => n % 1000 === 500;
    const kept = thinByKind(
      points,
      200,
      ({ n }) => (isRare(n) ? 1 : 0),
      ({ value }) => value,
    );
    assert.ok(kept.length <= 200);
    assert.equal(kept.filter(({ n }) => isRare(n)).length, 10);
    for (const n of [0, 1234, 4321, 9999])
      assert.ok(
        kept.some((point) => point.n === n),
        `${n}`,
      );
  });
});

describe('numbers', () => {
  test('have units, and a precision that can be read', () => {
    const shown = [0, 4.24, 412.4, 999.4, 999.6, 2050, Number.NaN].map(formatMs);
    assert.deepEqual(shown, ['0 ms', '4.2 ms', '412 ms', '999 ms', '1.00 s', '2.05 s', '–'].map(unbroken));
  });

  test('say all and none only when it is all and none', () => {
    const shares = [
      formatPercent(0, 0),
      formatPercent(1999, 2000),
      formatPercent(1, 9999),
      formatPercent(7, 7),
    ];
    assert.deepEqual(shares, ['–', '99.9 %', '0.1 %', '100.0 %'].map(unbroken));
  });
});

function unbroken(text: string): string {
  return text.replace(' ', '\u00a0');
}

/** A Chromium in PATH, if there is one. */
function browser(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = folders.flatMap((folder) =>
    ['chromium', 'chromium-browser'].map((name) => join(folder, name)),
  );
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
