package catalog

import (
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// MaxLinks bounds the links of one field of one record.
const MaxLinks = 10_000

// acceptLinks drops repeated links and checks their number. Whether a target
// exists and may be linked is the service's question.
func acceptLinks(f *Field, v Value) (Value, *fault.Detail) {
	if v == nil {
		return nil, nil
	}
	links, ok := v.(Links)
	if !ok {
		return nil, mistyped(f)
	}
	kept := make(Links, 0, len(links))
	seen := make(map[query.Ref]bool, len(links))
	for _, l := range links {
		if !l.Create && seen[l.Ref()] {
			continue
		}
		seen[l.Ref()] = true
		kept = append(kept, l)
	}
	switch {
	case len(kept) == 0:
		return nil, nil
	case len(kept) > MaxLinks:
		return nil, failed(f, fault.TooMany, "%s: at most %d links", f.Name, MaxLinks)
	case len(kept) > 1 && !f.Config.Multi:
		return nil, failed(f, fault.TooMany, "%s: only one link is allowed", f.Name)
	}
	return kept, nil
}

// objectType is links to records of other catalogs.
type objectType struct{ plain }

func (objectType) Name() string            { return "object" }
func (objectType) Storage(*Config) Storage { return LinksStorage }

func (objectType) Configure(path string, c *Config, _ *Config) []fault.Detail {
	switch c.LinkMode {
	case "":
		c.LinkMode = "list"
	case "list", "cards", "table":
	default:
		return []fault.Detail{fault.At(path+".mode", fault.Type, "unknown way to show links")}
	}
	return nil
}

func (objectType) Accept(f *Field, v Value) (Value, *fault.Detail) { return acceptLinks(f, v) }

// userType is links to employees.
type userType struct{ plain }

func (userType) Name() string            { return "user" }
func (userType) Storage(*Config) Storage { return LinksStorage }

func (userType) Accept(f *Field, v Value) (Value, *fault.Detail) { return acceptLinks(f, v) }

func (userType) Initial(f *Field, at Moment) Value {
	if !f.Config.Default || at.Employee == 0 {
		return nil
	}
	return Links{{Link: query.Link{Catalog: Employees, Key: query.Key{Record: at.Employee}}}}
}
