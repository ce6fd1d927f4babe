// Changes to how BokehJS paints, see app/painting.py; running this again does nothing.

if (window.Bokeh && !window.anisoscopePainting) {
  window.anisoscopePainting = true
  const ours = __OURS__

  const { InlineStyleSheet } = Bokeh.require("core/dom")
  InlineStyleSheet.prototype._update = function (css) { if (this.css !== css) this.el.textContent = css }

  const painter = Bokeh.Models.GlyphRenderer.prototype.default_view.prototype
  Object.defineProperty(painter, "needs_clip", { get() { return this.plot_view.model.tags.includes(ours) } })

  // Sizes of our text are in pixels: nothing is asked of the document for those in units of its own.
  const plot = Bokeh.require("models/plots/plot_canvas").PlotView.prototype
  const base = Object.getOwnPropertyDescriptor(plot, "base_font_size")
  Object.defineProperty(plot, "base_font_size", { get() { return this.model.tags.includes(ours) ? null : base.get.call(this) } })

  const { VisualProperties } = Bokeh.require("core/visuals/visual")
  const ask = VisualProperties.prototype._get_css_value
  const known = {} // by mode of the page, then by name

  function answers(el) {
    const mode = document.documentElement.dataset.theme ?? ""
    // Before the theme has reached a figure, nothing that it says is kept.
    if (!known[mode] && getComputedStyle(el).getPropertyValue("--bk-grid-line-color") !== "") known[mode] = new Map()
    return known[mode]
  }

  VisualProperties.prototype._get_css_value = function (name) {
    const figure = this.obj.plot_view ?? this.obj
    const kept = figure.model.tags.includes(ours) ? answers(this.obj.el) : undefined
    if (!kept || !this.obj.el.isConnected) return ask.call(this, name)
    const property = this.css_prefix + name
    if (!kept.has(property)) kept.set(property, ask.call(this, name))
    return kept.get(property)
  }
}
