// Numbers as app/numbers.py writes them, for every hand.js: three digits, true minus, thin exponents.
(() => {
  const superscript = (n) => String(n).replace("-", "⁻").replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d])
  const subscript = (n) => String(n).replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[d])

  function shown(value) {
    if (Number.isNaN(value)) return "not a number"
    const sign = value < 0 ? "−" : "", size = Math.abs(value)
    if (size === Infinity) return sign + "∞"
    if (size === 0) return "0"
    if (size >= 1000 && size < 1e4) return sign + Math.round(size)
    if (size >= 1e-3 && size < 1000) {
      const text = size.toPrecision(3)
      return sign + (text.includes("e") ? String(Number(text)) : text)
    }
    const [mantissa, exponent] = size.toExponential(1).split("e")
    return `${sign}${mantissa} × 10${superscript(Number(exponent))}`
  }

  return {shown, subscript}
})()
