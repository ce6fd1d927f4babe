// What follows the training step, in the browser alone. The Python twin is app/lenses/spectra/hand.py.
(() => {
  const {shown} = numbers
  const LANES = [1, 2, 3, 4], ROLES = ["blue", "amber", "grey", "green"]
  const LOW = -20, HIGH = 12, CODES = 65534
  const EARLIER = [1, 2, 3], PARTS = 12
  const PLACES = [0.62, 0.4, 0.22, 0.8]
  const decoded = (code) => (code - 1) / CODES * (HIGH - LOW) + LOW

  // The last recorded row at or before a step; the first where there is none; -1 where nothing is recorded.
  function row_of(steps, step) {
    let row = steps.length && Number.isFinite(steps[0]) ? 0 : -1
    for (let i = 0; i < steps.length && steps[i] <= step; i++) row = i
    return row
  }

  function line(codes, values, row, shift) {
    const x = [], y = []
    for (let i = 0; i < values; i++) {
      const code = codes[row * values + i]
      if (code) { x.push(i + 1); y.push(decoded(code) - shift) }
    }
    return {x, y}
  }

  const empty = () => ({x: [], y: []})

  function spectra(which, state, tables, rows, unit) {
    const found = {}, floor = {x0: [], y0: [], x1: [], y1: []}
    const bottom = tables.captions[`bottom_${which}`][0]
    for (const k of LANES) {
      const lane = tables[`lane_${k}`], row = rows[k - 1], codes = tables[`${which}_${k}`].codes
      const values = lane.step.length ? codes.length / lane.step.length : 0
      const top = lane[`top_${which}`]
      const at = (r) => line(codes, values, r, state.scale === "relative" ? top[r] : 0)
      found[`${which}_line_${k}`] = row < 0 ? empty() : at(row)
      const earlier = {xs: [], ys: []}
      for (const back of row < 0 ? [] : EARLIER) {
        const step = lane.step[row] - back * unit
        if (step < lane.step[0]) continue
        const {x, y} = at(row_of(lane.step, step))
        if (x.length) { earlier.xs.push(x); earlier.ys.push(y) }
      }
      found[`${which}_earlier_${k}`] = earlier
      const edge = {x0: [], y0: [], x1: [], y1: []}
      const shift = state.scale === "relative" && row >= 0 ? top[row] : 0
      const level = (into, y) => { if (y > bottom) { into.x0.push(1); into.x1.push(values); into.y0.push(y); into.y1.push(y) } }
      if (row >= 0) { level(floor, lane[`floor_${which}`][row] - shift); level(edge, lane[`edge_${which}`][row] - shift) }
      found[`${which}_edge_${k}`] = edge
      const drawn = found[`${which}_line_${k}`], place = Math.floor(PLACES[k - 1] * drawn.x.length)
      found[`${which}_name_${k}`] = drawn.x.length
        ? {x: [drawn.x[place]], y: [drawn.y[place]], text: [tables.captions.title[k - 1]]} : {x: [], y: [], text: []}
    }
    found[`${which}_floor`] = floor
    return found
  }

  function hand(state, tables) {
    const lanes = LANES.map((k) => tables[`lane_${k}`])
    const heads = lanes.map((lane) => Math.max(0, ...Array.from(lane.step).filter(Number.isFinite)))
    const head = Math.max(...heads)
    const step = Math.min(state.step, head), rows = lanes.map((lane) => row_of(lane.step, step))
    const unit = Math.max(1, Math.round(tables.captions.end[0] / PARTS))
    const where = state.against === "seconds"
    const cursor = (k) => lanes[k].seconds[rows[k]]
    const used = rows.flatMap((row, k) => row >= 0 ? [k] : [])
    const text = (value) => Number.isFinite(value) ? shown(value) : "–"
    return {
      tables: {
        ...spectra("lead", state, tables, rows, unit),
        ...spectra("beside", state, tables, rows, unit),
        heat_cursor: {x: [step]},
        metric_cursor: {x: [step]},
        loss_cursor: {x: where ? used.slice(0, 1).map(cursor) : [step]},
      },
      readouts: state.view !== "training" && state.view !== "layers" ? null : [
        {label: `at step ${step}`, value: tables.captions.metric[0], beside: "loss", role: "ink2"},
        ...used.map((k) => {
          const stopped = step > heads[k] ? tables.captions.stopped[k] : ""
          const [value, beside] = stopped ? [stopped, ""] : [text(lanes[k].number[rows[k]]), text(lanes[k].smooth[rows[k]])]
          return {label: tables.captions.title[k], value, beside, role: ROLES[k]}
        }),
      ],
    }
  }

  function tap(figure, x, y, state, tables) {
    if (figure !== "cells" || !tables.cell_order.matrix.length) return null
    const across = tables.cell_order.across[0], place = Math.floor(-y) * across + Math.floor(x)
    const matrix = tables.cell_order.matrix[place]
    return x < 0 || x >= across || y > 0 || matrix === undefined ? null : {layer: matrix + 1}
  }

  // The step follows the pointer on every axis of steps.
  function drag(figure, phase, x, y, state, tables) {
    if (figure === "heat" || figure === "metric" || (figure === "loss" && state.against === "steps")) {
      return {step: Math.min(tables.captions.end[0], Math.max(0, Math.round(x)))}
    }
    return null
  }

  return {hand, tap, drag}
})()
