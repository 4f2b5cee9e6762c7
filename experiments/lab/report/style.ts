/** The look of the page. Colours of data are those of Okabe and Ito, which colour-blind people tell apart. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fff; --panel: #fff; --ink: #1b1f24; --quiet: #5b636d; --grid: #e9ebee; --line: #d9dde2; --tint: #0072b20d;
  --soft: #f6f7f8; --link: #00598c; --event: #9aa1a9; --shade: #0003;
  --result: #009e73; --refused: #0072b2; --late: #d55e00; --lost: #b0508a;
  --waiting: #0072b2; --buffered: #d55e00; --running: #009e73; --area: #009e7338; --received: #8d959e;
  --good: #00734f; --bad: #b3261e; --bad-soft: #fdf0ee;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --panel: #14171a; --ink: #e4e7ea; --quiet: #9ba4ae; --grid: #262b30; --line: #343a41; --tint: #56b4e914;
    --soft: #1c2024; --link: #7cc4f0; --event: #7d868f; --shade: #000c;
    --result: #2fbf95; --refused: #56b4e9; --late: #f0853b; --lost: #e29ac4;
    --waiting: #56b4e9; --buffered: #f0853b; --running: #2fbf95; --area: #2fbf9538; --received: #7d868f;
    --good: #45cfa2; --bad: #ff8a80; --bad-soft: #331c1b;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
main { max-width: 1100px; margin: 0 auto; padding: clamp(1.5rem, 5vw, 4rem) clamp(1rem, 4vw, 2rem) 5rem; }
h1, h2, h3, h4, h5 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: clamp(1.9rem, 5vw, 2.6rem); letter-spacing: -0.02em; }
h2 { font-size: 1.5rem; letter-spacing: -0.01em; }
h3 { font-size: 1.1rem; margin: 2.5rem 0 0.75rem; }
h4 { font-size: 1rem; margin: 2.25rem 0 0.15rem; }
h5 { font-size: 0.9rem; font-weight: 600; margin: 0 0 0.4rem; }
p { margin: 0.75rem 0; max-width: 46rem; }
a { color: var(--link); text-underline-offset: 0.15em; }
code, pre { font: 0.86em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
figure { margin: 0; }
figcaption { color: var(--quiet); font-size: 0.875rem; max-width: 46rem; }
.quiet, .kind { color: var(--quiet); font-weight: 400; }
.id { display: inline-block; color: var(--quiet); font-weight: 400; margin-right: 0.35em; }
.passed { color: var(--good); }
.failed { color: var(--bad); }
.mark { font-weight: 700; }
.kind { font-size: 0.8rem; }

header .kicker { margin: 0 0 0.35rem; color: var(--quiet); font-size: 0.9rem; }
header .lead { font-size: 1.1rem; max-width: 44rem; }
.verdict { font-size: 1.1rem; margin: 1.5rem 0; padding: 0.7rem 1rem; border-left: 4px solid; background: var(--soft); max-width: none; }
.verdict span:last-child { color: var(--ink); }
.verdict.failed { background: var(--bad-soft); }
dl.origin { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.25rem; margin: 0; font-size: 0.9rem; }
dl.origin dt { color: var(--quiet); }
dl.origin dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
section { margin-top: 4rem; }
section.experiment, #losses { padding-top: 2.5rem; border-top: 1px solid var(--line); }
.words dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.5rem 1.5rem; margin: 1rem 0 0; max-width: 50rem; }
.words dt { font-weight: 600; }
.words dd { margin: 0; }

table { border-collapse: separate; border-spacing: 0; font-size: 0.9rem; line-height: 1.4; }
th { text-align: left; font-weight: 400; }
thead th { font-weight: 600; vertical-align: bottom; }
td, th { padding: 0.32rem 0.9rem; vertical-align: top; }
table.overview { width: 100%; margin-top: 1rem; }
.overview td, .overview th { padding: 0.7rem 1rem 0.7rem 0; border-bottom: 1px solid var(--line); }
.overview tbody th a { display: block; font-weight: 600; }
.overview td:nth-child(2) { width: 23.5rem; }
.overview td:last-child { white-space: nowrap; padding-right: 0; }
.share-bar { display: grid; grid-template-columns: 8rem 1fr 4.2rem; gap: 0.6rem; align-items: center; }
.share-bar .number { text-align: right; }
.share-bar .name { overflow-wrap: anywhere; }
.track { display: block; }
.share-bar .track { background: var(--grid); }
.bar { display: block; height: 0.65rem; background: var(--received); -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.share-bar.ours .bar { background: var(--refused); }
.share-bar.ours .name { font-weight: 600; }

.question { font-size: 1.15rem; margin: 0.4rem 0 1rem; }
blockquote { margin: 1rem 0; padding: 0.1rem 0 0.1rem 1rem; border-left: 2px solid var(--line); color: var(--quiet); max-width: 46rem; }
blockquote b { display: block; font-size: 0.8rem; font-weight: 600; }
dl.variants { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: 0.5rem 1.25rem; max-width: 56rem; }
dl.variants dt .name { font-weight: 600; }
dl.variants dt .kind { display: block; }
dl.variants dd { margin: 0; }
.error { margin: 1.25rem 0; padding: 0.9rem 1rem; border: 2px solid var(--bad); background: var(--bad-soft); }
.error b { color: var(--bad); }
.error pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.5rem 0 0; }

/* A shade at the right edge while there is more to see. */
.scroll {
  overflow-x: auto; margin: 0.5rem 0; background: linear-gradient(to left, var(--page) 1rem, transparent) right / 2rem 100% no-repeat local,
  linear-gradient(to left, var(--shade), transparent) right / 0.7rem 100% no-repeat scroll;
}
.figures td { text-align: right; min-width: 9.5rem; max-width: 17rem; }
.figures thead th { text-align: right; border-bottom: 1px solid var(--line); }
.figures thead .kind { display: block; }
.figures th[scope="row"], .figures th[scope="rowgroup"] { padding-left: 0; min-width: 12rem; }
.figures thead td { min-width: 0; }
.figures .ours { background: var(--tint); }
.figures .heading th, .figures .heading td { padding-top: 1rem; }
.figures .heading th { font-size: 0.8rem; color: var(--quiet); white-space: nowrap; }
.figures tbody tr:not(.heading) > * { border-bottom: 1px solid var(--grid); }
.figures .share { display: inline-block; min-width: 5.2em; color: var(--quiet); white-space: nowrap; }
.figures b .share { color: inherit; }

