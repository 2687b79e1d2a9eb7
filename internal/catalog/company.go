package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kartoteka/internal/blob"
	"kartoteka/internal/query"
)

// Branding is one of the images that a company shows, named as its address is.
type Branding string

// The images.
const (
	Emblem     Branding = "emblem"
	Favicon    Branding = "favicon"
	Background Branding = "background"
)

var brandingKeys = map[Branding]string{Emblem: logoKey, Favicon: faviconKey, Background: backgroundKey}

// Company is what everybody may know of the company: its record says it, whatever
// the rights on that.
type Company struct {
	Name   string // "" where the company has no record
	Images map[Branding]File
}

// Company reads the record of the served company.
func (s *Service) Company(ctx context.Context) (*Company, error) {
	c := &Company{Images: map[Branding]File{}}
	if s.options.Server.Accounts == nil {
		return c, nil
	}
	err := s.view(ctx, func(st *Structure, r Reader) error {
		shown, err := readRows(ctx, r, st, st.Catalog(companies), query.Among{{Record: s.companyRecord()}})
		if err != nil || shown.page.Len() == 0 {
			return err
		}
		name, _ := shown.value(0, nameKey).(Text)
		c.Name = string(name)
		for image, key := range brandingKeys {
			if files, _ := shown.value(0, key).(Files); len(files) > 0 && isImage(files[0]) {
				c.Images[image] = files[0]
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the company: %w", err)
	}
	return c, nil
}

// value is a row's value of a system field.
func (m *mirrorRows) value(row int, key string) Value {
	return m.values(row)[slices.Index(m.catalog.Fields, m.catalog.FieldByKey(key))]
}

// isImage tells whether a browser can show a file of ours as an image in which
// nothing runs.
func isImage(f File) bool {
	if f.Storage != InStore || f.MimeType == nil {
		return false
	}
	kind, _ := blob.Served(*f.MimeType)
	return strings.HasPrefix(kind, "image/")
}

// BrandingFile gives the file of an image that the company shows to everybody. It
// fails with NotFound.
func (s *Service) BrandingFile(ctx context.Context, image Branding) (*StoredFile, error) {
	c, err := s.Company(ctx)
	if err != nil {
		return nil, err
	}
	shown, ok := c.Images[image]
	if !ok {
		return nil, noFile()
	}
	var f *StoredFile
	err = s.view(ctx, func(_ *Structure, r Reader) (err error) {
		f, err = fileByID(ctx, r, shown.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Extension is a module that the company's interface loads.
type Extension struct {
	Code, Title, Icon string
	JS, CSS           []string // addresses
}

// Extensions lists the extensions that are to be loaded; allowed tells by their
// codes which the licence has.
func (s *Service) Extensions(ctx context.Context, allowed func(code string) bool) (list []Extension, err error) {
	err = s.view(ctx, func(st *Structure, r Reader) error {
		list = []Extension{}
		shown, err := readMirror(ctx, r, st, st.Catalog(extensions))
		if err != nil {
			return err
		}
		for i := range shown.page.Len() { // oldest first
			text := func(key string) string { t, _ := shown.value(i, key).(Text); return string(t) }
			if code := text(extensionCodeKey); code != "" && allowed(code) {
				list = append(list, Extension{code, text(extensionTitleKey), text(extensionIconKey), lines(text(extensionJSKey)), lines(text(extensionCSSKey))})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the extensions: %w", err)
	}
	return list, nil
}

func lines(s string) []string {
	list := []string{}
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// RequestStatistics are the requests that this node answered in an interval.
type RequestStatistics struct {
	Start time.Time
	Count int64 // at least one
	Total time.Duration
}

// AddStatistics adds a record about requests. Each node has its own.
func (s *Service) AddStatistics(ctx context.Context, n RequestStatistics) error {
	st, err := s.Structure(ctx)
	if err != nil {
		return err
	}
	c := st.Catalog(requests)
	values := map[string]Value{
		requestsStartKey:   Time(n.Start.UnixMilli()),
		requestsCountKey:   Number(n.Count),
		requestsTotalKey:   Number(n.Total.Seconds()),
		requestsAverageKey: Number(float64(n.Total.Microseconds()) / float64(n.Count) / 1000),
	}
	if s.options.Server.Accounts != nil {
		values[requestsCompanyKey] = linkTargets(query.MakeRef(companies, s.companyRecord()))
	}
	op := Create{Catalog: requests}
	for _, f := range c.Fields {
		if v := values[f.Key]; v != nil {
			op.Values = append(op.Values, FieldValue{f.Num, v})
		}
	}
	_, err = s.Apply(ctx, Actor{System: true, Origin: serverOrigin}, []Op{op}, nil)
	return err
}

// companyRecord is the number of the record of this company, which is the one that
// is served.
func (s *Service) companyRecord() query.Record { return query.Record(s.options.Company) }
