const ICONS = {
  share: '<path d="M10.5 13.5a3.6 3.6 0 0 0 5.1 0l3-3a3.6 3.6 0 0 0-5.1-5.1l-1 1M13.5 10.5a3.6 3.6 0 0 0-5.1 0l-3 3a3.6 3.6 0 0 0 5.1 5.1l1-1" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>',
  export: '<path d="M12 4v10m0 0l-4-4m4 4l4-4M5 19h14" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>',
}

export function render({model, el}) {
  const button = document.createElement("button")
  button.type = "button"
  button.setAttribute("aria-label", model.label)
  const icon = ICONS[model.icon]
  if (icon) button.innerHTML = `<svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">${icon}</svg>`
  const label = document.createElement("span")
  label.textContent = model.label
  if (icon) label.className = "beside"
  button.append(label)
  button.onclick = () => { model.clicks += 1 }
  el.append(button)
}
