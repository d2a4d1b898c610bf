// What is pointed at, tapped or focused says its numbers at once, also where nothing can hover.
const tip = document.getElementById("tip");
function show(event) {
  const mark = event.target.closest ? event.target.closest(".tip") : null;
  tip.textContent = mark ? mark.getAttribute("aria-label") : "";
  tip.style.display = mark ? "block" : "none";
  if (!mark) return;
  const box = mark.getBoundingClientRect();
  const left = Math.min(Math.max(box.left + box.width / 2 - tip.offsetWidth / 2, 6),
    document.documentElement.clientWidth - tip.offsetWidth - 6);
  const above = box.top - tip.offsetHeight - 6;
  tip.style.left = left + "px";
  tip.style.top = (above > 4 ? above : box.bottom + 6) + "px";
}
for (const name of ["pointerover", "pointerdown", "focusin"]) {
  document.addEventListener(name, show);
}
document.addEventListener("scroll", () => { tip.style.display = "none"; }, true);