.panels { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.5rem 2.5rem; margin-top: 0.9rem; }
.panels.of-1 { grid-template-columns: minmax(0, 46rem); }
.panels.of-3 { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1.5rem; }
.panel h5 { border-top: 2px solid var(--line); padding-top: 0.4rem; }
.panel.ours h5 { border-top-color: var(--refused); }
.workers { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.7rem 1rem; margin: 0; font-size: 0.875rem; line-height: 1.35; }
.workers dt { min-width: 4.2rem; }
.of-3 .workers { grid-template-columns: minmax(0, 1fr); gap: 0.15rem; }
.of-3 .workers dd { margin-bottom: 0.55rem; }
.workers dd { margin: 0; display: grid; grid-template-columns: 7.8rem minmax(0, 1fr); align-items: center; }
.workers .what { color: var(--quiet); font-size: 0.8rem; }
.workers .track { display: flex; align-items: center; gap: 0.4rem; }
.bar.answered { background: var(--result); }
.bar.wasted { background: repeating-linear-gradient(135deg, var(--late) 0 3px, transparent 3px 5px), color-mix(in srgb, var(--late) 35%, transparent); }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.4rem; font-size: 0.85rem; margin-top: 0.5rem; }
.legend span { display: inline-flex; align-items: center; gap: 0.4rem; }
.legend svg { flex: none; }
.chart { min-height: 190px; }
.uplot { font: inherit; }
.u-cursor-x { border-color: var(--quiet) !important; }
.readout { min-height: 1.3em; margin: 0; font-size: 0.8rem; line-height: 1.3; color: var(--quiet); }
.no-script .over-time { display: none; }

