/* Links and forms change the address without a new load. Without this script they still work, by loading anew. */
(function () {
  "use strict";
  let focused = null;
  let isFirst = true;
  let path = window.location.pathname;

  function go(url) {
    focused = document.activeElement && document.activeElement.id;
    window.history.pushState({}, "", url);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  document.addEventListener("click", function (event) {
    const link = event.target.closest && event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return;
    }
    if (link.classList.contains("skip")) {
      event.preventDefault();
      document.getElementById("content").focus();
      return;
    }
    if (link.target || link.origin !== window.location.origin) {
      return;
    }
    event.preventDefault();
    go(link.href);
  });

  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.classList.contains("choices")) {
      return;
    }
    event.preventDefault();
    const chosen = new URLSearchParams();
    new FormData(form).forEach(function (value, name) {
      if (value) {
        chosen.set(name, value);
      }
    });
    const search = chosen.toString();
    go(new URL(form.getAttribute("action") + (search ? "?" + search : ""), window.location.origin));
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    lakehouse: {
      /* A new page is told by its title and its heading; on the same page the focus stays where it was. */
      arrive: function () {
        window.requestAnimationFrame(function () {
          const heading = document.querySelector("main h1");
          if (!heading) {
            return;
          }
          document.title = heading.textContent + " · Telemetry lakehouse";
          const isNew = path !== window.location.pathname;
          path = window.location.pathname;
          const part = document.querySelector("[id='" + CSS.escape(window.location.hash.slice(1)) + "'] > h2");
          const kept = focused && document.getElementById(focused);
          if (part) {
            part.scrollIntoView();
            part.focus({ preventScroll: true });
          } else if (!isFirst && isNew) {
            window.scrollTo(0, 0);
            heading.focus();
          } else if (kept) {
            kept.focus({ preventScroll: true });
          }
          isFirst = false;
          focused = null;
        });
        return "";
      },
    },
  });
})();
