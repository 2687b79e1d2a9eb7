package bpium

import (
	"strconv"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// systemCatalogs are the frozen numbers of the system catalogs; the number is
// the index. User catalogs start above them.
var systemCatalogs = [...]string{
	1: "$catalogs", 2: "$sections", 3: "$users", 4: "$views", 5: "$webhooks", 6: "$scripts",
	7: "$events", 8: "$processes", 9: "$authServices", 10: "$webRequests", 11: "$boards", 12: "$widgets",
	13: "$messages", 14: "$rightFields", 15: "$rights", 16: "$companies", 17: "$accounts", 18: "$invites",
	19: "$appTags", 20: "$apiTags", 21: "$companiesGroups", 22: "$emailTemplates", 23: "$extensions", 24: "$requests",
}

// CatalogKey gives the public id of a catalog as a caller named it: the old
// numbers of system catalogs become their text ids, "%24users" is "$users".
func CatalogKey(id string) string {
	id = SectionKey(id)
	if len(id) > 2 {
		return id
	}
	if n, err := strconv.Atoi(id); err == nil && n > 0 && n < len(systemCatalogs) && id[0] != '0' && id[0] != '+' {
		return systemCatalogs[n]
	}
	return id
}

// SectionKey gives the public id of a section as a caller named it. Sections
// never answer to the old numbers.
func SectionKey(id string) string {
	if rest, ok := strings.CutPrefix(id, "%24"); ok {
		return "$" + rest
	}
	return id
}

// FieldByID finds a field by its public id, or a system field by its number;
// nil if there is none.
func FieldByID(c *catalog.Catalog, id string) *catalog.Field {
	if f := c.FieldByKey(id); f != nil {
		return f
	}
	n, err := strconv.Atoi(id)
	if err != nil || strconv.Itoa(n) != id {
		return nil
	}
	for _, f := range c.Fields {
		if f.System && f.ID == n {
			return f
		}
	}
	return nil
}

// RecordKey reads a record's id: a decimal number, else a custom id.
func RecordKey(id string) query.Key {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 || n > int64(query.MaxRecord) || id[0] == '0' || id[0] == '+' {
		return query.Key{Code: id}
	}
	return query.Key{Record: query.Record(n)}
}

// IDText reads an id, which may be a text or a whole number; false for an empty
// text and for any other kind.
func IDText(v tree.Value) (string, bool) {
	switch v.Kind {
	case tree.String:
		return v.Str(), v.Str() != ""
	case tree.Number:
		n, ok := v.Int()
		return strconv.FormatInt(n, 10), ok
	}
	return "", false
}

// catalogByID finds a live catalog as a caller named it.
func catalogByID(st *catalog.Structure, id string) *catalog.Catalog {
	return st.CatalogByKey(CatalogKey(id))
}

// linkedCatalog finds a catalog that field f may have links to: also a removed
// one, because links to its records stay and are sent back with the value.
func linkedCatalog(st *catalog.Structure, f *catalog.Field, id string) *catalog.Catalog {
	if c := catalogByID(st, id); c != nil {
		return c
	}
	for _, s := range f.Config.Sources {
		if c := st.AnyCatalog(s.Catalog); c != nil && c.Key == id {
			return c
		}
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 || n > int64(query.MaxCatalog) {
		return nil
	}
	if c := st.AnyCatalog(query.Catalog(n)); c != nil && c.Key == id {
		return c
	}
	return nil
}
