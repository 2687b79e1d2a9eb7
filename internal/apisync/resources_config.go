package apisync

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// SavedConfig is a config as it was saved.
type SavedConfig struct {
	Config   *Config
	Warnings []fault.Detail
	// Changed is false when it was so before.
	Changed bool
	Created bool
	// made are the secrets that were generated, by credential.
	made map[int64]string
}

// Shown is the config for the admin API: its secrets are hidden but for those that were
// just made.
func (c *SavedConfig) Shown() *Config { return c.Config.shown(c.made) }

// Edit makes a new document of a resource's current one, which it may change; that is
// nil where there is none yet.
type Edit func(before Doc) (Doc, error)

// shown is the config as the admin API shows it.
func (c *Config) shown(made map[int64]string) *Config {
	out := *c
	out.NextID = 0
	out.Credentials = slices.Clone(c.Credentials)
	for i := range out.Credentials {
		cr := &out.Credentials[i]
		cr.Secret = cr.Secret.shownTo(made[cr.ID])
		cr.Old = Secret{}
	}
	out.Headers = slices.Clone(c.Headers)
	for i := range out.Headers {
		if h := &out.Headers[i]; h.Role == RequireRole {
			h.Secret = h.Secret.shownTo("")
		}
	}
	return &out
}

// The roles of headers.
const (
	RequireRole = "require"
	RespondRole = "respond"
)

// draft is a config on its way from a document to the store.
type draft struct {
	*Config
	before      *Config // nil for a new one
	credentials []givenSecret
	headers     []givenSecret
	made        map[int64]string
	seal        map[int]string // secrets to seal, by the index of their credential
}

