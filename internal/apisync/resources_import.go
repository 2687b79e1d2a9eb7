package apisync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// The modes of an import.
const (
	MergeMode  = "merge"       // what the file has is made or changed
	CreateMode = "create_only" // what is there already stays
)

// ImportAsk is one import.
type ImportAsk struct {
	Mode   string // "" is MergeMode
	DryRun bool
	// Env looks up ${env:NAME}; nil finds nothing.
	Env func(name string) (string, bool)
}

// Imported is what an import did, or would do: kinds and codes.
type Imported struct {
	Created, Updated, Unchanged, Deleted []string
	Errors, Warnings                     []fault.Detail
}

// Import makes the configuration that a file has (Export), all of it or, when anything
// is wrong, nothing. What the file does not name stays; a list of lines, headers,
// params or credentials that it has is the whole list. With DryRun nothing is written
// and errors are in the result.
func (s *Service) Import(ctx context.Context, a catalog.Actor, file Doc, ask ImportAsk) (*Imported, error) {
	var done *Imported
	err := s.change(ctx, a, func(st *State) (change, error) {
		i := &importing{
			checking: checking{service: s, state: st}, before: st, ask: ask, actor: a,
			result: &Imported{Created: []string{}, Updated: []string{}, Unchanged: []string{}, Deleted: []string{}},
		}
		done = i.result
		if err := i.run(ctx, file); err != nil {
			return change{}, err
		}
		done.Errors, done.Warnings = i.errors, i.warnings
		if ask.DryRun {
			return change{}, nil
		}
		if err := fault.Invalid(i.errors); err != nil || len(i.writes) == 0 {
			return change{}, err
		}
		return change{"imported", []any{"created", len(done.Created), "updated", len(done.Updated)}, i.write}, nil
	})
	return done, err
}

// importing is one import on its way.
type importing struct {
	checking
	before *State
	ask    ImportAsk
	actor  catalog.Actor
	result *Imported
	writes []func(Writer) error
}

func (i *importing) write(w Writer) error {
	for _, fn := range i.writes {
		if err := fn(w); err != nil {
			return err
		}
	}
	return nil
}

func (i *importing) run(ctx context.Context, file Doc) error {
	for _, key := range sortedKeys(file) {
		switch key {
		case "version", "company", "settings", "scripts", "configs":
		case "connections":
			i.fail(key, fault.NotImplemented, "requests to other systems are not possible yet; in and mapping are")
		default:
			i.fail(key, fault.UnknownField, "there is no such attribute")
		}
	}
	if v := file["version"]; v != json.Number("1") {
		i.fail("version", fault.InvalidParameter, "expected one of %s", "1")
	}
	switch i.ask.Mode {
	case "", MergeMode, CreateMode:
	default:
		return fault.New(fault.InvalidParameter, "mode: %s", fault.Msg("expected one of %s", MergeMode+", "+CreateMode))
	}
	if file["settings"] != nil {
		if err := i.settings(ctx, file); err != nil {
			return err
		}
	}
	if err := i.scripts(ctx, file); err != nil {
		return err
	}
	return i.configs(ctx, file)
}

// under moves the errors that fn adds below a path.
func (i *importing) under(path string, fn func(k *checking) error) error {
	k := &checking{service: i.service, state: i.state}
	err := fn(k)
	for _, d := range k.errors {
		d.Path = strings.TrimSuffix(path+"."+d.Path, ".")
		i.errors = append(i.errors, d)
	}
	for _, d := range k.warnings {
		d.Path = strings.TrimSuffix(path+"."+d.Path, ".")
		i.warnings = append(i.warnings, d)
	}
	return err
}

func (i *importing) note(what string, created, changed bool) {
	r := i.result
	switch {
	case created:
		r.Created = append(r.Created, what)
	case changed:
		r.Updated = append(r.Updated, what)
	default:
		r.Unchanged = append(r.Unchanged, what)
	}
}

