package catalog

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"kartoteka/internal/query"
)

// identify gives the sight the key of all that it depends on: whatever two sights
// judge differently must make their keys different.
func (s *Sight) identify() {
	s.texts = make([]string, len(s.nodes))
	for i, n := range s.nodes {
		s.texts[i] = string(appendNode(nil, n))
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d %q %t %v %q", s.catalog.Num, s.catalog.Key, s.viewed, s.opaque, s.texts)
	for _, f := range s.catalog.Fields {
		if s.fields[f.Num] == nil {
			continue
		}
		fmt.Fprintf(h, "\n%d %q %s %d", f.Num, f.Key, f.Type.Name(), f.Storage())
		for _, item := range f.Config.Items {
			fmt.Fprintf(h, " %d", item.Num)
		}
	}
	if s.ca == nil {
		h.Write([]byte("\nall"))
	} else {
		for i := range s.ca.grantors {
			h.Write(s.ca.grantors[i].appendText(nil))
		}
	}
	h.Sum(s.key[:0])
}

// appendText adds what the grantor grants.
func (g *grantor) appendText(dst []byte) []byte {
	dst = fmt.Appendf(dst, "\n%d", g.base)
	dst = g.far.appendText(g.near.appendText(dst))
	for _, v := range g.views {
		dst = v.rule.appendText(fmt.Appendf(dst, " in %d", v.view))
	}
	for _, n := range slices.Sorted(maps.Keys(g.record)) {
		dst = g.record[n].appendText(fmt.Appendf(dst, " on %d", n))
	}
	return dst
}

func (r *Rule) appendText(dst []byte) []byte {
	if r == nil {
		return append(dst, " -"...)
	}
	return fmt.Appendf(dst, " %d%v", r.Privilege, r.Fields) // maps print in order
}

// appendNode adds a condition in a form that is another for every other one.
func appendNode(dst []byte, n query.Node) []byte {
	list := func(sign string, nodes []query.Node) []byte {
		dst = append(append(dst, sign...), '(')
		for _, e := range nodes {
			dst = append(appendNode(dst, e), ',')
		}
		return append(dst, ')')
	}
	switch n := n.(type) {
	case query.And:
		return list("and", n)
	case query.Or:
		return list("or", n)
	case query.Not:
		return list("not", []query.Node{n.Node})
	case query.LinkedBy:
		return list(fmt.Sprintf("by %d %d", n.Catalog, n.Field), []query.Node{n.Where})
	case query.Titled:
		return list(string(appendPlain(nil, n.Test)), []query.Node{n.Seen})
	case query.Authored:
		seen := []query.Node{n.Who}
		for _, f := range slices.Sorted(maps.Keys(n.Seen)) {
			seen = append(seen, query.Cond{Field: f}, n.Seen[f])
		}
		return list(fmt.Sprintf("authored %d %d %v", n.By, n.Employees, n.Fields), seen)
	case query.Cond:
		if linked, ok := n.Test.(query.LinksWhere); ok {
			return list(fmt.Sprintf("links %d %d", n.Field, linked.Catalog), []query.Node{linked.Where})
		}
		return appendPlain(fmt.Appendf(dst, "%d ", n.Field), n.Test)
	}
	return appendPlain(dst, n)
}

// appendPlain adds what has no conditions in it.
func appendPlain(dst []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil { // a bound that is no number
		text = fmt.Append(nil, v)
	}
	return append(fmt.Appendf(dst, "%T ", v), text...)
}