// SaveConfig saves what edit makes of the config with a code, or of nothing when that
// is "". Every error is told at once.
func (s *Service) SaveConfig(ctx context.Context, a catalog.Actor, code string, m Match, event string, edit Edit) (*SavedConfig, error) {
	var saved *SavedConfig
	err := s.change(ctx, a, func(st *State) (change, error) {
		d, k, err := s.draftConfig(ctx, a, st, code, m, edit)
		if err != nil {
			return change{}, err
		}
		saved = &SavedConfig{Config: d.Config, Warnings: k.warnings, Created: d.before == nil}
		if err := s.settle(ctx, d); err != nil {
			return change{}, err
		}
		saved.made = d.made
		if saved.Changed = d.changed(); !saved.Changed {
			return change{}, nil
		}
		return change{event: event, attrs: []any{"config", d.Code}, write: func(w Writer) error { return s.writeConfig(ctx, w, st, d) }}, nil
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// draftConfig makes and checks what is to be saved.
func (s *Service) draftConfig(ctx context.Context, a catalog.Actor, st *State, code string, m Match, edit Edit) (*draft, *checking, error) {
	var doc Doc
	before := st.Configs[code]
	if code != "" {
		if before == nil {
			return nil, nil, noResource()
		}
		if err := st.resourceOf(ConfigKind, code).matches(m); err != nil {
			return nil, nil, err
		}
		var err error
		if doc, err = docOf(before.shown(nil)); err != nil {
			return nil, nil, err
		}
	}
	doc, err := edit(doc)
	if err != nil {
		return nil, nil, err
	}
	d := &draft{before: before, made: map[int64]string{}}
	k := &checking{service: s, state: st}
	if err := d.read(st, doc, a, k); err != nil {
		return nil, nil, err
	}
	if len(k.errors) > 0 {
		return nil, nil, fault.Invalid(k.errors)
	}
	if err := k.config(ctx, d); err != nil {
		return nil, nil, err
	}
	return d, k, fault.Invalid(k.errors)
}

// read makes the config of a document. Errors of the shape go to k.
func (d *draft) read(st *State, doc Doc, a catalog.Actor, k *checking) error {
	for _, name := range []string{"id", "health", "health_details", "created_at", "updated_at", "version", "next_id"} {
		delete(doc, name)
	}
	d.fill(st, doc, a)
	d.take(doc, k)
	d.Config = newConfig()
	wrong, err := decode(doc, d.Config)
	k.errors = append(k.errors, wrong...)
	if err != nil || len(k.errors) > 0 {
		return err
	}
	if d.before != nil {
		d.ID, d.NextID, d.Version, d.CreatedAt = d.before.ID, d.before.NextID, d.before.Version, d.before.CreatedAt
		d.UpdatedAt = d.before.UpdatedAt
		if d.Code != d.before.Code {
			k.fail("code", fault.InvalidParameter, "the code cannot be changed")
		}
	}
	d.number(k)
	return nil
}

// fill sets what a document may leave out and depends on other parts of it.
func (d *draft) fill(st *State, doc Doc, a catalog.Actor) {
	if name, ok := doc["name"].(string); ok && doc["code"] == nil {
		doc["code"] = codeOf(name, func(code string) bool { return st.Configs[code] != nil })
	}
	if d.before == nil && a.Employee != 0 {
		unless(doc, "run_as", json.Number(fmt.Sprint(int64(a.Employee))))
	}
	unless(doc, "link_group", doc["code"])
	if how, ok := doc["hmac"].(Doc); ok {
		unless(how, "algorithm", "sha256")
		unless(how, "encoding", "hex")
		unless(how, "tolerance_seconds", json.Number("300"))
	}
	last := int64(0)
	for _, line := range list(doc, "lines") {
		unless(line, "sequence", json.Number(fmt.Sprint(last+10)))
		if n, ok := line["sequence"].(json.Number); ok {
			last, _ = n.Int64()
		}
	}
	for _, header := range list(doc, "headers") {
		unless(header, "enabled", true)
		unless(header, "role", RequireRole)
	}
	for _, param := range list(doc, "params") {
		unless(param, "enabled", true)
		unless(param, "value", "")
		if op := param["operator"]; op == nil || op == "" || op == "=" {
			unless(param, "kind", "query")
		} else {
			unless(param, "kind", "filter")
		}
	}
	for _, credential := range list(doc, "credentials") {
		unless(credential, "enabled", true)
		if credential["type"] == AuthHeader {
			unless(credential, "login", "X-API-Key")
		}
		for _, name := range []string{"last_used_at", "old_secret", "old_until"} {
			delete(credential, name)
		}
	}
}

// take takes the secrets out of a document.
func (d *draft) take(doc Doc, k *checking) {
	for i, credential := range list(doc, "credentials") {
		given, ok := takeSecret(credential, "secret")
		if !ok {
			k.fail(fmt.Sprintf("credentials[%d].secret", i), fault.Type, "expected a text")
		}
		d.credentials = append(d.credentials, given)
	}
	for i, header := range list(doc, "headers") {
		given, ok := takeSecret(header, "secret")
		if !ok {
			k.fail(fmt.Sprintf("headers[%d].secret", i), fault.Type, "expected a text")
		}
		if value, isText := header["value"].(string); isText && header["role"] == RequireRole {
			if value != "" {
				given = givenSecret{text: &value}
			}
			delete(header, "value")
		}
		d.headers = append(d.headers, given)
	}
}

// number gives ids to what has none: that of before with the same natural key, or a
// new one.
func (d *draft) number(k *checking) {
	was := d.before
	if was == nil {
		was = &Config{}
	}
	numberAll(d, k, "lines", d.Lines, was.Lines, func(l *Line) (*int64, string) { return &l.ID, l.ExternalKey + "\x00" + l.Direction })
	numberAll(d, k, "headers", d.Headers, was.Headers, func(h *Header) (*int64, string) { return &h.ID, h.Key })
	numberAll(d, k, "params", d.Params, was.Params, func(p *Param) (*int64, string) { return &p.ID, p.Field + "\x00" + p.Operator })
	numberAll(d, k, "credentials", d.Credentials, was.Credentials, func(c *Credential) (*int64, string) { return &c.ID, c.Label })
	for i := range d.Credentials {
		if c := &d.Credentials[i]; c.Label == "" {
			c.Label = fmt.Sprintf("%s %d", c.Type, c.ID)
		}
	}
}

func numberAll[T any](d *draft, k *checking, name string, now, before []T, of func(*T) (*int64, string)) {
	known, free := map[int64]bool{}, map[int64]bool{}
	for i := range before {
		id, _ := of(&before[i])
		known[*id], free[*id] = true, true
	}
	for i := range now {
		id, _ := of(&now[i])
		if *id == 0 {
			continue
		}
		if !known[*id] || !free[*id] {
			k.fail(fmt.Sprintf("%s[%d].id", name, i), fault.NotFound, "there is no such resource")
		}
		free[*id] = false
	}
	for i := range now {
		id, key := of(&now[i])
		for j := 0; j < len(before) && *id == 0; j++ {
			if other, like := of(&before[j]); like == key && free[*other] {
				*id, free[*other] = *other, false
			}
		}
		if *id == 0 {
			d.NextID++
			*id = d.NextID
		}
	}
}

// byID finds the one with an id; nil if there is none.
func byID[T any](all []T, id int64, of func(*T) int64) *T {
	for i := range all {
		if of(&all[i]) == id {
			return &all[i]
		}
	}
	return nil
}

func credentialID(c *Credential) int64 { return c.ID }
func headerID(h *Header) int64         { return h.ID }

// settle hashes the secrets that were given, keeps the others, and makes those that
// are missing. What has to be sealed waits for the config's id.
func (s *Service) settle(ctx context.Context, d *draft) (err error) {
	d.seal = map[int]string{}
	was := d.before
	if was == nil {
		was = &Config{}
	}
	for i := range d.Credentials {
		c := &d.Credentials[i]
		before := byID(was.Credentials, c.ID, credentialID)
		given := d.credentials[i]
		if before != nil {
			c.LastUsedAt = before.LastUsedAt
		}
		if before != nil && before.Type == c.Type && given.text == nil && !given.clear {
			c.Secret, c.Old, c.OldUntil = before.Secret, before.Old, before.OldUntil
			continue
		}
		if given.clear || given.missing || c.Type == AuthPlatform || c.Type == AuthNone {
			continue
		}
		if given.text == nil {
			made := generate()
			given.text, d.made[c.ID] = &made, made
		}
		if before != nil && before.Type == c.Type && s.same(was, before, *given.text) {
			c.Secret, c.Old, c.OldUntil = before.Secret, before.Old, before.OldUntil
			continue
		}
		if c.Type == AuthHMAC {
			d.seal[i] = *given.text
			continue
		}
		if c.Secret, err = s.hashSecret(ctx, *given.text, c.Type == AuthBasic); err != nil {
			return err
		}
	}
	return s.settleHeaders(ctx, d, was)
}

func (s *Service) settleHeaders(ctx context.Context, d *draft, was *Config) (err error) {
	for i := range d.Headers {
		h := &d.Headers[i]
		if h.Role != RequireRole || d.headers[i].clear {
			continue
		}
		before := byID(was.Headers, h.ID, headerID)
		text := d.headers[i].text
		if before != nil && (text == nil || s.Matches(before.Secret, *text)) {
			h.Secret = before.Secret
		} else if text != nil {
			if h.Secret, err = s.hashSecret(ctx, *text, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// same tells whether a credential has that secret already.
func (s *Service) same(c *Config, cr *Credential, text string) bool {
	if cr.Type == AuthHMAC {
		now, _, err := s.OpenCredential(c, cr)
		return err == nil && cr.Secret.Set() && now == text
	}
	return cr.Secret.Set() && s.Matches(cr.Secret, text)
}

// changed tells whether a draft differs from what is stored.
func (d *draft) changed() bool {
	if d.before == nil || len(d.seal) > 0 {
		return true
	}
	now, err1 := json.Marshal(d.Config)
	was, err2 := json.Marshal(d.before)
	return err1 != nil || err2 != nil || string(now) != string(was)
}

// writeConfig stores a draft; the config then has what the store gave it.
func (s *Service) writeConfig(ctx context.Context, w Writer, st *State, d *draft) error {
	r := st.resourceOf(ConfigKind, d.Code)
	err := s.save(ctx, w, r, func(id int64) (any, error) {
		for i, text := range d.seal {
			c := &d.Credentials[i]
			c.Secret = Secret{
				Sealed:    s.options.Sealer.Seal(text, place(id, credentialField(c.ID))),
				UpdatedAt: s.options.Now().UTC().Truncate(time.Second),
			}
		}
		return d.Config, nil
	})
	d.ID, d.Version, d.CreatedAt, d.UpdatedAt = r.ID, r.Version, timeOf(r.Created), timeOf(r.Updated)
	return err
}

// DeleteConfig removes a config that no other one uses.
func (s *Service) DeleteConfig(ctx context.Context, a catalog.Actor, code string, m Match) error {
	return s.change(ctx, a, func(st *State) (change, error) {
		if st.Configs[code] == nil {
			return change{}, noResource()
		}
		r := st.resourceOf(ConfigKind, code)
		if err := r.matches(m); err != nil {
			return change{}, err
		}
		for _, other := range sortedKeys(st.Configs) {
			if other != code && st.Configs[other].uses(code) {
				return change{}, fault.New(fault.Conflict, "the config %s uses it", other)
			}
		}
		return change{"config.deleted", []any{"config", code}, func(w Writer) error { return w.DeleteSyncResource(ctx, r.ID) }}, nil
	})
}

// uses tells whether a config has the lines or the mapping of another.
func (c *Config) uses(code string) bool {
	return c.LinesFrom == code || slices.ContainsFunc(c.Lines, func(l Line) bool { return l.MappingConfig == code })
}

// Rotate gives a credential a new secret, which the answer shows once. The old one
// stays valid for a while.
func (s *Service) Rotate(ctx context.Context, a catalog.Actor, code string, id int64, grace time.Duration) (*SavedConfig, error) {
	var saved *SavedConfig
	err := s.change(ctx, a, func(st *State) (change, error) {
		before := st.Configs[code]
		if before == nil || byID(before.Credentials, id, credentialID) == nil {
			return change{}, noResource()
		}
		c := *before
		c.Credentials = slices.Clone(before.Credentials)
		d := &draft{Config: &c, before: before, made: map[int64]string{id: generate()}, seal: map[int]string{}}
		i := slices.IndexFunc(c.Credentials, func(cr Credential) bool { return cr.ID == id })
		cr := &c.Credentials[i]
		if cr.Type == AuthPlatform {
			return change{}, fault.New(fault.InvalidParameter, "such a credential has no secret")
		}
		cr.Old, cr.OldUntil = Secret{}, nil
		if grace > 0 && cr.Secret.Set() {
			until := s.options.Now().UTC().Add(grace).Truncate(time.Second)
			cr.Old, cr.OldUntil = cr.Secret, &until
		}
		var err error
		if cr.Type == AuthHMAC {
			d.seal[i] = d.made[id]
		} else if cr.Secret, err = s.hashSecret(ctx, d.made[id], cr.Type == AuthBasic); err != nil {
			return change{}, err
		}
		saved = &SavedConfig{Config: d.Config, made: d.made, Changed: true}
		return change{"credential.rotated", []any{"config", code, "credential", id},
			func(w Writer) error { return s.writeConfig(ctx, w, st, d) }}, nil
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// Duplicate is the document of an inactive copy of a config, without credentials and
// the secrets of headers: those are somebody's.
func (s *State) Duplicate(code string) (Doc, error) {
	c := s.Configs[code]
	if c == nil {
		return nil, noResource()
	}
	doc, err := docOf(c.shown(nil))
	if err != nil {
		return nil, err
	}
	taken := func(code string) bool { return s.Configs[code] != nil }
	doc["code"] = codeOf(code, taken)
	doc["active"], doc["credentials"] = false, []any{}
	if c.LinkGroup == code {
		delete(doc, "link_group")
	}
	if c.RequestType == Inbound {
		doc["endpoint"] = doc["code"]
	}
	for _, name := range []string{"lines", "headers", "params"} {
		for _, child := range list(doc, name) {
			delete(child, "id")
		}
	}
	return doc, nil
}

// Validate tells what is wrong with what edit makes of a config; nothing is saved.
func (s *Service) Validate(ctx context.Context, a catalog.Actor, code string, edit Edit) (errs, warnings []fault.Detail, err error) {
	if err := s.Need(ctx, a, Administrator); err != nil {
		return nil, nil, err
	}
	st, err := s.Current(ctx)
	if err != nil {
		return nil, nil, err
	}
	k := &checking{}
	_, checked, err := s.draftConfig(ctx, a, st, code, nil, edit)
	if err := details(err, k); err != nil {
		return nil, nil, err
	}
	if checked != nil {
		warnings = checked.warnings
	}
	return k.errors, warnings, nil
}
