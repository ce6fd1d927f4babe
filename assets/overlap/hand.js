// Gestures on the sky and on the pairs. Everything they change is computed on the server.
(() => {
  const RAD = Math.PI / 180
  let held = null, brushed = ""

  // Where on the sky a place of the Mollweide ellipse is: right ascension and declination in degrees.
  function sky(x, y) {
    const outside = Math.hypot(x / 2, y)
    if (outside > 1) { x /= outside * 1.0001; y /= outside * 1.0001 }
    const angle = Math.asin(y), cosine = Math.cos(angle)
    const declination = Math.asin(Math.max(-1, Math.min(1, (2 * angle + Math.sin(2 * angle)) / Math.PI))) / RAD
    const across = cosine > 1e-9 ? Math.max(-180, Math.min(180, -90 * x / cosine)) : 0
    return [(across + 180 + 360) % 360, declination]
  }

  function nearest(xs, ys, x, y) {
    let best = -1, distance = Infinity
    for (let i = 0; i < xs.length; i++) {
      const d = Math.hypot(xs[i] - x, ys[i] - y)
      if (d < distance) { distance = d; best = i }
    }
    return [best, distance]
  }

  // HEALPix ring index at NSIDE 4 (Górski et al. 2005, eqs. 13-20).
  function pixel(ra, dec) {
    const n = 4, z = Math.sin(dec * RAD), tt = (((ra % 360) + 360) % 360) / 90
    if (Math.abs(z) <= 2 / 3) {
      const t1 = n * (0.5 + tt), t2 = n * z * 0.75, jp = Math.floor(t1 - t2), jm = Math.floor(t1 + t2)
      const ir = n + 1 + jp - jm, shift = 1 - (ir & 1)
      let ip = Math.floor((jp + jm - n + shift + 1) / 2) % (4 * n)
      if (ip < 0) ip += 4 * n
      return 2 * n * (n - 1) + (ir - 1) * 4 * n + ip
    }
    const tp = tt - Math.floor(tt), tmp = n * Math.sqrt(3 * (1 - Math.abs(z)))
    const jp = Math.floor(tp * tmp), jm = Math.floor((1 - tp) * tmp), ir = jp + jm + 1
    const ip = Math.min(Math.floor(tt * ir), 4 * ir - 1)
    return z > 0 ? 2 * ir * (ir - 1) + ip : 12 * n * n - 2 * ir * (ir + 1) + ip
  }

  function painted(before, x, y, brush) {
    if (Math.hypot(x / 2, y) > 1) return null
    const digits = (before || "1".repeat(192)).split("")
    digits[pixel(...sky(x, y))] = brush.toString(16)
    const after = digits.join("")
    return after === before || /^0+$/.test(after) ? null : after
  }

  const rounded = (value) => Number(value.toFixed(2))

  function take(x, y, state, tables) {
    const spot = tables.spot, rings = tables.selected
    const [, to_spot] = nearest(spot.x, spot.y, x, y), [ring, to_ring] = nearest(rings.x, rings.y, x, y)
    if (to_ring < 0.06 && to_ring < to_spot) return ring ? "pulsar_b" : "pulsar_a"
    if (state.sky === "painted") return "brush"
    return spot.x.length ? "spot" : null
  }

  function drag(figure, phase, x, y, state, tables) {
    if (figure !== "sky") return null
    if (phase === "start") {
      held = take(x, y, state, tables)
      brushed = state.painted
    }
    if (held === "spot") {
      const [ra, dec] = sky(x, y)
      return {right_ascension: rounded(ra), declination: rounded(dec)}
    }
    if (held === "brush") {
      const after = painted(brushed, x, y, state.brush)
      if (after === null) return null
      brushed = after
      return {painted: after}
    }
    if (held === null) return null
    const [pulsar] = nearest(tables.pulsars.x, tables.pulsars.y, x, y)
    const other = held === "pulsar_a" ? state.pulsar_b : state.pulsar_a
    return pulsar < 0 || pulsar === other ? null : {[held]: pulsar}
  }

  function tap(figure, x, y, state, tables) {
    if (figure === "pairs") {
      const pairs = tables.pairs, index = tables.pair_index, scaled = Array.from(pairs.x, (v) => v / 180)
      const [at] = nearest(scaled, pairs.y, x / 180, y)
      return at < 0 ? null : {pulsar_a: index.a[at], pulsar_b: index.b[at]}
    }
    if (figure !== "sky") return null
    if (state.sky === "painted") {
      const after = painted(state.painted, x, y, state.brush)
      return after === null ? null : {painted: after}
    }
    const [pulsar, distance] = nearest(tables.pulsars.x, tables.pulsars.y, x, y)
    if (distance > 0.05 || pulsar === state.pulsar_a || pulsar === state.pulsar_b) return null
    return {pulsar_a: state.pulsar_b, pulsar_b: pulsar}
  }

  return {drag, tap}
})()
