/* A box that scrolls can be reached by keyboard; one that does not is left alone. */
(() => {
  const boxes = "div.math, .math-wrapper, .table-wrapper, div.highlight pre, .symgrad-scroll";
  const mark = () => document.querySelectorAll(boxes).forEach((box) => {
    const wide = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible";
    if (wide) { box.tabIndex = 0; if (!box.hasAttribute("role")) box.setAttribute("role", "group"); }
    else if (!box.matches(".symgrad-scroll")) { box.removeAttribute("tabindex"); }
  });
  const later = () => setTimeout(mark, 50);
  window.addEventListener("load", () => {
    later();
    const ready = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
    if (ready) ready.then(later);
  });
  window.addEventListener("resize", later);
})();
