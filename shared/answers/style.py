"""How the pages look, in light and in dark."""

from __future__ import annotations

# Contrast of text is 7:1 or more on both grounds, of the button's 4.5:1.
CSS = """
:root {
  --ground: #f6f7f9; --card: #fff; --text: #16181d; --faint: #464c57;
  --line: #c9ced6; --act: #0b57d0; --on-act: #fff; --good: #0a5c36;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14161a; --card: #1e2127; --text: #eef0f3; --faint: #b6bcc7;
    --line: #3a404b; --act: #8ab4ff; --on-act: #0b1a33; --good: #86dfae;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
header { padding: 1rem; color: var(--faint); font-weight: 600; }
header, main { max-width: 36rem; margin: 0 auto; }
main { padding: 0 1rem 2rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.125rem; line-height: 1.35; margin: 0 0 .75rem; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  border-left: .375rem solid var(--line); padding: 1rem; margin: 1rem 0;
}
section.high { border-left-color: #d92d20; }
section.medium { border-left-color: #d97706; }
section.low { border-left-color: #ca9a04; }
dl {
  display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 0;
}
dt { color: var(--faint); }
dd { margin: 0; }
ul { padding-left: 1.25rem; font-family: ui-monospace, monospace; font-size: .875rem; }
.good { color: var(--good); font-weight: 600; }
.small { color: var(--faint); font-size: .875rem; }
fieldset { border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 1rem; }
label { display: block; padding: .625rem 0; min-height: 2.75rem; }
input { width: 1.25rem; height: 1.25rem; vertical-align: middle; }
button {
  width: 100%; min-height: 3rem; border: 0; border-radius: .5rem;
  background: var(--act); color: var(--on-act); font: inherit; font-weight: 600;
  cursor: pointer;
}
button:focus-visible, input:focus-visible {
  outline: .1875rem solid var(--text); outline-offset: .1875rem;
}
"""
