package domain

import "kartoteka/internal/query/tree"

// printDomain writes a domain as JSON that Parse reads as the same.
func printDomain(d Domain) string { return string(appendDomain(nil, d)) }

func appendDomain(dst []byte, d Domain) []byte {
	dst = appendTerms(append(dst, '['), d)
	return append(dst[:len(dst)-1], ']') // the last comma
}

// appendTerms appends a domain's terms in prefix notation, each with a comma.
func appendTerms(dst []byte, d Domain) []byte {
	switch d := d.(type) {
	case And:
		return appendOperator(dst, `"&",`, `[1,"=",1],`, d)
	case Or:
		return appendOperator(dst, `"|",`, `[0,"=",1],`, d)
	case Not:
		return appendTerms(append(dst, `"!",`...), d.Domain)
	case Criterion:
		dst = tree.AppendString(append(dst, '['), d.Field)
		dst = tree.AppendString(append(dst, ','), d.Operator)
		dst = append(dst, ',')
		if d.Sub != nil {
			dst = appendDomain(dst, d.Sub)
		} else {
			dst = d.Value.AppendJSON(dst)
		}
		return append(dst, ']', ',')
	}
	panic("a domain of an unknown kind")
}

// appendOperator appends a prefix operator with its operands.
func appendOperator(dst []byte, name, empty string, list []Domain) []byte {
	if len(list) == 0 {
		return append(dst, empty...)
	}
	for range len(list) - 1 {
		dst = append(dst, name...)
	}
	for _, d := range list {
		dst = appendTerms(dst, d)
	}
	return dst
}
