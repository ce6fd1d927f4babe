const SUN = '<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><circle cx="12" cy="12" r="4.6" fill="currentColor"/><g stroke="currentColor" stroke-width="2" stroke-linecap="round"><path d="M12 2.6v2M12 19.4v2M2.6 12h2M19.4 12h2M5.4 5.4l1.4 1.4M17.2 17.2l1.4 1.4M18.6 5.4l-1.4 1.4M6.8 17.2l-1.4 1.4"/></g></svg>'
const MOON = '<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="M20.5 14.2A8.6 8.6 0 1 1 9.8 3.5a7 7 0 0 0 10.7 10.7z" fill="currentColor"/></svg>'

export function render({model, el, view}) {
  const theme = window.anisoscopeTheme
  theme.style(model.css)
  theme.watch(view.model.document)
  const button = document.createElement("button")
  button.type = "button"
  button.setAttribute("role", "switch")
  button.setAttribute("aria-label", "Dark theme")
  button.title = "Light or dark"
  button.onclick = () => theme.toggle()
  const show = (mode) => {
    button.innerHTML = mode === "dark" ? MOON : SUN
    button.setAttribute("aria-checked", String(mode === "dark"))
  }
  show(theme.mode)
  const stop = theme.subscribe(show)
  model.on("remove", stop)
  el.append(button)
}
