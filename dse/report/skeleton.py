"""The page's parts that its script fills. Nothing of a spec is in them."""

from typing import Final

EXPLORE: Final = """
<section id="explore" class="explore"><div>
<div class="controls">
<label>across <select id="scatter-x"></select></label>
<label>up <select id="scatter-y"></select></label>
<label>colour <select id="scatter-color"><option value="">front</option></select></label>
<label><input id="scatter-hide" type="checkbox"> meeting constraints only</label>
</div>
<div id="scatter" class="plot" tabindex="0" role="group"
 aria-label="Designs as points. Arrow keys go along the Pareto front."></div>
<div id="scatter-legend" class="legend"></div>
</div>
<aside id="selected" class="card" aria-live="polite">
<h2 id="card-title">No design</h2><div id="card"></div>
<div class="controls noprint"><button id="front-previous">&larr; along the front</button>
<button id="front-next">along the front &rarr;</button></div>
</aside></section>
<section aria-label="all columns">
<div id="chips" class="chips"></div>
<div id="parallel" class="plot" role="group"
 aria-label="Every design as a line across all columns. The filter below does the same as dragging."
></div>
<div class="controls noprint">
<label>keep <select id="filter-axis"></select></label>
<label>from <input id="filter-from" type="text" list="filter-from-values" autocomplete="off">
</label><datalist id="filter-from-values"></datalist>
<label>to <input id="filter-to" type="text" list="filter-to-values" autocomplete="off"></label>
<datalist id="filter-to-values"></datalist>
<button id="filter-set">set filter</button></div>
</section>"""

DESIGNS: Final = """
<section id="designs"><h2>Designs</h2>
<div class="controls"><label><input id="only-front" type="checkbox" checked> Pareto front only
</label><span class="soft small">filters above apply; a column&rsquo;s name sorts</span></div>
<div class="scroll tall"><table><thead><tr id="designs-head"></tr></thead>
<tbody id="designs-body"></tbody></table></div>
<div class="controls noprint"><button id="designs-more" hidden></button></div>
</section>"""

_HEAD: Final = """
<section id="one"><h2>Selected design: where its time and bytes go</h2>
<p>In this sweep: <span id="neighbours"></span></p>
<p id="no-detail" class="soft" hidden>"""

PICTURES: Final = """
<p><b id="detail-name"></b>: <span id="detail-sentence"></span></p>
<p class="soft"><span id="detail-basis"></span> <span id="utilisation"></span></p>
<h3>Cycles by cause</h3>
<div class="legend"><span><i class="ideal"></i>useful work</span>
<span><i class="mapping"></i>padding of ragged tiles</span>
<span><i class="fill"></i>fill and drain of the array</span>
<span><i class="memory"></i>waiting for memory</span>
<span><i class="control"></i>commands and tokens</span></div>
<div id="waterfall" class="scroll"></div>
<div class="two"><div><h3>Roofline of each layer</h3>
<p id="roofline-note" class="soft small"></p><div id="roofline" class="scroll"></div></div>
<div><h3>Bytes over the memory port, by tensor</h3>
<div class="legend"><span><i class="read"></i>read</span>
<span><i class="written"></i>written</span></div>
<div id="traffic" class="scroll"></div>
<h3>With one thing changed</h3>
<div class="scroll"><table><thead><tr><th scope="col">with</th>
<th scope="col" class="n">cycles</th><th scope="col" class="n">change</th>
<th scope="col">known from</th></tr></thead>
<tbody id="what-ifs"></tbody></table></div></div></div>
<h3>Schedule</h3>
<div class="controls"><label class="noprint">zoom
<input id="gantt-zoom" type="range" min="1" max="20" step="0.5" value="1"></label>
<span id="gantt-note" class="soft small"></span></div>
<div id="gantt" class="scroll"></div><div id="gantt-keys" class="legend"></div>
<h3>Scratchpad</h3><p id="memory-note" class="soft small"></p>
<div id="memory" class="scroll"></div>
<div id="memory-keys" class="legend"></div>
<div id="off-chip"><h3>Off-chip memory</h3>
<div class="scroll"><table><thead><tr><th scope="col">tensor</th><th scope="col" class="n">from
</th><th scope="col" class="n">end</th><th scope="col" class="n">bytes</th>
<th scope="col">layout</th></tr></thead><tbody id="off-chip-body"></tbody></table></div></div>
<h3>Layers</h3>
<div class="scroll"><table><thead><tr><th scope="col">layer</th><th scope="col" class="n">M x K x N
</th><th scope="col" class="n">MACs</th><th scope="col" class="n">cycles</th>
<th scope="col" class="n">utilisation</th><th scope="col" class="n">useful</th>
<th scope="col" class="n">padding</th><th scope="col" class="n">fill</th>
<th scope="col" class="n">memory</th><th scope="col" class="n">control</th>
<th scope="col" class="n">bytes read</th><th scope="col" class="n">bytes written</th>
<th scope="col" class="n">MACs per byte</th></tr></thead>
<tbody id="layers-body"></tbody></table></div>"""


def detail_part(kept: str) -> str:
    """The selected design; `kept`, safe HTML, says whose details there are."""
    return f'{_HEAD}{kept}</p>\n<div id="detail" hidden>{PICTURES}</div></section>'
