"""The look of a report: one style sheet, light and dark, wide and narrow."""

STYLE = """
:root { --paper: #fbf9f4; --card: #fffefb; --ink: #23201a; --quiet: #6a6355; --rule: #e2dccd; --kept: #2f7f6f;
  --gone: #c9643a; --gone-ink: #a8481f; --odd: #7a6a9a; --limit: #23201a; --note: #fdf0d9;
  --kept-tint: #dcefe9; --gone-tint: #f9e2d6; }
@media (prefers-color-scheme: dark) { :root { --paper: #171613; --card: #1f1d19; --ink: #ece6d8; --quiet: #a79f8d;
  --rule: #37332a; --kept: #4fa793; --gone: #d97b50; --gone-ink: #eb9870; --odd: #a795cb; --limit: #ece6d8;
  --note: #3a2f18; --kept-tint: #17413a; --gone-tint: #52301e; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0 auto; max-width: 70rem; padding: 2.5rem 1.25rem 5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: clamp(1.6rem, 5vw, 2.5rem); line-height: 1.15; letter-spacing: -.02em; }
h1 small { color: var(--quiet); font-weight: 400; font-size: 1em; }
h2 { margin: 3.5rem 0 1rem; padding-top: 1.25rem; border-top: 1px solid var(--rule); font-size: 1.35rem; }
h3 { margin: 0; font-size: 1rem; }
h4 { margin: 0 0 .5rem; font-size: .9rem; }
p { margin: .4rem 0; max-width: 46rem; }
small, .quiet { color: var(--quiet); font-size: .85rem; font-weight: 400; }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono", "DejaVu Sans Mono", monospace; }
code { font-size: .87em; }
pre { margin: .4rem 0; white-space: pre-wrap; font-size: .8rem; line-height: 1.45; unicode-bidi: plaintext; }
a { color: inherit; text-underline-offset: .2em; }
:focus-visible { outline: 3px solid var(--kept); outline-offset: 2px; }
nav { margin: 1.5rem 0 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .9rem; }
.note { padding: .7rem 1rem; background: var(--note); border-left: 4px solid var(--gone); max-width: none; }
.keys { display: flex; flex-wrap: wrap; gap: 1px; margin: 1.5rem 0;
  background: var(--rule); border: 1px solid var(--rule); }
.keys div { flex: 1 1 7.5rem; background: var(--card); padding: .8rem 1rem; }
.keys dt { color: var(--quiet); font-size: .85rem; }
.keys dd { margin: 0; font-size: 1.3rem; font-weight: 600; letter-spacing: -.02em; }
.keys dd small { display: block; letter-spacing: 0; }
.kept { fill: var(--kept); } .gone { fill: var(--gone); } .odd { fill: var(--odd); }
.river { margin: 1rem 0; }
.mouth { margin: 0; padding: .5rem 0; max-width: none; } .mouth strong { font-size: 1.3rem; color: var(--kept); }
.reach { display: grid; grid-template-columns: minmax(6.5rem, 58%) minmax(9rem, 1fr); gap: .8rem; }
.water { position: relative; min-height: 3rem; }
.water svg { position: absolute; inset: 0; width: 100%; height: calc(100% + 1px); }
.reach path.gone { opacity: .9; } .reach path.gone:nth-of-type(even) { opacity: .7; }
.banks { padding: .45rem 0 .7rem; }
.banks p { margin: 0; }
.banks ul { list-style: none; margin: 0; padding: 0; font-size: .9rem; }
.banks small { white-space: nowrap; }
.banks b, .number { font-variant-numeric: tabular-nums; }
.dot { display: inline-block; width: .55em; height: .55em; margin: 0 .45em 0 0; border-radius: 50%; }
p > .dot + .dot { margin-left: 1em; }
.dot.kept { background: var(--kept); }
.dot.gone, .bar.gone { background: var(--gone); } .dot.odd { background: var(--odd); }
.grid { display: grid; gap: 1rem; margin: .6rem 0 2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
figure { display: flex; flex-direction: column; margin: 0; padding: .9rem 1rem;
  background: var(--card); border: 1px solid var(--rule); }
figcaption small { display: block; }
figcaption p { margin: .1rem 0; font-size: .85rem; }
.chart { display: block; width: 100%; margin-top: auto; padding-top: .6rem; font-size: 11px; fill: var(--quiet); }
.chart .limit { stroke: var(--limit); stroke-width: 1.2; stroke-dasharray: 4 3; }
.chart text.limit { stroke: none; fill: var(--ink); font-weight: 600; }
.chart .axis { stroke: var(--rule); } .chart .curve { fill: none; stroke: var(--kept); stroke-width: 2.2; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: start; color: var(--quiet); font-size: .85rem; padding-bottom: .3rem; }
th, td { text-align: start; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: baseline; }
th { font-weight: 500; } tbody th { min-width: 5.5rem; }
tbody td:not(.number) { min-width: 3.5rem; } thead th { color: var(--quiet); font-size: .85rem; }
th.number, td.number { text-align: right; white-space: nowrap; }
.bars th:first-child { width: 28%; } .bars td:nth-child(2) { width: 46%; min-width: 4rem; } .track { display: block; }
.bar { display: block; height: .7rem; }
.bar.kept { background: var(--kept); }
.estimates { overflow-wrap: break-word; } .estimates td:last-child:not(.number) { min-width: 9rem; }
.estimates td small, .heat td small { display: block; white-space: nowrap; } .heat td small { color: var(--ink); }
.counted .track { width: clamp(3rem, 20vw, 14rem); }
.whisker { display: block; position: relative; height: .5rem; min-width: 3.5rem; max-width: 7rem;
  margin: .15rem 0 .15rem auto; border-bottom: 1px solid var(--quiet); }
.whisker i { position: absolute; bottom: -2px; height: 3px; background: var(--kept); }
.whisker b { position: absolute; bottom: -4px; width: 7px; height: 7px; margin-left: -3.5px; border-radius: 50%;
  background: var(--kept); }
.heat { width: auto; overflow-wrap: break-word; }
.heat th, .heat td { padding: .4rem .7rem; text-align: center; border: 1px solid var(--rule); }
.terms { display: grid; grid-template-columns: auto 1fr; gap: .1rem 1rem; margin: 0 0 .8rem; font-size: .9rem; }
.terms dd { margin: 0; }
details { border-bottom: 1px solid var(--rule); }
summary { cursor: pointer; padding: .55rem .2rem; }
section > details > summary .number { float: right; }
summary code { color: var(--gone-ink); margin: 0 .5rem; }
article details { border: 0; } article summary { padding: .1rem 0; font-size: .85rem; color: var(--quiet); }
.pair { display: grid; gap: 1rem; margin: .5rem 0 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
article { margin-bottom: .8rem; padding: .7rem .9rem; background: var(--card); border: 1px solid var(--rule);
  border-top: 3px solid var(--kept); }
.dropped article { border-top-color: var(--gone); } .dropped h4 { color: var(--gone-ink); }
.just-kept h4 { color: var(--kept); }
.pair > div:only-child { grid-column: 1 / -1; }
.measured { margin: 0 0 .3rem; font-size: .85rem; color: var(--quiet); }
.measured b { color: var(--ink); font-size: 1rem; }
article dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .7rem; margin: .5rem 0 0; font-size: .75rem;
  color: var(--quiet); }
article dd { margin: 0; }
.moves { table-layout: fixed; min-width: 44rem; } .moves th:first-child { width: 24%; }
.moves small { white-space: nowrap; } .moves .more { color: var(--kept); } .moves .fewer { color: var(--gone-ink); }
.moves .none { color: var(--quiet); } .moves th small { white-space: normal; }
ins { background: var(--kept-tint); color: var(--ink); text-decoration: underline 2px; text-underline-offset: .2em; }
del { background: var(--gone-tint); color: var(--ink); text-decoration: line-through 1px; }
ins::before { content: " [only here: "; } del::before { content: " [only here: "; }
ins::after, del::after { content: "] "; }
ins::before, del::before, ins::after, del::after { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.ids { font-size: .85rem; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: .2rem 1rem; margin: .5rem 0 1.5rem; }
.sides > * { min-width: 0; } .sides .head { border-top: 3px solid var(--kept); padding-top: .4rem; }
.sides .head.dropped { border-top-color: var(--gone); } .sides .head.dropped h4 { color: var(--gone-ink); }
.sides .head h4 { margin: 0; color: var(--kept); }
.sides dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .7rem; margin: .2rem 0; font-size: .75rem;
  color: var(--quiet); } .sides dd { margin: 0; }
.sides pre { margin: 0; padding: .5rem .7rem; background: var(--card); border-inline-start: 3px solid var(--kept); }
.sides pre.dropped { border-inline-start-color: var(--gone); }
.across { grid-column: 1 / -1; margin: 0; text-align: center; color: var(--quiet); font-size: .8rem; max-width: none; }
@media (max-width: 34rem) { .sides { grid-template-columns: 1fr; } .sides pre::before { content: "stays";
  display: block; color: var(--quiet); font-size: .75rem; } .sides pre.dropped::before { content: "dropped"; } }
@media (max-width: 34rem) { section > details > summary .number { float: none; display: block; }
  .reach { gap: .6rem; grid-template-columns: 36% 1fr; } }
@media (max-width: 34rem) { .estimates td:last-child:not(.number) { min-width: 6.5rem; }
  .estimates th, .estimates td { padding-inline-end: .55rem; } .counted .track { width: 2.2rem; } }
@media print { body { max-width: none; } details { break-inside: avoid; } }
"""
