// Light and dark in the browser. Runs once per document (again is harmless), before the first paint.
//
// Figures are sent with the light theme's colours. Axes and grids follow the style sheets; glyphs do not, so
// here each token hex of each model is exchanged, and each palette by the pair in its mapper's tags. Nothing
// of this is sent back: the server, its exports and its other sessions keep the light colours.
(() => {
  if (window.anisoscopeTheme) return
  const LIGHT = __LIGHT__
  const DARK = __DARK__
  const KEY = "anisoscope-theme"
  const to_dark = new Map(), to_light = new Map()
  for (const role of Object.keys(LIGHT)) {
    to_dark.set(LIGHT[role], DARK[role])
    // Two roles may share a dark colour; the first, an object's, is the one that figures use.
    if (!to_light.has(DARK[role])) to_light.set(DARK[role], LIGHT[role])
  }
  const watched = new WeakSet(), documents = new Set(), listeners = new Set()
  const root = document.documentElement

  const remembered = () => { try { return localStorage.getItem(KEY) } catch { return null } }
  const remember = (mode) => { try { localStorage.setItem(KEY, mode) } catch { /* storage may be forbidden; the choice then lasts for the page */ } }
  const preferred = () => {
    const asked = new URLSearchParams(location.search).get("theme")
    if (asked === "dark" || asked === "light") return asked
    const kept = remembered()
    if (kept === "dark" || kept === "light") return kept
    const notebook = document.body?.dataset.jpThemeLight
    if (notebook) return notebook === "false" ? "dark" : "light"
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"
  }

  const swapped = (value, map) => {
    if (typeof value === "string") return map.get(value.toUpperCase())
    if (Array.isArray(value) && typeof value[0] === "string") {
      return value.some((v) => map.has(v.toUpperCase?.())) ? value.map((v) => map.get(v.toUpperCase?.()) ?? v) : undefined
    }
    if (value && typeof value.value === "string" && Object.getPrototypeOf(value) === Object.prototype) {
      const hex = map.get(value.value.toUpperCase())
      return hex && {...value, value: hex}
    }
  }

  const pair_of = (model) => (model.tags ?? []).find((tag) => {
    const keys = tag instanceof Map ? tag.has("light") : tag?.light
    return Boolean(keys)
  })

  function exchange(model, dark) {
    const map = dark ? to_dark : to_light, changes = {}
    for (const prop of model) {
      if (!/color|palette/.test(prop.attr)) continue
      const value = swapped(prop.is_unset ? undefined : prop.get_value(), map)
      if (value !== undefined) changes[prop.attr] = value
    }
    const pair = pair_of(model)
    if (pair) {
      const mode = dark ? "dark" : "light"
      changes.palette = pair instanceof Map ? pair.get(mode) : pair[mode]
      if (model.palette === changes.palette) delete changes.palette
    }
    if (Object.keys(changes).length) model.setv(changes, {sync: false})
    // Material widgets and the Page keep their own switch.
    const data = model.data
    if (data?.properties && "dark_theme" in data.properties && data.dark_theme !== dark) {
      data.setv({dark_theme: dark}, {sync: false})
    }
  }

  function repaint(doc) {
    // Axes read the style sheets only when they are painted.
    for (const model of doc.all_models ?? doc._all_models?.values() ?? []) {
      if (model.type !== "Figure" && model.type !== "Plot") continue
      const view = window.Bokeh?.index?.find_one_by_id?.(model.id)
      view?.request_paint?.()
    }
  }

  function apply(doc) {
    const dark = api.mode === "dark"
    for (const model of [...(doc.all_models ?? doc._all_models.values())]) exchange(model, dark)
    repaint(doc)
  }

  const holds_models = (value) => Boolean(value?.document !== undefined && value?.properties) ||
    (Array.isArray(value) && value.some((v) => Array.isArray(v) ? holds_models(v) : v?.properties))

  function changed(doc, event) {
    // A frame's data pass here sixty times a second: look at nothing but colours and new models.
    if (event.attr === "data" || event.kind === "ColumnDataChanged") return
    if (event.kind === "RootAdded") return schedule(doc)
    if (event.model && /color|palette|tags/.test(event.attr ?? "")) {
      if (api.mode === "dark") exchange(event.model, true)
    } else if (holds_models(event.value)) schedule(doc)
  }

  const scheduled = new Set()
  function schedule(doc) {
    if (scheduled.has(doc)) return
    scheduled.add(doc)
    queueMicrotask(() => { scheduled.delete(doc); apply(doc) })
  }

  const api = window.anisoscopeTheme = {
    mode: "light",
    set(mode, keep = true) {
      api.mode = mode
      root.dataset.theme = mode
      if (keep) remember(mode)
      for (const doc of documents) apply(doc)
      for (const listener of listeners) listener(mode)
    },
    toggle() { api.set(api.mode === "dark" ? "light" : "dark") },
    subscribe(listener) { listeners.add(listener); return () => listeners.delete(listener) },
    // Follow a Bokeh document: what is in it now and whatever is added later.
    watch(doc) {
      if (!doc || watched.has(doc)) return
      watched.add(doc)
      documents.add(doc)
      doc.on_change((event) => changed(doc, event))
      apply(doc)
      // Views may not be there yet; colours are, but axes must be painted in the theme's colours.
      requestAnimationFrame(() => repaint(doc))
    },
    // Tokens and fonts for a page that is not ours (a notebook).
    style(css) {
      if (!css || document.getElementById("an-tokens")) return
      const style = document.createElement("style")
      style.id = "an-tokens"
      style.textContent = css
      document.head.append(style)
    },
  }
  api.set(preferred(), false)
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (!remembered()) api.set(preferred(), false) })
  addEventListener("storage", (event) => { if (event.key === KEY && event.newValue) api.set(event.newValue, false) })
})()