.checks { list-style: none; margin: 0.6rem 0 0; padding: 0; max-width: 56rem; }
.checks li { display: flex; gap: 0.7rem; padding: 0.4rem 0; border-bottom: 1px solid var(--grid); color: var(--ink); }
.checks li > div { min-width: 0; overflow-wrap: anywhere; }
.checks li.failed { background: var(--bad-soft); padding-inline: 0.6rem; margin-inline: -0.6rem; }
.checks .got { display: block; color: var(--quiet); font-size: 0.9rem; }
.checks .got::before { content: "got: "; }
.checks .failed .got { color: inherit; }
details { margin-top: 1.25rem; }
summary { cursor: pointer; font-size: 0.9rem; }
details pre { overflow-x: auto; margin: 0.5rem 0 0; padding: 0.8rem 1rem; background: var(--soft); }

.losses { min-width: 62rem; font-size: 0.85rem; }
.losses th, .losses td { border-bottom: 1px solid var(--line); padding: 0.55rem 0.8rem; }
.losses tbody + tbody tr:first-child > * { border-top: 2px solid var(--quiet); }
.losses th[scope="row"], .losses thead th:first-child { position: sticky; left: 0; background: var(--page); z-index: 1; padding-left: 0; }
.losses th[scope="row"] { font-weight: 600; }
.losses thead th:first-child { font-weight: 400; color: var(--quiet); }
.losses th .quiet, .losses .signal { display: block; font-weight: 400; }
.losses td { border-left: 3px solid transparent; width: 17%; }
.losses td { padding-right: 0.4rem; }
.losses td > span { display: block; }
.losses td code { font-size: 0.8em; }
.losses td .work { color: var(--quiet); }
.losses td.result { border-left-color: var(--result); }
.losses td.refused { border-left-color: var(--refused); }
.losses td.late { border-left-color: var(--late); }

@media (max-width: 900px) {
  .panels, .panels.of-3 { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 640px) {
  body { font-size: 15px; }
  section { margin-top: 3rem; }
  dl.origin, dl.variants, .words dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dl.origin dd, dl.variants dd, .words dd { margin-bottom: 0.6rem; }
  dl.variants dt .kind { display: inline; }
  .overview thead { position: absolute; clip-path: inset(50%); }
  .overview tr, .overview td, .overview th { display: block; width: auto !important; border: 0; padding: 0; }
  .overview tr { padding: 0.9rem 0; border-bottom: 1px solid var(--line); }
  .overview td { margin-top: 0.5rem; }
  .overview td:nth-child(2)::before { content: "answered in time"; color: var(--quiet); font-size: 0.85em; }
  .overview td:nth-child(2):empty { display: none; }
  .overview td:last-child::before { content: "checks: "; color: var(--quiet); font-size: 0.85em; }
  .workers { grid-template-columns: minmax(0, 1fr); gap: 0.15rem; }
  .workers dd { margin-bottom: 0.55rem; }
  .share-bar { grid-template-columns: 7.5rem 1fr 4rem; }
  .figures th[scope="row"], .figures th[scope="rowgroup"], .figures thead td { position: sticky; left: 0; background: var(--page); z-index: 1; padding-right: 0.6rem; }
  .figures th[scope="row"] { min-width: 8rem; max-width: 8rem; }
  .figures .heading th { white-space: normal; }
  .figures td, .figures thead th { min-width: 6.2rem; padding-inline: 0.5rem; }
  .figures .heading th { min-width: 0; }
  .figures .share { display: block; }
  .losses th[scope="row"] { min-width: 5.5rem; }
}
@media print {
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  section.experiment, #losses { break-before: page; border: 0; }
  .panel, tr, li, blockquote { break-inside: avoid; }
  h2, h3, h4 { break-after: avoid; }
  .scroll { overflow: visible; }
  .losses { min-width: 0; font-size: 7.5pt; }
  details::details-content { content-visibility: visible; height: auto; }
  details pre { white-space: pre-wrap; }
  .readout { display: none; }
}
@media (hover: none) { .readout { display: none; } }
`;
