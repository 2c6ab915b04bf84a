/* Puts HTML that the server wrote, and escaped, into the element that carries it. */
(function () {
  "use strict";
  const put = new WeakMap();

  function fill(element) {
    (put.get(element) || []).forEach(function (node) {
      node.remove();
    });
    put.delete(element);
    if (!element.hasAttribute("data-html")) {
      return;
    }
    const template = document.createElement("template");
    template.innerHTML = element.dataset.html;
    put.set(element, Array.from(template.content.childNodes));
    element.append(template.content);
  }

  new MutationObserver(function (changes) {
    changes.forEach(function (change) {
      if (change.type === "attributes") {
        fill(change.target);
        return;
      }
      change.addedNodes.forEach(function (node) {
        if (node.nodeType === Node.ELEMENT_NODE) {
          node.querySelectorAll("[data-html]").forEach(fill);
          if (node.hasAttribute("data-html")) {
            fill(node);
          }
        }
      });
    });
  }).observe(document.documentElement, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-html"] });
})();
