"""The page's look and its one behaviour, both written into it."""

from __future__ import annotations

STYLE = """
:root { --ground: #fbfbfa; --raised: #fff; --ink: #1c2024; --soft: #5c6570; --line: #dfe2e6; --accent: #2457b3;
  --alarm: #a3241b; --alarm-ground: #fdf0ee; --hint-ground: #eef6f1; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171b; --raised: #1b1f25; --ink: #e6e9ed; --soft: #9aa5b1; --line: #313842; --accent: #7fa8f0;
    --alarm: #ff9d92; --alarm-ground: #37201e; --hint-ground: #1c2b24; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 0.75rem; }
h3 { font-size: 1rem; margin: 0; }
code, pre, small { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
code { font-size: 0.92em; } small { font-size: 0.8em; color: var(--soft); }
h1 code { font-size: 0.95em; }
p { margin: 0.5rem 0; } .facts { color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 0.75rem;
  margin: 1.5rem 0 0; }
.figures div { display: flex; flex-direction: column-reverse; padding: 0.8rem 1rem; background: var(--raised);
  border: 1px solid var(--line); border-radius: 8px; }
.figures dt { color: var(--soft); font-size: 0.87rem; }
.figures dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.alarm { padding: 0.7rem 1rem; border-left: 4px solid var(--alarm); background: var(--alarm-ground); }
.cards { display: grid; gap: 0.75rem; }
article { padding: 1rem; background: var(--raised); border: 1px solid var(--line); border-left: 4px solid var(--alarm);
  border-radius: 8px; overflow-wrap: anywhere; }
.place { margin: 0.15rem 0 0.5rem; } .place span { color: var(--soft); margin-left: 0.5rem; font-size: 0.87rem; }
pre { margin: 0.5rem 0; padding: 0.6rem 0.8rem; overflow-x: auto; font-size: 0.85rem; background: var(--ground);
  border-radius: 6px; }
.hint { margin: 0.6rem 0 0; padding: 0.5rem 0.8rem; background: var(--hint-ground); border-radius: 6px; }
.hint strong { margin-right: 0.35rem; }
.notes { margin: 0; padding-left: 1.1rem; max-width: 75ch; } .notes li { margin: 0.4rem 0; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.28rem 0.6rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--soft); font-size: 0.82rem; font-weight: 500; white-space: nowrap; }
tbody th { font-weight: 400; } th:first-child, .text { text-align: left; }
.waterfall th:first-child { width: 1%; white-space: nowrap; } .waterfall td { width: 1%; white-space: nowrap; }
.waterfall .phase th { font-weight: 600; } .waterfall .app th { padding-left: 1.6rem; color: var(--soft); }
.waterfall .time { width: 60%; min-width: 200px; text-align: left; }
.time div { position: relative; height: 1.05rem; margin-top: 0.2rem;
  background: linear-gradient(90deg, var(--line) 1px, transparent 1px) 0 0 / 10% 100%; }
.bar { position: absolute; top: 0.1rem; bottom: 0.1rem; border-radius: 2px; background: var(--accent); }
.app .bar, .after .bar { opacity: 0.55; } .waterfall .after th { font-weight: 400; }
.imports { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 1fr); gap: 2rem; }
@media (max-width: 1000px) { .imports { grid-template-columns: minmax(0, 1fr); gap: 0; } }
.legend { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: center; justify-content: space-between; }
.legend ul { display: flex; flex-wrap: wrap; gap: 1rem; margin: 0; padding: 0; list-style: none; font-size: 0.87rem; }
.legend span { display: inline-block; width: 0.8rem; height: 0.8rem; margin-right: 0.35rem; border-radius: 2px; }
#whole { font: inherit; font-size: 0.87rem; padding: 0.2rem 0.7rem; color: var(--ink); background: var(--raised);
  border: 1px solid var(--line); border-radius: 6px; cursor: pointer; }
#flame { --from: 0; --width: 1; position: relative; height: calc(var(--levels) * 20px); margin-top: 0.75rem;
  overflow: hidden; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); }
#flame > * { position: absolute; top: calc(var(--d) * 20px); height: 19px; padding: 0 4px; border: 0;
  left: max(0%, calc((var(--x) - var(--from)) * 100% / var(--width)));
  right: max(0%, calc(100% - (var(--x) + var(--w) - var(--from)) * 100% / var(--width)));
  font: 12px/19px system-ui, sans-serif; text-align: left; color: #fff; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; cursor: zoom-in; box-shadow: inset -1px 0 0 var(--raised); border-radius: 2px; }
#flame > .narrow { padding: 0; font-size: 0; }
#flame > *:hover { filter: brightness(1.2); }
.own { background: #2457b3; } .django { background: #0f6b4f; } .package { background: #97500a; }
.python { background: #5b6470; } #flame > .phase { background: #2b3138; font-weight: 600; }
#flame > .app { background: #454d57; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#flame > :focus-visible { outline: 2px solid #fff; outline-offset: -3px; }
@media print { #whole { display: none; } }
"""

SCRIPT = """
"use strict";
const flame = document.getElementById("flame");
if (flame) {
  const show = (from, width) => {
    flame.style.setProperty("--from", from);
    flame.style.setProperty("--width", width);
    for (const block of flame.children) {
      const share = Number(block.style.getPropertyValue("--w")) / width;
      block.classList.toggle("narrow", share * flame.clientWidth < 34);
    }
  };
  flame.addEventListener("click", (event) => {
    const block = event.target.closest("#flame > *");
    if (block) show(block.style.getPropertyValue("--x"), block.style.getPropertyValue("--w"));
  });
  document.getElementById("whole").addEventListener("click", () => show(0, 1));
  show(0, 1);
}
"""
