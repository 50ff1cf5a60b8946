"""Style and script of the page of a memory plan. Both are constant: nothing is filled in."""

from typing import Final

STYLE: Final = """
body{font:14px/1.45 system-ui,sans-serif;margin:24px 32px;color:#1c2430;background:#fff}
h1{font-size:20px;margin:0 0 12px;overflow-wrap:anywhere} h2{font-size:16px;margin:24px 0 8px}
table{border-collapse:collapse} th,td{text-align:left;padding:1px 14px 1px 0;vertical-align:top}
th{font-weight:500;color:#5b6675} td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
td.n{text-align:right}
.summary{display:flex;gap:48px;flex-wrap:wrap;align-items:start;margin-bottom:12px}
.summary table{max-width:47%}
.badge{font-weight:600;padding:0 8px;border-radius:9px}
.good{background:#d9f2e0;color:#11622d} .open{background:#fdebc8;color:#7a4a00}
.controls{display:flex;gap:20px;flex-wrap:wrap;align-items:center;margin:14px 0 6px}
.key{display:inline-flex;gap:6px;align-items:center}
.key i{width:16px;height:12px;border-radius:2px}
.frame{display:flex;border:1px solid #cfd6df;border-radius:4px}
.axis{flex:none;width:104px;border-right:1px solid #cfd6df;background:#f6f8fa}
.scroll{overflow-x:auto;flex:1;position:relative}
.scroll>div{width:calc(var(--columns)*var(--w));min-width:100%}
.map{position:relative;height:var(--map);margin:10px 0 0}
.axis span{position:absolute;right:8px;transform:translateY(-50%);font-size:11px;color:#5b6675}
.grid{background:#f6f8fa;border-top:1px dashed #c0392b;box-sizing:content-box;margin-top:9px}
.lane{position:relative;height:34px;border-top:1px solid #e3e8ee;overflow:hidden}
.name{padding:6px 8px 0 0;text-align:right;color:#5b6675;font-size:12px;box-sizing:border-box}
.box,.bar,.op,.mark{position:absolute;box-sizing:border-box;overflow:hidden;
 left:calc(var(--a)*var(--w));width:calc(var(--n)*var(--w))}
.box{border:.5px solid #fff;border-radius:1.5px;container-type:size;font-size:11px;line-height:13px}
.lane.ops{height:96px}
.op{container-type:size;top:2px;bottom:2px;font-size:11px;line-height:13px}
.box span,.op span{display:none;padding-left:4px;white-space:nowrap}
@container (min-width:34px) and (min-height:12px){.box span{display:block}}
@container (min-width:12px){.op span{display:block;writing-mode:vertical-rl;padding:4px 0 0}}
@container (min-width:70px){.op span{writing-mode:horizontal-tb;padding:4px 0 0 4px}}
.box:hover,.op:hover,.mark:hover{outline:2px solid #1c2430;z-index:2;overflow:visible}
.made{background:#7fa6d6}.made.s1{background:#93b5de}.made.s2{background:#6f98cb}
.leaves{background:#e0897e}.leaves.s1{background:#e79c92}.leaves.s2{background:#d6786c}
.first{background:#86bf94}.first.s1{background:#98cba4}.first.s2{background:#75b184}
.box.leaves,.box.back{min-width:4px;z-index:1}
.back{background:#eab35c}.back.s1{background:#efc077}.back.s2{background:#e2a748}
.result{background:#86bf94}
.bar{bottom:0;background:#a9b7c8}
.op{background:#dfe5ec}.op.s1{background:#c9d2dd}
.mark{top:4px;bottom:4px;min-width:2px}
.tick{position:absolute;left:calc(var(--a)*var(--w));font-size:11px;color:#5b6675;top:4px;
 border-left:1px solid #9aa5b1;padding-left:3px}
ol{columns:4;font-size:12px} details{margin-top:20px} li{overflow-wrap:anywhere}
"""

SCRIPT: Final = """
const zoom = document.getElementById('zoom');
const frame = document.querySelector('.frame'), scroll = document.querySelector('.scroll');
zoom.addEventListener('input', () => {
  const middle = (scroll.scrollLeft + scroll.clientWidth / 2) / scroll.scrollWidth;
  frame.style.setProperty('--w', zoom.value + 'px');
  scroll.scrollLeft = middle * scroll.scrollWidth - scroll.clientWidth / 2;
});
"""
