// Runs before the first paint: the chosen look, if one was chosen; otherwise the system's.
(() => {
  const root = document.documentElement;
  const kept = localStorage.getItem("theme");
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  root.classList.add("js");

  addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      const show = () => {
        const chosen = localStorage.getItem("theme") || "system";
        button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosen));
      };
      show();
      document.addEventListener("themechange", show);
      button.addEventListener("click", () => {
        const choice = button.dataset.themeChoice;
        if (choice === "system") {
          localStorage.removeItem("theme");
          delete root.dataset.theme;
        } else {
          localStorage.setItem("theme", choice);
          root.dataset.theme = choice;
        }
        document.dispatchEvent(new Event("themechange"));
      });
    }
  });
})();
