// Marks and numbers that follow the hand, in the browser alone. The Python twin is app/lenses/ghosts/hand.py.
(() => {
  const FLOOR = 1e-18, SMALLEST = 1e-300, BOTTOM_SHARE = 0.08
  const turn = Array.from({length: 129}, (_, i) => 2 * Math.PI * i / 128)
  const span = Array.from({length: 65}, (_, i) => Math.cos(Math.PI - Math.PI * i / 64))
  const arch = span.map((c) => Math.sqrt(Math.max(0, 1 - c * c)))
  const {shown, subscript} = numbers
  let brushed_from = 0, grabbed = 0, followed = 0

  // Cubic through four neighbours of an even grid, in the logarithm of the values.
  function interpolated(x, xs, ys) {
    const at = (x - xs[0]) / (xs[1] - xs[0]), i = Math.min(xs.length - 3, Math.max(1, Math.floor(at))), t = at - i
    const weights = [-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2, -(t + 1) * t * (t - 2) / 2, (t + 1) * t * (t - 1) / 6]
    return Math.exp(weights.reduce((sum, w, k) => sum + w * Math.log(Math.max(ys[i - 1 + k], SMALLEST)), 0))
  }

  function horner(c, order, x) {
    let value = 0
    for (let k = order; k >= 0; k--) value = value * x + c[k]
    return value
  }

  function linearised(z, a, label, tau) {
    const logits = Array.from(z, (value, k) => value + a[k] * tau), top = Math.max(...logits)
    return top + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - top), 0)) - logits[label]
  }

  function crossing(x0, y0, x1, y1, low, high) {
    const target = y1 > y0 ? high : low
    let share = Number.isFinite(y1) && y1 !== y0 ? (target - y0) / (y1 - y0) : 0
    share = Math.min(1, Math.max(0, share))
    return [x0 + share * (x1 - x0), share ? y0 + share * (y1 - y0) : y0]
  }

  // The stretch around the middle that stays in the frame, ending exactly on it.
  function cut(x, y, low, high) {
    const middle = Math.floor(x.length / 2), stays = (v) => v >= low && v <= high
    let first = middle, last = middle
    while (first > 0 && stays(y[first - 1])) first--
    while (last < x.length - 1 && stays(y[last + 1])) last++
    if (!stays(y[middle])) last = first = middle
    const xs = Array.from(x.slice(first, last + 1)), ys = Array.from(y.slice(first, last + 1))
    if (first > 0) { const [cx, cy] = crossing(x[first], y[first], x[first - 1], y[first - 1], low, high); xs.unshift(cx); ys.unshift(cy) }
    if (last < x.length - 1) { const [cx, cy] = crossing(x[last], y[last], x[last + 1], y[last + 1], low, high); xs.push(cx); ys.push(cy) }
    return {x: xs, y: ys}
  }

  // The twin of app/lenses/ghosts/spike_hand.py.
  const SPIKE = [["plain", "plain", "grey"], ["gradient_norm", "‖g‖ ≤ 1", "amber"], ["step_norm", "‖p‖ ≤ median", "purple"], ["radius", "r ≤ target", "blue"]]
  const spike_step = (state, tables) => Math.min(state.spike_step, tables.spike_captions.head[0])

  function spike_readouts(state, tables) {
    const captions = tables.spike_captions
    if (!captions.head.length) return []
    const step = spike_step(state, tables), text = (value) => Number.isFinite(value) ? shown(value) : "–"
    const at = ({x, y}) => { const place = Array.from(x).indexOf(step); return place < 0 ? NaN : y[place] }
    return [
      {label: `at step ${step}`, value: "accuracy", beside: "r", role: "ink2"},
      ...SPIKE.map(([lane, label, role], k) => {
        const accuracy = at(tables[`spike_accuracy_${lane}`]), reach = 10 ** at(tables[`spike_reach_${lane}`])
        return Number.isNaN(accuracy) ? {label, value: captions.stopped[k] || "–", beside: "", role}
          : {label, value: `${(100 * accuracy).toFixed(1)} %`, beside: text(reach), role}
      }),
      {label: "r asked at spike", value: "", beside: text(captions.asked[0]), role: "ink2"},
    ]
  }

  // The twin of app/lenses/ghosts/beyond_hand.py.
  function beyond_readouts(state, tables) {
    const c = tables.beyond_captions, unit = tables.beyond_unit.bound
    const step = unit.length ? [{label: "step τ", value: shown(state.r * unit[0]), beside: shown(state.r), role: "hand"}] : []
    return [...step, ...Array.from(c.label, (label, k) => ({label, value: c.value[k], beside: c.beside[k], role: c.role[k]}))]
  }

  // The twin of app/lenses/ghosts/sweep_hand.py.
  const sweep_step = (state, {sweep_unit}) => state.r * sweep_unit.bound[0]

  function sweep_cursor(state, tables) {
    const {scale, low, high} = tables.sweep_unit
    if (!scale.length) return []
    const place = Math.log10(sweep_step(state, tables)) - scale[0]
    return low[0] <= place && place <= high[0] ? [place] : []
  }

  function along({x, y}, at) {
    if (x.length < 2 || !(x[0] <= at && at <= x[x.length - 1])) return NaN
    let i = 1
    while (i < x.length - 1 && x[i] <= at) i++
    return y[i - 1] + (at - x[i - 1]) / (x[i] - x[i - 1]) * (y[i] - y[i - 1])
  }

  function sweep_readouts(state, tables) {
    const {scale} = tables.sweep_unit, c = tables.sweep_captions, rows = []
    if (scale.length) {
      const step = sweep_step(state, tables), at = Math.log10(step) - scale[0]
      const kept = along(tables.sweep_kept, at), loss = along(tables.sweep_loss, at)
      rows.push({label: "step τ, and r", value: shown(step), beside: shown(state.r), role: "hand"})
      rows.push({label: "accuracy kept", value: Number.isNaN(kept) ? "–" : `${(100 * kept).toFixed(1)} %`, beside: "", role: "ink"})
      rows.push({label: "loss over start", value: Number.isNaN(loss) ? "–" : `× ${shown(10 ** loss)}`, beside: "", role: "ink"})
    }
    return [...rows, ...Array.from(c.label, (label, k) => ({label, value: c.value[k], beside: c.beside[k], role: c.role[k]}))]
  }

  // The temperature at which a ghost is nearest to the pointer on its way: the one nearest to the pointer when it was grabbed.
  const COLDEST = 0.02, HOTTEST = 20
  const warm = (logarithm) => ({temperature: Math.min(HOTTEST, Math.max(COLDEST, Number((10 ** logarithm).toPrecision(3))))})

  function along_way(phase, at_x, at_y, state, {temperature_tracks: {x, y, t}}) {
    const height = Math.abs(at_y), now = Math.log10(state.temperature), ways = []
    for (let i = 0; i < t.length; i++) if (i === 0 || t[i] < t[i - 1]) ways.push(i)
    if (!ways.length) return null
    const length = ways.length > 1 ? ways[1] : t.length
    const gap = (i) => Number.isNaN(x[i]) ? Infinity : Math.hypot(x[i] - at_x, y[i] - height)
    if (phase === "start") {
      const place = Math.round((now - t[0]) / (t[length - 1] - t[0]) * (length - 1)), gaps = ways.map((first) => gap(first + place))
      followed = gaps.indexOf(Math.min(...gaps))
    }
    const first = ways[Math.min(followed, ways.length - 1)]
    let best = first, share = 0, least = Infinity
    for (let i = first; i < first + length - 1; i++) {
      const dx = x[i + 1] - x[i], dy = y[i + 1] - y[i], size = dx * dx + dy * dy
      const s = size ? Math.min(1, Math.max(0, ((at_x - x[i]) * dx + (height - y[i]) * dy) / size)) : 0
      const distance = Math.hypot(x[i] + s * dx - at_x, y[i] + s * dy - height)
      if (distance < least) [best, share, least] = [i, s, distance]
    }
    return least < Infinity ? warm(t[best] + share * (t[best + 1] - t[best])) : null
  }

  // The twin of app/lenses/ghosts/watch_hand.py.
  const STATES = ["as asked", "cut", "lengthened", "left out", "refused"]

  function watch_row(state, {watch_rows: {step}}) {
    let low = 0, high = step.length
    while (low < high) { const middle = (low + high) >> 1; if (step[middle] <= state.watch_step) low = middle + 1; else high = middle }
    return step.length ? Math.max(0, low - 1) : -1
  }

  function watch_readouts(state, tables) {
    const row = watch_row(state, tables), w = tables.watch_rows, text = (value) => Number.isNaN(value) ? "–" : shown(value)
    if (row < 0) return []
    const at = Object.fromEntries(Object.entries(w).map(([name, column]) => [name, column[row] ?? NaN]))
    const line = (label, value, beside = "", role = "ink") => ({label, value, beside, role})
    return [
      line(`at step ${at.step}`, "asked for", "taken", "hand"),
      line("r = τ / ρ", text(at.asked), text(at.taken), "blue"),
      line("step τ", text(at.norm), text(at.scale * at.norm)),
      line("radius ρ", text(at.radius)),
      line("tightest sample", at.sample >= 0 ? String(at.sample) : "–"),
      line("the step", STATES[at.state], "", at.state ? "amber" : "ink"),
      line("loss", text(at.loss)),
    ]
  }

  // The twin of app/lenses/ghosts/compare_hand.py.
  function compare_readouts(state, tables) {
    const {bound} = tables.compare_unit, c = tables.compare_captions, r = state.r, rows = []
    const text = (logarithm) => Number.isNaN(logarithm) ? "–" : shown(10 ** logarithm)
    if (bound.length) {
      const step = r * bound[0]
      rows.push({label: "step τ, and r", value: shown(step), beside: shown(r), role: "hand"})
      rows.push({label: "loss over start", value: text(along(tables.compare_loss, Math.log10(step))), beside: "", role: "ink"})
      rows.push({label: "KL, and its bound", value: text(along(tables.compare_kl, Math.log10(r))), beside: shown((Math.PI * r) ** 2 / 8), role: "ink"})
    }
    return [...rows, ...Array.from(c.label, (label, k) => ({label, value: c.value[k], beside: c.beside[k], role: c.role[k]}))]
  }

  function hand(state, tables) {
    const n = Object.fromEntries(Object.entries(tables.numbers).map(([name, value]) => [name, value[0]]))
    const {r, order} = state, {window, top, unit, temperature} = n
    const tau = r * temperature, c = tables.series.c, x = tables.line.x, line = tables.line.linear
    const wide = tables.wide, at_log = Array.from(wide.r, Math.log)
    const loss = interpolated(Math.log(r), at_log, wide.true)
    const linear = linearised(tables.logits.z, tables.logits.a, n.label, tau)
    const error = Math.abs(horner(c, order, r) - linear)
    const values = Array.from(x, (at) => horner(c, order, at / temperature))
    const errors = values.map((value, i) => Math.log10(Math.min(1e300, Math.max(FLOOR, Math.abs(value - line[i])))))
    const model = cut(x, values, -BOTTOM_SHARE * top, top)
    const end = model.x.length - 1, named = model.y[end] > 0.5 * top
    const seen = tau <= window, dot = seen && loss <= top
    const upper = arch.map((h) => tau * h), across = span.map((s) => tau * s)
    const beyond = tables.beyond_unit.bound.length > 0
    const row = (label, value, beside, role = "ink") => ({label, value, beside, role})
    const radius = (label, size) => size < 0 ? row(label, "∞", "∞") : row(label, shown(size * unit), shown(size / temperature))
    return {
      tables: {
        step_fill: {x: [...across, ...across.slice().reverse()], y: [...upper.map((h) => -h), ...upper.slice().reverse()]},
        step_disc: {x: turn.map((t) => tau * Math.cos(t)), y: turn.map((t) => tau * Math.sin(t))},
        step_radius: {x0: [0], y0: [0], x1: [tau], y1: [0]},
        step_handle: {x: [tau], y: [0]},
        step_label: {x: [tau <= 0.72 * window ? tau : 0.72 * window], y: [0], text: [`τ = ${shown(r)} ρₐ${seen ? "" : " →"}`]},
        taylor: model,
        taylor_name: {x: [model.x[end] - 0.02 * window], y: [named ? 0.9 * top : Math.max(model.y[end], 0) + 0.08 * top], text: [`Taylor T${subscript(order)}`]},
        loss_dot: {x: dot ? [tau] : [], y: dot ? [loss] : []},
        error: {x, y: errors},
        error_dot: {x: seen ? [tau] : [], y: seen ? [Math.log10(Math.max(error, FLOOR))] : []},
        loss_cursor: {x: seen ? [tau] : []},
        error_cursor: {x: seen ? [tau] : []},
        order_cursor: {x: [order]},
        histogram_cursor: {x: [Math.log10(tau * unit)]},
        sweep_cursor: {x: sweep_cursor(state, tables)},
        compare_cursor: {x: tables.compare_unit.bound.length ? [Math.log10(r * tables.compare_unit.bound[0])] : []},
        compare_kl_cursor: {x: tables.compare_unit.bound.length ? [Math.log10(r)] : []},
        beyond_step_disc: {x: beyond ? turn.map((t) => r * Math.cos(t)) : [], y: beyond ? turn.map((t) => r * Math.sin(t)) : []},
        beyond_step_handle: {x: beyond ? [r] : [], y: beyond ? [0] : []},
        watch_cursor: {x: watch_row(state, tables) < 0 ? [] : [tables.watch_rows.step[watch_row(state, tables)]]},
        spike_cursor: {x: tables.spike_captions.head.length ? [spike_step(state, tables)] : []},
      },
      readouts: state.view === "compare" ? compare_readouts(state, tables) : state.view === "beyond" ? beyond_readouts(state, tables) : state.view === "sweep" ? sweep_readouts(state, tables) : state.view === "spike" ? spike_readouts(state, tables) : state.view === "watch" ? watch_readouts(state, tables) : state.view !== "step" ? undefined : [
        radius("bound ρₐ", n.bound), radius("margin ρₘ", n.margin), radius("exact ρ*", n.exact),
        row("step τ", shown(tau * unit), shown(r), "hand"),
        row("true loss at τ", shown(loss), "nats"),
        row(`|T${subscript(order)} − linearised|`, shown(error), "nats"),
      ],
    }
  }

  function drag(figure, phase, x, y, state, tables) {
    if (figure === "temperature_plane") return along_way(phase, x, y, state, tables)
    if (figure === "temperature_radii") return warm(x)
    if (figure.startsWith("compare_")) {
      const {bound} = tables.compare_unit, r = 10 ** x / (figure === "compare_divergence" ? 1 : bound[0])
      return bound.length ? {r: Math.min(100, Math.max(0.01, Number(r.toPrecision(3))))} : null
    }
    if (figure.startsWith("watch_")) {
      const head = tables.watch_rows.step.at(-1)
      return figure === "watch_often" || head === undefined ? null : {watch_step: Math.max(0, Math.min(head, Math.round(x)))}
    }
    if (figure.startsWith("spike_")) return {spike_step: Math.max(0, Math.min(tables.spike_captions.head[0] ?? 0, Math.round(x)))}
    if (figure.startsWith("sweep_")) {
      const {scale} = tables.sweep_unit
      if (!scale.length || figure === "sweep_strip") return null
      const r = 10 ** (x + scale[0]) / sweep_step({r: 1}, tables)
      return {r: Math.min(100, Math.max(0.01, Number(r.toPrecision(3))))}
    }
    if (figure === "beyond_plane") return {r: Math.min(100, Math.max(0.01, Number(Math.hypot(x, y).toPrecision(3))))}
    if (figure === "plane") {
      const r = Math.hypot(x, y) / tables.numbers.temperature[0]
      return {r: Math.min(100, Math.max(0.01, Number(r.toPrecision(3))))}
    }
    if (figure === "histogram") {
      if (phase === "start") { brushed_from = x; return null }
      return {brush: [Math.min(brushed_from, x), Math.max(brushed_from, x)].map((v) => Number(v.toFixed(3)))}
    }
    if (figure === "sandbox") {
      const places = Array.from(tables.sandbox_handles.x), gaps = places.map((p) => Math.abs(p - x))
      if (phase === "start") grabbed = gaps.indexOf(Math.min(...gaps))
      const bar = grabbed, classes = places.length / 2
      const name = bar < classes ? "logits" : "slopes", values = Array.from(tables.sandbox_values[name])
      // While the bar is held it stays on the axis; let go beyond its end, the axis grows once.
      const reach = tables.sandbox_axis.reach[0], limit = phase === "end" ? Math.min(200, 2 * reach) : reach
      values[bar < classes ? bar : bar - classes] = Number(Math.min(limit, Math.max(-limit, y)).toFixed(2))
      return {[name]: values}
    }
    return null
  }

  function tap(figure, x, y, state, tables) {
    if (/^(compare|spike|sweep|temperature|watch)_/.test(figure)) return drag(figure, "end", x, y, state, tables)
    if (figure === "histogram") return {brush: [-6, 6]}
    if (figure !== "thumbnails") return null
    const column = Math.floor(x), index = tables.tiles.index[(2 - Math.floor(y)) * 8 + column]
    return index === undefined || column < 0 || column > 7 ? null : {sample: index}
  }

  return {hand, drag, tap}
})()
