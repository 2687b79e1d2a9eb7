package apisync

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query/tree"
)

// synonymWords are names that mean the same, in Ukrainian, Russian and English.
var synonymWords = []string{
	"name, title, full name, display name, label, назва, найменування, название, наименование, имя, імʼя, піб, фио",
	"ref, reference, code, external id, external code, sku, article, vendor code, код, артикул, зовнішній код, внешний код",
	"email, e-mail, mail, пошта, почта, електронна пошта, электронная почта, емейл",
	"phone, telephone, tel, mobile, mobile phone, phone number, телефон, мобільний, мобильный, номер телефону, номер телефона",
	"site, website, web, url, homepage, сайт, вебсайт, веб-сайт",
	"address, location, адреса, адрес, місцезнаходження",
	"comment, comments, note, notes, remark, description, details, коментар, комментарий, примітка, примечание, опис, описание",
	"price, unit price, cost, list price, ціна, цена, вартість, стоимость",
	"amount, sum, total, total amount, сума, сумма, разом, итого",
	"qty, quantity, count, кількість, количество, штук",
	"date, day, дата",
	"status, state, stage, статус, стан, состояние, етап, этап",
	"type, kind, category, тип, вид, категорія, категория",
	"tags, labels, мітки, метки, теги",
	"company, organisation, organization, company name, компанія, компания, організація, организация, фірма, фирма",
	"customer, client, partner, buyer, клієнт, клиент, контрагент, покупець, покупатель, партнер",
	"country, країна, страна",
	"city, town, місто, город",
	"zip, postcode, postal code, індекс, индекс, поштовий індекс, почтовый индекс",
	"vat, tax id, vat number, edrpou, єдрпоу, іпн, инн, податковий номер",
	"employee, user, owner, manager, responsible, assignee, відповідальний, ответственный, менеджер, працівник, сотрудник",
	"active, enabled, is active, активний, активен, увімкнено, включено",
	"birthday, birth date, date of birth, дата народження, день народження, дата рождения, день рождения",
	"deadline, due, due date, строк, термін, срок",
	"created, created at, create date, creation date, створено, дата створення, создано, дата создания",
	"image, photo, picture, фото, зображення, изображение",
	"file, files, attachment, attachments, document, documents, файл, файли, файлы, документ, вкладення, вложения",
}

// identifierNames are names of what tells records apart, the best first.
var identifierNames = []string{
	"externalid", "ref", "reference", "externalref", "externalcode", "uuid", "guid", "sku", "code", "kod", "article", "artykul", "vendorcode",
	"vat", "taxid", "vatnumber", "edrpou", "iedrpou", "ipn", "inn", "number", "no", "nomer", "login", "email", "mail", "pochta", "poshta",
}

// vague are names that mean nothing without what is around them.
var vague = []string{"name", "title", "id", "code", "type", "kind", "status", "state", "date", "number", "value", "label", "comment", "description"}

// synonyms gives the group of a squeezed name.
var synonyms = sync.OnceValue(func() map[string]int {
	groups := map[string]int{}
	for i, words := range synonymWords {
		for _, word := range strings.Split(words, ",") {
			groups[squeezed(word)] = i + 1
		}
	}
	return groups
})

// squeezed is a name in small Latin letters and digits: "unitPrice" is "unitprice".
func squeezed(name string) string {
	return strings.ReplaceAll(catalog.Attribute(strings.TrimSpace(name)), "_", "")
}

// sampleKey is a key of a sample, with what the objects have there.
type sampleKey struct {
	path   string
	steps  []string
	values []tree.Value
}

// names tells whether a key and a field have one name, found in that way.
func (k *sampleKey) names(way string, f *catalog.Field) bool {
	last := k.steps[len(k.steps)-1]
	whole, short := strings.Join(k.steps, " "), last
	if len(k.steps) > 1 && slices.Contains(vague, squeezed(last)) {
		short = whole
	}
	for _, name := range []string{whole, short} {
		switch way {
		case "name":
			if strings.EqualFold(name, f.Name) || name == f.Key {
				return true
			}
		case "transliteration":
			if s := squeezed(name); s != "" && (s == squeezed(f.Name) || s == squeezed(f.Key)) {
				return true
			}
		case "synonym":
			if n := synonyms()[squeezed(name)]; n > 0 && n == synonyms()[squeezed(f.Name)] {
				return true
			}
		}
	}
	return false
}

// called tells whether the key is one of the names, as one or as many.
func (k *sampleKey) called(names ...string) bool {
	one := strings.TrimSuffix(squeezed(k.steps[len(k.steps)-1]), "s")
	return slices.ContainsFunc(names, func(name string) bool { return strings.TrimSuffix(squeezed(name), "s") == one && one != "" })
}

// objects tells whether all values are lists of objects.
func (k *sampleKey) objects() bool {
	return len(k.values) > 0 && !slices.ContainsFunc(k.values, func(v tree.Value) bool {
		return v.Kind != tree.List || slices.ContainsFunc(v.Items(), func(e tree.Value) bool { return e.Kind != tree.Object })
	})
}

// sampleKeys are the keys of all objects of a sample, in the order in which they come.
type sampleKeys struct {
	*suggesting
	values map[string]*sampleKey
	order  []*sampleKey
}

// place is where a key comes in the sample.
func (s *sampleKeys) place(path string) int {
	return slices.IndexFunc(s.order, func(k *sampleKey) bool { return k.path == path })
}

// read notes the keys of an object. One whose value is an object is taken apart, unless a
// field takes that object whole.
func (s *sampleKeys) read(o tree.Value, above []string) {
	for _, f := range o.Fields() {
		steps := append(slices.Clone(above), f.Key)
		if f.Value.Kind == tree.Object && len(steps) < maxMappings && f.Value.Len() > 0 && !s.whole(steps, f.Value) {
			s.read(f.Value, steps)
			continue
		}
		path := pathText(steps)
		k := s.values[path]
		if k == nil {
			if len(s.order) == linesMost || path == "" {
				continue
			}
			k = &sampleKey{path: path, steps: steps}
			s.values[path] = k
			s.order = append(s.order, k)
		}
		k.values = append(k.values, f.Value)
	}
}

// whole tells whether a field of that name takes an object as it is.
func (s *sampleKeys) whole(steps []string, v tree.Value) bool {
	k := &sampleKey{path: pathText(steps), steps: steps}
	if s.keys[k.path] {
		return true
	}
	for _, way := range []string{"name", "transliteration", "synonym"} {
		for _, f := range s.free() {
			if k.names(way, f) {
				if _, bad := s.fit(f, k.path, []tree.Value{v}); bad == nil {
					return true
				}
			}
		}
	}
	return false
}

// pathText is the path of keys, "" when there can be none.
func pathText(steps []string) string {
	var b strings.Builder
	for i, key := range steps {
		if key == "" || len(key) > nameMost || strings.ContainsFunc(key, unicode.IsControl) {
			return ""
		}
		if i > 0 {
			b.WriteByte('.')
		}
		for _, r := range key {
			if strings.ContainsRune(`.[]\`, r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
	}
	if b.Len() > pathMost {
		return ""
	}
	return b.String()
}
