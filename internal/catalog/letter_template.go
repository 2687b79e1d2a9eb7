package catalog

import (
	"context"
	"errors"
	"fmt"

	"kartoteka/internal/fault"
	"kartoteka/internal/mail"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// templatesCatalog has the templates of letters.
const templatesCatalog query.Catalog = 22

// Its fields.
const (
	templateKey     = "$template"
	subjectKey      = "$subject"
	fromKey         = "$from"
	templateCodeKey = "$templateCode"
)

// makeLetter fills the template of a letter in: the record's or, if there is none
// or it is not understood, the built-in one.
func (s *Service) makeLetter(ctx context.Context, l queuedLetter) (mail.Letter, error) {
	template, found, err := s.template(ctx, l.Code)
	if err != nil {
		return mail.Letter{}, err
	}
	if found {
		made, err := template.Fill(l.To, l.Values)
		if err == nil {
			return made, nil
		}
		s.options.Log.WarnContext(ctx, "letter.bad_template", "module", "Mail", "code", string(l.Code), "error", err)
	}
	return mail.Builtin(l.Code, s.options.Letters.Language).Fill(l.To, l.Values)
}

// template is the first record's that has the code.
func (s *Service) template(ctx context.Context, code mail.Code) (t mail.Template, found bool, err error) {
	st, err := s.Structure(ctx)
	if err != nil {
		return t, false, err
	}
	c := st.Catalog(templatesCatalog)
	keys := []string{templateCodeKey, subjectKey, fromKey, templateKey}
	fields := make([]*Field, len(keys))
	for i, key := range keys {
		fields[i] = c.FieldByKey(key)
	}
	rows, err := s.Records(ctx, Actor{System: true}, c.Num, query.Query{
		Where: query.Cond{Field: fields[0].Num, Test: query.Substring{Fold: text.Fold(string(code))}},
		Limit: s.options.RecordsMax,
	}, &Selection{Fields: fields})
	if err != nil {
		return t, false, fmt.Errorf("look for the template %s: %w", code, err)
	}
	for i := range rows.Page.Len() {
		get := func(j int) string { return string(rows.Page.Bytes(rows.Page.Cell(i, rows.Page.Column(fields[j].Num)))) }
		if get(0) == string(code) {
			return mail.Template{Subject: get(1), From: get(2), HTML: get(3)}, true, nil
		}
	}
	return t, false, nil
}

// errSeeded ends a transaction that finds the templates made.
var errSeeded = errors.New("the templates were made before")

// seedTemplates gives a company, once in its life, the built-in templates as
// records that it may change.
func (s *Service) seedTemplates(ctx context.Context) error {
	if s.options.Letters.Language == "" {
		return nil
	}
	first := false
	err := s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) error {
		n, err := w.Next(ctx, TemplatesCounter)
		if first = n == 1; err != nil {
			return err
		}
		return errSeeded // only looked at
	})
	if !first || !errors.Is(err, errSeeded) {
		return unless(err, errSeeded)
	}
	st, err := s.Structure(ctx)
	if err != nil {
		return err
	}
	c := st.Catalog(templatesCatalog)
	var ops []Op
	for _, code := range mail.Codes {
		t := mail.Builtin(code, s.options.Letters.Language)
		ops = append(ops, Create{Catalog: c.Num, Values: []FieldValue{
			{c.FieldByKey(nameKey).Num, Text(t.Name)},
			{c.FieldByKey(templateKey).Num, Text(t.HTML)},
			{c.FieldByKey(subjectKey).Num, Text(t.Subject)},
			{c.FieldByKey(templateCodeKey).Num, Text(code)},
		}})
	}
	_, err = s.Apply(ctx, Actor{System: true, Origin: systemOrigin}, ops, func(w Writer, _ []Outcome) error {
		if n, err := w.Next(ctx, TemplatesCounter); err != nil || n == 1 {
			return err
		}
		return errSeeded // by another node
	})
	if fault.Is(err, fault.ValidationFailed) {
		s.options.Log.WarnContext(ctx, "templates.refused", "module", "Mail", "error", err)
		return nil // its own required fields, or short texts: letters have the built-in ones
	}
	return unless(err, errSeeded)
}

// unless is err, or nil for the expected one.
func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
