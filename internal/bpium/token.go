package bpium

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// tokenMembers are those of a token's body. Others are refused: a mistyped limit
// that is passed over would be no limit.
var tokenMembers = []string{"name", "catalogs", "verbs", "ipRanges", "expiresAt"}

// CatalogSeer opens a catalog to the caller by public id: NotFound, Forbidden.
type CatalogSeer func(key string) (*catalog.Scope, error)

// DecodeToken reads the body of a new token; offset is the caller's, for a date
// without a zone. It fails with fault.InvalidJSON, fault.ValidationFailed with
// the places in the body, or as sees does.
func DecodeToken(v tree.Value, sees CatalogSeer, offset int) (account.NewToken, error) {
	var n account.NewToken
	b, err := newBody(v)
	if err != nil {
		return n, err
	}
	for _, f := range v.Fields() {
		if !slices.Contains(tokenMembers, f.Key) {
			b.refuse(text.Cut(f.Key, 70), fault.UnknownItem, "a token has no such setting")
		}
	}
	if name := b.text("name"); name != nil {
		n.Name = *name
	}
	// An empty list would be stored as no limit.
	catalogs := b.some("catalogs", "at least one catalog is required")
	verbs := b.some("verbs", "at least one verb is required")
	ranges := b.some("ipRanges", "at least one address is required")
	for _, item := range catalogs {
		number, err := item.catalog(sees)
		if err != nil {
			return n, err
		}
		if !slices.Contains(n.Catalogs, number) {
			n.Catalogs = append(n.Catalogs, number)
		}
	}
	for _, item := range verbs {
		n.Verbs |= item.verb()
	}
	for _, item := range ranges {
		if p := item.network(); !slices.Contains(n.Networks, p) {
			n.Networks = append(n.Networks, p)
		}
	}
	n.Expires = b.moment("expiresAt", offset)
	return n, b.err()
}

// some is list for one that may be left out and not be empty.
func (b body) some(name, format string, args ...any) []body {
	list := b.list(name)
	if list != nil && len(list) == 0 {
		b.refuse(name, fault.Required, format, args...)
	}
	return list
}

// catalog is the number of the catalog that an element names.
func (b body) catalog(sees CatalogSeer) (int64, error) {
	id, ok := IDText(b.v)
	if !ok {
		b.refuse("", fault.Type, "expected an id")
		return 0, nil
	}
	scope, err := sees(CatalogKey(id))
	switch {
	case fault.Is(err, fault.NotFound):
		b.refuse("", fault.NotFound, "there is no such catalog")
		return 0, nil
	case fault.Is(err, fault.Forbidden):
		b.refuse("", fault.Forbidden, "you have no access to this catalog")
		return 0, nil
	case err != nil:
		return 0, err
	}
	return int64(scope.Catalog.Num), nil
}

func (b body) verb() account.Verbs {
	v, ok := account.VerbByName(b.v.Str())
	if !ok {
		b.refuse("", fault.UnknownItem, "expected read, create, update, delete or admin")
	}
	return v
}

// network reads an address or a range of them. The bits that a range leaves open
// become 0; ranges of IPv4 written as IPv6 become what they mean.
func (b body) network() netip.Prefix {
	s := b.v.Str()
	p, err := netip.ParsePrefix(s)
	if err != nil {
		if addr, e := netip.ParseAddr(s); e == nil && addr.Zone() == "" {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
	}
	if err == nil && p.Addr().Is4In6() {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if err != nil || !p.IsValid() {
		b.refuse("", fault.Type, "expected an address or a range such as 192.0.2.0/24")
	}
	return p.Masked()
}

// moment reads a date, or a date and a time; zero when it is absent, null or
// empty.
func (b body) moment(name string, offset int) time.Time {
	v, ok := b.v.Get(name)
	if !ok || blank(v) {
		return time.Time{}
	}
	at, ok := parseStamp(v.Str())
	if !ok || !inYears(at.instant(offset)) {
		b.refuse(name, fault.Date, "expected a date such as 2031-01-31 or 2031-01-31T12:00:00Z")
		return time.Time{}
	}
	return time.UnixMilli(at.instant(offset)).UTC()
}

// EncodeTokens adds a list of tokens as JSON.
func EncodeTokens(dst []byte, st *catalog.Structure, list []account.Token) []byte {
	w := writer{b: dst}
	w.open('[')
	for i := range list {
		w.token(st, &list[i])
	}
	w.end(']')
	return w.b
}

// EncodeToken adds one token as JSON: all but its secret.
func EncodeToken(dst []byte, st *catalog.Structure, t *account.Token) []byte {
	w := writer{b: dst}
	w.token(st, t)
	return w.b
}

func (w *writer) token(st *catalog.Structure, t *account.Token) {
	w.open('{')
	w.str("id", t.ID)
	w.str("name", t.Name)
	w.str("prefix", t.Prefix())
	catalogs := make([]string, len(t.Catalogs))
	for i, n := range t.Catalogs {
		catalogs[i] = strconv.FormatInt(n, 10)
		if c := st.AnyCatalog(query.Catalog(n)); c != nil {
			catalogs[i] = c.Key
		}
	}
	networks := make([]string, len(t.Networks))
	for i, p := range t.Networks {
		networks[i] = p.String()
	}
	w.limit("catalogs", catalogs)
	w.texts("verbs", t.Verbs.Names())
	w.limit("ipRanges", networks)
	w.time("created", t.Created)
	w.time("expiresAt", t.Expires)
	w.time("lastUsedAt", t.LastUse)
	w.key("lastUsedIp")
	if t.LastUse.IsZero() {
		w.raw("null")
	} else {
		w.text(t.LastIP)
	}
	w.end('}')
}

// limit adds a list that is null where there is no limit.
func (w *writer) limit(name string, list []string) {
	if len(list) == 0 {
		w.json(name, "null")
		return
	}
	w.texts(name, list)
}

// time adds a member that is null for the zero time.
func (w *writer) time(name string, t time.Time) {
	w.key(name)
	if t.IsZero() {
		w.raw("null")
		return
	}
	w.next()
	w.b = appendTime(w.b, t.UnixMilli())
}
