package catalog

import (
	"encoding/json"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// Bounds of contacts and addresses, in characters (data in bytes).
const (
	maxContacts    = 1000
	maxContact     = 1000
	maxAddress     = 10_000
	maxAddressData = 64 << 10
)

// contactType is a list of phones, e-mail addresses or sites with comments.
type contactType struct{ plain }

func (contactType) Name() string            { return "contact" }
func (contactType) Storage(*Config) Storage { return JSONStorage }

func (contactType) Configure(path string, c *Config, _ *Config) []fault.Detail {
	switch c.Kind {
	case "", "phone", "email", "site":
		return nil
	}
	return []fault.Detail{fault.At(path+".type", fault.Type, "unknown kind of contact: %s", text.Cut(c.Kind, 40))}
}

func (contactType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	if v == nil {
		return nil, nil
	}
	given, ok := v.(Contacts)
	if !ok {
		return nil, mistyped(f)
	}
	if len(given) > maxContacts {
		return nil, failed(f, fault.TooMany, "%s: at most %d entries", f.Name, maxContacts)
	}
	kept := make(Contacts, 0, len(given))
	used := map[string]bool{}
	for _, c := range given {
		if strings.TrimSpace(c.Contact) == "" {
			continue
		}
		if text.Len(c.Contact) > maxContact || text.Len(c.Comment) > maxContact {
			return nil, failed(f, fault.TooLong, "%s: at most %d characters", f.Name, maxContact)
		}
		if strings.IndexByte(c.Contact+c.Comment+c.ID, 0) >= 0 {
			return nil, failed(f, fault.Type, "%s: the text contains a NUL character", f.Name)
		}
		c.ID = contactID(c.ID, used)
		used[c.ID] = true
		kept = append(kept, c)
	}
	if len(kept) == 0 {
		return nil, nil
	}
	return kept, nil
}

// contactID keeps a given id that is a number and free, else takes the next free one.
func contactID(given string, used map[string]bool) string {
	if n, err := strconv.ParseUint(given, 10, 32); err == nil && n > 0 && !used[strconv.FormatUint(n, 10)] {
		return strconv.FormatUint(n, 10)
	}
	for n := len(used) + 1; ; n++ {
		if id := strconv.Itoa(n); !used[id] {
			return id
		}
	}
}

func (contactType) Search(_ *Field, v Value) []SearchRow {
	if v == nil {
		return nil
	}
	var contacts, comments, digits []string
	for _, c := range v.(Contacts) {
		contacts = append(contacts, text.Fold(c.Contact))
		if c.Comment != "" {
			comments = append(comments, text.Fold(c.Comment))
		}
		if d, ok := text.Digits(c.Contact); ok {
			digits = append(digits, d)
		}
	}
	rows := []SearchRow{{SearchText, strings.Join(contacts, "\n")}}
	if len(comments) > 0 {
		rows = append(rows, SearchRow{SearchComment, strings.Join(comments, "\n")})
	}
	if len(digits) > 0 {
		rows = append(rows, SearchRow{SearchDigits, strings.Join(digits, "\n")})
	}
	return rows
}

func (contactType) Key(_ *Field, v Value) []byte {
	if v == nil {
		return nil
	}
	return text.SortKey(v.(Contacts)[0].Contact)
}

// addressType is an address with what a suggestion service knows of it.
type addressType struct{ plain }

func (addressType) Name() string            { return "address" }
func (addressType) Storage(*Config) Storage { return JSONStorage }

func (addressType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	if v == nil {
		return nil, nil
	}
	a, ok := v.(Address)
	if !ok {
		return nil, mistyped(f)
	}
	if strings.TrimSpace(a.Value) == "" {
		return nil, nil
	}
	if text.Len(a.Value) > maxAddress || len(a.Data) > maxAddressData {
		return nil, failed(f, fault.TooLong, "%s: at most %d characters", f.Name, maxAddress)
	}
	if strings.IndexByte(a.Value, 0) >= 0 {
		return nil, failed(f, fault.Type, "%s: the text contains a NUL character", f.Name)
	}
	if len(a.Data) == 0 {
		a.Data = json.RawMessage("null")
	}
	return a, nil
}

func (addressType) Search(_ *Field, v Value) []SearchRow {
	if v == nil {
		return nil
	}
	return []SearchRow{{SearchText, text.Fold(v.(Address).Value)}}
}

func (addressType) Key(_ *Field, v Value) []byte {
	if v == nil {
		return nil
	}
	return text.SortKey(v.(Address).Value)
}