// objects gives the objects of one of the file's lists.
func (i *importing) objects(file Doc, key string) (docs []Doc) {
	all, ok := file[key].([]any)
	if !ok && file[key] != nil {
		i.fail(key, fault.Type, "expected a list")
	}
	codes := map[string]bool{}
	for n, one := range all {
		at := fmt.Sprintf("%s[%d]", key, n)
		doc, ok := one.(Doc)
		code, _ := doc["code"].(string)
		switch {
		case !ok:
			i.fail(at, fault.Type, "expected an object")
		case code == "":
			i.fail(at+".code", fault.Required, "a value is required")
		case codes[code]:
			i.fail(at+".code", fault.Duplicate, "it is there twice")
		}
		codes[code] = true
		docs = append(docs, doc)
	}
	return docs
}

// details gives the details of a refusal of one resource; another error is given back.
func details(err error, k *checking) error {
	if refused := (*fault.Error)(nil); errors.As(err, &refused) && refused.Code == fault.ValidationFailed {
		k.errors = append(k.errors, refused.Details...)
		return nil
	}
	return err
}

func (i *importing) settings(ctx context.Context, file Doc) error {
	r := i.before.resourceOf(SettingsKind, "")
	if i.ask.Mode == CreateMode && r.ID != 0 {
		i.note("settings", false, false)
		return nil
	}
	return i.under("settings", func(k *checking) error {
		doc, ok := file["settings"].(Doc)
		if !ok {
			k.fail("", fault.Type, "expected an object")
			return nil
		}
		secrets, _ := doc["secrets"].(Doc)
		secrets = maps.Clone(secrets)
		for _, name := range sortedKeys(secrets) {
			if text, ok := secrets[name].(string); ok {
				given := i.named(k, "secrets."+name, text)
				if secrets[name] = (Doc{"set": false}); given.text != nil {
					secrets[name] = *given.text
				} else if !i.before.has(name) {
					k.warn("secrets."+name, fault.NotFound, "there is no secret %s", name)
				}
			}
		}
		next, err := i.service.draftSettings(ctx, i.before, func(before Doc) (Doc, error) {
			out := merge(before, doc, false)
			if secrets != nil {
				out["secrets"] = secrets
			}
			return out, nil
		})
		if err != nil {
			return details(err, k)
		}
		now, _ := json.Marshal(next)
		was, _ := json.Marshal(i.before.Settings)
		changed := string(now) != string(was)
		if i.note("settings", false, changed); changed {
			i.writes = append(i.writes, func(w Writer) error {
				return i.service.save(ctx, w, r, func(int64) (any, error) { return next, nil })
			})
		}
		i.state = i.state.withSettings(next)
		return nil
	})
}

func (s *State) has(secret string) bool {
	_, ok := s.Settings.Secrets[secret]
	return ok
}

// withSettings is the configuration with other settings.
func (s *State) withSettings(next *Settings) *State {
	out := *s
	out.Settings = next
	return &out
}

