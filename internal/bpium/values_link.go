package bpium

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// usersValue reads employees: {id}, "7", 7 or CURRENT_USER.
func (d *valueDecoder) usersValue(f *catalog.Field, v tree.Value) catalog.Value {
	var links catalog.Links
	for _, e := range oneOrMany(v) {
		if !d.ofEmployees(e) {
			return bad(f, fault.NotFound, fault.Msg("only employees can be linked"))
		}
		for _, name := range []string{"recordId", "id"} {
			if id, ok := e.Get(name); ok {
				e = id
			}
		}
		id, ok := IDText(e)
		if !ok {
			return mistyped(f, fault.Msg("expected employees: {id} or an id"))
		}
		link := catalog.Link{Link: query.Link{Catalog: catalog.Employees, Key: RecordKey(id)}}
		if id == currentUser {
			link = catalog.Link{Self: true}
		}
		links = append(links, link)
	}
	if len(links) == 0 {
		return nil
	}
	return links
}

// ofEmployees tells whether an element names no catalog but the employees'.
func (d *valueDecoder) ofEmployees(e tree.Value) bool {
	v, ok := e.Get("catalogId")
	if !ok {
		return true
	}
	id, _ := IDText(v)
	c := catalogByID(d.structure, id)
	return c != nil && c.Num == catalog.Employees
}

// linksValue reads links with what is to be written to their records.
func (d *valueDecoder) linksValue(f *catalog.Field, v tree.Value) catalog.Value {
	var links catalog.Links
	for _, e := range oneOrMany(v) {
		link, why := d.link(f, e)
		if why != nil {
			return why
		}
		links = append(links, link)
	}
	if len(links) == 0 {
		return nil
	}
	return links
}

func (d *valueDecoder) link(f *catalog.Field, e tree.Value) (link catalog.Link, why catalog.Value) {
	if e.Kind != tree.Object {
		id, ok := IDText(e)
		if !ok {
			return link, mistyped(f, fault.Msg("expected links: {catalogId, recordId}"))
		}
		link.Key = RecordKey(id)
		return link, nil
	}
	target, why := d.target(f, e)
	if why != nil {
		return link, why
	}
	if target != nil {
		link.Catalog = target.Num
	}
	record, _ := e.Get("recordId")
	values, _ := e.Get("recordValues")
	switch id, ok := IDText(record); {
	case ok:
		link.Key = RecordKey(id)
	case blank(record) && values.Kind == tree.Object && target != nil:
		link.Create = true
	default:
		return link, mistyped(f, fault.Msg("recordId is missing or not an id"))
	}
	return d.linkValues(f, target, link, values)
}

// target is the catalog that an element names or, if it names none, the
// field's only source; nil when there are several.
func (d *valueDecoder) target(f *catalog.Field, e tree.Value) (*catalog.Catalog, catalog.Value) {
	v, _ := e.Get("catalogId")
	if blank(v) {
		return onlySource(d.structure, f), nil
	}
	id, ok := IDText(v)
	if !ok {
		return nil, mistyped(f, fault.Msg("catalogId is not an id"))
	}
	c := linkedCatalog(d.structure, f, id)
	if c == nil {
		return nil, bad(f, fault.NotFound, fault.Msg("there is no catalog %s", text.Cut(id, 100)))
	}
	return c, nil
}

// linkValues reads recordValues: those of an existing record only as far as
// the field's configuration lets this card edit them.
func (d *valueDecoder) linkValues(f *catalog.Field, c *catalog.Catalog, link catalog.Link, v tree.Value) (catalog.Link, catalog.Value) {
	if v.IsNull() || c == nil || d.structure.Catalog(c.Num) == nil {
		return link, nil
	}
	if v.Kind != tree.Object {
		return link, mistyped(f, fault.Msg("recordValues must be an object"))
	}
	if d.depth++; d.depth > catalog.MaxNesting {
		return link, bad(f, fault.TooMany, fault.Msg("linked records nest deeper than %d levels", catalog.MaxNesting))
	}
	defer func() { d.depth-- }()
	var only func(query.Field) bool
	if !link.Create {
		only = func(n query.Field) bool { return editable(f, n) }
	}
	values, err := d.values(c, v, only)
	if err != nil {
		return link, bad(f, fault.UnknownField, fault.Msg("recordValues has a field that catalog %s does not have", c.Key))
	}
	link.Values = values
	return link, nil
}

func editable(f *catalog.Field, n query.Field) bool {
	for _, shown := range f.Config.Shown {
		if shown.Field == n {
			return shown.Edit
		}
	}
	return false
}

// filesValue reads files: {id} keeps one, {src} or {url} adds a link to one.
func filesValue(f *catalog.Field, v tree.Value) catalog.Value {
	var files catalog.Files
	for _, e := range oneOrMany(v) {
		file, why := fileOf(f, e)
		if why != nil {
			return why
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil
	}
	return files
}

func fileOf(f *catalog.Field, e tree.Value) (file catalog.File, why catalog.Value) {
	id, _ := e.Get("id")
	if e.Kind != tree.Object {
		id = e
	}
	title, _ := e.Get("title")
	if !plain(title) {
		return file, mistyped(f, fault.Msg("the title of a file must be a text"))
	}
	file.Title = title.Text()
	if s, ok := IDText(id); ok {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			return file, bad(f, fault.FileNotUploaded, fault.Msg("there is no file %s", text.Cut(s, 100)))
		}
		file.ID = n
		return file, nil
	}
	if e.Kind != tree.Object || !blank(id) {
		return file, mistyped(f, fault.Msg("expected files: {id} or {src}"))
	}
	return externalFile(f, e, file)
}

// externalFile reads a link to a file elsewhere.
func externalFile(f *catalog.Field, e tree.Value, file catalog.File) (catalog.File, catalog.Value) {
	src, ok := e.Get("src")
	if !ok || blank(src) {
		src, _ = e.Get("url")
	}
	u, err := url.Parse(src.Str())
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return file, mistyped(f, fault.Msg("the address of a file must begin with http:// or https://"))
	}
	file.URL, file.Storage = src.Str(), "url"
	if file.Title == "" {
		file.Title = titleOf(u)
	}
	if size, ok := e.Get("size"); ok && !blank(size) {
		n, ok := numberOf(size)
		if !ok || n < 0 || n > 1<<53 || n != float64(int64(n)) {
			return file, mistyped(f, fault.Msg("the size of a file must be a whole number"))
		}
		file.Size = int64(n)
	}
	mime, _ := e.Get("mimeType")
	if mime.Kind != tree.Null && mime.Kind != tree.String {
		return file, mistyped(f, fault.Msg("the type of a file must be a text"))
	}
	if s := mime.Str(); s != "" {
		file.MimeType = &s
	}
	return file, nil
}

// titleOf names a file by its address when the caller did not.
func titleOf(u *url.URL) string {
	base := strings.ReplaceAll(strings.ToValidUTF8(path.Base(u.Path), "\uFFFD"), "\x00", "")
	if base != "." && base != "/" && base != "" {
		return text.Cut(base, 255)
	}
	return text.Cut(u.Host, 255)
}
