// Changes to how BokehJS paints, see app/painting.py; running this again does nothing.

if (window.Bokeh && !window.anisoscopePainting) {
  window.anisoscopePainting = true
  const ours = __OURS__
  const isOurs = (view) => (view.plot_view ?? view).model.tags.includes(ours)

  // One method of Bokeh's for the figures of others, another for ours; it gets Bokeh's as its first argument.
  function change(prototype, name, mine) {
    const theirs = prototype[name]
    prototype[name] = function (...of) { return isOurs(this) ? mine.call(this, theirs, ...of) : theirs.apply(this, of) }
  }

  function changeValue(prototype, name, mine) {
    const inherited = function () { return Reflect.get(Object.getPrototypeOf(prototype), name, this) }
    const theirs = Object.getOwnPropertyDescriptor(prototype, name)?.get ?? inherited
    Object.defineProperty(prototype, name, { get() { return isOurs(this) ? mine.call(this, theirs) : theirs.call(this) } })
  }

  const { InlineStyleSheet } = Bokeh.require("core/dom")
  InlineStyleSheet.prototype._update = function (css) { if (this.css !== css) this.el.textContent = css }

  const painter = Bokeh.Models.GlyphRenderer.prototype.default_view.prototype
  const above = Object.getPrototypeOf(painter)
  changeValue(painter, "needs_clip", () => true)

  // The element of a glyph is empty; to follow its marks would be a new style sheet for each of them at each paint.
  change(painter, "update_position", function () { this.position.replace(":host { display: none; }") })

  // Bokeh keeps five glyphs for each we draw, for marks that are selected, not selected, muted or thinned out, and works
  // out the data, the colours and the places of all five. Nothing of the kind happens to ours: all five are the first.
  change(painter, "build_glyph_view", function (build, glyph) { return this.glyph ?? build.call(this, glyph) })
  change(painter, "children_views", function () { return [...above.children_views.call(this), this.cds_view, this.glyph] })
  change(painter, "map_data", function () { this.glyph.map_data() })
  change(painter, "set_visuals", async function () {
    this.glyph.set_visuals(this.model.data_source, this.all_indices)
    this.glyph.after_visuals()
    await this.glyph.after_lazy_visuals()
  })
  change(painter, "set_data", async function (_, changed) {
    this.all_indices = this.decimated = this.model.view.indices
    await this.glyph.set_data(this.model.data_source, this.all_indices, changed)
    await this.set_visuals()
    this.plot_view.invalidate_dataranges = true
  })
  // What is out of sight is left out of the painting; Bokeh also tells the view, and works the colours out again then.
  change(painter, "_update_masked_indices", function () { return this.glyph.mask_data() })
  change(painter, "remove", function () {
    this.cds_view.remove()
    this.glyph.remove()
    above.remove.call(this)
  })

  // Sizes of our text are in pixels: nothing is asked of the document for those in units of its own.
  const plot = Bokeh.require("models/plots/plot_canvas").PlotView.prototype
  changeValue(plot, "base_font_size", () => null)

  // An axis takes the whole border that our figures keep for it, so that a longer number on it lays nothing out anew.
  const axis = Bokeh.require("models/axes/axis").AxisView.prototype
  change(axis, "get_size", function (measure) {
    const { width, height } = measure.call(this)
    return { width, height: Math.max(height, this.plot_view.model[`min_border_${this.panel.side}`] ?? 0) }
  })

  // How far its numbers reach is worked out up to six times in a repaint: once is enough, unless its range changes in it.
  change(plot, "repaint", function (repaint) {
    this.reaches = new Map()
    try { repaint.call(this) } finally { this.reaches = undefined }
  })
  changeValue(axis, "extents", function (measure) {
    const { reaches } = this.plot_view
    if (!reaches) return measure.call(this)
    const [{ start, end }] = this.ranges, known = reaches.get(this)
    if (known && known.start === start && known.end === end) return known.extents
    const extents = measure.call(this)
    reaches.set(this, { start, end, extents })
    return extents
  })

  // A pointer that is held still for 0.3 s is a press to Bokeh, and what follows no drag. Ours have no use for presses.
  const gestures = Bokeh.require("core/ui_gestures").UIGestures.prototype
  const wait = gestures._start_timeout
  gestures._start_timeout = function () {
    const figure = this.handlers.canvas_view?.parent
    if (!figure || !isOurs(figure)) wait.call(this)
  }

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
    const kept = isOurs(this.obj) ? answers(this.obj.el) : undefined
    if (!kept || !this.obj.el.isConnected) return ask.call(this, name)
    const property = this.css_prefix + name
    if (!kept.has(property)) kept.set(property, ask.call(this, name))
    return kept.get(property)
  }
}