func (i *importing) scripts(ctx context.Context, file Doc) error {
	all := maps.Clone(i.state.Scripts)
	for n, doc := range i.objects(file, "scripts") {
		code, _ := doc["code"].(string)
		before := i.before.Scripts[code]
		if before != nil && i.ask.Mode == CreateMode {
			i.note("script "+code, false, false)
			continue
		}
		from := code
		if before == nil {
			from = ""
		}
		err := i.under(fmt.Sprintf("scripts[%d]", n), func(k *checking) error {
			next, err := i.service.draftScript(ctx, i.before, from, nil, func(before Doc) (Doc, error) { return merge(before, doc, false), nil })
			if err != nil {
				return details(err, k)
			}
			all[code] = next
			changed := before == nil || *before != *next
			if i.note("script "+code, before == nil, changed); changed {
				r := i.before.resourceOf(ScriptKind, code)
				i.writes = append(i.writes, func(w Writer) error {
					return i.service.save(ctx, w, r, func(int64) (any, error) { return next, nil })
				})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	out := *i.state
	out.Scripts = all
	i.state = &out
	return nil
}

// configs reads all configs first, so that they may use each other, then checks them.
func (i *importing) configs(ctx context.Context, file Doc) error {
	drafts := map[int]*draft{}
	all := i.objects(file, "configs")
	next := i.state.with(newConfig())
	delete(next.Configs, "")
	for n, doc := range all {
		code, _ := doc["code"].(string)
		if i.before.Configs[code] != nil && i.ask.Mode == CreateMode {
			i.note("config "+code, false, false)
			continue
		}
		err := i.under(fmt.Sprintf("configs[%d]", n), func(k *checking) (err error) {
			drafts[n], err = i.draft(k, code, doc)
			return err
		})
		if err != nil {
			return err
		}
		if d := drafts[n]; d != nil && d.Config != nil {
			next.Configs[d.Code] = d.Config
		}
	}
	next = next.with(newConfig())
	delete(next.Configs, "")
	i.state = next
	for n := range all {
		if d := drafts[n]; d != nil && d.Config != nil {
			if err := i.config(ctx, n, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// draft reads one config of the file; nil when its form is wrong.
func (i *importing) draft(k *checking, code string, doc Doc) (*draft, error) {
	d := &draft{before: i.before.Configs[code], made: map[int64]string{}}
	out := Doc{}
	if d.before != nil {
		var err error
		if out, err = docOf(d.before.shown(nil)); err != nil {
			return nil, err
		}
	}
	out = merge(out, doc, false)
	if err := d.read(i.before, out, i.actor, k); err != nil || len(k.errors) > 0 {
		return nil, err
	}
	for n := range d.Credentials {
		d.credentials[n] = i.resolved(k, fmt.Sprintf("credentials[%d].secret", n), d.credentials[n])
	}
	for n := range d.Headers {
		d.headers[n] = i.resolved(k, fmt.Sprintf("headers[%d].value", n), d.headers[n])
	}
	return d, nil
}

// resolved puts the secret in place of its name. One that there is not leaves what is
// there, and a new credential without: none is made that nobody sees.
func (i *importing) resolved(k *checking, path string, given givenSecret) givenSecret {
	if given.text == nil {
		return given
	}
	return i.named(k, path, *given.text)
}

func (i *importing) named(k *checking, path, text string) givenSecret {
	if name, ok := reference(text, "${env:"); ok {
		value, found := "", false
		if i.ask.Env != nil {
			value, found = i.ask.Env(name)
		}
		if !found || value == "" {
			k.fail(path, fault.NotFound, "the environment has no variable %s", name)
			return givenSecret{missing: true}
		}
		return givenSecret{text: &value}
	}
	name, ok := reference(text, "${secret:")
	if !ok {
		return givenSecret{text: &text}
	}
	if value, found := i.state.Secret(name); found {
		return givenSecret{text: &value}
	}
	return givenSecret{missing: true}
}

// reference gives the name in "${kind:name}".
func reference(text, prefix string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	name, closed := strings.CutSuffix(rest, "}")
	return name, ok && closed
}

func (i *importing) config(ctx context.Context, n int, d *draft) error {
	return i.under(fmt.Sprintf("configs[%d]", n), func(k *checking) error {
		if err := k.config(ctx, d); err != nil || len(k.errors) > 0 {
			return err
		}
		if err := i.service.settle(ctx, d); err != nil {
			return err
		}
		for at := range d.Credentials {
			if c := &d.Credentials[at]; c.Enabled && !c.Secret.Set() && d.seal[at] == "" {
				k.warn(fmt.Sprintf("credentials[%d].secret", at), fault.Required, "the credential has no secret: rotate it or set one")
			}
		}
		changed := d.changed()
		if i.note("config "+d.Code, d.before == nil, changed); changed {
			i.writes = append(i.writes, func(w Writer) error { return i.service.writeConfig(ctx, w, i.before, d) })
		}
		return nil
	})
}
