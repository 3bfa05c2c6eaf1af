// Theme, density, side bar: at once here, and kept by the portal.

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-dress]");
  const button = event.submitter;
  if (!form || !button?.name) return;
  event.preventDefault();
  const { name, value } = button;
  document.documentElement.dataset[name] = value;
  for (const other of form.querySelectorAll("[aria-pressed]")) other.setAttribute("aria-pressed", String(other === button));
  if (name === "sidebar") button.value = value === "narrow" ? "wide" : "narrow";
  const body = new FormData(form);
  body.set(name, value);
  fetch(form.action, { method: "POST", body, credentials: "same-origin", headers: { "X-Requested-With": "fetch" } });
});

for (const group of document.querySelectorAll("details[data-group]")) {
  const key = `group:${group.dataset.group}`;
  if (localStorage.getItem(key) === "shut" && !group.querySelector("[aria-current]")) group.open = false;
  group.addEventListener("toggle", () => {
    if (group.open) localStorage.removeItem(key); else localStorage.setItem(key, "shut");
  });
}
