"""The style of the page at /docs, and the hash by which a browser is told that this one is ours."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
body { font: 16px/1.55 "Noto Sans", "Noto Sans CJK SC", sans-serif; color: #1a1a1a; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .4rem; border-top: 1px solid #d0d0d0; padding-top: 1rem; overflow-wrap: anywhere; }
h2 b { font-family: monospace; color: #0b4f8a; margin-right: .6rem; }
code, pre { font-family: monospace; font-size: .9rem; background: #f4f4f2; }
pre { padding: .7rem; overflow-x: auto; }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: .5rem 0; }
th, td { border: 1px solid #d0d0d0; padding: .2rem .5rem; text-align: left; vertical-align: top; }
.old { color: #7a4b00; }
nav a { display: inline-block; margin-right: 1rem; }
a { color: #0b4f8a; }
"""
STYLE_HASH = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
