package apisync

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// SaveScript saves what edit makes of the named script with a code, or of nothing when
// that is "". changed is false when it was so before.
func (s *Service) SaveScript(ctx context.Context, a catalog.Actor, code string, m Match, event string, edit Edit) (saved *NamedScript, changed bool, err error) {
	err = s.change(ctx, a, func(st *State) (change, error) {
		before, r := st.Scripts[code], st.resourceOf(ScriptKind, code)
		n, err := s.draftScript(ctx, st, code, m, edit)
		if err != nil {
			return change{}, err
		}
		saved = n
		if before == nil {
			r = st.resourceOf(ScriptKind, n.Code)
		}
		if changed = before == nil || *before != *n; !changed {
			return change{}, nil
		}
		return change{event, []any{"script", n.Code}, func(w Writer) error {
			err := s.save(ctx, w, r, func(int64) (any, error) { return n, nil })
			n.ID, n.Version, n.CreatedAt, n.UpdatedAt = r.ID, r.Version, timeOf(r.Created), timeOf(r.Updated)
			return err
		}}, nil
	})
	return saved, changed, err
}

func (s *Service) draftScript(ctx context.Context, st *State, code string, m Match, edit Edit) (*NamedScript, error) {
	before := st.Scripts[code]
	var doc Doc
	if code != "" {
		if before == nil {
			return nil, noResource()
		}
		if err := st.resourceOf(ScriptKind, code).matches(m); err != nil {
			return nil, err
		}
		var err error
		if doc, err = docOf(before); err != nil {
			return nil, err
		}
	}
	doc, err := edit(doc)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"id", "created_at", "updated_at", "version"} {
		delete(doc, name)
	}
	if name, ok := doc["name"].(string); ok && doc["code"] == nil {
		doc["code"] = codeOf(name, func(code string) bool { return st.Scripts[code] != nil })
	}
	n := &NamedScript{Kind: "snippet"}
	k := &checking{service: s, state: st}
	if k.errors, err = decode(doc, n); err != nil || k.errors != nil {
		return nil, either(err, fault.Invalid(k.errors))
	}
	if before != nil {
		n.ID, n.Version, n.CreatedAt, n.UpdatedAt = before.ID, before.Version, before.CreatedAt, before.UpdatedAt
		if n.Code != code {
			k.fail("code", fault.InvalidParameter, "the code cannot be changed")
		}
	}
	if err := k.script(ctx, n, before == nil); err != nil {
		return nil, err
	}
	return n, fault.Invalid(k.errors)
}

func either(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// DeleteScript removes a named script that no config uses.
func (s *Service) DeleteScript(ctx context.Context, a catalog.Actor, code string, m Match) error {
	return s.change(ctx, a, func(st *State) (change, error) {
		if st.Scripts[code] == nil {
			return change{}, noResource()
		}
		r := st.resourceOf(ScriptKind, code)
		if err := r.matches(m); err != nil {
			return change{}, err
		}
		for _, other := range sortedKeys(st.Configs) {
			for _, one := range st.Configs[other].scripts() {
				if one.script.Ref == code {
					return change{}, fault.New(fault.Conflict, "the config %s uses it", other)
				}
			}
		}
		return change{"script.deleted", []any{"script", code}, func(w Writer) error { return w.DeleteSyncResource(ctx, r.ID) }}, nil
	})
}

// shown is the module's settings as the admin API shows them.
func (s *Settings) shown() *Settings {
	out := *s
	out.Secrets = map[string]Secret{}
	for name, sec := range s.Secrets {
		out.Secrets[name] = sec.shownTo("")
	}
	return &out
}

// Settings gives the settings for the admin API.
func (s *State) ShownSettings() *Settings { return s.Settings.shown() }

// SaveSettings saves what edit makes of the module's settings. changed is false when
// they were so before.
func (s *Service) SaveSettings(ctx context.Context, a catalog.Actor, m Match, edit Edit) (saved *Settings, changed bool, err error) {
	err = s.change(ctx, a, func(st *State) (change, error) {
		r := st.resourceOf(SettingsKind, "")
		if err := r.matches(m); err != nil {
			return change{}, err
		}
		next, err := s.draftSettings(ctx, st, edit)
		if err != nil {
			return change{}, err
		}
		saved = next.shown()
		now, err1 := json.Marshal(next)
		was, err2 := json.Marshal(st.Settings)
		if changed = err1 != nil || err2 != nil || string(now) != string(was); !changed {
			return change{}, nil
		}
		return change{"settings.changed", nil, func(w Writer) error {
			err := s.save(ctx, w, r, func(int64) (any, error) { return next, nil })
			saved.Version = r.Version
			return err
		}}, nil
	})
	return saved, changed, err
}

func (s *Service) draftSettings(ctx context.Context, st *State, edit Edit) (*Settings, error) {
	doc, err := docOf(st.Settings.shown())
	if err != nil {
		return nil, err
	}
	if doc, err = edit(doc); err != nil {
		return nil, err
	}
	delete(doc, "version")
	k := &checking{service: s, state: st}
	secrets, ok := doc["secrets"].(Doc)
	if doc["secrets"] != nil && !ok {
		k.fail("secrets", fault.Type, "expected an object")
	}
	delete(doc, "secrets")
	next := defaultSettings()
	wrong, err := decode(doc, next)
	if k.errors = append(k.errors, wrong...); err != nil || len(k.errors) > 0 {
		return nil, either(err, fault.Invalid(k.errors))
	}
	next.Version = st.Settings.Version
	next.Secrets = maps.Clone(st.Settings.Secrets)
	s.settleNamed(st, secrets, next, k)
	if err := k.settings(ctx, next); err != nil {
		return nil, err
	}
	return next, fault.Invalid(k.errors)
}

// settleNamed seals the named secrets that were given; the others stay.
func (s *Service) settleNamed(st *State, given Doc, next *Settings, k *checking) {
	for _, name := range sortedKeys(given) {
		path := "secrets." + name
		sec, ok := takeSecret(Doc{"secret": given[name]}, "secret")
		switch {
		case !ok:
			k.fail(path, fault.Type, "expected a text")
		case sec.clear:
			delete(next.Secrets, name)
		case sec.text != nil:
			k.checkSecret(path, *sec.text, 1)
			if was, ok := st.Secret(name); ok && was == *sec.text {
				continue
			}
			next.Secrets[name] = Secret{
				Sealed: s.options.Sealer.Seal(*sec.text, place(0, namedField(name))), UpdatedAt: s.options.Now().UTC().Truncate(time.Second),
			}
		default: // one that waits for its value
			if _, known := next.Secrets[name]; !known {
				next.Secrets[name] = Secret{}
			}
		}
	}
}
