package httpkit

import (
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
)

// language picks one of fault.Languages by an Accept-Language header. Among
// equal weights the first wins; "*" and unknown languages do not count.
func language(header, fallback string) string {
	best, weight := fallback, 0.0
	for header != "" {
		var item string
		item, header, _ = strings.Cut(header, ",")
		tag, params, _ := strings.Cut(item, ";")
		primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
		i := slices.IndexFunc(fault.Languages, func(l string) bool { return strings.EqualFold(l, primary) })
		if q := quality(params); i >= 0 && q > weight {
			best, weight = fault.Languages[i], q
		}
	}
	return best
}

// quality reads ";q=0.5"; no weight, or one that cannot be read, means 1.
func quality(params string) float64 {
	text, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 1
	}
	return q
}
