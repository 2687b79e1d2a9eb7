package catalog

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Scripted tells whether scripts know of a field.
func (f *Field) Scripted() bool { return f.Storage() != NoStorage && !f.Secret }

// ScriptNames are the names of fields in scripts besides their ids: "f" and the id; the
// name that people gave it; that name as Python has names, in small Latin letters. A
// name of two fields is none (sync-api.md §1.2).
func (c *Catalog) ScriptNames() map[string]*Field {
	names := map[string]*Field{}
	for _, f := range c.Fields {
		if !f.Scripted() {
			continue
		}
		for _, name := range []string{f.Name, Attribute(f.Name)} {
			if other, taken := names[name]; taken && other != f {
				names[name] = nil
			} else {
				names[name] = f
			}
		}
	}
	for _, reserved := range []string{"", "id", "display_name", "create_date", "write_date"} {
		names[reserved] = nil
	}
	for _, f := range c.Fields {
		if f.Scripted() {
			names["f"+f.Key] = f
		}
	}
	for name, f := range names {
		if f == nil {
			delete(names, name)
		}
	}
	return names
}

// latin are Cyrillic letters in Latin ones, as passports of Ukraine have them.
var latin = map[rune]string{
	'а': "a", 'б': "b", 'в': "v", 'г': "h", 'ґ': "g", 'д': "d", 'е': "e", 'є': "ie", 'ж': "zh", 'з': "z", 'и': "y", 'і': "i", 'ї': "i", 'й': "i",
	'к': "k", 'л': "l", 'м': "m", 'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch",
	'ш': "sh", 'щ': "shch", 'ь': "", 'ю': "iu", 'я': "ia", 'ё': "e", 'ы': "y", 'э': "e", 'ъ': "", '\'': "", '’': "", 'ʼ': "",
}

// Attribute is a name in small Latin letters, digits and "_": "Сума, грн" is "suma_hrn".
// It is empty for a name without any of these.
func Attribute(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(norm.NFC.String(name)) {
		if s, ok := latin[r]; ok {
			b.WriteString(s)
			continue
		}
		for _, r := range norm.NFD.String(string(r)) {
			switch {
			case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
				b.WriteRune(r)
			case !unicode.Is(unicode.Mn, r) && b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
				b.WriteByte('_')
			}
		}
	}
	return strings.TrimSuffix(b.String(), "_")
}
