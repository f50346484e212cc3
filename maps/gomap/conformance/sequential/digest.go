// digest.go: FNV-1a, 64 bits, of many texts. The next byte's step waits for the multiplication of
// the one before, so four texts go side by side.
package main

const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
	lanes    = 4
)

func advance(value uint64, text []byte) uint64 {
	for _, one := range text {
		value = (value ^ uint64(one)) * fnvPrime
	}
	return value
}

// digests appends the digest of each text to values.
func digests(texts [][]byte, values []uint64) []uint64 {
	for len(texts) >= lanes {
		a, b, c, d := texts[0], texts[1], texts[2], texts[3]
		shortest := len(a)
		for _, text := range texts[1:lanes] {
			if len(text) < shortest {
				shortest = len(text)
			}
		}
		e, f, g, h := uint64(fnvBasis), uint64(fnvBasis), uint64(fnvBasis), uint64(fnvBasis)
		as, bs, cs, ds := a[:shortest], b[:shortest], c[:shortest], d[:shortest]
		for i := range as {
			e = (e ^ uint64(as[i])) * fnvPrime
			f = (f ^ uint64(bs[i])) * fnvPrime
			g = (g ^ uint64(cs[i])) * fnvPrime
			h = (h ^ uint64(ds[i])) * fnvPrime
		}
		values = append(values, advance(e, a[shortest:]), advance(f, b[shortest:]),
			advance(g, c[shortest:]), advance(h, d[shortest:]))
		texts = texts[lanes:]
	}
	for _, text := range texts {
		values = append(values, advance(fnvBasis, text))
	}
	return values
}
