//! How a page looks, by day and by night.

/// The style sheet of every page.
pub(crate) const CSS: &str = "\
:root{--bg:#fdfdfc;--fg:#1c1e21;--dim:#6b7076;--line:#dfe2e5;--one:#1f5fbf;--two:#a8adb3;\
--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--bg:#15171a;--fg:#e4e6e8;--dim:#9aa0a6;--line:#2c3036;\
--one:#6aa5ff;--two:#6b7178;--bad:#ff8a80}}\
body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;margin:0}\
main{max-width:1000px;margin:0 auto;padding:1.5rem}\
h1{font-size:1.3rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
td,th{padding:.15rem .6rem;text-align:right;border-bottom:1px solid var(--line)}\
td:not(:first-child){white-space:nowrap}\
th:first-child,td:first-child{text-align:left}th{font-weight:500;color:var(--dim)}\
.heat td{min-width:2.4rem}.wide{overflow-x:auto}\
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:.6rem}\
.card{border:1px solid var(--line);border-radius:6px;padding:.5rem .7rem}\
.card b{display:block;font-size:1.15rem;font-weight:600}.card span{color:var(--dim)}\
.bad{color:var(--bad);font-weight:600}footer{margin-top:2rem;color:var(--dim);\
font-size:.8rem;overflow-wrap:anywhere}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dt{color:var(--dim)}\
dd{margin:0;overflow-wrap:anywhere}\
svg{width:100%;height:auto;display:block}.g{stroke:var(--line);stroke-width:1}\
.t{fill:var(--dim);font-size:12px}.e{text-anchor:end}.m{text-anchor:middle}\
.l1{fill:none;stroke:var(--one);stroke-width:1.6}.l2{fill:none;stroke:var(--two);\
stroke-width:1.2}.l3{fill:none;stroke:#c26a1a;stroke-width:1.4}\
.l4{fill:none;stroke:#2e8b57;stroke-width:1.4}.l5{fill:none;stroke:#8a4fbf;stroke-width:1.4}\
.l6{fill:none;stroke:#b03060;stroke-width:1.4}.l7{fill:none;stroke:#4f7a8a;stroke-width:1.4}\
.l8{fill:none;stroke:#8a7a2f;stroke-width:1.4}\
.a1{fill:var(--one);opacity:.25}.a3{fill:var(--bad);opacity:.35}\
.v{fill:var(--fg);font-size:11px}.dot{fill:var(--one)}.bar{fill:var(--one)}.bar2{fill:var(--bad);opacity:.7}\
.r-bull{fill:#2e8b57;background:#2e8b57;opacity:.10}.r-neutral{fill:#7a6fa0;\
background:#7a6fa0;opacity:.14}.r-bear{fill:#d08020;background:#d08020;opacity:.16}\
.r-crash{fill:#c03028;background:#c03028;opacity:.22}\
.key{color:var(--dim);font-size:.85rem}.key span{display:inline-block;width:1.1em;height:.7em;\
margin:0 .3em 0 .8em}.key .kr{opacity:.6}.k1{background:var(--one)}.k2{background:var(--two)}";
